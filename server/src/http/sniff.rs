//! Which protocol a connection speaks, told by its first bytes.
//!
//! A client that speaks HTTP/2 with prior knowledge begins with a preface that no HTTP/1.1 request
//! is a prefix of. The bytes that were looked at are read again by whoever serves the connection.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::time::timeout;

/// What an HTTP/2 client sends first.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// HTTP/1.1, or anything that is not HTTP/2.
    Http1,
    /// HTTP/2 with prior knowledge.
    Http2,
}

/// Reads from `stream` until it is clear what it speaks, within `limit`.
pub(super) async fn sniff<S: AsyncRead + Unpin>(
    stream: S,
    limit: Duration,
) -> io::Result<(Protocol, Sniffed<S>)> {
    let mut sniffed = Sniffed { stream, head: [0; PREFACE.len()], taken: 0, given: 0 };
    let decided = timeout(limit, sniffed.decide()).await;
    let protocol = decided.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    Ok((protocol, sniffed))
}

/// A stream whose first bytes are taken already, and given again.
#[derive(Debug)]
pub(super) struct Sniffed<S> {
    stream: S,
    head: [u8; PREFACE.len()],
    /// Bytes of `head` that are filled.
    taken: usize,
    /// Bytes of `head` that were given again.
    given: usize,
}

impl<S: AsyncRead + Unpin> Sniffed<S> {
    async fn decide(&mut self) -> io::Result<Protocol> {
        loop {
            let head = &self.head[..self.taken];
            if !PREFACE.starts_with(head) {
                return Ok(Protocol::Http1);
            }
            if head.len() == PREFACE.len() {
                return Ok(Protocol::Http2);
            }
            match self.stream.read(&mut self.head[self.taken..]).await? {
                0 => return Ok(Protocol::Http1),
                bytes => self.taken += bytes,
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Sniffed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.given < this.taken {
            let bytes = buffer.remaining().min(this.taken - this.given);
            buffer.put_slice(&this.head[this.given..this.given + bytes]);
            this.given += bytes;
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut this.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Sniffed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
