//! Subscriptions over HTTP/1.1, a connection each, and over HTTP/2, many on one.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use flowstone_benches::stopwatch::Stopwatch;
use flowstone_server::wire::event_stream;
use h2::client::SendRequest;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};

use crate::caller::{HEADERS, request};

/// What subscriptions come over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    Http2,
}

/// A record that arrived.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    /// The number in its data.
    pub(crate) sample: u64,
    /// When, by the clock of the run.
    pub(crate) at: Duration,
}

/// Where arrivals are told.
#[derive(Clone, Debug)]
pub(crate) struct Arrivals {
    pub(crate) clock: Stopwatch,
    pub(crate) told: mpsc::UnboundedSender<Arrival>,
}

impl Arrivals {
    /// Tells of all records of a document.
    pub(crate) fn tell(&self, document: &Value) {
        let at = self.clock.elapsed();
        for record in document["Records"].as_array().into_iter().flatten() {
            let data = record["Data"]
                .as_str()
                .and_then(|data| base64_simd::STANDARD.decode_to_vec(data).ok()?.try_into().ok());
            let sample = u64::from_le_bytes(data.expect("records carry their number"));
            // Nobody listens between two measurements.
            let _ = self.told.send(Arrival { sample, at });
        }
    }
}

/// The body of a subscription to the records to come.
pub(crate) fn body(consumer_arn: &str, shard: usize) -> Value {
    json!({
        "ConsumerARN": consumer_arn,
        "ShardId": format!("shardId-{shard:012}"),
        "StartingPosition": {"Type": "LATEST"},
    })
}

/// Bytes of an event stream, as they come, into messages.
#[derive(Default)]
struct Frames(Vec<u8>);

impl Frames {
    /// Takes bytes in, and says whether the answer has begun by now.
    fn push(&mut self, bytes: &[u8], arrivals: &Arrivals) -> bool {
        self.0.extend_from_slice(bytes);
        let mut has_begun = false;
        while let Some(message) = event_stream::decode(&self.0).expect("frames are well formed") {
            assert_eq!(message.header(":message-type"), Some("event"));
            has_begun = true;
            arrivals.tell(&serde_json::from_slice(message.payload).expect("payloads are JSON"));
            let bytes = message.frame_bytes;
            self.0.drain(..bytes);
        }
        has_begun
    }
}

/// Subscribes over a connection of its own and reads until the connection or the run ends.
pub(crate) async fn over_http1(server: SocketAddr, body: &Value, arrivals: Arrivals) {
    let mut socket = TcpStream::connect(server).await.expect("the server takes connections");
    socket.write_all(&request("SubscribeToShard", body)).await.expect("the server reads");
    let mut buffer = Vec::new();
    let head_bytes = loop {
        if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        assert!(socket.read_buf(&mut buffer).await.expect("the server answers") > 0);
    };
    assert!(buffer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&buffer));
    buffer.drain(..head_bytes);
    let (begun, begins) = oneshot::channel();
    tokio::spawn(async move {
        let (mut frames, mut begun) = (Frames::default(), Some(begun));
        loop {
            while let Some((chunk, bytes)) = chunk(&buffer) {
                if frames.push(chunk, &arrivals)
                    && let Some(begun) = begun.take()
                {
                    let _ = begun.send(());
                }
                buffer.drain(..bytes);
            }
            if socket.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
                return;
            }
        }
    });
    begins.await.expect("the answer begins");
}

/// The first chunk of a chunked body, and how many bytes it takes there.
fn chunk(buffer: &[u8]) -> Option<(&[u8], usize)> {
    let line = buffer.windows(2).position(|two| two == b"\r\n")?;
    let size = std::str::from_utf8(&buffer[..line]).ok()?;
    let size = usize::from_str_radix(size, 16).expect("chunks have a size");
    let chunk = buffer.get(line + 2..line + 2 + size)?;
    (buffer.len() >= line + 4 + size).then_some((chunk, line + 4 + size))
}

/// A connection over HTTP/2.
pub(crate) async fn connect_http2(server: SocketAddr) -> SendRequest<Bytes> {
    let socket = TcpStream::connect(server).await.expect("the server takes connections");
    socket.set_nodelay(true).expect("this is a socket");
    let (requests, connection) = h2::client::handshake(socket).await.expect("it speaks HTTP/2");
    tokio::spawn(async move {
        // It ends with the server.
        let _ = connection.await;
    });
    requests
}

/// Subscribes over a stream of a connection and reads until that or the run ends.
pub(crate) async fn over_http2(requests: &SendRequest<Bytes>, body: &Value, arrivals: Arrivals) {
    let mut request = http::Request::post("http://localhost/")
        .header("x-amz-target", "Kinesis_20131202.SubscribeToShard");
    for (name, value) in HEADERS {
        request = request.header(name, value);
    }
    let mut requests = requests.clone().ready().await.expect("the connection stands");
    let request = request.body(()).expect("the request is right");
    let (response, mut sender) = requests.send_request(request, false).expect("it can be sent");
    sender.send_data(body.to_string().into(), true).expect("it can be sent");
    let response = response.await.expect("the server answers");
    assert_eq!(response.status(), 200);
    let mut events = response.into_body();
    let (begun, begins) = oneshot::channel();
    tokio::spawn(async move {
        let (mut frames, mut begun) = (Frames::default(), Some(begun));
        while let Some(Ok(bytes)) = events.data().await {
            if frames.push(&bytes, &arrivals)
                && let Some(begun) = begun.take()
            {
                let _ = begun.send(());
            }
            let _ = events.flow_control().release_capacity(bytes.len());
        }
    });
    begins.await.expect("the answer begins");
}
