//! Walking the frames of a segment in order.

use std::sync::Arc;

use bytes::Bytes;

use crate::error::Result;
use crate::frame::{Frame, FrameFault, FrameHeader};
use crate::segment::cache::BlockCache;
use crate::segment::check::frame_fault;
use crate::segment::reader::Segment;
use crate::types::{SeqNo, ShardId};

/// A place in a segment: a block, and in it a frame.
#[derive(Clone, Debug)]
pub(super) struct Cursor {
    block: u32,
    /// The block's bytes, once they were asked for.
    raw: Option<Bytes>,
    at: usize,
}

impl Cursor {
    /// At the start of block number `block`.
    pub(super) fn at_block(block: u32) -> Cursor {
        Cursor { block, raw: None, at: 0 }
    }

    /// The next frame that holds record `from` of its shard, or a later record, or belongs to a
    /// shard behind. Frames passed over are not checked, blocks passed over not read.
    pub(super) fn next_from(
        &mut self,
        segment: &Segment,
        cache: Option<&BlockCache>,
        (shard, from): (ShardId, SeqNo),
    ) -> Result<Option<Frame>> {
        // PERF: one look at the next block decides, mostly, that there is no need to search.
        let next = segment.index().block(segment.map(), self.block.saturating_add(1));
        if next.is_some_and(|next| next.key() <= (shard, from)) {
            *self = Cursor::at_block(segment.index().block_of(segment.map(), shard, from));
        }
        while let Some(block) = segment.index().block(segment.map(), self.block) {
            let raw = match &self.raw {
                Some(raw) => raw,
                None => self.raw.insert(segment.load(self.block, &block, cache)?),
            };
            while self.at < raw.len() {
                let bad = |fault| segment.doubt(frame_fault(segment.id(), &block, fault));
                let header = FrameHeader::decode(&raw[self.at..]).map_err(bad)?;
                let start = self.at;
                let end = start.saturating_add(header.frame_bytes());
                if end > raw.len() {
                    return Err(bad(FrameFault::Short));
                }
                self.at = end;
                if header.shard > shard || (header.shard == shard && header.end_seq() > from) {
                    let frame = Frame::check_payload(header, &raw.slice(start..end));
                    return segment.trust(Some(frame.map_err(bad)?));
                }
            }
            *self = Cursor::at_block(self.block + 1);
        }
        segment.trust(None)
    }
}

/// All frames of a segment in order, without the help of a cache: one block is in memory.
#[derive(Debug)]
pub struct Frames {
    segment: Arc<Segment>,
    cursor: Cursor,
    is_over: bool,
}

impl Frames {
    pub(super) fn new(segment: Arc<Segment>) -> Frames {
        Frames { segment, cursor: Cursor::at_block(0), is_over: false }
    }

    /// The next frame that holds record `from` of `shard`, or comes after it.
    pub(super) fn next_from(&mut self, shard: ShardId, from: SeqNo) -> Result<Option<Frame>> {
        self.cursor.next_from(&self.segment, None, (shard, from))
    }
}

impl Iterator for Frames {
    type Item = Result<Frame>;

    /// Ends after the first error.
    fn next(&mut self) -> Option<Result<Frame>> {
        if self.is_over {
            return None;
        }
        let next = self.next_from(ShardId(0), SeqNo(0)).transpose();
        self.is_over = !matches!(next, Some(Ok(_)));
        next
    }
}
