//! The shard log: watermarks, tail, runs, and how they change.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tokio::sync::watch;

use crate::error::{Error, ErrorKind, Result};
use crate::frame::Frame;
use crate::segment::Segment;
use crate::shard::gate::Gate;
use crate::shard::read::Watermarks;
use crate::types::{Epoch, FileSeq, SegmentId, SeqNo, ShardId, Timestamp};

/// The records of one shard in one segment.
#[derive(Clone, Debug)]
pub struct Run {
    /// The segment.
    pub segment: Arc<Segment>,
    /// The segment's identity.
    pub id: SegmentId,
    /// The first record.
    pub first_seq: SeqNo,
    /// Behind the last record.
    pub end_seq: SeqNo,
    /// When the last record arrived.
    pub last_arrival: Timestamp,
}

/// Records whose segment cannot be read. They count until they have expired.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lost {
    pub(super) first_seq: SeqNo,
    pub(super) last_arrival: Timestamp,
}

/// Why a shard takes no more records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantine {
    /// The first record that is missing or may be; everything below is served.
    pub from: SeqNo,
    /// What happened.
    pub reason: String,
}

/// What a shard log holds at some moment.
///
/// PERF: what every commit touches stands together, in order; the rest follows.
#[derive(Debug, Default)]
#[repr(C)]
pub(super) struct State {
    pub(super) is_deleted: bool,
    pub(super) quarantine: Option<Box<Quarantine>>,
    pub(super) flushed: SeqNo,
    pub(super) high_watermark: SeqNo,
    pub(super) newest_arrival: Option<Timestamp>,
    pub(super) tail: VecDeque<Frame>,
    pub(super) trim_horizon: SeqNo,
    pub(super) runs: Vec<Run>,
    /// What is missing between the runs, in order.
    pub(super) lost: Vec<Lost>,
}

/// What the committer assigns from, and gathers by. Only the committer changes it.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Head {
    /// The next record's sequence number.
    pub(crate) next_seq: SeqNo,
    /// The newest arrival time given out; later ones are not below it.
    pub(crate) arrival: Timestamp,
    /// The newest journal file that holds a frame of this shard.
    pub(crate) file: FileSeq,
    /// The newest commit that a frame of this shard was gathered for, by its token, and the frame's
    /// place in it.
    pub(crate) place: Option<(u64, usize)>,
}

impl Head {
    /// Which of the frames of `commit` is the shard's, if it has one there.
    pub(crate) fn place_in(&self, commit: u64) -> Option<usize> {
        self.place.filter(|(newest, _)| *newest == commit).map(|(_, place)| place)
    }
}

/// One shard's log.
///
/// PERF: ten thousand shards are not in the processor's caches: what a commit touches comes first.
#[derive(Debug)]
#[repr(C)]
pub struct ShardLog {
    id: ShardId,
    epoch: Epoch,
    head: Mutex<Head>,
    pub(super) gate: Mutex<Gate>,
    /// Told of the high watermark; made for the first who asks.
    readable: OnceLock<watch::Sender<SeqNo>>,
    state: RwLock<State>,
    retention_ms: AtomicU64,
}

impl ShardLog {
    /// An empty log.
    #[must_use]
    pub fn new(id: ShardId, epoch: Epoch, retention_ms: u64) -> ShardLog {
        ShardLog {
            id,
            epoch,
            retention_ms: AtomicU64::new(retention_ms),
            state: RwLock::default(),
            head: Mutex::default(),
            gate: Mutex::default(),
            readable: OnceLock::new(),
        }
    }

    /// Its identity.
    #[must_use]
    pub fn id(&self) -> ShardId {
        self.id
    }

    /// The term that frames are written under.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Milliseconds that records are kept.
    #[must_use]
    pub fn retention_ms(&self) -> u64 {
        self.retention_ms.load(Ordering::Relaxed)
    }

    /// Keeps records for `ms` from now on.
    pub fn set_retention_ms(&self, ms: u64) {
        self.retention_ms.store(ms, Ordering::Relaxed);
    }

