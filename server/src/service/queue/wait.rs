//! Receives that wait: for a new record in any shard, for a record in flight to be visible again,
//! for the stream to be another, or for the queue to say that something else has changed.

use std::sync::Arc;
use std::time::Duration;

use flowstone_engine::Engine;
use flowstone_engine::error::{Error, ErrorKind, Result};
use flowstone_engine::types::{SeqNo, ShardId};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep, sleep_until};

use crate::service::queue::queue::{Queue, QueueState, Received};
use crate::service::queue::select::Ask;
use crate::service::registry::Streams;
use crate::service::stream::Stream;

impl Queue {
    /// Receives as [`Queue::receive`] does, and waits up to `wait_ms` while there is nothing.
    /// `Full` when too many wait already. Empty early when the server is about to stop.
    pub async fn receive_waiting(
        &self,
        streams: &Streams,
        ask: &Ask,
        wait_ms: u64,
    ) -> Result<Received> {
        let _waiting = self.waiting.try_acquire().map_err(|_| {
            Error::new(ErrorKind::Full, "too many receives wait for records of a queue")
        })?;
        let end = Instant::now() + Duration::from_millis(wait_ms);
        loop {
            // Before it is looked, so that no ring is missed.
            let mut bell = self.bell.subscribe();
            let received = self.receive(streams, ask).await?;
            if !received.is_empty() || self.is_stopping() {
                return Ok(received);
            }
            let until_visible_ms =
                received.next_visible_ms.map(|at| at.saturating_sub(self.now().0).max(1));
            tokio::select! {
                () = sleep_until(end) => return Ok(received),
                _ = bell.changed() => {}
                () = another(streams, received.stream.as_ref()) => {}
                () = readable(&self.context().engine, &received.ends) => {}
                () = sleep(Duration::from_millis(until_visible_ms.unwrap_or(wait_ms))),
                    if until_visible_ms.is_some() => {}
            }
            if self.state() != QueueState::Active {
                return Ok(received);
            }
        }
    }
}

/// Resolves when the stream has other shards, other settings, or is gone.
async fn another(streams: &Streams, stream: Option<&Arc<Stream>>) {
    match stream {
        Some(stream) => streams.changed(stream).await,
        None => std::future::pending().await,
    }
}

/// Resolves when one of the shards has a record behind its end.
async fn readable(engine: &Engine, ends: &[(ShardId, SeqNo)]) {
    let mut waits: FuturesUnordered<_> =
        ends.iter().map(|(shard, end)| engine.wait_for(*shard, *end)).collect();
    while let Some(result) = waits.next().await {
        if result.is_ok() {
            return;
        }
        // Closed or deleted: the stream is about to change.
    }
    std::future::pending::<()>().await;
}
