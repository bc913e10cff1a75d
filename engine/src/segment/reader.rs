//! An open segment: reads by sequence number and by time.

use std::io;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::{Error, ErrorKind, Result};
use crate::frame::Frame;
use crate::io::{Disk, Map, Open};
use crate::segment::cache::BlockCache;
use crate::segment::check;
use crate::segment::cursor::{Cursor, Frames};
use crate::segment::index::Index;
use crate::segment::summary::{Block, Run, SegmentSummary, corrupt, segment_name, segment_path};
use crate::types::{SegmentId, SeqNo, ShardId, Timestamp};

/// A segment, mapped to read. Holds no descriptor. Its file may be removed while it is open.
#[derive(Debug)]
pub struct Segment {
    id: SegmentId,
    map: Map,
    index: Index,
}

impl Segment {
    /// Opens segment `id`: `NotFound` without a file, `Corrupt` when its footer is damaged,
    /// `Invalid` when a newer binary wrote it. Blocks are not read yet.
    pub fn open(disk: &dyn Disk, id: SegmentId) -> Result<Segment> {
        let map = disk.open(&segment_path(id), Open::Read).and_then(|file| file.map());
        let map = map.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::new(ErrorKind::NotFound, "segment is missing"),
            _ => Error::io("open a segment", error),
        });
        let map = map.map_err(|error| error.in_file(segment_name(id), 0))?;
        Segment::of_map(id, map)
    }

    pub(super) fn of_map(id: SegmentId, map: Map) -> Result<Segment> {
        let index = Index::open(id, &map).map_err(|error| doubt(&map, id, error))?;
        let segment = Segment { id, map, index };
        segment.trust(())?;
        Ok(segment)
    }

    /// Its identity.
    #[must_use]
    pub fn id(&self) -> SegmentId {
        self.id
    }

    /// Bytes of the file.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.map.len() as u64
    }

    /// Bytes of its frames.
    #[must_use]
    pub fn raw_bytes(&self) -> u64 {
        self.index.totals().raw_bytes
    }

    /// Whether its blocks are compressed, not only stored.
    #[must_use]
    pub fn is_compressed(&self) -> bool {
        self.index.totals().is_compressed
    }

    /// What it holds.
    pub fn summary(&self) -> Result<SegmentSummary> {
        Ok(SegmentSummary { runs: self.runs()?, ..self.index.totals().clone() })
    }

    /// Its runs, by shard.
    pub fn runs(&self) -> Result<Vec<Run>> {
        self.trust((0..self.index.runs()).filter_map(|i| self.index.run(&self.map, i)).collect())
    }

    /// The run of `shard`, if it has one.
    pub fn run(&self, shard: ShardId) -> Result<Option<Run>> {
        self.trust(self.index.run_of(&self.map, shard))
    }

    /// The frames of `shard` that hold record `from` and those behind it, until `max_bytes` of
    /// payload are together, or the run ends, or damage does it. At least one frame, unless the
    /// run ends before `from`; when the run starts behind `from`, from its start on.
    pub fn frames(
        &self,
        shard: ShardId,
        from: SeqNo,
        max_bytes: usize,
        cache: &BlockCache,
    ) -> Result<Vec<Frame>> {
        let mut frames = Vec::new();
        let Some(run) = self.run(shard)? else { return Ok(frames) };
        let mut next = from.max(run.first_seq);
        let mut cursor = Cursor::at_block(run.first_block);
        let mut bytes = 0;
        while next < run.end_seq && (bytes < max_bytes || frames.is_empty()) {
            let found = cursor.next_from(self, Some(cache), (shard, next)).and_then(|frame| {
                frame
                    .filter(|frame| frame.holds(next) && frame.header().shard == shard)
                    .ok_or_else(|| self.missing(&run, next))
            });
            let frame = match found {
                Ok(frame) => frame,
                // Damage behind what was found must not hide it: the next read meets it.
                Err(_) if !frames.is_empty() => break,
                Err(error) => return Err(error),
            };
            next = frame.header().end_seq();
            bytes += frame.payload().len();
            frames.push(frame);
        }
        self.trust(frames)
    }

    /// The first record of `shard` that arrived at `time` or later.
    pub fn seek_time(
        &self,
        shard: ShardId,
        time: Timestamp,
        cache: &BlockCache,
    ) -> Result<Option<SeqNo>> {
        let Some(run) = self.run(shard)?.filter(|run| time <= run.last_arrival) else {
            return Ok(None);
        };
        let mut cursor = Cursor::at_block(self.index.block_at(&self.map, &run, time));
        let mut next = (shard, run.first_seq);
        loop {
            let frame = cursor
                .next_from(self, Some(cache), next)?
                .filter(|frame| frame.header().shard == shard)
                .ok_or_else(|| self.missing(&run, next.1))?;
            if frame.header().arrival >= time {
                return self.trust(Some(frame.header().first_seq));
            }
            next.1 = frame.header().end_seq();
        }
    }

    /// All frames in order, past the cache.
    #[must_use]
    pub fn all_frames(self: &Arc<Self>) -> Frames {
        Frames::new(Arc::clone(self))
    }

    /// Reads every block and checks every frame; answers all that is wrong, with its place.
    /// `progress` is told bytes done and bytes in all.
    pub fn verify(&self, progress: &mut dyn FnMut(u64, u64)) -> Vec<Error> {
        let runs: Vec<Run> =
            (0..self.index.runs()).filter_map(|i| self.index.run(&self.map, i)).collect();
        let blocks: Vec<Block> =
            (0..self.index.blocks()).filter_map(|i| self.index.block(&self.map, i)).collect();
        let mut damages = check::check_blocks(self.id, &runs, &blocks, |block| {
            progress(block.end(), self.bytes());
            Ok(Bytes::copy_from_slice(self.compressed(block)?))
        });
        progress(self.bytes(), self.bytes());
        // The rows of runs and blocks may be zeros by now.
        damages.extend(self.trust(()).err().filter(|_| damages.is_empty()));
        damages.into_iter().map(|damage| self.doubt(damage)).collect()
    }

    pub(super) fn index(&self) -> &Index {
        &self.index
    }

    pub(super) fn map(&self) -> &Map {
        &self.map
    }

    /// The bytes of block number `number`, decompressed.
    pub(super) fn load(
        &self,
        number: u32,
        block: &Block,
        cache: Option<&BlockCache>,
    ) -> Result<Bytes> {
        let load = || {
            check::open_block(self.id, block, self.compressed(block)?)
                .map_err(|error| self.doubt(error))
        };
        match cache {
            Some(cache) => cache.block(self.id, number, load),
            None => load(),
        }
    }

    fn compressed(&self, block: &Block) -> Result<&[u8]> {
        let bytes = usize::try_from(block.offset)
            .ok()
            .and_then(|offset| self.map.get(offset..)?.get(..block.compressed_bytes as usize));
        bytes.ok_or_else(|| self.doubt(corrupt(self.id, block.offset, "block is past the end")))
    }

    fn missing(&self, run: &Run, seq: SeqNo) -> Error {
        let message = format!("segment lacks a record that its footer announces seq=`{seq}`");
        self.doubt(corrupt(self.id, 0, message).in_shard(run.shard))
    }

    /// An error that may come from bytes that could not be read: that is another matter than
    /// bytes that are wrong.
    pub(super) fn doubt(&self, error: Error) -> Error {
        doubt(&self.map, self.id, error)
    }

    /// An answer, unless the map shows zeros instead of bytes: it may rest on them.
    pub(super) fn trust<T>(&self, answer: T) -> Result<T> {
        if self.map.is_damaged() { Err(unreadable(self.id)) } else { Ok(answer) }
    }
}

fn doubt(map: &Map, id: SegmentId, error: Error) -> Error {
    if map.is_damaged() { unreadable(id).because(error) } else { error }
}

fn unreadable(id: SegmentId) -> Error {
    Error::new(ErrorKind::Unavailable, "the disk could not read a segment")
        .in_file(segment_name(id), 0)
}
