//! One connection's protocol: the only place that names HTTP/1 and HTTP/2.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::http::Limits;
use crate::http::patience::{Patience, Spent};
use crate::http::respond::Sent;
use crate::http::sniff::{Protocol, Sniffed, sniff};
use crate::http::stall::StallGuard;

/// Bytes that an HTTP/1 connection reads ahead, and those of events that wait to be written.
const HTTP1_BUFFER_BYTES: usize = 64 * 1024;

/// Requests at once on one HTTP/2 connection; clients open another for more.
const HTTP2_STREAMS_MAX: u32 = 250;

/// Bytes that a peer may send on one stream before it is told to go on. A body of 16 MiB takes 16
/// round trips at most.
const HTTP2_STREAM_WINDOW_BYTES: u32 = 1024 * 1024;

/// The same for all streams of a connection: what its peer can make the server hold before a body
/// has room in the budget.
const HTTP2_CONNECTION_WINDOW_BYTES: u32 = 2 * 1024 * 1024;

/// Bytes of one frame.
const HTTP2_FRAME_BYTES: u32 = 64 * 1024;

/// Bytes of a stream's answer that wait for the peer to make room, beyond the piece that passes
/// this bound.
const HTTP2_SEND_BUFFER_BYTES: usize = 64 * 1024;

/// Bytes of a request's headers, as HTTP/2 counts them: session tokens are of several KiB.
const HTTP2_HEADERS_BYTES: u32 = 32 * 1024;

/// Without a sign of life for so long, the peer is asked for one.
const HTTP2_PING_INTERVAL: Duration = Duration::from_secs(30);

/// For the peer to answer that.
const HTTP2_PING_TIMEOUT: Duration = Duration::from_secs(20);

/// Streams that a peer has opened and reset before they were looked at; more end the connection.
const HTTP2_RESETS_PENDING_MAX: usize = 20;

/// Streams that the peer's mistakes made the server reset; more end the connection.
const HTTP2_RESETS_BY_FAULT_MAX: usize = 256;

type Socket = TokioIo<StallGuard<Sniffed<TcpStream>>>;

/// Serves `stream` until its peer leaves, fails, or `stop` turns true and the requests in flight
/// are answered.
pub(super) async fn serve<A, F>(
    stream: TcpStream,
    answer: A,
    limits: Limits,
    stop: watch::Receiver<bool>,
) where
    A: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<Sent>> + Send + 'static,
{
    // Answers are written whole: waiting for more to send only adds latency.
    let _ = stream.set_nodelay(true);
    let sniffed = tokio::select! {
        sniffed = sniff(stream, limits.head_timeout) => sniffed,
        () = stopped(stop.clone()) => return,
    };
    let ended = match sniffed {
        Ok((protocol, stream)) => {
            let io = TokioIo::new(StallGuard::new(stream, limits.idle_timeout));
            match protocol {
                Protocol::Http1 => serve_http1(io, answer, limits, stop).await,
                Protocol::Http2 => serve_http2(io, answer, limits, stop).await,
            }
        }
        Err(error) => {
            tracing::debug!(%error, "connection said nothing");
            return;
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}

async fn serve_http1<A, F>(
    io: Socket,
    answer: A,
    limits: Limits,
    stop: watch::Receiver<bool>,
) -> hyper::Result<()>
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<Sent>> + Send + 'static,
{
    let until = stop.clone();
    let service = service_fn(move |request| {
        let (answered, until) = (answer(request), until.clone());
        async move { Ok::<_, Infallible>(answered.await.map(|sent| sent.until(until))) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .keep_alive(true)
        .max_buf_size(HTTP1_BUFFER_BYTES)
        .serve_connection(io, service);
    let mut connection = pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    }
}

async fn serve_http2<A, F>(
    io: Socket,
    answer: A,
    limits: Limits,
    stop: watch::Receiver<bool>,
) -> hyper::Result<()>
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<Sent>> + Send + 'static,
{
    let patience = Patience::new();
    let until = stop.clone();
    let service = service_fn({
        let patience = patience.clone();
        move |request| {
            let asked = patience.request();
            let (answered, until, patience) = (answer(request), until.clone(), patience.clone());
            async move {
                let response = answered.await;
                let watched = |sent: Sent| sent.until(until).within(asked, patience, limits);
                Ok::<_, Infallible>(response.map(watched))
            }
        }
    });
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(HTTP2_STREAMS_MAX)
        .initial_stream_window_size(HTTP2_STREAM_WINDOW_BYTES)
        .initial_connection_window_size(HTTP2_CONNECTION_WINDOW_BYTES)
        .max_frame_size(HTTP2_FRAME_BYTES)
        .max_send_buf_size(HTTP2_SEND_BUFFER_BYTES)
        .max_header_list_size(HTTP2_HEADERS_BYTES)
        .keep_alive_interval(HTTP2_PING_INTERVAL)
        .keep_alive_timeout(HTTP2_PING_TIMEOUT)
        .max_pending_accept_reset_streams(HTTP2_RESETS_PENDING_MAX)
        .max_local_error_reset_streams(HTTP2_RESETS_BY_FAULT_MAX)
        .serve_connection(io, service);
    let mut connection = pin!(connection);
    let spent = tokio::select! {
        ended = connection.as_mut() => return ended,
        spent = patience.spent(limits.head_timeout) => Some(spent),
        () = stopped(stop) => None,
    };
    connection.as_mut().graceful_shutdown();
    match spent {
        // How long what is in flight may take now is the listener's to say.
        None => connection.await,
        // A request that crossed the farewell is still answered.
        Some(Spent::Idle) => timeout(limits.idle_timeout, connection).await.unwrap_or(Ok(())),
        Some(Spent::Overdue) => {
            tracing::debug!("connection ended with an answer that is not taken");
            Ok(())
        }
    }
}

/// Ends when `stop` turns true, or nobody is left who could turn it.
pub(super) async fn stopped(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|is_stopping| *is_stopping).await;
}
