//! Finding runs and blocks in a mapped footer without copying it.

use std::ops::Range;

use rkyv::api::high::access_pos;
use rkyv::rancor;
use rkyv::util::AlignedVec;

use crate::error::Result;
use crate::io::Map;
use crate::segment::footer::{self, ArchivedStoredBlock, ArchivedStoredRun};
use crate::segment::footer_check;
use crate::segment::summary::{Block, Run, SegmentSummary};
use crate::types::{SegmentId, SeqNo, ShardId, Timestamp};

/// A checked footer. Its rows stay in the map and are read one at a time: a row that can no
/// longer be read (the disk failed under the map, and zeros took its place) is wrong but harmless,
/// because each is looked at as the bounded, pointer-free thing that it is.
#[derive(Debug)]
pub(super) struct Index {
    /// The archive in the file.
    archive: Range<usize>,
    /// A copy, where the map does not start at a multiple of 16 in memory.
    copy: Option<AlignedVec>,
    /// Where the rows are in the archive.
    runs_at: usize,
    blocks_at: usize,
    runs: u32,
    blocks: u32,
    /// The totals, without runs.
    totals: SegmentSummary,
}

impl Index {
    /// Checks the footer of the segment in `map`.
    pub(super) fn open(id: SegmentId, map: &Map) -> Result<Index> {
        let archive = footer::locate(id, map)?;
        let mut copy = None;
        let mut bytes = &map[archive.clone()];
        if !bytes.as_ptr().addr().is_multiple_of(16) {
            let copied: &mut AlignedVec = copy.insert(AlignedVec::with_capacity(bytes.len()));
            copied.extend_from_slice(bytes);
            bytes = copied;
        }
        let footer = footer::access(id, bytes, archive.start as u64)?;
        footer_check::check(id, map, footer, &archive)?;
        let start = bytes.as_ptr().addr();
        let count = |length: usize| u32::try_from(length).expect("bounded by FOOTER_BYTES_MAX");
        let totals = SegmentSummary {
            id,
            bytes: map.len() as u64,
            raw_bytes: footer.raw_bytes.to_native(),
            frames: footer.frames.to_native(),
            blocks: count(footer.blocks.len()),
            is_compressed: footer.is_compressed,
            first_arrival: Timestamp(footer.first_arrival.to_native()),
            last_arrival: Timestamp(footer.last_arrival.to_native()),
            runs: Vec::new(),
        };
        Ok(Index {
            runs_at: footer.runs.as_ptr().addr() - start,
            blocks_at: footer.blocks.as_ptr().addr() - start,
            runs: count(footer.runs.len()),
            blocks: count(footer.blocks.len()),
            totals,
            archive,
            copy,
        })
    }

    pub(super) fn totals(&self) -> &SegmentSummary {
        &self.totals
    }

    pub(super) fn runs(&self) -> u32 {
        self.runs
    }

    pub(super) fn blocks(&self) -> u32 {
        self.blocks
    }

    /// Run number `index`.
    pub(super) fn run(&self, map: &Map, index: u32) -> Option<Run> {
        let at = row_at::<ArchivedStoredRun>(self.runs_at, index, self.runs)?;
        let row = access_pos::<ArchivedStoredRun, rancor::Failure>(self.bytes(map), at);
        row.ok().map(ArchivedStoredRun::to_run)
    }

    /// Block number `index`.
    pub(super) fn block(&self, map: &Map, index: u32) -> Option<Block> {
        let at = row_at::<ArchivedStoredBlock>(self.blocks_at, index, self.blocks)?;
        let row = access_pos::<ArchivedStoredBlock, rancor::Failure>(self.bytes(map), at);
        row.ok().map(ArchivedStoredBlock::to_block)
    }

    /// The run of `shard`.
    pub(super) fn run_of(&self, map: &Map, shard: ShardId) -> Option<Run> {
        let index = first_not(0..self.runs, |index| {
            self.run(map, index).is_some_and(|run| run.shard < shard)
        });
        self.run(map, index).filter(|run| run.shard == shard)
    }

    /// The last block that starts at or before record `seq` of `shard`: the one that holds it, if
    /// any does.
    pub(super) fn block_of(&self, map: &Map, shard: ShardId, seq: SeqNo) -> u32 {
        let behind = first_not(0..self.blocks, |index| {
            self.block(map, index).is_some_and(|block| block.key() <= (shard, seq))
        });
        behind.saturating_sub(1)
    }

    /// The block of `run` in which, or behind which at once, the first record that arrived at
    /// `time` or later is.
    pub(super) fn block_at(&self, map: &Map, run: &Run, time: Timestamp) -> u32 {
        // Only blocks that start inside the run have their arrival from it.
        let behind = first_not(run.first_block.saturating_add(1)..self.blocks, |index| {
            self.block(map, index)
                .is_some_and(|block| block.shard == run.shard && block.arrival < time)
        });
        behind.saturating_sub(1).max(run.first_block)
    }

    fn bytes<'a>(&'a self, map: &'a Map) -> &'a [u8] {
        match &self.copy {
            Some(copy) => copy,
            None => &map[self.archive.clone()],
        }
    }
}

/// Where row `index` of `rows` is, when the first is at `start`.
fn row_at<Row>(start: usize, index: u32, rows: u32) -> Option<usize> {
    (index < rows).then(|| start + index as usize * size_of::<Row>())
}

/// The first number in `range` of which `holds` does not hold; it holds of all before.
fn first_not(range: Range<u32>, holds: impl Fn(u32) -> bool) -> u32 {
    let (mut low, mut high) = (range.start, range.end.max(range.start));
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}