    pub(super) fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().expect("no code panics while it changes a shard log")
    }

    fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().expect("no code panics while it changes a shard log")
    }

    /// The state that the committer assigns from.
    pub(crate) fn head(&self) -> std::sync::MutexGuard<'_, Head> {
        self.head.lock().expect("no code panics while it assigns sequence numbers")
    }

    /// The watermarks. `tail` is the committer's.
    #[must_use]
    pub fn watermarks(&self) -> Watermarks {
        let mut watermarks = {
            let state = self.state();
            Watermarks {
                trim_horizon: state.trim_horizon,
                high_watermark: state.high_watermark,
                flushed: state.flushed,
                tail: SeqNo(0),
                newest_arrival: state.newest_arrival,
            }
        };
        // ORDER: read last, so that it is never behind what was flushed.
        watermarks.tail = self.head().next_seq;
        watermarks
    }

    /// Behind the last record that readers may see.
    #[must_use]
    pub fn high_watermark(&self) -> SeqNo {
        self.state().high_watermark
    }

    /// Tells when the high watermark moves.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<SeqNo> {
        let readable = self.readable.get_or_init(|| watch::Sender::new(SeqNo(0)));
        let subscribed = readable.subscribe();
        // ORDER: after subscribing: what is published from here on is told, and what was published
        // while nobody listened is caught up with.
        let mark = self.high_watermark();
        readable.send_if_modified(|told| {
            let is_behind = *told < mark;
            *told = mark.max(*told);
            is_behind
        });
        subscribed
    }

    /// Why records are not taken into the log, if they are not; otherwise the high watermark.
    pub fn check_writable(&self) -> Result<SeqNo> {
        let state = self.state();
        if state.is_deleted {
            return Err(Error::new(ErrorKind::NotFound, "shard was deleted").in_shard(self.id));
        }
        match &state.quarantine {
            Some(quarantine) => Err(quarantined(self.id, quarantine)),
            None => Ok(state.high_watermark),
        }
    }

    /// The quarantine, if there is one.
    #[must_use]
    pub fn quarantine(&self) -> Option<Quarantine> {
        self.state().quarantine.as_deref().cloned()
    }

    /// Sets the shard under quarantine; an earlier one that begins lower stays.
    pub fn set_quarantine(&self, quarantine: Quarantine) {
        let mut state = self.state_mut();
        if state.quarantine.as_ref().is_none_or(|old| quarantine.from < old.from) {
            state.quarantine = Some(Box::new(quarantine));
        }
    }

    /// Adds a durable frame and lets readers see it.
    ///
    /// The caller publishes a shard's frames in order; the frame must follow what is there.
    pub fn publish(&self, frame: Frame) {
        let mut state = self.state_mut();
        if state.is_deleted {
            return;
        }
        let header = *frame.header();
        assert_eq!(header.first_seq, state.flushed, "frames of a shard are published in order");
        state.flushed = header.end_seq();
        // Without replication what is flushed here is all that there is to wait for.
        state.high_watermark = state.flushed;
        state.newest_arrival = Some(header.arrival);
        state.tail.push_back(frame);
        // PERF: telling touches more memory than all of the rest; most shards have nobody to tell.
        // ORDER: asked while the state is locked: who subscribes later finds the records there.
        let listeners = self.readable.get().filter(|readable| readable.receiver_count() > 0);
        drop(state);
        if let Some(listeners) = listeners {
            listeners.send_replace(header.end_seq());
        }
    }

    /// Adds what the catalog says is sealed, in order: records up to `end`, of which `run` are
    /// there to read. Without a run, records from `first` on are missing.
    pub fn restore_sealed(&self, first: SeqNo, end: SeqNo, newest: Timestamp, run: Option<Run>) {
        let mut state = self.state_mut();
        if first > state.flushed || state.flushed == state.trim_horizon {
            // Sealing leaves out what has expired, and then all that came before has expired too.
            state.trim_horizon = state.trim_horizon.max(first);
        }
        state.flushed = state.flushed.max(end);
        state.high_watermark = state.flushed;
        state.newest_arrival = state.newest_arrival.max(Some(newest));
        match run {
            Some(run) => state.runs.push(run),
            None => state.lost.push(Lost { first_seq: first, last_arrival: newest }),
        }
    }

    /// Adds what the catalog says has expired: all records up to `end`.
    pub fn restore_expired(&self, end: SeqNo, newest: Timestamp) {
        let mut state = self.state_mut();
        state.trim_horizon = state.trim_horizon.max(end);
        state.flushed = state.flushed.max(end);
        state.high_watermark = state.flushed;
        state.newest_arrival = state.newest_arrival.max(Some(newest));
    }

    /// Lets the committer go on where recovery ended.
    pub fn finish_recovery(&self) {
        let state = self.state();
        let mut head = self.head();
        head.next_seq = state.flushed;
        head.arrival = state.newest_arrival.unwrap_or_default();
    }

    /// The tail frames that stand in journal file `file`, which must be the oldest.
    #[must_use]
    pub fn tail_in(&self, file: FileSeq) -> Vec<Frame> {
        let in_file = |frame: &&Frame| frame.header().position.file() == file;
        self.state().tail.iter().take_while(in_file).cloned().collect()
    }

    /// Replaces the tail frames of journal file `file` by the run that they were sealed into; none
    /// when all of them had expired.
    pub fn replace_tail(&self, file: FileSeq, run: Option<Run>) {
        let mut state = self.state_mut();
        let sealed =
            state.tail.iter().take_while(|frame| frame.header().position.file() == file).count();
        let removed: Vec<Frame> = state.tail.drain(..sealed).collect();
        match run {
            Some(run) if !state.is_deleted => {
                if removed.first().is_some_and(|frame| frame.header().first_seq < run.first_seq) {
                    state.trim_horizon = state.trim_horizon.max(run.first_seq);
                }
                state.runs.push(run);
            }
            _ => {
                let end = removed.last().map(|frame| frame.header().end_seq());
                state.trim_horizon = state.trim_horizon.max(end.unwrap_or_default());
            }
        }
        // PERF: letting go of many frames takes a while; readers and the committer need not wait.
        drop(state);
        drop(removed);
    }

    /// Replaces the runs in segments `from` by `into` (sorted), which hold the same records less
    /// those that have expired.
    pub fn replace_runs(&self, from: &[SegmentId], into: Vec<Run>) {
        let mut state = self.state_mut();
        if state.is_deleted {
            return;
        }
        let replaced = state.runs.iter().filter(|run| from.contains(&run.id));
        let (first, end) = replaced.fold((None, None), |(first, end), run| {
            (first.or(Some(run.first_seq)), end.max(Some(run.end_seq)))
        });
        // What is left out has expired, and then all that came before has expired too.
        let kept_from = into.first().map(|run| run.first_seq).or(end);
        if first.is_some() && kept_from > first {
            state.trim_horizon = state.trim_horizon.max(kept_from.unwrap_or_default());
        }
        state.runs.retain(|run| !from.contains(&run.id));
        state.runs.extend(into);
        state.runs.sort_by_key(|run| run.first_seq);
    }

    /// Moves the trim horizon up.
    pub fn trim_to(&self, horizon: SeqNo) {
        let mut state = self.state_mut();
        state.trim_horizon = state.trim_horizon.max(horizon).min(state.high_watermark);
    }

    /// Forgets everything: the shard was deleted. Waiters are woken to see it.
    pub fn delete(&self) {
        let mut state = self.state_mut();
        state.is_deleted = true;
        state.runs.clear();
        state.lost.clear();
        state.tail.clear();
        drop(state);
        self.wake_waiters();
    }

    /// Makes everybody who waits for a record look again. May run in a panic: no lock is unwrapped.
    pub fn wake_waiters(&self) {
        // ORDER: asked while the state is locked to change it, as in `publish`: who subscribes later
        // finds what the caller has changed before.
        let state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let readable = self.readable.get();
        drop(state);
        if let Some(readable) = readable {
            readable.send_modify(|_| ());
        }
    }

    /// Whether the shard was deleted.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.state().is_deleted
    }
}

/// The error of a read or append at a shard's damage.
pub(super) fn quarantined(shard: ShardId, quarantine: &Quarantine) -> Error {
    let message = format!(
        "shard is quarantined from sequence number {}: {}; records below are served, delete the \
         stream to give the rest up",
        quarantine.from, quarantine.reason
    );
    Error::new(ErrorKind::Corrupt, message).in_shard(shard)
}
