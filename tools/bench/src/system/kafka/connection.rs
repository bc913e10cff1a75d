//! Sending requests, and what the broker says of them.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::PARTITIONS;
use super::request::{Requests, TOPIC, metadata, produce};
use crate::stopwatch::Stopwatch;
use crate::system::Operation;

/// A broker that takes no records after this long has failed.
const READY_MAX: Duration = Duration::from_secs(30);
/// Between two attempts.
const TRY_AGAIN: Duration = Duration::from_millis(20);

/// Where the answer to a produce request says what came of it. Before it come the answer's length and
/// number, how many topics there are, a name, how many partitions, and a partition's number.
const ERROR_AT: usize = 4 + 4 + 4 + (2 + TOPIC.len()) + 4 + 4;

/// Makes the topic, and waits until each partition takes records.
pub async fn create_topic(server: SocketAddr) -> io::Result<()> {
    let time = Stopwatch::start();
    let mut wire = Wire::open(server).await?;
    wire.call(&metadata()).await?;
    for partition in 0..PARTITIONS {
        let request = produce(partition, &[Vec::new()]);
        while let Err(refused) = taken(wire.call(&request).await?) {
            if time.elapsed() > READY_MAX {
                return Err(refused);
            }
            tokio::time::sleep(TRY_AGAIN).await;
        }
    }
    Ok(())
}

/// A connection.
#[derive(Debug)]
pub struct Connection {
    wire: Wire,
    requests: Arc<Requests>,
    next: usize,
}

impl Connection {
    /// Connects; `number` tells connections apart, which begin with different partitions.
    pub async fn open(
        server: SocketAddr,
        requests: &Arc<Requests>,
        number: usize,
    ) -> io::Result<Connection> {
        let wire = Wire::open(server).await?;
        Ok(Connection { wire, requests: Arc::clone(requests), next: number })
    }

    /// See [`super::super::Connection::run`].
    pub async fn run(&mut self, operation: Operation) -> io::Result<()> {
        self.next += 1;
        let ready = match operation {
            Operation::Single => &self.requests.singles,
            Operation::Batch => &self.requests.batches,
        };
        taken(self.wire.call(&ready[self.next % ready.len()]).await?)
    }
}

/// A socket, and the answer to the last request.
#[derive(Debug)]
struct Wire {
    socket: TcpStream,
    answer: Vec<u8>,
}

impl Wire {
    async fn open(server: SocketAddr) -> io::Result<Wire> {
        let socket = TcpStream::connect(server).await?;
        socket.set_nodelay(true)?;
        Ok(Wire { socket, answer: Vec::new() })
    }

    /// The answer to `request`, with its length.
    async fn call(&mut self, request: &[u8]) -> io::Result<&[u8]> {
        self.socket.write_all(request).await?;
        self.answer.clear();
        while !is_whole(&self.answer) {
            if self.socket.read_buf(&mut self.answer).await? == 0 {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the broker hung up"));
            }
        }
        Ok(&self.answer)
    }
}

fn is_whole(answer: &[u8]) -> bool {
    answer.split_first_chunk().is_some_and(|(length, rest)| {
        usize::try_from(i32::from_be_bytes(*length)).is_ok_and(|length| rest.len() >= length)
    })
}

/// Every record of a produce request was acknowledged.
pub(super) fn taken(answer: &[u8]) -> io::Result<()> {
    let code = answer.get(ERROR_AT..).and_then(<[u8]>::first_chunk);
    match code.map(|code| i16::from_be_bytes(*code)) {
        Some(0) => Ok(()),
        Some(code) => Err(io::Error::other(format!("the broker answered error {code}"))),
        None => Err(io::Error::other("the broker's answer is too short")),
    }
}
