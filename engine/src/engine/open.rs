//! Opening: locks, catalog, recovery, threads.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, RwLock};

use crate::catalog::{Catalog, Transaction};
use crate::clock::Clock;
use crate::engine::bell::Bell;
use crate::engine::committer::Committer;
use crate::engine::compactor::{Compactor, remove_dropped};
use crate::engine::queue::AppendQueue;
use crate::engine::recovery::{
    Restored, check_catalog_is_there, journal_end, make_folders, next_id, number, restore_sealed,
    restore_tails, sealed_upto, set_evidence_aside,
};
use crate::engine::retention::RetentionClock;
use crate::engine::rows::{
    JOURNAL_END, NEXT_SEGMENT, NEXT_SHARD, NUMBERS, NumberRow, RETENTION_CLOCK,
};
use crate::engine::sealer::Sealer;
use crate::engine::shared::Shared;
use crate::engine::{Crew, Engine, Options};
use crate::entropy::Entropy;
use crate::error::{Error, ErrorKind, Result};
use crate::io::{DIRECT_IO_BYTES, Disk};
use crate::journal::recover::recover;
use crate::journal::slots::Slots;
use crate::journal::verdict::Damage;
use crate::limits;
use crate::planted::{Bug, is_planted};
use crate::segment::BlockCache;
use crate::types::{JournalPosition, ShardId, Timestamp};

/// The file whose lock says that a process has the data directory.
const LOCK_FILE: &str = "lock";

/// What was found when an engine was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Bytes of journal read.
    pub journal_bytes: u64,
    /// Journal files that were not sealed.
    pub journal_files: usize,
    /// Milliseconds that recovery took.
    pub took_ms: u64,
    /// Whether the last engine was closed in order.
    pub is_clean: bool,
    /// Whether a commit that was never acknowledged was cut off.
    pub has_torn_tail: bool,
    /// Damage in the journal where it was durable.
    pub damages: Vec<Damage>,
    /// Shards that take no more records.
    pub quarantined_shards: Vec<ShardId>,
}

impl Options {
    fn check(&self) -> Result<()> {
        let invalid = |message: &str, max: usize| {
            Err(Error::new(ErrorKind::Invalid, format!("{message} max=`{max}`")))
        };
        let bytes = self.journal_file_bytes;
        if !(limits::JOURNAL_FILE_BYTES_MIN..=limits::JOURNAL_FILE_BYTES_MAX).contains(&bytes)
            || !bytes.is_multiple_of(DIRECT_IO_BYTES)
        {
            return invalid(
                "journal file bytes are out of range or no multiple of 4096",
                limits::JOURNAL_FILE_BYTES_MAX,
            );
        }
        if !(2..=64).contains(&self.journal_files_max) {
            return invalid("journal files are out of range min=`2`", 64);
        }
        if !(1..=64).contains(&self.commits_in_flight_max) {
            return invalid("commits in flight are out of range min=`1`", 64);
        }
        if !(1024..=4 * limits::BLOCK_BYTES).contains(&self.block_bytes) {
            return invalid("block bytes are out of range min=`1024`", 4 * limits::BLOCK_BYTES);
        }
        if !(DIRECT_IO_BYTES..=limits::PAYLOAD_BYTES_MAX).contains(&self.commit_bytes_max) {
            return invalid("commit bytes are out of range min=`4096`", limits::PAYLOAD_BYTES_MAX);
        }
        if !(DIRECT_IO_BYTES..=usize::MAX >> 4).contains(&self.pending_bytes_max) {
            return invalid("pending bytes are out of range min=`4096`", usize::MAX >> 4);
        }
        Ok(())
    }
}

impl Engine {
    /// Opens the data directory behind `disk`, recovers what is there, and starts the threads that
    /// commit, seal and compact.
    pub fn open(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        options: Options,
    ) -> Result<Engine> {
        let (engine, crew) = Engine::open_with_crew(disk, clock, entropy, options)?;
        let threads = crew.start().map_err(|error| Error::io("starting threads", error))?;
        *engine.threads.lock().expect("no code panics while it opens an engine") = threads;
        Ok(engine)
    }

