//! One connection's protocol: the only place that names HTTP/1.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::http::Limits;
use crate::http::router::Router;
use crate::http::stall::StallGuard;

/// Serves `stream` until its peer leaves, fails, or `stop` turns true and the request in flight
/// is answered.
pub(super) async fn serve(
    stream: TcpStream,
    router: Arc<Router>,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) {
    // Answers are written whole: waiting for more to send only adds latency.
    let _ = stream.set_nodelay(true);
    let io = TokioIo::new(StallGuard::new(stream, limits.idle_timeout));
    let service = service_fn(move |request| {
        let router = Arc::clone(&router);
        async move { Ok::<_, Infallible>(router.route(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .keep_alive(true)
        .serve_connection(io, service);
    let mut connection = pin!(connection);
    let stopping = async move {
        let _ = stop.wait_for(|is_stopping| *is_stopping).await;
    };
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopping => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}
