//! Redis Streams: `XADD` over its protocol.

use std::io;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::host::Host;
use super::{BATCH_RECORDS, Operation};
use crate::cores::Cores;
use crate::payload::Payload;

/// Different requests that a connection sends in turn.
const KINDS: usize = 8;

/// When Redis flushes its append-only file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush {
    /// Once a second: its default.
    EverySecond,
    /// Before each answer.
    Always,
}

/// The version of the installed Redis; an error when there is none.
pub fn version() -> io::Result<String> {
    let missing = |_| io::Error::other("redis-server is not installed");
    let output = Command::new("redis-server").arg("--version").output().map_err(missing)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text.split("v=").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or("?").to_owned())
}

/// A server on `directory`.
pub fn start(cores: &Cores, directory: TempDir, flush: Flush) -> io::Result<Host> {
    Host::start(cores, directory, |address, directory| {
        let mut command = Command::new("redis-server");
        let flush = match flush {
            Flush::EverySecond => "everysec",
            Flush::Always => "always",
        };
        command.args(["--bind", "127.0.0.1", "--port", &address.port().to_string()]);
        command.args(["--appendonly", "yes", "--appendfsync", flush, "--save", ""]);
        command.arg("--dir").arg(directory);
        Ok(command)
    })
}

/// Requests, ready to be sent.
#[derive(Debug)]
pub struct Requests {
    singles: Vec<Vec<u8>>,
    batches: Vec<Vec<u8>>,
}

impl Requests {
    /// `XADD`s of records of `record_bytes` bytes.
    #[must_use]
    pub fn new(record_bytes: usize) -> Arc<Requests> {
        let mut payload = Payload::new(1);
        let mut add = move || {
            let data = payload.record(record_bytes);
            let mut command = b"*5\r\n$4\r\nXADD\r\n$5\r\nbench\r\n$1\r\n*\r\n$1\r\nd\r\n".to_vec();
            command.extend_from_slice(format!("${}\r\n", data.len()).as_bytes());
            command.extend_from_slice(&data);
            command.extend_from_slice(b"\r\n");
            command
        };
        let singles = (0..KINDS).map(|_| add()).collect();
        let mut batch = || (0..BATCH_RECORDS).flat_map(|_| add()).collect();
        let batches = (0..KINDS).map(|_| batch()).collect();
        Arc::new(Requests { singles, batches })
    }
}

/// A connection.
#[derive(Debug)]
pub struct Connection {
    socket: TcpStream,
    /// What was read of a line that is not whole yet.
    rest: Vec<u8>,
    requests: Arc<Requests>,
    next: usize,
}

impl Connection {
    /// Connects.
    pub async fn open(server: SocketAddr, requests: &Arc<Requests>) -> io::Result<Connection> {
        let socket = TcpStream::connect(server).await?;
        socket.set_nodelay(true)?;
        Ok(Connection { socket, rest: Vec::new(), requests: Arc::clone(requests), next: 0 })
    }

    /// See [`super::Connection::run`].
    pub async fn run(&mut self, operation: Operation) -> io::Result<()> {
        self.next += 1;
        let request = match operation {
            Operation::Single => &self.requests.singles[self.next % KINDS],
            Operation::Batch => &self.requests.batches[self.next % KINDS],
        };
        // A pipeline that is longer than the sockets' buffers fills both, unless answers are read
        // while it is sent.
        let (mut reader, mut writer) = self.socket.split();
        let rest = &mut self.rest;
        let read = async {
            // An identifier is a bulk string: a line with its length, a line with itself.
            let mut seen = 0;
            while seen < operation.records() {
                if reader.read_buf(rest).await? == 0 {
                    return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
                }
                let whole = rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
                for line in rest[..whole].split_inclusive(|byte| *byte == b'\n') {
                    match line[0] {
                        b'-' => {
                            let said = String::from_utf8_lossy(line).into_owned();
                            return Err(io::Error::other(said));
                        }
                        b'$' => {}
                        _ => seen += 1,
                    }
                }
                rest.drain(..whole);
            }
            Ok(())
        };
        tokio::try_join!(writer.write_all(request), read).map(drop)
    }
}