    /// Opens like [`Engine::open`], without starting threads: the crew works when it is told to.
    pub fn open_with_crew(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        options: Options,
    ) -> Result<(Engine, Crew)> {
        options.check()?;
        let began_ms = clock.monotonic_ms();
        let lock = disk.lock(Path::new(LOCK_FILE)).map_err(|error| match error.kind() {
            std::io::ErrorKind::WouldBlock => {
                Error::new(ErrorKind::Unavailable, "another process uses this data directory")
            }
            _ => Error::io("locking the data directory", error),
        })?;
        make_folders(&disk)?;
        check_catalog_is_there(&disk)?;
        let catalog = Catalog::open(Arc::clone(&disk))?;
        let next_segment = next_id(&catalog, NEXT_SEGMENT)?;
        let next_shard = next_id(&catalog, NEXT_SHARD)?;
        let noted = number(&catalog, RETENTION_CLOCK)?.map(Timestamp);
        let restored = restore_sealed(&disk, &catalog, next_segment)?;
        set_evidence_aside(&disk, &catalog)?;
        let noted_end = journal_end(&catalog)?;
        let mut recovered = recover(&disk, sealed_upto(&catalog)?, noted_end)?;
        restore_tails(&restored, &mut recovered, next_shard, &catalog)?;
        for (shard, horizon) in &restored.horizons {
            if let Some(log) = restored.shards.get(shard) {
                log.trim_to(*horizon);
            }
        }

        let report = RecoveryReport {
            journal_bytes: recovered.bytes,
            journal_files: recovered.waiting.len(),
            took_ms: clock.monotonic_ms().saturating_sub(began_ms),
            is_clean: recovered.verdict.is_clean,
            has_torn_tail: recovered.verdict.has_torn_tail,
            damages: std::mem::take(&mut recovered.verdict.damages),
            quarantined_shards: quarantined(&restored),
        };
        let ring = disk
            .commit_ring(options.commits_in_flight_max)
            .map_err(|error| Error::io("setting up the commit ring", error))?;
        tracing::info!(
            disk = ring.kind(),
            shards = restored.shards.len(),
            segments = restored.segments.len(),
            journal_bytes = report.journal_bytes,
            took_ms = report.took_ms,
            clean = report.is_clean,
            "recovered"
        );
        let found_end = recovered.verdict.end.max(noted_end);
        let slots = Slots::new(
            Arc::clone(&disk),
            options.journal_file_bytes,
            options.journal_files_max,
            recovered.free,
            recovered.waiting,
        );
        let shared = Arc::new(Shared {
            queue: AppendQueue::new(options.pending_bytes_max, ring.waker()),
            cache: BlockCache::new(options.block_cache_bytes),
            retention: RetentionClock::new(Arc::clone(&clock), noted),
            shards: RwLock::new(restored.shards),
            shard_changes: Mutex::new(next_shard),
            seal_changes: Mutex::default(),
            segments: Mutex::new(restored.segments),
            next_segment: AtomicU64::new(restored.next_segment),
            sealer_bell: Bell::default(),
            compactor_bell: Bell::default(),
            is_stopping: AtomicBool::new(false),
            records_end: AtomicU64::new(found_end.raw()),
            ring_kind: ring.kind(),
            poisoned: OnceLock::new(),
            disk,
            clock,
            entropy,
            options,
            catalog,
            slots,
            _lock: lock,
        });
        // ORDER: before anything can be appended.
        shared.retention.note_step_back(&shared.catalog, noted)?;
        // ORDER: before anything can be read. What was served once must not pass for a torn tail
        // when it is damaged later, and its own evidence may not have been written.
        note_end(&shared, noted_end)?;
        remove_dropped_if_any(&shared, &restored.dropped)?;
        let crew = Crew {
            committer: Committer::new(
                Arc::clone(&shared),
                ring,
                recovered.newest_file,
                recovered.verdict.end,
            ),
            sealer: Sealer::new(Arc::clone(&shared)),
            compactor: Compactor::new(Arc::clone(&shared)),
            shared: Arc::clone(&shared),
        };
        let engine = Engine { shared, threads: Arc::default(), report: Arc::new(report) };
        Ok((engine, crew))
    }
}

/// Notes in the catalog where the journal was found to end, if that is past `noted_end`.
pub(super) fn note_end(shared: &Shared, noted_end: JournalPosition) -> Result<()> {
    let end = shared.records_end.load(Ordering::SeqCst);
    if end <= noted_end.raw() || is_planted(Bug::TrustJournalEnd) {
        return Ok(());
    }
    let mut transaction = Transaction::new();
    transaction.put(&NUMBERS, &JOURNAL_END.to_owned(), &NumberRow { value: end });
    match shared.catalog.commit(transaction) {
        // A full disk must not keep the engine from starting. It is noted again before long.
        Err(error) if error.kind() == ErrorKind::Full => Ok(()),
        noted => noted,
    }
}

fn quarantined(restored: &Restored) -> Vec<ShardId> {
    let shards: BTreeMap<_, _> = restored.shards.iter().collect();
    shards.into_iter().filter(|(_, log)| log.quarantine().is_some()).map(|(id, _)| *id).collect()
}

pub(super) fn remove_dropped_if_any(
    shared: &Shared,
    dropped: &[crate::types::SegmentId],
) -> Result<()> {
    match dropped {
        [] => Ok(()),
        _ if is_planted(Bug::ForgetDropped) => Ok(()),
        // A disk too full for the catalog's commit must not keep the engine from starting.
        dropped => match remove_dropped(shared, dropped) {
            Err(error) if error.kind() == ErrorKind::Full => Ok(()),
            other => other,
        },
    }
}
