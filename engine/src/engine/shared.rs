//! What the façade and the engine's threads share.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::engine::Options;
use crate::engine::bell::Bell;
use crate::engine::committer::MARKER_RESERVE_BYTES;
use crate::engine::queue::AppendQueue;
use crate::engine::retention::RetentionClock;
use crate::engine::rows::SegmentRow;
use crate::entropy::Entropy;
use crate::error::{Error, ErrorKind, Result};
use crate::io::{DIRECT_IO_BYTES, DirectoryLock, Disk};
use crate::journal::header::COMMITS_BEGIN;
use crate::journal::slots::Slots;
use crate::limits::PAYLOAD_BYTES_MAX;
use crate::segment::{BlockCache, Segment};
use crate::shard::ShardLog;
use crate::types::{SegmentId, ShardId, Timestamp};

/// A segment that the catalog knows and that could be opened.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) segment: Arc<Segment>,
    pub(super) row: Arc<SegmentRow>,
}

/// Everything that an open engine consists of, but for its threads.
pub(super) struct Shared {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) options: Options,
    pub(super) catalog: Catalog,
    pub(super) shards: RwLock<HashMap<ShardId, Arc<ShardLog>>>,
    /// Held while shards are made or deleted, so that the catalog and `shards` change in step.
    pub(super) shard_changes: Mutex<u64>,
    /// Held while the catalog's view of what is sealed changes, so that where logs end only grows.
    pub(super) seal_changes: Mutex<()>,
    pub(super) segments: Mutex<BTreeMap<SegmentId, Known>>,
    pub(super) next_segment: AtomicU64,
    pub(super) cache: BlockCache,
    pub(super) queue: AppendQueue,
    pub(super) slots: Slots,
    pub(super) retention: RetentionClock,
    pub(super) sealer_bell: Bell,
    pub(super) compactor_bell: Bell,
    pub(super) is_stopping: AtomicBool,
    /// Behind the last records in the journal that are durable, as positions are encoded.
    pub(super) records_end: AtomicU64,
    pub(super) ring_kind: &'static str,
    pub(super) poisoned: OnceLock<Error>,
    pub(super) _lock: Box<dyn DirectoryLock>,
}

impl Shared {
    /// The shard's log.
    pub(super) fn shard(&self, id: ShardId) -> Result<Arc<ShardLog>> {
        self.shards
            .read()
            .expect("no code panics while it changes the shards")
            .get(&id)
            .cloned()
            .ok_or_else(|| Error::new(ErrorKind::NotFound, "there is no such shard").in_shard(id))
    }

    /// Whether appends come so fast that background work should wait, and there is room for that.
    pub(super) fn is_burst(&self) -> bool {
        self.slots.is_burst(self.clock.monotonic_ms())
    }

    /// All shard logs.
    pub(super) fn all_shards(&self) -> Vec<Arc<ShardLog>> {
        let shards = self.shards.read().expect("no code panics while it changes the shards");
        shards.values().cloned().collect()
    }

    /// The known segments, oldest first.
    pub(super) fn known_segments(&self) -> Vec<(SegmentId, Known)> {
        let segments = self.segments.lock().expect("no code panics while it changes the segments");
        segments.iter().map(|(id, known)| (*id, known.clone())).collect()
    }

    /// A fresh segment id.
    pub(super) fn new_segment_id(&self) -> SegmentId {
        SegmentId(self.next_segment.fetch_add(1, Ordering::SeqCst))
    }

    /// Records of `shard` that arrived before this have expired.
    pub(super) fn expired_before(&self, shard: &ShardLog) -> Timestamp {
        self.retention.expired_before(shard.retention_ms())
    }

    pub(super) fn is_poisoned(&self) -> bool {
        self.poisoned.get().is_some()
    }

    /// Notes that a journal write failed, and tells those who wait for records.
    pub(super) fn poison(&self, cause: &io::Error) {
        let message = "a journal write failed and what it left on disk is unknown: restart";
        let error = Error::new(ErrorKind::Poisoned, message).because(cause.to_string());
        let _ = self.poisoned.set(error);
        // Whoever waits for a record waits in vain. This may run in a panic: no lock is unwrapped.
        let shards = self.shards.read().unwrap_or_else(PoisonError::into_inner);
        shards.values().for_each(|log| log.wake_waiters());
    }

    /// The error of appends to a poisoned journal.
    pub(super) fn poison_error(&self) -> Error {
        self.poisoned
            .get()
            .cloned()
            .unwrap_or_else(|| Error::new(ErrorKind::Poisoned, "a journal write failed: restart"))
    }

    /// Bytes of payload of the largest append that a journal file takes.
    pub(super) fn payload_bytes_max(&self) -> usize {
        let overhead = COMMITS_BEGIN + MARKER_RESERVE_BYTES + 2 * DIRECT_IO_BYTES;
        (self.options.journal_file_bytes - overhead).min(PAYLOAD_BYTES_MAX)
    }

    pub(super) fn wake_sealer(&self) {
        self.sealer_bell.ring();
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::SeqCst)
    }
}
