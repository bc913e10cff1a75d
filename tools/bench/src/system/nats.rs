//! NATS JetStream: publishing with acknowledgement over its protocol.

use std::ffi::OsString;
use std::io::{self, Write as _};
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

/// The request that makes the stream, on files.
const STREAM: &str = r#"{"name":"bench","subjects":["bench"],"storage":"file","retention":"limits","discard":"old"}"#;

/// When JetStream flushes its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush {
    /// Every two minutes: its default.
    Default,
    /// Before each acknowledgement.
    Always,
}

/// The server's program: that of `NATS_SERVER`, or the one that is installed.
fn program() -> OsString {
    std::env::var_os("NATS_SERVER").unwrap_or_else(|| "nats-server".into())
}

/// The version of the NATS server; an error when there is none that can flush as `flush` says.
pub fn version(flush: Flush) -> io::Result<String> {
    let missing = |_| io::Error::other("nats-server is not installed, and NATS_SERVER names none");
    let output = Command::new(program()).arg("--version").output().map_err(missing)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let version = text.trim().rsplit('v').next().unwrap_or_default();
    let mut parts = version.split('.').map_while(|part| part.parse::<u32>().ok());
    let is_new = (parts.next(), parts.next()) >= (Some(2), Some(10));
    if flush == Flush::Always && !is_new {
        let message = format!("NATS {version} cannot flush each message: 2.10 and later can");
        return Err(io::Error::other(message));
    }
    Ok(version.to_owned())
}

/// A server on `directory`, with the stream made.
pub fn start(cores: &Cores, directory: TempDir, flush: Flush) -> io::Result<Host> {
    Host::start(cores, directory, |address, directory| {
        let file = directory.join("nats.conf");
        let mut config = std::fs::File::create(&file)?;
        writeln!(config, "listen: \"{address}\"\nmax_payload: 2MB\njetstream {{")?;
        writeln!(config, "  store_dir: {:?}", directory.join("data"))?;
        if flush == Flush::Always {
            writeln!(config, "  sync_interval: always")?;
        }
        writeln!(config, "}}")?;
        let mut command = Command::new(program());
        command.arg("--config").arg(file);
        Ok(command)
    })
}

/// Requests, ready to be sent: they differ in where acknowledgements go, and so connection by
/// connection.
#[derive(Debug)]
struct Requests {
    singles: Vec<Vec<u8>>,
    batches: Vec<Vec<u8>>,
}

/// Records to publish; shared by all connections.
#[derive(Debug)]
pub struct Records(Vec<Vec<u8>>);

impl Records {
    /// Records of `record_bytes` bytes.
    #[must_use]
    pub fn new(record_bytes: usize) -> Arc<Records> {
        let mut payload = Payload::new(1);
        Arc::new(Records((0..BATCH_RECORDS).map(|_| payload.record(record_bytes)).collect()))
    }

    fn publish(&self, inbox: &str, number: usize) -> Vec<u8> {
        let data = &self.0[number % self.0.len()];
        let mut command = format!("PUB bench {inbox} {}\r\n", data.len()).into_bytes();
        command.extend_from_slice(data);
        command.extend_from_slice(b"\r\n");
        command
    }

    fn requests(&self, inbox: &str) -> Requests {
        let batch = |kind: usize| {
            (0..BATCH_RECORDS).flat_map(|at| self.publish(inbox, at + 7 * kind)).collect()
        };
        Requests {
            singles: (0..KINDS).map(|kind| self.publish(inbox, kind)).collect(),
            batches: (0..KINDS).map(batch).collect(),
        }
    }
}

/// A connection.
#[derive(Debug)]
pub struct Connection {
    socket: TcpStream,
    /// What was read of a line that is not whole yet.
    rest: Vec<u8>,
    requests: Requests,
    next: usize,
}

impl Connection {
    /// Connects, and makes the stream if it is not there; `number` tells connections apart.
    pub async fn open(
        server: SocketAddr,
        records: &Arc<Records>,
        number: usize,
    ) -> io::Result<Connection> {
        let socket = TcpStream::connect(server).await?;
        socket.set_nodelay(true)?;
        let inbox = format!("_INBOX.bench.{number}");
        let requests = records.requests(&inbox);
        let mut connection = Connection { socket, rest: Vec::new(), requests, next: 0 };
        let hello = format!(
            "CONNECT {{\"verbose\":false,\"pedantic\":false,\"echo\":false}}\r\n\
             SUB {inbox} 1\r\n\
             PUB $JS.API.STREAM.CREATE.bench {inbox} {}\r\n{STREAM}\r\n",
            STREAM.len()
        );
        connection.socket.write_all(hello.as_bytes()).await?;
        connection.acknowledged(1).await?;
        Ok(connection)
    }

    /// See [`super::Connection::run`].
    pub async fn run(&mut self, operation: Operation) -> io::Result<()> {
        self.next += 1;
        let request = match operation {
            Operation::Single => &self.requests.singles[self.next % KINDS],
            Operation::Batch => &self.requests.batches[self.next % KINDS],
        };
        self.socket.write_all(request).await?;
        self.acknowledged(operation.records()).await
    }

    /// Reads until `count` acknowledgements have come. Each is a message: a line that names it, and
    /// a line of JSON; the server's pings come in between.
    async fn acknowledged(&mut self, count: usize) -> io::Result<()> {
        let mut seen = 0;
        while seen < count {
            if self.socket.read_buf(&mut self.rest).await? == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
            }
            let whole = self.rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            let mut is_asked = false;
            for line in self.rest[..whole].split(|byte| *byte == b'\n') {
                match line {
                    [b'{', ..] if contains(line, b"\"error\":") => {
                        return Err(io::Error::other(String::from_utf8_lossy(line).into_owned()));
                    }
                    [b'{', ..] => seen += 1,
                    [b'P', b'I', ..] => is_asked = true,
                    [b'-', ..] => {
                        return Err(io::Error::other(String::from_utf8_lossy(line).into_owned()));
                    }
                    _ => {}
                }
            }
            self.rest.drain(..whole);
            if is_asked {
                self.socket.write_all(b"PONG\r\n").await?;
            }
        }
        Ok(())
    }
}

fn contains(line: &[u8], wanted: &[u8]) -> bool {
    line.windows(wanted.len()).any(|bytes| bytes == wanted)
}
