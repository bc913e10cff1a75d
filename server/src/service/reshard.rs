//! Splitting and merging the shards of a stream while it takes and gives records.
//!
//! The stream is UPDATING from the first step to the last, which keeps other changes away. A step
//! is one generation: its parents take no more appends, what they took becomes durable, and one
//! catalog commit closes them, makes the children and writes the stream's row. Appends that find
//! their shard closed wait for the next snapshot and follow it ([`Streams::rerouted`]).
//!
//! CRASH: between two steps the stream has the shards of the last one, and is ACTIVE at the next
//! start: UPDATING is nowhere on disk.

use std::sync::{Arc, PoisonError};

use flowstone_engine::catalog::Transaction;
use flowstone_engine::clock::Clock;
use flowstone_engine::error::{Error, ErrorKind};
use flowstone_engine::types::{ShardId, Timestamp};
use flowstone_engine::{Closing, Engine, ShardSpec};

use crate::service::address::StreamKey;
use crate::service::lineage::{Generation, LineageError, merge, split, toward};
use crate::service::registry::{ChangeError, Streams};
use crate::service::row::{Mode, STREAMS, ShardRow, StreamRow};
use crate::service::stream::{State, Stream};

/// How the shards of a stream are to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reshard {
    /// One shard becomes two.
    Split {
        /// Its index.
        shard: u32,
        /// The first hash key of the upper child.
        at: u128,
    },
    /// Two shards become one.
    Merge {
        /// The index of the lower one.
        shard: u32,
        /// The index of the one that begins where it ends.
        adjacent: u32,
    },
    /// The stream gets so many shards of one size.
    Scale {
        /// Open shards in the end.
        target: u32,
    },
}

/// Why the shards stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReshardError {
    /// The stream's capacity is managed by the service.
    OnDemand,
    /// The shards named cannot be split or merged so.
    Lineage(LineageError),
    /// More than twice as many shards as are open.
    AboveDouble {
        /// Open shards.
        open: u32,
    },
    /// Fewer than half as many shards as are open.
    BelowHalf {
        /// Open shards.
        open: u32,
    },
    /// The stream would have more shards than one may.
    TooManyShardsInStream,
    /// The account would have more shards than it may.
    TooManyShards {
        /// Open shards that it has.
        current: usize,
        /// How many more there would be.
        more: u32,
    },
}

/// A stream whose shards were changed.
#[derive(Clone, Debug)]
pub struct Resharded {
    /// Open shards that it had before.
    pub open_before: u32,
    /// The stream as it is now.
    pub stream: Arc<Stream>,
}

impl Streams {
    /// Changes the shards of an active stream; durable and active when this returns. Blocks on
    /// flushes.
    pub fn reshard(
        &self,
        engine: &Engine,
        clock: &dyn Clock,
        key: StreamKey<'_>,
        change: Reshard,
    ) -> Result<Resharded, ChangeError<ReshardError>> {
        self.reshard_with(engine, clock, key, change, Closing::wait)
    }

    /// The same; `settle` waits until what the closing shards had taken is durable. A simulation
    /// does the engine's work in it.
    pub fn reshard_with(
        &self,
        engine: &Engine,
        clock: &dyn Clock,
        key: StreamKey<'_>,
        change: Reshard,
        mut settle: impl FnMut(&mut Closing),
    ) -> Result<Resharded, ChangeError<ReshardError>> {
        let (updating, stream, first) = self.begin_updating(key, change)?;
        let open_before = open_count(&stream);
        let mut next = first;
        let mut stream = stream;
        while let Some(generation) = next {
            stream = self
                .step(engine, clock, &updating.key, &stream, &generation, &mut settle)
                .map_err(ChangeError::Engine)?;
            next = match change {
                Reshard::Scale { target } => toward(&stream.row, target),
                Reshard::Split { .. } | Reshard::Merge { .. } => None,
            };
        }
        let id = stream.row.id;
        drop(updating);
        let stream = self.find_id(id).unwrap_or(stream);
        Ok(Resharded { open_before, stream })
    }

    /// Puts an active stream into UPDATING once its first generation is known; none when there is
    /// nothing to do.
    fn begin_updating(
        &self,
        key: StreamKey<'_>,
        change: Reshard,
    ) -> Result<(Updating<'_>, Arc<Stream>, Option<Generation>), ChangeError<ReshardError>> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let stream = self.find(key).ok_or(ChangeError::NotFound)?;
        if stream.state != State::Active {
            return Err(ChangeError::NotActive(stream.state));
        }
        let first = self.plan(key, &stream, change).map_err(ChangeError::Refused)?;
        let updating = Updating { streams: self, key: key.encode() };
        let stream = Arc::new(stream.in_state(State::Updating));
        self.write().insert(updating.key.clone(), Arc::clone(&stream));
        Ok((updating, stream, first))
    }

