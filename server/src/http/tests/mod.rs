//! Tests of connections over real sockets, with answers of the tests' own making.

mod events;
mod protocol;

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use flowstone_engine::entropy::SeededEntropy;
use futures_util::Stream;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::api::{Body, Reply};
use crate::http::Limits;
use crate::http::connection::serve;
use crate::http::request_id::RequestIds;
use crate::http::respond::{Sent, respond};

/// Bytes of the peer's socket that wait to be read.
const PEER_SOCKET_BYTES: u32 = 16 * 1024;

/// Bytes that the peer lets the server send on one HTTP/2 stream.
const PEER_WINDOW_BYTES: u32 = 128 * 1024;

fn limits() -> Limits {
    let long = Duration::from_secs(60);
    Limits {
        connections_max: 16,
        request_bytes_max: 1 << 20,
        body_bytes_in_flight_max: 1 << 24,
        head_timeout: long,
        idle_timeout: long,
        body_timeout: long,
        stop_timeout: long,
    }
}

/// A port that serves any number of connections.
struct Port {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Port {
    async fn open<A, F>(limits: Limits, answer: A) -> Port
    where
        A: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
        F: Future<Output = Response<Sent>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopping) = watch::channel(false);
        let accepting = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, answer.clone(), limits, stopping.clone()));
            }
        });
        Port { address, stop, accepting }
    }

    /// A socket of the test's own.
    async fn connect(&self) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(PEER_SOCKET_BYTES).unwrap();
        socket.connect(self.address).await.unwrap()
    }

    async fn client(&self, protocol: Protocol) -> Client {
        let io = TokioIo::new(self.connect().await);
        match protocol {
            Protocol::Http1 => {
                let (sender, connection) = http1::handshake(io).await.unwrap();
                Client { sender: Sender::Http1(sender), ended: tokio::spawn(connection) }
            }
            Protocol::Http2 => {
                let (sender, connection) = http2::Builder::new(TokioExecutor::new())
                    .timer(TokioTimer::new())
                    .initial_stream_window_size(PEER_WINDOW_BYTES)
                    .handshake(io)
                    .await
                    .unwrap();
                Client { sender: Sender::Http2(sender), ended: tokio::spawn(connection) }
            }
        }
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

#[derive(Clone, Copy, Debug)]
enum Protocol {
    Http1,
    Http2,
}

const BOTH: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];

enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

/// A client's connection.
struct Client {
    sender: Sender,
    ended: JoinHandle<hyper::Result<()>>,
}

impl Client {
    async fn ask(&mut self, path: &str) -> hyper::Result<Response<Incoming>> {
        let body = Full::new(Bytes::new());
        match &mut self.sender {
            Sender::Http1(sender) => {
                let request = Request::get(path).header("host", "x").body(body).unwrap();
                sender.send_request(request).await
            }
            Sender::Http2(sender) => {
                let uri = format!("http://x{path}");
                sender.send_request(Request::get(uri).body(body).unwrap()).await
            }
        }
    }

    async fn text(&mut self, path: &str) -> hyper::Result<String> {
        let body = self.ask(path).await?.into_body().collect().await?.to_bytes();
        Ok(String::from_utf8(body.into()).unwrap())
    }
}

fn ids() -> RequestIds {
    RequestIds::new(&SeededEntropy::new(1))
}

fn whole(bytes: Vec<u8>) -> Response<Sent> {
    respond(Reply::new(StatusCode::OK, Some("text/plain"), bytes), &ids())
}

fn events(events: impl Stream<Item = Bytes> + Send + 'static) -> Response<Sent> {
    let body = Body::Events(Box::pin(events));
    respond(Reply { body, ..Reply::new(StatusCode::OK, None, Vec::new()) }, &ids())
}
