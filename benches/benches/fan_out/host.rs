//! The server in a process of its own, and that process's memory.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use clap::Parser;
use flowstone_benches::scratch::scratch;
use flowstone_server::config::{Config, Flags};
use flowstone_server::descriptors;
use flowstone_server::server::Server;
use tempfile::TempDir;
use tokio::sync::watch;

/// The argument that makes this program the server.
pub(crate) const SERVE: &str = "--serve";

/// A running server, with a data directory of its own. Killed when dropped.
#[derive(Debug)]
pub(crate) struct Host {
    child: Child,
    address: SocketAddr,
    _directory: TempDir,
}

/// A process's memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// All that is resident, with the pages of its files.
    pub(crate) resident_bytes: u64,
    /// What is its alone: heap and stacks.
    pub(crate) anonymous_bytes: u64,
}

impl Host {
    /// Starts a server on a fresh directory.
    pub(crate) fn start() -> std::io::Result<Host> {
        let directory = scratch()?;
        let mut child = Command::new(std::env::current_exe()?)
            .arg(SERVE)
            .arg(directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let output = child.stdout.take().expect("its output is a pipe");
        BufReader::new(output).read_line(&mut line)?;
        let address = line.trim().parse().map_err(std::io::Error::other)?;
        Ok(Host { child, address, _directory: directory })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn memory(&self) -> Memory {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let kib = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.trim_matches(|c: char| !c.is_ascii_digit()).parse().ok())
        };
        Memory {
            resident_bytes: kib("VmRSS:").unwrap_or(0u64) * 1024,
            anonymous_bytes: kib("RssAnon:").unwrap_or(0u64) * 1024,
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

/// Serves `directory` until the other side is gone, and says first where.
pub(crate) fn serve(directory: &Path) {
    let directory = directory.to_str().expect("scratch directories have plain names");
    let flags = ["flowstone", "--listen", "127.0.0.1:0", "--data-dir", directory];
    let flags = Flags::try_parse_from(flags).expect("these flags are right");
    let mut config = Config::resolve(flags).expect("this configuration is right");
    config.http.connections_max = descriptors::make_room(config.http.connections_max);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    runtime.block_on(async move {
        let server = Server::open(&config).await.expect("the server opens");
        let address = server.address().expect("it is bound");
        writeln!(std::io::stdout(), "{address}").expect("the other side listens");
        let (stop, stopping) = watch::channel(false);
        std::thread::spawn(move || {
            let _ = std::io::stdin().read(&mut [0]);
            let _ = stop.send(true);
        });
        server.serve(stopping).await.expect("the server ends in order");
    });
}
