//! A request's body into one buffer, within bounds of size, time and memory.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use hyper::body::{Body, Incoming};
use ring::digest::{Context, SHA256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::api::Reply;
use crate::http::Limits;
use crate::http::respond::plain;
use crate::wire::{BodyHash, Declared, declared_hash};

/// Bytes of one unit of the budget: semaphores count in `u32`.
const BUDGET_UNIT_BYTES: usize = 1024;

/// Bytes to make room for when a request does not say how long it is.
const CHUNKED_START_BYTES: usize = 16 * 1024;

/// Reads bodies, all together within a budget.
#[derive(Debug)]
pub(super) struct Bodies {
    budget: Arc<Semaphore>,
    limits: Limits,
}

/// A body that was read to its end.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) body: Bytes,
    /// Its SHA-256, where the request says what that should be.
    pub(super) hash: Option<BodyHash>,
    /// What it is accounted under.
    pub(super) _permit: OwnedSemaphorePermit,
}

impl Bodies {
    pub(super) fn new(limits: Limits) -> Bodies {
        // A budget below one body would never let it in.
        let bytes = limits.body_bytes_in_flight_max.max(limits.request_bytes_max);
        let units = bytes.div_ceil(BUDGET_UNIT_BYTES).min(Semaphore::MAX_PERMITS);
        Bodies { budget: Arc::new(Semaphore::new(units)), limits }
    }

    /// The body. `Err` is the answer to one that is too large, too slow or cut short; the connection
    /// closes behind it.
    pub(super) async fn read(&self, headers: &HeaderMap, body: Incoming) -> Result<Whole, Reply> {
        let bytes_max = self.limits.request_bytes_max;
        let announced = body.size_hint().exact();
        debug_assert!(announced.is_none_or(|_| !headers.contains_key("transfer-encoding")));
        let announced = announced.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        if announced.is_some_and(|bytes| bytes > bytes_max) {
            return Err(too_large());
        }
        let units = announced.unwrap_or(bytes_max).div_ceil(BUDGET_UNIT_BYTES);
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        let budget = Arc::clone(&self.budget);
        let permit = timeout(self.limits.body_timeout, budget.acquire_many_owned(units));
        let permit = permit.await.map_err(|_| busy())?.expect("the semaphore is never closed");
        let mut hasher =
            matches!(declared_hash(headers), Declared::Hash(_)).then(|| Context::new(&SHA256));
        let body = timeout(self.limits.body_timeout, self.collect(body, announced, &mut hasher));
        let body = body.await.unwrap_or_else(|_| Err(too_slow()))?;
        let hash = hasher.map(|hasher| {
            hasher.finish().as_ref().try_into().expect("a SHA-256 has as many bytes")
        });
        Ok(Whole { body, hash, _permit: permit })
    }

    /// PERF: one buffer of the announced size, filled piece by piece; collecting the pieces first
    /// and joining them costs 2.4x as much. Each piece is hashed as it comes, still in the cache.
    async fn collect(
        &self,
        mut body: Incoming,
        announced: Option<usize>,
        hasher: &mut Option<Context>,
    ) -> Result<Bytes, Reply> {
        let mut buffer = Vec::with_capacity(announced.unwrap_or(CHUNKED_START_BYTES));
        loop {
            let next = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context));
            let next = timeout(self.limits.idle_timeout, next).await.map_err(|_| too_slow())?;
            let Some(frame) = next else { return Ok(buffer.into()) };
            let frame = frame.map_err(|_| cut_short())?;
            if let Some(piece) = frame.data_ref() {
                if buffer.len() + piece.len() > self.limits.request_bytes_max {
                    return Err(too_large());
                }
                buffer.extend_from_slice(piece);
                if let Some(hasher) = hasher {
                    hasher.update(piece);
                }
            }
        }
    }
}

fn too_large() -> Reply {
    refusal(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLargeException")
}

fn too_slow() -> Reply {
    refusal(StatusCode::REQUEST_TIMEOUT, "RequestTimeoutException")
}

fn cut_short() -> Reply {
    refusal(StatusCode::BAD_REQUEST, "SerializationException")
}

fn busy() -> Reply {
    refusal(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable")
}

fn refusal(status: StatusCode, code: &str) -> Reply {
    plain(status, "application/x-amz-json-1.1", &format!("{{\"__type\":\"{code}\"}}"))
}
