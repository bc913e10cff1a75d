//! A subscription: the events of `SubscribeToShard` as they come over HTTP/1.1.

use std::io;
use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::http::Http;
use super::kinesis::{call, request};

/// Lengths and checksum at a message's beginning; the checksum behind it.
const PRELUDE_BYTES: usize = 12;
const TRAILER_BYTES: usize = 4;

/// A subscription to one shard.
#[derive(Debug)]
pub struct Subscription {
    socket: TcpStream,
    /// What has come of the chunked answer.
    chunked: Vec<u8>,
    /// What has come of messages.
    messages: Vec<u8>,
}

/// Makes a consumer of `stream`, and answers its ARN once it may subscribe.
pub async fn register(server: SocketAddr, stream: &str, name: &str) -> io::Result<String> {
    let mut http = Http::open(server).await?;
    let summary = call(&mut http, "DescribeStreamSummary", &json!({"StreamName": stream})).await?;
    let stream_arn = &summary["StreamDescriptionSummary"]["StreamARN"];
    let body = json!({"StreamARN": stream_arn, "ConsumerName": name});
    let made = call(&mut http, "RegisterStreamConsumer", &body).await?;
    let arn = made["Consumer"]["ConsumerARN"].as_str().unwrap_or_default().to_owned();
    loop {
        let body = json!({"ConsumerARN": arn});
        let described = call(&mut http, "DescribeStreamConsumer", &body).await?;
        if described["ConsumerDescription"]["ConsumerStatus"] == "ACTIVE" {
            return Ok(arn);
        }
        tokio::task::yield_now().await;
    }
}

impl Subscription {
    /// Subscribes to what comes to the first shard from now on.
    pub async fn open(server: SocketAddr, consumer_arn: &str) -> io::Result<Subscription> {
        let mut socket = TcpStream::connect(server).await?;
        let body = json!({
            "ConsumerARN": consumer_arn,
            "ShardId": "shardId-000000000000",
            "StartingPosition": {"Type": "LATEST"},
        });
        socket.write_all(&request("SubscribeToShard", &body)).await?;
        let mut chunked = Vec::new();
        let head_bytes = loop {
            if let Some(at) = chunked.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            more(&mut socket, &mut chunked).await?;
        };
        if !chunked.starts_with(b"HTTP/1.1 200") {
            return Err(io::Error::other(String::from_utf8_lossy(&chunked).into_owned()));
        }
        chunked.drain(..head_bytes);
        Ok(Subscription { socket, chunked, messages: Vec::new() })
    }

    /// The payload of the next message.
    pub async fn next(&mut self) -> io::Result<Value> {
        loop {
            while let Some((from, to, taken)) = chunk(&self.chunked)? {
                self.messages.extend_from_slice(&self.chunked[from..to]);
                self.chunked.drain(..taken);
            }
            if let Some((from, to, taken)) = message(&self.messages)? {
                let payload = match &self.messages[from..to] {
                    [] => Value::Null,
                    payload => serde_json::from_slice(payload)?,
                };
                self.messages.drain(..taken);
                return Ok(payload);
            }
            more(&mut self.socket, &mut self.chunked).await?;
        }
    }
}

async fn more(socket: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<()> {
    match socket.read_buf(buffer).await? {
        0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the subscription has ended")),
        _ => Ok(()),
    }
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{what} is malformed"))
}

/// Where the first chunk's bytes begin and end, and where the next chunk begins.
fn chunk(buffer: &[u8]) -> io::Result<Option<(usize, usize, usize)>> {
    let Some(line) = buffer.windows(2).position(|two| two == b"\r\n") else { return Ok(None) };
    let size = std::str::from_utf8(&buffer[..line]).ok();
    let size = size.and_then(|size| usize::from_str_radix(size, 16).ok());
    let size = size.ok_or_else(|| malformed("a chunk"))?;
    let (from, to) = (line + 2, line + 2 + size);
    Ok((buffer.len() >= to + 2).then_some((from, to, to + 2)))
}

/// Where the first message's payload begins and ends, and where the next message begins.
fn message(buffer: &[u8]) -> io::Result<Option<(usize, usize, usize)>> {
    let number = |at: usize| {
        let bytes: Option<[u8; 4]> = buffer.get(at..at + 4)?.try_into().ok();
        usize::try_from(u32::from_be_bytes(bytes?)).ok()
    };
    let (Some(bytes), Some(header_bytes)) = (number(0), number(4)) else { return Ok(None) };
    let from = PRELUDE_BYTES + header_bytes;
    let to = bytes.checked_sub(TRAILER_BYTES).filter(|to| *to >= from);
    let to = to.ok_or_else(|| malformed("a message"))?;
    Ok((buffer.len() >= bytes).then_some((from, to, bytes)))
}
