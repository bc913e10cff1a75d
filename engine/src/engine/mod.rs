//! The engine: what callers see of all that is below, and the work that goes on behind it.
//!
//! ```text
//!   append --> queue --> Committer --> journal --> Sealer --> segments --> Compactor
//!                            |                        |                       |
//!                            +------ publish -------> ShardLog <--- runs -----+
//!   read  ------------------------------------------> ShardLog
//! ```
//!
//! | file           | owns |
//! |----------------|------|
//! | `options.rs`   | what an engine is opened with; small structs of its calls |
//! | `open.rs`      | opening: locks, catalog, recovery, threads |
//! | `recovery.rs`  | restoring logs from catalog and journal; strays, gaps, quarantine |
//! | `queue.rs`     | appends on their way to the committer |
//! | `committer.rs` | the one owner of the journal |
//! | `part.rs`      | what one shard has in a commit, and who waits for it |
//! | `sealer.rs`    | journal file -> segment |
//! | `compactor.rs` | expiry and merging |
//! | `plan.rs`      | which segments to merge |
//! | `retention.rs` | the retention clock |
//! | `reshard.rs`   | closing shards while others take their place |
//! | `trim.rs`      | dropping a shard's oldest records on demand |
//! | `rows.rs`      | the engine's rows in the catalog |
//! | `shared.rs`    | what façade and threads share |
//! | `inspect.rs`   | those rows, for tools that look without opening |
//! | `bell.rs`, `crew.rs` | the threads and what wakes them |
//!
//! **Invariant** a reply to an append is sent only after the commit that holds it, and every commit
//! before, is durable.

mod bell;
mod committer;
mod compactor;
mod crew;
mod inspect;
mod open;
mod options;
mod part;
mod plan;
mod queue;
mod recovery;
mod reshard;
mod retention;
mod rows;
mod sealer;
mod shared;
mod trim;

#[cfg(test)]
mod tests;

pub use crew::Crew;
pub use inspect::{Inventory, SegmentEntry, ShardEntry, take_inventory};
pub use open::RecoveryReport;
pub use options::{Appended, Options, ShardSpec, Status};
pub use reshard::Closing;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use crate::catalog::{Catalog, Transaction};
use crate::engine::queue::closed;
use crate::engine::rows::{ENDS, NEXT_SHARD, NUMBERS, NumberRow, QUARANTINES, SHARDS, ShardRow};
use crate::engine::shared::Shared;
use crate::error::{Error, ErrorKind, Result};
use crate::frame::Batch;
use crate::limits::SHARDS_MAX;
use crate::planted::{Bug, is_planted};
use crate::shard::{self, Read, ReadFrom, ReadLimit, ShardLog, Watermarks};
use crate::types::{Epoch, SeqNo, ShardId, Timestamp};

/// An open data directory. Cheap to clone; the last clone's drop does not close it, [`close`] does.
///
/// [`close`]: Engine::close
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
    threads: Arc<Mutex<Vec<JoinHandle<()>>>>,
    report: Arc<RecoveryReport>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("disk", &self.shared.disk).finish_non_exhaustive()
    }
}

impl Engine {
    /// What was found when this engine was opened.
    #[must_use]
    pub fn recovery(&self) -> &RecoveryReport {
        &self.report
    }

