//! Accepting, the bound on connections, the graceful stop.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::http::Limits;
use crate::http::connection::serve;
use crate::http::router::Router;

/// Pause after an accept that failed for lack of descriptors: they come back as connections end.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How a listener ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Connections that were cut off because they did not finish in time.
    pub cut_off: usize,
}

/// A bound port.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    limits: Limits,
}

impl Listener {
    /// Binds `address`.
    pub async fn bind(address: SocketAddr, limits: Limits) -> io::Result<Listener> {
        Ok(Listener { listener: TcpListener::bind(address).await?, limits })
    }

    /// The address that is bound, with the port that was chosen for port 0.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` turns true and what was in flight then is answered, or the deadline
    /// for that has passed. A connection that panics ends alone.
    pub async fn serve(self, router: Arc<Router>, mut stop: watch::Receiver<bool>) -> Stopped {
        let Listener { listener, limits } = self;
        let room = Arc::new(Semaphore::new(limits.connections_max));
        let mut connections = JoinSet::new();
        let passed_on = stop.clone();
        let mut stopping = pin!(async move {
            let _ = stop.wait_for(|is_stopping| *is_stopping).await;
        });
        loop {
            let accepted = async {
                let permit = Arc::clone(&room).acquire_owned().await;
                let permit = permit.expect("the semaphore is never closed");
                listener.accept().await.map(|(stream, _)| (stream, permit))
            };
            tokio::select! {
                () = &mut stopping => break,
                Some(ended) = connections.join_next() => log_panic(ended),
                accepted = accepted => match accepted {
                    Ok((stream, permit)) => {
                        let router = Arc::clone(&router);
                        let answer = move |request| {
                            let router = Arc::clone(&router);
                            async move { router.route(request).await }
                        };
                        let served = serve(stream, answer, limits, passed_on.clone());
                        connections.spawn(async move {
                            served.await;
                            drop(permit);
                        });
                    }
                    Err(error) => {
                        tracing::warn!(%error, "connection not accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        drop(listener);
        let finish = async {
            while let Some(ended) = connections.join_next().await {
                log_panic(ended);
            }
        };
        let _ = timeout(limits.stop_timeout, finish).await;
        Stopped { cut_off: connections.len() }
    }
}

fn log_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "connection ended by a panic");
    }
}
