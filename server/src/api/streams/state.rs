//! What the operations of this service work on.

use std::sync::Arc;

use flowstone_engine::Engine;
use flowstone_engine::clock::Clock;
use flowstone_engine::error::{Error, ErrorKind};
use flowstone_engine::shard::{Read, ReadLimit};
use flowstone_engine::types::{SeqNo, ShardId, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::api::streams::error::{not_changed, stream_not_found};
use crate::service::queue::Queues;
use crate::service::{Stream, StreamKey, StreamLimits, StreamPath, StreamRow, Streams, Tokens};
use crate::wire::Exception;

/// Bytes of one unit of the response budget: semaphores count in `u32`.
const BUDGET_UNIT_BYTES: usize = 1024;

/// Times that a read starts over because retention overtook it.
const TRIMMED_RETRIES_MAX: u32 = 8;

/// Bounds of this service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// What an account may have.
    pub streams: StreamLimits,
    /// Reads from disk at once.
    pub disk_reads_max: usize,
    /// Bytes of answers with records, from reading them to having sent them.
    pub answer_bytes_max: usize,
}

/// The service's state, shared by all calls.
#[derive(Debug)]
pub struct State {
    /// The engine.
    pub engine: Engine,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Which streams there are.
    pub streams: Streams,
    /// Which queues there are.
    pub queues: Queues,
    /// Iterators and listing tokens.
    pub tokens: Tokens,
    /// The bounds.
    pub limits: Limits,
    disk_reads: Semaphore,
    answers: Arc<Semaphore>,
    answer_units: u32,
}

impl State {
    /// The state over an open engine.
    #[must_use]
    pub fn new(
        engine: Engine,
        clock: Arc<dyn Clock>,
        streams: Streams,
        queues: Queues,
        tokens: Tokens,
        limits: Limits,
    ) -> State {
        let units = (limits.answer_bytes_max / BUDGET_UNIT_BYTES).clamp(1, Semaphore::MAX_PERMITS);
        let answer_units = u32::try_from(units).unwrap_or(u32::MAX);
        State {
            engine,
            clock,
            streams,
            queues,
            tokens,
            limits,
            disk_reads: Semaphore::new(limits.disk_reads_max),
            answers: Arc::new(Semaphore::new(answer_units as usize)),
            answer_units,
        }
    }

    /// The wall clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.wall()
    }

    /// The stream of that name, in whatever state.
    pub(super) fn stream(&self, key: StreamKey<'_>) -> Result<Arc<Stream>, Exception> {
        self.streams.find(key).ok_or_else(|| stream_not_found(key.name, key.account))
    }

    /// The stream of that name, which must take and give records.
    pub(super) fn active_stream(&self, key: StreamKey<'_>) -> Result<Arc<Stream>, Exception> {
        let stream = self.stream(key)?;
        if stream.is_serving() { Ok(stream) } else { Err(stream_not_found(key.name, key.account)) }
    }

    /// Records from `from` on, or from the trim horizon when retention has passed `from`. A read
    /// from memory happens here, one from disk where blocking is allowed.
    pub(super) async fn read(
        &self,
        shard: ShardId,
        mut from: SeqNo,
        limit: ReadLimit,
    ) -> Result<Read, Error> {
        for _ in 0..TRIMMED_RETRIES_MAX {
            let result = if self.engine.is_resident(shard, from) {
                self.engine.read(shard, from, limit)
            } else {
                self.on_disk(move |engine| engine.read(shard, from, limit)).await
            };
            match result {
                Err(error) if error.kind() == ErrorKind::Trimmed => {
                    from = self.engine.watermarks(shard)?.trim_horizon;
                }
                result => return result,
            }
        }
        Err(Error::new(ErrorKind::Unavailable, "retention keeps overtaking the read"))
    }

    /// Runs `call`, which may read from disk, where blocking is allowed; a bounded number at once.
    pub(super) async fn on_disk<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Engine) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let _permit = self.disk_reads.acquire().await.expect("the semaphore is never closed");
        let engine = self.engine.clone();
        tokio::task::spawn_blocking(move || call(&engine)).await.unwrap_or_else(|error| {
            Err(Error::new(ErrorKind::Unavailable, "call into the engine ended early")
                .because(error))
        })
    }

    /// Runs `call`, which waits for a flush, where blocking is allowed. It runs to its end even
    /// when the caller goes away.
    pub(super) async fn blocking<T: Send + 'static>(
        self: &Arc<State>,
        call: impl FnOnce(&State) -> Result<T, Exception> + Send + 'static,
    ) -> Result<T, Exception> {
        let state = Arc::clone(self);
        let called = tokio::task::spawn_blocking(move || call(&state)).await;
        called.unwrap_or_else(|_| Err(Exception::internal()))
    }

    /// Runs `call` to its end even when the caller goes away.
    pub(super) async fn to_end<T: Send + 'static, F>(
        self: &Arc<State>,
        call: impl FnOnce(Arc<State>) -> F,
    ) -> Result<T, Exception>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let called = tokio::spawn(call(Arc::clone(self))).await;
        called.map_err(|_| Exception::internal())
    }

    /// Changes the settings of an active stream: `edit` sees its row and changes anything but the
    /// shards. Durable when this returns.
    pub(super) async fn change<T: Send + 'static>(
        self: &Arc<State>,
        path: StreamPath,
        edit: impl FnOnce(&mut StreamRow) -> Result<T, Exception> + Send + 'static,
    ) -> Result<(Arc<Stream>, T), Exception> {
        self.blocking(move |state| {
            let changed = state.streams.change(&state.engine, path.key(), edit);
            changed.map_err(|error| not_changed(path.key(), error))
        })
        .await
    }

    /// Waits for room for an answer of `bytes`, which is taken until the permit is dropped.
    pub(super) async fn answer_room(&self, bytes: usize) -> OwnedSemaphorePermit {
        let units = u32::try_from(bytes.div_ceil(BUDGET_UNIT_BYTES)).unwrap_or(u32::MAX);
        let units = units.clamp(1, self.answer_units);
        let room = Arc::clone(&self.answers).acquire_many_owned(units).await;
        room.expect("the semaphore is never closed")
    }
}
