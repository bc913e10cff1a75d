//! What the operations of this service work on.

use std::sync::Arc;

use flowstone_engine::Engine;
use flowstone_engine::clock::Clock;
use flowstone_engine::entropy::Entropy;
use flowstone_engine::error::{Error, ErrorKind};
use flowstone_engine::shard::{Read, ReadLimit};
use flowstone_engine::types::{SeqNo, ShardId, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::api::streams::error::{
    consumer_not_found, not_changed, shard_rate_exceeded, stream_not_found,
};
use crate::api::streams::fan_out::FanOut;
use crate::api::streams::model::ConsumerAddress;
use crate::api::streams::rates::CallRates;
use crate::service::limits::{Rates, Throttle};
use crate::service::queue::{self, Queues};
use crate::service::{
    Accounts, Consumer, ConsumerRow, Consumers, Mode, ShardRow, Stream, StreamKey, StreamLimits,
    StreamPath, StreamRow, Streams, Tokens,
};
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
    /// What a second holds.
    pub rates: Rates,
    /// Calls a second.
    pub calls: CallRates,
    /// Times that a stream's mode can be changed in 24 hours; 0 is any number.
    pub mode_changes_per_day_max: u32,
    /// Times that `UpdateShardCount` can change a stream in 24 hours; 0 is any number.
    pub shard_count_changes_per_day_max: u32,
    /// Reads from disk at once.
    pub disk_reads_max: usize,
    /// Bytes of answers with records, from reading them to having sent them.
    pub answer_bytes_max: usize,
    /// Bytes of large events on their way to all subscribers at once.
    pub fan_out_bytes_max: usize,
    /// Registered consumers of one stream.
    pub consumers_per_stream_max: usize,
    /// The same of on-demand streams whose account has committed itself to a minimum of throughput.
    pub consumers_per_advantage_stream_max: usize,
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
    /// Which consumers are registered.
    pub consumers: Consumers,
    /// Which queues there are.
    pub queues: Queues,
    /// Iterators and listing tokens.
    pub tokens: Tokens,
    /// The settings of accounts.
    pub accounts: Accounts,
    /// What goes past the rates.
    pub throttle: Throttle,
    /// The bounds.
    pub limits: Limits,
    disk_reads: Semaphore,
    answers: Arc<Semaphore>,
    answer_units: u32,
    /// Memory of large events.
    pub(super) fan_out: Arc<FanOut>,
    stopping: watch::Sender<bool>,
}

impl State {
    /// The state that the catalog of an open engine has.
    pub fn load(
        engine: Engine,
        clock: Arc<dyn Clock>,
        entropy: &dyn Entropy,
        limits: Limits,
    ) -> Result<State, Error> {
        let units = (limits.answer_bytes_max / BUDGET_UNIT_BYTES).clamp(1, Semaphore::MAX_PERMITS);
        let answer_units = u32::try_from(units).unwrap_or(u32::MAX);
        let queues = queue::Context {
            engine: engine.clone(),
            clock: Arc::clone(&clock),
            offload: queue::Offload::Threads,
            pace: queue::Pace::default(),
        };
        let throttle = Throttle::new(limits.rates, Arc::clone(&clock));
        Ok(State {
            queues: Queues::load(queues, entropy)?,
            streams: Streams::load(&engine, limits.streams)?,
            consumers: Consumers::load(&engine)?,
            tokens: Tokens::load(&engine, entropy)?,
            engine,
            clock,
            accounts: Accounts::default(),
            throttle,
            limits,
            fan_out: FanOut::new(limits.fan_out_bytes_max),
            stopping: watch::Sender::new(false),
            disk_reads: Semaphore::new(limits.disk_reads_max),
            answers: Arc::new(Semaphore::new(answer_units as usize)),
            answer_units,
        })
    }

    /// Ends answers that go on by themselves: the server stops.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
        self.queues.stop();
    }

    /// Resolves when the server stops.
    pub(super) async fn stopped(&self) {
        // The sender is here: it cannot be gone.
        let _ = self.stopping.subscribe().wait_for(|is_stopping| *is_stopping).await;
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

    /// Counts a read of `shard`, or refuses it.
    pub(super) fn admit_read(&self, stream: &Stream, shard: &ShardRow) -> Result<(), Exception> {
        if stream.row.mode == Mode::OnDemand || self.throttle.admit_read(shard.log()) {
            return Ok(());
        }
        Err(shard_rate_exceeded(&shard.name(), stream.row.key()))
    }

    /// Counts the bytes that a read of `shard` brought.
    pub(super) fn count_read(&self, stream: &Stream, shard: &ShardRow, bytes: usize) {
        if stream.row.mode != Mode::OnDemand {
            self.throttle.count_read(shard.log(), bytes);
        }
    }

    /// The consumer of that name, with its stream.
    pub(super) fn consumer(
        &self,
        address: &ConsumerAddress,
    ) -> Result<(Arc<Stream>, Arc<Consumer>), Exception> {
        let ConsumerAddress { stream: path, name, created_s } = address;
        let stream = self.stream(path.key())?;
        let consumer = self.consumers.find(stream.row.id, name).filter(|consumer| {
            created_s.is_none_or(|created_s| consumer.row.created_ms / 1000 == created_s)
        });
        let missing = || consumer_not_found(name, &path.name, &path.account);
        Ok((stream, consumer.ok_or_else(missing)?))
    }

    /// Changes the row of a consumer; durable when this returns.
    pub(super) async fn change_consumer(
        self: &Arc<State>,
        address: ConsumerAddress,
        edit: impl FnOnce(&mut ConsumerRow) -> Result<(), Exception> + Send + 'static,
    ) -> Result<(), Exception> {
        self.blocking(move |state| {
            let (stream, _) = state.consumer(&address)?;
            let ConsumerAddress { stream: path, name, .. } = &address;
            let changed = state.consumers.change(&state.engine, stream.row.id, name, edit)?;
            changed.unwrap_or_else(|| Err(consumer_not_found(name, &path.name, &path.account)))
        })
        .await
    }

    /// Resolves when there is a record at `position`, or the stream is another one than `stream`
    /// says: resharded or deleted. An error when nothing can be written until a restart.
    pub(super) async fn wait_for(
        &self,
        stream: &Arc<Stream>,
        shard: ShardId,
        position: SeqNo,
    ) -> Result<(), Error> {
        match self.engine.wait_for(shard, position).await {
            Err(error) if error.kind() == ErrorKind::Poisoned => return Err(error),
            Ok(()) => {}
            // No record will come. The registry is about to say why.
            Err(_) => self.streams.changed(stream).await,
        }
        Ok(())
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

    /// Runs `call` to its end even when the caller goes away. Not where blocking is allowed: what it
    /// waits for may need a thread there, and those who wait could have taken them all.
    pub(super) async fn to_end<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
        self: &Arc<State>,
        call: impl FnOnce(Arc<State>) -> F,
    ) -> Result<T, Exception> {
        tokio::spawn(call(Arc::clone(self))).await.map_err(|_| Exception::internal())
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
