//! Drops what has expired, gives shards segments of their own, compresses what was stored in haste.
//!
//! ORDER: new segments durable -> one catalog commit swaps them for the old ones -> readers are
//! switched -> old files are removed -> directory flushed -> the catalog forgets them.
//!
//! CRASH: before the commit the new files are strays; after it the old ones are listed as dropped,
//! and the next start removes them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::catalog::Transaction;
use crate::engine::plan::{Plan, plan};
use crate::engine::rows::{
    DROPPED, JOURNAL_END, NEXT_SEGMENT, NUMBERS, NumberRow, RunRow, SEGMENTS,
};
use crate::engine::sealer::{put_end, remove_unknown, row_of, run_of};
use crate::engine::shared::{Known, Shared};
use crate::error::{Error, ErrorKind, Result};
use crate::planted::{Bug, is_planted};
use crate::segment::{
    Compression, Keep, SEGMENTS_DIR, Segment, SegmentWriter, merge, segment_path,
};
use crate::shard::Run;
use crate::types::{SegmentId, SeqNo, ShardId, Timestamp};

/// How often the retention clock is noted in the catalog, and where the journal's records end.
const NOTE_CLOCK_EVERY_MS: u64 = 60_000;

/// Between two looks whether a burst of appends is over.
pub(super) const BURST_LOOK: Duration = Duration::from_millis(50);

/// The compactor.
pub(super) struct Compactor {
    shared: Arc<Shared>,
    noted_at_ms: Option<u64>,
    is_stuck: bool,
    /// Whether it waits while there is a burst of appends.
    gives_way: bool,
    /// Whether nothing is rewritten until restart: nobody knows whether the last try counts.
    is_poisoned: bool,
    /// Segments that cannot be read whole: they stay as they are until they expire.
    damaged: BTreeSet<SegmentId>,
}

impl Compactor {
    pub(super) fn new(shared: Arc<Shared>) -> Compactor {
        Compactor {
            shared,
            noted_at_ms: None,
            is_stuck: false,
            gives_way: false,
            is_poisoned: false,
            damaged: BTreeSet::new(),
        }
    }

    /// From now on it waits while there is a burst of appends: it has a thread of its own.
    pub(super) fn give_way(&mut self) {
        self.gives_way = true;
    }

    fn wait_for_burst(&self) {
        while self.gives_way && self.shared.is_burst() && !self.shared.is_stopping() {
            std::thread::park_timeout(BURST_LOOK);
        }
    }

    /// Does the next thing there is to do. False when there is nothing.
    pub(super) fn turn(&mut self) -> bool {
        if self.is_poisoned {
            return false;
        }
        match self.work() {
            Ok(did_something) => {
                self.is_stuck = false;
                did_something
            }
            Err(error) => {
                if !self.is_stuck {
                    tracing::error!(%error, "compaction is stuck: it will be tried again");
                }
                self.is_stuck = true;
                self.is_poisoned = error.kind() == ErrorKind::Poisoned;
                false
            }
        }
    }

    fn work(&mut self) -> Result<bool> {
        match self.shared.catalog.maintain() {
            // What has expired is dropped all the same: that is what makes room.
            Err(error) if error.kind() == ErrorKind::Full => {
                tracing::debug!(%error, "the catalog has no reserve");
            }
            maintained => maintained?,
        }
        self.note_clock()?;
        let known = self.shared.known_segments();
        let (gone, mut alive): (Vec<_>, Vec<_>) =
            known.into_iter().partition(|(_, known)| self.is_gone(known));
        if !gone.is_empty() {
            let ids: Vec<_> = gone.iter().map(|(id, _)| *id).collect();
            self.swap(&gone, Vec::new())?;
            tracing::debug!(segments = ids.len(), "dropped segments that have expired");
            return Ok(true);
        }
        alive.retain(|(id, _)| !self.damaged.contains(id));
        let is_pressed = self.shared.slots.waiting() > 0;
        let horizon_of = |shard| {
            // Of a shard that was deleted nothing is wanted.
            self.shared.shard(shard).map_or(SeqNo(u64::MAX), |log| log.watermarks().trim_horizon)
        };
        let planned = plan(&alive, is_pressed, horizon_of);
        let Some(Plan { inputs, tier }) = planned else { return Ok(false) };
        let inputs: Vec<_> = alive.into_iter().filter(|(id, _)| inputs.contains(id)).collect();
        let mut outputs = Vec::new();
        let rewritten = self.rewrite(&inputs, tier, &mut outputs);
        let written: Vec<_> = outputs.iter().map(|(id, _)| *id).collect();
        rewritten.inspect_err(|error| {
            remove_unknown(&self.shared, written.iter().copied(), error);
            if error.kind() != ErrorKind::Full {
                self.damaged.extend(damaged_of(&inputs, error));
            }
        })?;
        tracing::debug!(from = inputs.len(), into = outputs.len(), tier, "compacted segments");
        let swapped = self.swap(&inputs, outputs);
        swapped.inspect_err(|error| remove_unknown(&self.shared, written, error))?;
        Ok(true)
    }

