//! Calls one at a time over a connection kept alive.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What SDKs send beside the operation: as many headers, of such lengths.
pub(crate) const HEADERS: [(&str, &str); 4] = [
    ("content-type", "application/x-amz-json-1.1"),
    ("x-amz-date", "20260101T000000Z"),
    (
        "authorization",
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/eu-west-1/kinesis/aws4_request, \
         SignedHeaders=content-type;host;x-amz-date;x-amz-target, \
         Signature=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    ),
    ("user-agent", "aws-sdk/2.30 md/bench os/linux lang/rust api/kinesis"),
];

/// The stream's ARN.
pub(crate) fn stream_arn(name: &str) -> String {
    format!("arn:aws:kinesis:eu-west-1:000000000000:stream/{name}")
}

/// The bytes of a request over HTTP/1.1.
pub(crate) fn request(operation: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let mut request = "POST / HTTP/1.1\r\nhost: localhost\r\n".to_owned();
    for (name, value) in HEADERS {
        request += &format!("{name}: {value}\r\n");
    }
    request += &format!(
        "x-amz-target: Kinesis_20131202.{operation}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    request.into_bytes()
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Caller {
    socket: TcpStream,
    buffer: Vec<u8>,
}

impl Caller {
    pub(crate) async fn open(server: SocketAddr) -> Caller {
        let socket = TcpStream::connect(server).await.expect("the server takes connections");
        socket.set_nodelay(true).expect("this is a socket");
        Caller { socket, buffer: Vec::new() }
    }

    /// What the server answers, which must be well.
    pub(crate) async fn call(&mut self, operation: &str, body: &Value) -> Value {
        self.socket.write_all(&request(operation, body)).await.expect("the server reads");
        let head_bytes = loop {
            if let Some(at) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            self.more().await;
        };
        let head = String::from_utf8_lossy(&self.buffer[..head_bytes]).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let body_bytes: usize = length.expect("answers have a length").parse().unwrap();
        while self.buffer.len() < head_bytes + body_bytes {
            self.more().await;
        }
        let body = &self.buffer[head_bytes..head_bytes + body_bytes];
        let is_well = head.starts_with("http/1.1 200");
        assert!(is_well, "{operation}: {}", String::from_utf8_lossy(body));
        let answer =
            if body.is_empty() { Value::Null } else { serde_json::from_slice(body).unwrap() };
        self.buffer.drain(..head_bytes + body_bytes);
        answer
    }

    async fn more(&mut self) {
        let bytes = self.socket.read_buf(&mut self.buffer).await.expect("the server answers");
        assert!(bytes > 0, "the server closed the connection");
    }
}
