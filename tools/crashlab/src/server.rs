//! The real server as a child process: started on a loopback port, killed, stopped.

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::http::Connection;

/// A server that is not ready, or has not stopped, after this long has failed.
const DEADLINE: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// How to run the server.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The binary.
    pub binary: PathBuf,
    /// The data directory.
    pub data: PathBuf,
    /// Where its log goes.
    pub log: PathBuf,
    /// Bytes of a journal file.
    pub journal_file_bytes: usize,
}

/// A running server. Killed when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts the server and waits until it answers.
    pub fn start(setup: &Setup) -> io::Result<Server> {
        let address = free_address()?;
        let log = File::options().append(true).create(true).open(&setup.log)?;
        let child = Command::new(&setup.binary)
            .arg("--listen")
            .arg(address.to_string())
            .arg("--data-dir")
            .arg(&setup.data)
            .env("FLOWSTONE_JOURNAL_FILE_BYTES", setup.journal_file_bytes.to_string())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let mut server = Server { child, address };
        server.wait_until_ready()?;
        Ok(server)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it by SIGKILL.
    pub fn kill(mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(|_| ())
    }

    /// Asks it to stop by SIGTERM and waits until it has.
    pub fn stop(mut self) -> io::Result<ExitStatus> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("child has no process id"))?;
        kill_process(pid, Signal::TERM)?;
        let deadline = Deadline::start();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            deadline.look_again("server has not stopped")?;
        }
    }

    fn wait_until_ready(&mut self) -> io::Result<()> {
        let deadline = Deadline::start();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Err(io::Error::other(format!("server ended at its start: {status}")));
            }
            let health = Connection::open(self.address)
                .and_then(|mut connection| connection.send("GET", "/health", "", b""));
            if health.is_ok_and(|response| response.status == 200) {
                return Ok(());
            }
            deadline.look_again("server is not ready")?;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The server's binary: `FLOWSTONE_BIN`, or the one that was built beside this program.
pub fn find_binary() -> io::Result<PathBuf> {
    if let Some(binary) = std::env::var_os("FLOWSTONE_BIN") {
        return Ok(binary.into());
    }
    let own = std::env::current_exe()?;
    let beside = own.ancestors().skip(1).take(2).map(|folder| folder.join("flowstone"));
    beside
        .into_iter()
        .find(|path: &PathBuf| Path::is_file(path))
        .ok_or_else(|| io::Error::other("no server found: build it, or name it in FLOWSTONE_BIN"))
}

/// A loopback port that nobody listens on now.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

struct Deadline(Instant);

impl Deadline {
    #[expect(clippy::disallowed_methods, reason = "a deadline of a real process is in real time")]
    fn start() -> Deadline {
        Deadline(Instant::now())
    }

    fn look_again(&self, late: &str) -> io::Result<()> {
        if self.0.elapsed() > DEADLINE {
            return Err(io::Error::new(io::ErrorKind::TimedOut, late.to_owned()));
        }
        std::thread::park_timeout(LOOK_AGAIN);
        Ok(())
    }
}
