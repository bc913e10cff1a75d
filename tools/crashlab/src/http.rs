//! A blocking HTTP/1.1 connection: one request at a time, bodies with a length.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A request that takes longer has failed.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of a response's body at most.
const BODY_BYTES_MAX: usize = 64 << 20;
/// Header lines of a response at most.
const HEADERS_MAX: usize = 100;

/// A response.
#[derive(Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// A kept-alive connection. After an error it is of no more use.
#[derive(Debug)]
pub struct Connection {
    reader: BufReader<TcpStream>,
    server: SocketAddr,
}

impl Connection {
    /// Connects.
    pub fn open(server: SocketAddr) -> io::Result<Connection> {
        let stream = TcpStream::connect_timeout(&server, TIMEOUT)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        stream.set_nodelay(true)?;
        Ok(Connection { reader: BufReader::with_capacity(64 << 10, stream), server })
    }

    /// Sends a request and reads its response. `headers` are lines that end in `\r\n`.
    pub fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> io::Result<Response> {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\n{headers}content-length: {}\r\n\r\n",
            self.server,
            body.len()
        );
        let mut request = head.into_bytes();
        request.extend_from_slice(body);
        self.reader.get_mut().write_all(&request)?;
        self.receive()
    }

    fn receive(&mut self) -> io::Result<Response> {
        let status_line = self.line()?;
        let status = status_line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.ok_or_else(|| invalid("response has no status"))?;
        let mut length = 0;
        for _ in 0..HEADERS_MAX {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().map_err(|_| invalid("length is no number"))?;
            }
        }
        if length > BODY_BYTES_MAX {
            return Err(invalid("response is too large"));
        }
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body)?;
        Ok(Response { status, body })
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.reader.by_ref().take(16 << 10).read_line(&mut line)?;
        if !line.ends_with('\n') {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}