    /// The catalog, for the callers' own tables. Rows of the engine's tables are not for them.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.shared.catalog
    }

    /// Makes one shard log per spec, atomically with what `also` adds to the transaction: it is
    /// given the new ids in the order of `specs`. Blocks on a flush.
    pub fn create_shards(
        &self,
        specs: &[ShardSpec],
        also: impl FnOnce(&[ShardId], &mut Transaction),
    ) -> Result<Vec<ShardId>> {
        self.make_shards(specs, |ids, transaction| {
            also(ids, transaction);
            Ok(())
        })
    }

    fn make_shards(
        &self,
        specs: &[ShardSpec],
        also: impl FnOnce(&[ShardId], &mut Transaction) -> Result<()>,
    ) -> Result<Vec<ShardId>> {
        let shared = &self.shared;
        let mut next = shared.shard_changes.lock().expect("no code panics while it makes shards");
        let count = shared.shards.read().expect("no code panics while it changes shards").len();
        if count + specs.len() > SHARDS_MAX {
            let message = format!("shards on this node exceed their limit max=`{SHARDS_MAX}`");
            return Err(Error::new(ErrorKind::Full, message));
        }
        let ids: Vec<_> = (*next..).map(ShardId).take(specs.len()).collect();
        let after = *next + specs.len() as u64;
        let mut transaction = Transaction::new();
        let created_ms = shared.clock.wall().0;
        for (id, spec) in ids.iter().zip(specs) {
            let row = ShardRow {
                created_ms,
                retention_ms: spec.retention_ms,
                epoch: 1,
                trim_horizon: 0,
                closed_end: None,
            };
            transaction.expect_absent(&SHARDS, &id.0);
            transaction.put(&SHARDS, &id.0, &row);
        }
        transaction.put(&NUMBERS, &NEXT_SHARD.to_owned(), &NumberRow { value: after });
        also(&ids, &mut transaction)?;
        shared.catalog.commit(transaction)?;
        *next = after;
        let mut shards = shared.shards.write().expect("no code panics while it changes shards");
        for (id, spec) in ids.iter().zip(specs) {
            shards.insert(*id, Arc::new(ShardLog::new(*id, Epoch(1), spec.retention_ms)));
        }
        Ok(ids)
    }

    /// Deletes shard logs with all their records, atomically with `also`. Blocks on a flush. Space
    /// comes back as sealing and compaction pass over it. When nobody can know whether an attempt
    /// that failed counts, the shards refuse appends until a restart.
    pub fn delete_shards(&self, shards: &[ShardId], also: Transaction) -> Result<()> {
        let _step = self.shared.shard_changes.lock().expect("no code panics while it makes shards");
        let mut transaction = Transaction::new();
        for id in shards {
            transaction.expect_present(&SHARDS, &id.0);
            transaction.remove(&SHARDS, &id.0);
            transaction.remove(&QUARANTINES, &id.0);
            transaction.remove(&ENDS, &id.0);
        }
        transaction.extend(also);
        if let Err(error) = self.shared.catalog.commit(transaction) {
            if may_have_landed(&error) {
                // What is taken now might be gone after a restart, and must not be acknowledged.
                let logs = shards.iter().filter_map(|id| self.shared.shard(*id).ok());
                logs.for_each(|log| log.lock(error.clone()));
            }
            return Err(error);
        }
        let mut all = self.shared.shards.write().expect("no code panics while it changes shards");
        let logs: Vec<_> = shards.iter().filter_map(|id| all.remove(id)).collect();
        // PERF: letting go of many frames takes a while; other shards need not wait.
        drop(all);
        for log in logs {
            log.delete();
        }
        self.shared.compactor_bell.ring();
        Ok(())
    }

    /// Sets how long the shards keep records, atomically with `also`. Blocks on a flush.
    pub fn set_retention(&self, shards: &[ShardId], ms: u64, also: Transaction) -> Result<()> {
        let _step = self.shared.shard_changes.lock().expect("no code panics while it makes shards");
        let logs = shards.iter().map(|id| self.shared.shard(*id)).collect::<Result<Vec<_>>>()?;
        let mut transaction = Transaction::new();
        for log in &logs {
            let id = log.id();
            let missing = || Error::new(ErrorKind::NotFound, "there is no such shard").in_shard(id);
            let row = self.shared.catalog.load(&SHARDS, &id.0)?.ok_or_else(missing)?;
            // Records that have expired by now stay expired under a longer retention.
            let before = self.shared.expired_before(log);
            let horizon = log.advance_trim_horizon(before, &self.shared.cache)?;
            let row = ShardRow { retention_ms: ms, trim_horizon: horizon.0, ..row };
            if !is_planted(Bug::ForgetRetention) {
                transaction.put(&SHARDS, &id.0, &row);
            }
        }
        if is_planted(Bug::PartTransaction) {
            self.shared.catalog.commit(std::mem::take(&mut transaction))?;
        }
        transaction.extend(also);
        self.shared.catalog.commit(transaction)?;
        for log in logs {
            log.set_retention_ms(ms);
        }
        self.shared.compactor_bell.ring();
        Ok(())
    }

    /// Appends a batch. Resolves when the records are durable, in order with every other append to
    /// the shard. Waits for room when too much is pending. Dropping the future after it was first
    /// polled does not take the records back.
    pub async fn append(&self, shard: ShardId, batch: Batch) -> Result<Appended> {
        let answer = self.enqueue(shard, batch).await?;
        answer.await.unwrap_or_else(|_| Err(self.lost_answer()))
    }

    /// Queues a batch and answers as soon as it is queued; the receiver is told the rest.
    pub async fn enqueue(
        &self,
        shard: ShardId,
        batch: Batch,
    ) -> Result<oneshot::Receiver<Result<Appended>>> {
        if let Some(error) = self.shared.poisoned.get() {
            return Err(error.clone());
        }
        let fits = batch.payload().len() <= self.shared.payload_bytes_max();
        if !fits {
            let max = self.shared.payload_bytes_max();
            let message = format!("append is larger than a journal file can take max=`{max}`");
            return Err(Error::new(ErrorKind::Invalid, message).in_shard(shard));
        }
        let log = self.shared.shard(shard)?;
        log.check_open()?;
        self.shared.queue.push(&log, batch).await
    }

    fn lost_answer(&self) -> Error {
        if self.shared.is_poisoned() { self.shared.poison_error() } else { closed() }
    }

    /// The sequence number that `from` means now. May read from disk for [`ReadFrom::AtTime`].
    /// A time before all records is the trim horizon, a time after all is the end; `At` and `After`
    /// positions past retention answer `Trimmed`.
    pub fn resolve(&self, shard: ShardId, from: ReadFrom) -> Result<SeqNo> {
        let log = self.shared.shard(shard)?;
        log.resolve(from, self.shared.expired_before(&log), &self.shared.cache)
    }

    /// Records from `from` on, never past the high watermark; empty at the end. May read from disk
    /// unless [`Engine::is_resident`].
    pub fn read(&self, shard: ShardId, from: SeqNo, limit: ReadLimit) -> Result<Read> {
        let log = self.shared.shard(shard)?;
        log.read(from, limit, self.shared.expired_before(&log), &self.shared.cache)
    }

    /// Whether a read from `from` is served from memory without touching the disk.
    #[must_use]
    pub fn is_resident(&self, shard: ShardId, from: SeqNo) -> bool {
        self.shared.shard(shard).is_ok_and(|log| log.is_resident(from))
    }

    /// Resolves when the high watermark has passed `seq`: the record is there to read. An error
    /// when the shard is deleted or the engine closed or poisoned meanwhile, or when the shard is
    /// closed for good without that record ([`Error::is_shard_closed`]).
    pub async fn wait_for(&self, shard: ShardId, seq: SeqNo) -> Result<()> {
        let log = self.shared.shard(shard)?;
        let mut readable = log.subscribe();
        let gone = |log: &ShardLog| {
            Error::new(ErrorKind::NotFound, "shard was deleted").in_shard(log.id())
        };
        let is_in_vain = || log.is_over() || self.shared.is_stopping() || self.shared.is_poisoned();
        let passed = readable.wait_for(|mark| *mark > seq || is_in_vain());
        match passed.await.map(|mark| *mark > seq) {
            Ok(true) => Ok(()),
            _ if log.is_deleted() => Err(gone(&log)),
            // ORDER: a log is closed after its last record was published, so that it is final that
            // the mark has not passed.
            _ if log.is_closed() => Err(shard::closed(log.id())),
            _ => Err(self.lost_answer()),
        }
    }

    /// The shard's watermarks.
    pub fn watermarks(&self, shard: ShardId) -> Result<Watermarks> {
        let log = self.shared.shard(shard)?;
        let before = self.shared.expired_before(&log);
        log.advance_trim_horizon(before, &self.shared.cache)?;
        Ok(log.watermarks())
    }

    /// The time that retention counts from: it never runs ahead of the wall clock, and follows a
    /// forward jump slowly. What cannot be undone goes by it.
    #[must_use]
    pub fn retention_now(&self) -> Timestamp {
        self.shared.retention.now()
    }

    /// How the engine is.
    #[must_use]
    pub fn status(&self) -> Status {
        let shards = self.shared.all_shards();
        let mut quarantined_shards: Vec<_> =
            shards.iter().filter(|log| log.quarantine().is_some()).map(|log| log.id()).collect();
        quarantined_shards.sort_unstable();
        let segments = self.shared.known_segments();
        let blocked = self.shared.slots.blocked();
        Status {
            is_poisoned: self.shared.is_poisoned(),
            is_full: blocked.is_some_and(|error| error.kind() == ErrorKind::Full),
            quarantined_shards,
            shards: shards.len(),
            segments: segments.len(),
            segment_bytes: segments.iter().map(|(_, known)| known.row.bytes).sum(),
            journal_files: self.shared.slots.waiting() + 1,
            pending_bytes: self.shared.queue.bytes(),
            disk: self.shared.ring_kind,
        }
    }

    /// Refuses new appends, finishes those that were taken, writes the clean-shutdown marker and
    /// ends the threads. Blocks.
    pub fn close(&self) -> Result<()> {
        self.shared.queue.close(closed());
        let threads = std::mem::take(
            &mut *self.threads.lock().expect("no code panics while it closes the engine"),
        );
        let mut threads = threads.into_iter();
        let mut has_panicked = threads.next().is_some_and(|commit| commit.join().is_err());
        self.shared.is_stopping.store(true, Ordering::SeqCst);
        self.shared.sealer_bell.ring();
        self.shared.compactor_bell.ring();
        for log in self.shared.all_shards() {
            log.wake_waiters();
        }
        for thread in threads {
            has_panicked |= thread.join().is_err();
        }
        if has_panicked {
            return Err(Error::new(ErrorKind::Unavailable, "a thread of the engine has panicked"));
        }
        Ok(())
    }
}

/// Whether a catalog commit that failed with `error` may count all the same.
fn may_have_landed(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Poisoned | ErrorKind::Corrupt | ErrorKind::Unavailable)
}