    fn note_clock(&mut self) -> Result<()> {
        let now_ms = self.shared.clock.monotonic_ms();
        if self.noted_at_ms.is_some_and(|noted| now_ms < noted + NOTE_CLOCK_EVERY_MS) {
            return Ok(());
        }
        let mut transaction = Transaction::new();
        self.shared.retention.put(&mut transaction);
        // The journal's own evidence stands behind the records that it is of: one stretch of
        // damage could take both.
        let row = NumberRow { value: self.shared.records_end.load(Ordering::SeqCst) };
        transaction.put(&NUMBERS, &JOURNAL_END.to_owned(), &row);
        self.shared.catalog.commit(transaction)?;
        self.noted_at_ms = Some(now_ms);
        Ok(())
    }

    /// Whether a log still wants some of a run: not all of it has expired, was trimmed or deleted.
    fn is_wanted(&self, run: &RunRow) -> bool {
        self.shared.shard(ShardId(run.shard)).is_ok_and(|log| {
            Timestamp(run.last_arrival_ms) >= self.shared.expired_before(&log)
                && SeqNo(run.end_seq) > log.watermarks().trim_horizon
        })
    }

    fn is_gone(&self, known: &Known) -> bool {
        !known.row.runs.iter().any(|run| self.is_wanted(run))
    }

    /// Writes what is alive in `inputs` anew: shards with enough data get segments of their own,
    /// the others share one.
    fn rewrite(
        &self,
        inputs: &[(SegmentId, Known)],
        tier: u32,
        outputs: &mut Vec<(SegmentId, Known)>,
    ) -> Result<()> {
        let segments: Vec<_> = inputs.iter().map(|(_, known)| Arc::clone(&known.segment)).collect();
        let own = super::plan::shards_worth_an_own_segment(inputs)?;
        // ORDER: decided once for the whole merge. If time went on in the middle of a run, its end
        // would be dropped while its beginning is kept, and with it where the log ends.
        let shards = inputs.iter().flat_map(|(_, known)| &known.row.runs);
        let keeps: BTreeMap<ShardId, Keep> = shards
            .map(|run| ShardId(run.shard))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .map(|shard| (shard, self.keep(inputs, shard)))
            .collect();
        let first = keeps.first_key_value().map(|(_, keep)| *keep);
        let mut writers: BTreeMap<Option<ShardId>, SegmentWriter> = BTreeMap::new();
        let keep = |shard| match first {
            Some(first) if is_planted(Bug::KeepByFirstShard) => first,
            _ => keeps.get(&shard).copied().unwrap_or(Keep::Drop),
        };
        for frame in merge(&segments, keep)? {
            let frame = frame?;
            let shard = frame.header().shard;
            let owner = own.contains(&shard).then_some(shard);
            if writers.keys().flatten().any(|other| Some(*other) != owner) {
                // Frames come shard by shard: another owner's segment is complete.
                self.finish_owned(&mut writers, tier, outputs)?;
            }
            let writer = match writers.entry(owner) {
                std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
                std::collections::btree_map::Entry::Vacant(entry) => {
                    entry.insert(SegmentWriter::create(
                        Arc::clone(&self.shared.disk),
                        self.shared.new_segment_id(),
                        Compression::Zstd,
                        self.shared.options.block_bytes,
                    )?)
                }
            };
            writer.push(&frame)?;
            self.wait_for_burst();
        }
        for writer in std::mem::take(&mut writers).into_values() {
            outputs.push(self.finish(writer, tier)?);
        }
        Ok(())
    }

    fn keep(&self, inputs: &[(SegmentId, Known)], shard: ShardId) -> Keep {
        let Ok(log) = self.shared.shard(shard) else { return Keep::Drop };
        let newest = inputs
            .iter()
            .filter_map(|(id, known)| run_of(*id, known, shard))
            .max_by_key(|run| run.end_seq);
        let horizon = log.watermarks().trim_horizon;
        let is_alive = |run: &Run| {
            run.last_arrival >= self.shared.expired_before(&log) && run.end_seq > horizon
        };
        if newest.is_some_and(|run| is_alive(&run)) { Keep::From(horizon) } else { Keep::Drop }
    }

