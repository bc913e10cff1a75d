//! Moves the oldest journal file's frames into a segment and frees the file; keeps a spare ready.
//!
//! ORDER: segment written, flushed, verified, renamed, directory flushed (the segment writer does
//! these) -> catalog knows it -> readers are switched -> the journal file is free.
//!
//! CRASH: before the catalog's commit the journal file still counts, and the segment is a stray
//! that the next start moves aside; after it the journal file is free, whatever is in it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::catalog::Transaction;
use crate::engine::rows::{
    ENDS, EVIDENCE, EndRow, NEXT_SEGMENT, NUMBERS, NumberRow, RunRow, SEALED_UPTO, SEGMENTS,
    SegmentRow,
};
use crate::engine::shared::{Known, Shared};
use crate::error::{Error, ErrorKind, Result};
use crate::frame::Frame;
use crate::journal::slots::Waiting;
use crate::planted::{Bug, is_planted};
use crate::segment::{Compression, Segment, SegmentSummary, SegmentWriter, segment_path};
use crate::shard::{Run, ShardLog};
use crate::types::{SegmentId, SeqNo, ShardId, Timestamp};

/// The sealer.
pub(super) struct Sealer {
    shared: Arc<Shared>,
    /// Why nothing is sealed until restart: nobody knows whether the last try counts.
    poisoned: Option<Error>,
}

impl Sealer {
    pub(super) fn new(shared: Arc<Shared>) -> Sealer {
        Sealer { shared, poisoned: None }
    }

    /// Does the next thing there is to do, unless it is sealing and there is a burst of appends.
    /// False when there is nothing.
    pub(super) fn turn_in_time(&mut self, is_burst: bool) -> bool {
        match self.work(is_burst) {
            Ok(did_something) => {
                if did_something {
                    self.shared.slots.set_blocked(None);
                }
                did_something
            }
            Err(error) => {
                if self.shared.slots.blocked().is_none() {
                    tracing::error!(%error, "sealing is stuck: appends go on while journal files last");
                }
                if error.kind() == ErrorKind::Poisoned {
                    self.poisoned = Some(error.clone());
                }
                self.shared.slots.set_blocked(Some(error));
                self.shared.queue.wake();
                false
            }
        }
    }

    /// Does the next thing there is to do. False when there is nothing.
    #[cfg(feature = "testing")]
    pub(super) fn turn(&mut self) -> bool {
        self.turn_in_time(false)
    }

    fn work(&self, is_burst: bool) -> Result<bool> {
        if self.shared.slots.wants_spare() {
            // A full disk may have no room for another file and still some for a segment.
            match self.shared.slots.prepare() {
                Ok(_) => {
                    self.shared.queue.wake();
                    return Ok(true);
                }
                Err(error) if error.kind() != ErrorKind::Full => return Err(error),
                Err(error) if self.shared.slots.waiting() == 0 => return Err(error),
                Err(_) => {}
            }
        }
        if let Some(error) = &self.poisoned {
            return Err(error.clone());
        }
        let Some(waiting) = self.shared.slots.oldest_waiting().filter(|_| !is_burst) else {
            return Ok(false);
        };
        self.seal(waiting)?;
        self.shared.queue.wake();
        self.shared.compactor_bell.ring();
        Ok(true)
    }

    fn seal(&self, waiting: Arc<Waiting>) -> Result<()> {
        let file = waiting.file;
        let shards: BTreeSet<ShardId> = waiting.shards.iter().copied().collect();
        let mut sources: Vec<(Arc<ShardLog>, Vec<Frame>)> = Vec::new();
        for id in shards {
            let Ok(shard) = self.shared.shard(id) else { continue };
            let frames = shard.tail_in(file);
            if !frames.is_empty() {
                sources.push((shard, frames));
            }
        }
        let _step = self.shared.seal_changes.lock().expect("no code panics while it seals");
        let mut transaction = Transaction::new();
        let sealed_upto = NumberRow { value: u64::from(file.0) };
        if is_planted(Bug::FreeBeforeCatalog) {
            let mut early = Transaction::new();
            early.put(&NUMBERS, &SEALED_UPTO.to_owned(), &sealed_upto);
            self.shared.catalog.commit(early)?;
        }
        let sealed = self.write_segment(&sources, &mut transaction)?;
        transaction.put(&NUMBERS, &SEALED_UPTO.to_owned(), &sealed_upto);
        if waiting.is_damaged {
            // CRASH: what is not moved aside after this commit is by the next start.
            transaction.put(&EVIDENCE, &u64::from(file.0), &NumberRow { value: 0 });
        }
        let next = NumberRow { value: self.shared.next_segment.load(Ordering::SeqCst) };
        transaction.put(&NUMBERS, &NEXT_SEGMENT.to_owned(), &next);
        let committed = self.shared.catalog.commit(transaction);
        committed.inspect_err(|error| {
            remove_unknown(&self.shared, sealed.iter().map(|(id, _)| *id), error);
        })?;

        if let Some((id, known)) = &sealed {
            let mut segments =
                self.shared.segments.lock().expect("no code panics while it changes the segments");
            segments.insert(*id, known.clone());
        }
        for (shard, _) in &sources {
            let run = sealed.as_ref().and_then(|(id, known)| run_of(*id, known, shard.id()));
            shard.replace_tail(file, run);
        }
        drop(sources);
        drop(waiting);
        self.shared.slots.release_oldest()?;
        if let Some((id, known)) = sealed {
            tracing::debug!(%file, segment = %id, bytes = known.row.bytes, "sealed a journal file");
        }
        Ok(())
    }

