//! A server as a child process: its core, its directory, its processor time.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::cores::Cores;
use crate::stopwatch::Stopwatch;
use crate::system::process;

/// A server that does not listen after this long has failed.
const START_MAX: Duration = Duration::from_secs(60);
/// Between two attempts to connect.
const TRY_AGAIN: Duration = Duration::from_millis(2);
/// Bytes of a failed server's log that are shown.
const LOG_SHOWN_BYTES: u64 = 2000;

/// A running server, with a directory of its own. Killed when dropped, and its directory goes too.
#[derive(Debug)]
pub struct Host {
    child: Child,
    address: SocketAddr,
    directory: TempDir,
}

impl Host {
    /// Starts what `command` makes of an address to listen on and a directory, on the server's
    /// core, and waits until it listens.
    pub fn start(
        cores: &Cores,
        directory: TempDir,
        command: impl FnOnce(SocketAddr, &Path) -> io::Result<Command>,
    ) -> io::Result<Host> {
        let address = free_address()?;
        let mut command = command(address, directory.path())?;
        let log = tempfile::tempfile()?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log.try_clone()?);
        let child = cores.spawn(&mut command)?;
        let mut host = Host { child, address, directory };
        host.wait_until_it_listens(log)?;
        Ok(host)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Processor time that it has taken so far, in seconds, in user and kernel mode.
    pub fn processor_s(&self) -> io::Result<f64> {
        process::processor_s(self.child.id())
    }

    /// Waits until it has nothing more to do: it takes no processor time.
    pub fn rest(&self) -> io::Result<()> {
        process::rest(self.child.id())
    }

    /// Memory that is its own, in bytes.
    pub fn anonymous_bytes(&self) -> io::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        Ok(kib.unwrap_or(0) * 1024)
    }

    /// Kills it, and returns its directory.
    pub fn kill(mut self) -> io::Result<TempDir> {
        self.child.kill()?;
        self.child.wait()?;
        let empty = TempDir::new()?;
        Ok(std::mem::replace(&mut self.directory, empty))
    }

    fn wait_until_it_listens(&mut self, mut log: File) -> io::Result<()> {
        let time = Stopwatch::start();
        loop {
            if TcpStream::connect(self.address).is_ok() {
                return Ok(());
            }
            let has_ended = self.child.try_wait()?;
            if has_ended.is_some() || time.elapsed() > START_MAX {
                let mut said = String::new();
                log.rewind()?;
                log.take(LOG_SHOWN_BYTES).read_to_string(&mut said)?;
                return Err(io::Error::other(format!("the server does not listen: {said}")));
            }
            std::thread::park_timeout(TRY_AGAIN);
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // Both fail when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A loopback address that nobody listens on.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// Another port that nobody listens on, for a server that will listen on `address` and needs two.
pub(super) fn free_port_beside(address: SocketAddr) -> io::Result<u16> {
    let _taken = TcpListener::bind(address)?;
    Ok(free_address()?.port())
}