    fn finish_owned(
        &self,
        writers: &mut BTreeMap<Option<ShardId>, SegmentWriter>,
        tier: u32,
        outputs: &mut Vec<(SegmentId, Known)>,
    ) -> Result<()> {
        let owners: Vec<_> = writers.keys().copied().filter(Option::is_some).collect();
        for owner in owners {
            if let Some(writer) = writers.remove(&owner) {
                outputs.push(self.finish(writer, tier)?);
            }
        }
        Ok(())
    }

    fn finish(&self, writer: SegmentWriter, tier: u32) -> Result<(SegmentId, Known)> {
        let summary = writer.finish()?;
        let segment = Segment::open(&*self.shared.disk, summary.id)
            .inspect_err(|error| remove_unknown(&self.shared, [summary.id], error))?;
        let segment = Arc::new(segment);
        Ok((summary.id, Known { segment, row: Arc::new(row_of(&summary, tier, true)) }))
    }

    /// Makes `new` take the place of `old`, in the catalog, for readers, and on disk.
    fn swap(&self, old: &[(SegmentId, Known)], new: Vec<(SegmentId, Known)>) -> Result<()> {
        let mut transaction = Transaction::new();
        let old_ids: Vec<_> = old.iter().map(|(id, _)| *id).collect();
        for id in &old_ids {
            transaction.remove(&SEGMENTS, &id.0);
            transaction.put(&DROPPED, &id.0, &NumberRow { value: 0 });
        }
        for (id, known) in &new {
            transaction.put(&SEGMENTS, &id.0, &*known.row);
        }
        let next = NumberRow { value: self.shared.next_segment.load(Ordering::SeqCst) };
        transaction.put(&NUMBERS, &NEXT_SEGMENT.to_owned(), &next);
        let _step = self.shared.seal_changes.lock().expect("no code panics while it seals");
        let touched = self.note_ends(old, &new, &mut transaction)?;
        if is_planted(Bug::RemoveBeforeCatalog) {
            remove_dropped(&self.shared, &old_ids)?;
        }
        self.shared.catalog.commit(transaction)?;

        {
            let mut segments =
                self.shared.segments.lock().expect("no code panics while it changes the segments");
            for id in &old_ids {
                segments.remove(id);
            }
            segments.extend(new.iter().cloned());
        }
        for shard in touched {
            let Ok(log) = self.shared.shard(shard) else { continue };
            let mut runs: Vec<_> =
                new.iter().filter_map(|(id, known)| run_of(*id, known, shard)).collect();
            runs.sort_by_key(|run| run.first_seq);
            log.replace_runs(&old_ids, runs);
        }
        remove_dropped(&self.shared, &old_ids)
    }

    /// Remembers the ends of logs that have nothing left in `new` of what they had in `old`.
    fn note_ends(
        &self,
        old: &[(SegmentId, Known)],
        new: &[(SegmentId, Known)],
        transaction: &mut Transaction,
    ) -> Result<BTreeSet<ShardId>> {
        let mut ends: BTreeMap<ShardId, (SeqNo, Timestamp)> = BTreeMap::new();
        for run in old.iter().flat_map(|(_, known)| &known.row.runs) {
            let end = ends.entry(ShardId(run.shard)).or_default();
            *end = (*end).max((SeqNo(run.end_seq), Timestamp(run.last_arrival_ms)));
        }
        for (shard, end) in &ends {
            let is_kept = new.iter().any(|(id, known)| run_of(*id, known, *shard).is_some());
            if !is_kept && self.shared.shard(*shard).is_ok() {
                put_end(&self.shared, transaction, *shard, *end)?;
            }
        }
        Ok(ends.into_keys().collect())
    }
}

/// Which of `inputs` made a merge fail with `error`: those with damage; if the error is about damage
/// and none has any, they contradict one another.
fn damaged_of(inputs: &[(SegmentId, Known)], error: &Error) -> Vec<SegmentId> {
    let is_damaged = |known: &Known| !known.segment.verify(&mut |_, _| ()).is_empty();
    let damaged: Vec<_> =
        inputs.iter().filter(|(_, known)| is_damaged(known)).map(|(id, _)| *id).collect();
    if damaged.is_empty() && error.kind() == ErrorKind::Corrupt {
        return inputs.iter().map(|(id, _)| *id).collect();
    }
    damaged
}

/// Removes the files of segments that the catalog lists as dropped, and then from that list.
pub(super) fn remove_dropped(shared: &Shared, ids: &[SegmentId]) -> Result<()> {
    for id in ids {
        match shared.disk.remove(&segment_path(*id)) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io("removing a segment", error)),
        }
    }
    shared
        .disk
        .sync_dir(Path::new(SEGMENTS_DIR))
        .map_err(|error| Error::io("flushing the segments' directory", error))?;
    let mut transaction = Transaction::new();
    for id in ids {
        transaction.remove(&DROPPED, &id.0);
    }
    shared.catalog.commit(transaction)
}
