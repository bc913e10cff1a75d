//! HTTP/1.1 over one connection, one request at a time.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Headers of an answer, at most.
const HEADERS_MAX: usize = 32;

/// A connection.
#[derive(Debug)]
pub struct Http {
    socket: TcpStream,
    buffer: Vec<u8>,
}

impl Http {
    /// Connects.
    pub async fn open(server: SocketAddr) -> io::Result<Http> {
        let socket = TcpStream::connect(server).await?;
        socket.set_nodelay(true)?;
        Ok(Http { socket, buffer: Vec::with_capacity(64 * 1024) })
    }

    /// Sends `request`, all bytes of it, and gives the answer's body to `read`. An answer other
    /// than 200 is an error.
    pub async fn call<T>(
        &mut self,
        request: &[u8],
        read: impl FnOnce(&[u8]) -> io::Result<T>,
    ) -> io::Result<T> {
        self.socket.write_all(request).await?;
        let (status, head_bytes, body_bytes) = loop {
            if let Some(head) = head_of(&self.buffer)? {
                break head;
            }
            self.more().await?;
        };
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

/// Status, bytes of the head and bytes of the body, once the head is whole.
fn head_of(buffer: &[u8]) -> io::Result<Option<(u16, usize, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response.parse(buffer).map_err(io::Error::other)?;
    let httparse::Status::Complete(head_bytes) = parsed else { return Ok(None) };
    let is_length =
        |header: &&httparse::Header<'_>| header.name.eq_ignore_ascii_case("content-length");
    let length = response.headers.iter().find(is_length);
    let length = length.and_then(|header| std::str::from_utf8(header.value).ok()?.parse().ok());
    let length = length.ok_or_else(|| io::Error::other("an answer does not say its length"))?;
    Ok(Some((response.code.unwrap_or(0), head_bytes, length)))
}