    /// The first generation of `change`, if it is allowed.
    fn plan(
        &self,
        key: StreamKey<'_>,
        stream: &Stream,
        change: Reshard,
    ) -> Result<Option<Generation>, ReshardError> {
        let row = &*stream.row;
        if row.mode == Mode::OnDemand {
            return Err(ReshardError::OnDemand);
        }
        let open = open_count(stream);
        let (first, more) = match change {
            Reshard::Split { shard, at } => (split(row, shard, at).map(Some), 1),
            Reshard::Merge { shard, adjacent } => (merge(row, shard, adjacent).map(Some), 0),
            Reshard::Scale { target } if target > open.saturating_mul(2) => {
                return Err(ReshardError::AboveDouble { open });
            }
            Reshard::Scale { target } if target.saturating_mul(2) < open => {
                return Err(ReshardError::BelowHalf { open });
            }
            Reshard::Scale { target } => (Ok(toward(row, target)), target.saturating_sub(open)),
        };
        let first = first.map_err(ReshardError::Lineage)?;
        if more > 0 && open + more > self.limits().shards_per_stream_max {
            return Err(ReshardError::TooManyShardsInStream);
        }
        let current = self.usage(key.account, key.region).open_shards;
        if more > 0 && current + more as usize > self.limits().shards_max_in(key.region) {
            return Err(ReshardError::TooManyShards { current, more });
        }
        Ok(first)
    }

    /// Makes one generation.
    fn step(
        &self,
        engine: &Engine,
        clock: &dyn Clock,
        key: &str,
        stream: &Stream,
        generation: &Generation,
        settle: &mut impl FnMut(&mut Closing),
    ) -> Result<Arc<Stream>, Error> {
        let logs: Vec<ShardId> = generation
            .parents
            .iter()
            .filter_map(|index| stream.shard(*index))
            .map(|shard| shard.log())
            .collect();
        let mut closing = engine.close_shards(&logs)?;
        settle(&mut closing);
        let newest = newest_arrival(engine, &logs)?;
        let spec = ShardSpec { retention_ms: stream.row.retention_ms() };
        let mut made: Option<StreamRow> = None;
        closing.commit(&vec![spec; generation.children.len()], |ids, _, transaction| {
            let row = generation.apply(&stream.row, ids, clock.wall(), newest);
            transaction.expect_present(&STREAMS, &key.to_owned());
            transaction.put(&STREAMS, &key.to_owned(), &row);
            made = Some(row);
        })?;
        let next = made.and_then(|row| stream.with_shards(row));
        let next = Arc::new(next.expect("children cover what parents covered"));
        Ok(self.write().insert(key.to_owned(), next))
    }

    /// The stream of identity `id` once a record that its shard `index` refused as closed can go
    /// elsewhere, or there again; `None` when the stream is gone. Ends with the reshard that closed
    /// the shard, however that ends.
    pub async fn rerouted(&self, id: u64, index: u32) -> Option<Arc<Stream>> {
        loop {
            let stream = self.find_id(id)?;
            let is_closed = stream.shard(index).is_none_or(|shard| shard.closed_ms.is_some());
            // ORDER: a stream is UPDATING before any of its logs is closed.
            if is_closed || stream.state != State::Updating {
                return Some(stream);
            }
            self.changed(&stream).await;
        }
    }

    /// Removes the shards that were closed longer than their stream's retention before `now`, with
    /// their logs; answers how many. Blocks on flushes. Expiring cannot be undone: `now` is the time
    /// that the engine's retention counts from. A stream that fails keeps no other from its turn.
    pub fn sweep(&self, engine: &Engine, now: Timestamp) -> Result<usize, Error> {
        let (mut removed, mut failed) = (0, None);
        for key in self.keys() {
            let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(stream) = self.find_encoded(&key) else { continue };
            let horizon = now.minus_ms(stream.row.retention_ms()).0;
            let is_gone =
                |shard: &ShardRow| shard.closed_ms.is_some_and(|closed_ms| closed_ms < horizon);
            let gone = stream.row.shards.iter().filter(|shard| is_gone(shard));
            let logs: Vec<ShardId> = gone.map(ShardRow::log).collect();
            if logs.is_empty() || stream.state != State::Active {
                continue;
            }
            let mut row = (*stream.row).clone();
            row.shards.retain(|shard| !is_gone(shard));
            let mut transaction = Transaction::new();
            transaction.expect_present(&STREAMS, &key);
            transaction.put(&STREAMS, &key, &row);
            let missing = || Error::new(ErrorKind::Corrupt, "open shards leave a gap");
            let swept = stream.with_shards(row).ok_or_else(missing).and_then(|next| {
                engine.delete_shards(&logs, transaction)?;
                Ok(next)
            });
            match swept {
                Ok(next) => {
                    self.write().insert(key, Arc::new(next));
                    removed += logs.len();
                }
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(removed), Err)
    }
}

/// A stream in UPDATING; ACTIVE again when dropped.
struct Updating<'a> {
    streams: &'a Streams,
    key: String,
}

impl Drop for Updating<'_> {
    fn drop(&mut self) {
        let mut maps = self.streams.write();
        if let Some(stream) = maps.find(&self.key)
            && stream.state == State::Updating
        {
            maps.insert(self.key.clone(), Arc::new(stream.in_state(State::Active)));
        }
    }
}

fn open_count(stream: &Stream) -> u32 {
    u32::try_from(stream.open_shards()).unwrap_or(u32::MAX)
}

/// When the newest record of `logs` arrived.
fn newest_arrival(engine: &Engine, logs: &[ShardId]) -> Result<Option<Timestamp>, Error> {
    let mut newest = None;
    for log in logs {
        newest = newest.max(engine.watermarks(*log)?.newest_arrival);
    }
    Ok(newest)
}
