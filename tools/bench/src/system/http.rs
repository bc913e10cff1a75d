//! HTTP/1.1 over one connection, one request at a time. A server that ends the connection with each
//! answer is connected to again with each request.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Headers of an answer, at most.
const HEADERS_MAX: usize = 32;

/// A connection.
#[derive(Debug)]
pub struct Http {
    server: SocketAddr,
    socket: TcpStream,
    /// The last answer was the connection's last.
    has_ended: bool,
    buffer: Vec<u8>,
}

/// What is of interest in the head of an answer.
struct Head {
    status: u16,
    head_bytes: usize,
    body_bytes: usize,
    is_last: bool,
}

impl Http {
    /// Connects.
    pub async fn open(server: SocketAddr) -> io::Result<Http> {
        let buffer = Vec::with_capacity(64 * 1024);
        Ok(Http { server, socket: connect(server).await?, has_ended: false, buffer })
    }

    /// Sends `request`, all bytes of it, and gives the answer's body to `read`. An answer other
    /// than 200 is an error.
    pub async fn call<T>(
        &mut self,
        request: &[u8],
        read: impl FnOnce(&[u8]) -> io::Result<T>,
    ) -> io::Result<T> {
        if self.has_ended {
            self.socket = connect(self.server).await?;
        }
        self.socket.write_all(request).await?;
        let Head { status, head_bytes, body_bytes, is_last } = loop {
            if let Some(head) = head_of(&self.buffer)? {
                break head;
            }
            self.more().await?;
        };
        self.has_ended = is_last;
        let end = head_bytes + body_bytes;
        self.buffer.reserve(end.saturating_sub(self.buffer.len()));
        while self.buffer.len() < end {
            self.more().await?;
        }
        let body = &self.buffer[head_bytes..end];
        if status != 200 {
            let said = String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned();
            return Err(io::Error::other(format!("the server answered {status}: {said}")));
        }
        let answer = read(body);
        self.buffer.drain(..end);
        answer
    }

    async fn more(&mut self) -> io::Result<()> {
        match self.socket.read_buf(&mut self.buffer).await? {
            0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server hung up")),
            _ => Ok(()),
        }
    }
}

async fn connect(server: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpStream::connect(server).await?;
    socket.set_nodelay(true)?;
    Ok(socket)
}

/// The head of an answer, once it is whole.
fn head_of(buffer: &[u8]) -> io::Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response.parse(buffer).map_err(io::Error::other)?;
    let httparse::Status::Complete(head_bytes) = parsed else { return Ok(None) };
    let value = |name: &str| {
        let is_named = |header: &&httparse::Header<'_>| header.name.eq_ignore_ascii_case(name);
        let header = response.headers.iter().find(is_named)?;
        std::str::from_utf8(header.value).ok()
    };
    let body_bytes = value("content-length").and_then(|length| length.parse().ok());
    let body_bytes =
        body_bytes.ok_or_else(|| io::Error::other("an answer does not say its length"))?;
    let is_last = value("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    Ok(Some(Head { status: response.code.unwrap_or(0), head_bytes, body_bytes, is_last }))
}