    /// Writes what has not expired nor was trimmed of `sources` into a segment; none when everything has.
    fn write_segment(
        &self,
        sources: &[(Arc<ShardLog>, Vec<Frame>)],
        transaction: &mut Transaction,
    ) -> Result<Option<(SegmentId, Known)>> {
        let mut writer = None;
        // To keep ahead of ingest blocks are stored as they are; compaction compresses them later.
        let files_max = self.shared.options.journal_files_max;
        let is_hurried = self.shared.slots.waiting() >= (files_max * 3 / 4).max(2);
        let compression = if is_hurried { Compression::Stored } else { Compression::Zstd };
        let id = self.shared.new_segment_id();
        for (shard, frames) in sources {
            let expired_before = self.shared.expired_before(shard);
            let horizon = shard.watermarks().trim_horizon;
            // Records go from the front only, or a gap would stay behind.
            let alive = frames.iter().skip_while(|frame| {
                let header = frame.header();
                header.arrival < expired_before || header.end_seq() <= horizon
            });
            let mut is_gone = true;
            for frame in alive {
                is_gone = false;
                let writer = match &mut writer {
                    Some(writer) => writer,
                    None => writer.insert(SegmentWriter::create(
                        Arc::clone(&self.shared.disk),
                        id,
                        compression,
                        self.shared.options.block_bytes,
                    )?),
                };
                writer.push(frame)?;
            }
            if is_gone && let Some(last) = frames.last() {
                let header = last.header();
                let end = (header.end_seq(), header.arrival);
                put_end(&self.shared, transaction, shard.id(), end)?;
            }
        }
        let Some(writer) = writer else { return Ok(None) };
        let summary = writer.finish()?;
        let segment = Segment::open(&*self.shared.disk, id)
            .inspect_err(|error| remove_unknown(&self.shared, [id], error))?;
        let segment = Arc::new(segment);
        let row = Arc::new(row_of(&summary, 0, compression == Compression::Zstd));
        transaction.put(&SEGMENTS, &id.0, &*row);
        Ok(Some((id, Known { segment, row })))
    }
}

/// Remembers where a log ends whose records up to `end` have all expired, unless it is known to
/// end further on. The caller holds `seal_changes` up to the commit.
pub(super) fn put_end(
    shared: &Shared,
    transaction: &mut Transaction,
    shard: ShardId,
    (end, newest): (SeqNo, Timestamp),
) -> Result<()> {
    let known = shared.catalog.load(&ENDS, &shard.0)?;
    if known.is_none_or(|row| row.end_seq < end.0) && !is_planted(Bug::ForgetEnds) {
        let row = EndRow { end_seq: end.0, newest_arrival_ms: newest.0 };
        transaction.put(&ENDS, &shard.0, &row);
    }
    Ok(())
}

/// Removes segments that were written for nothing because of `error`: every new try writes them
/// anew, and would fill the disk. What the catalog knows, or may know, stays.
pub(super) fn remove_unknown(
    shared: &Shared,
    ids: impl IntoIterator<Item = SegmentId>,
    error: &Error,
) {
    if error.kind() == ErrorKind::Poisoned {
        return;
    }
    for id in ids {
        if matches!(shared.catalog.load(&SEGMENTS, &id.0), Ok(None))
            && let Err(error) = shared.disk.remove(&segment_path(id))
        {
            tracing::warn!(segment = %id, %error, "a segment written for nothing stays behind");
        }
    }
}

/// The catalog's row of a segment.
pub(super) fn row_of(summary: &SegmentSummary, tier: u32, is_compressed: bool) -> SegmentRow {
    let runs = summary.runs.iter().map(|run| RunRow {
        shard: run.shard.0,
        first_seq: run.first_seq.0,
        end_seq: run.end_seq.0,
        last_arrival_ms: run.last_arrival.0,
    });
    SegmentRow {
        bytes: summary.bytes,
        raw_bytes: summary.raw_bytes,
        tier,
        is_compressed,
        runs: runs.collect(),
    }
}

/// What `shard` has in a segment. The runs of a row are sorted by shard.
pub(super) fn run_of(id: SegmentId, known: &Known, shard: ShardId) -> Option<Run> {
    let index = known.row.runs.binary_search_by_key(&shard.0, |run| run.shard).ok()?;
    let row = known.row.runs[index];
    Some(Run {
        segment: Arc::clone(&known.segment),
        id,
        first_seq: SeqNo(row.first_seq),
        end_seq: SeqNo(row.end_seq),
        last_arrival: Timestamp(row.last_arrival_ms),
    })
}
