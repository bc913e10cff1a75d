//! The frames of several segments as one stream, for compaction.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::frame::Frame;
use crate::segment::cursor::Frames;
use crate::segment::reader::Segment;
use crate::types::{SeqNo, ShardId};

/// What of a shard goes into the merged stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Nothing.
    Drop,
    /// This record and those behind it; a frame that holds it is kept whole.
    From(SeqNo),
}

/// Merges `inputs`: their frames by shard, then by sequence number, without what `keep` drops.
///
/// A frame that is in two inputs comes once. `Corrupt` when two inputs disagree about a record, or
/// when records are missing between the frames of a shard. One block of each input is in memory.
pub fn merge<K: Fn(ShardId) -> Keep>(inputs: &[Arc<Segment>], keep: K) -> Result<Merge<K>> {
    let mut merge = Merge {
        inputs: inputs.iter().map(Segment::all_frames).collect(),
        heads: inputs.iter().map(|_| None).collect(),
        order: BinaryHeap::new(),
        last: None,
        keep,
        is_over: false,
    };
    for input in 0..inputs.len() {
        merge.advance(input, (ShardId(0), SeqNo(0)))?;
    }
    Ok(merge)
}

/// The merged stream. Ends after the first error.
pub struct Merge<K> {
    inputs: Vec<Frames>,
    /// Each input's next frame.
    heads: Vec<Option<Frame>>,
    /// The inputs that have one, by it.
    order: BinaryHeap<Reverse<(ShardId, SeqNo, usize)>>,
    /// The frame that came last.
    last: Option<Frame>,
    keep: K,
    is_over: bool,
}

impl<K: Fn(ShardId) -> Keep> Merge<K> {
    /// Brings the input's next frame from `from` on that is to be kept.
    fn advance(&mut self, input: usize, mut from: (ShardId, SeqNo)) -> Result<()> {
        self.heads[input] = None;
        while let Some(frame) = self.inputs[input].next_from(from.0, from.1)? {
            let header = frame.header();
            match (self.keep)(header.shard) {
                Keep::Drop => from = (ShardId(header.shard.0.saturating_add(1)), SeqNo(0)),
                // On to the frame that holds the first record kept, or to the next shard.
                Keep::From(first) if header.end_seq() <= first => from = (header.shard, first),
                Keep::From(_) => {
                    self.order.push(Reverse((header.shard, header.first_seq, input)));
                    self.heads[input] = Some(frame);
                    break;
                }
            }
        }
        Ok(())
    }

    fn next_frame(&mut self) -> Result<Option<Frame>> {
        while let Some(Reverse((_, _, input))) = self.order.pop() {
            let frame = self.heads[input].take().expect("an ordered input has a head");
            self.advance(input, (frame.header().shard, frame.header().end_seq()))?;
            if self.is_news(&frame)? {
                self.last = Some(frame.clone());
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }

    /// Whether `frame` goes on where the last one ended, or only repeats it.
    fn is_news(&self, frame: &Frame) -> Result<bool> {
        let Some(last) = &self.last else { return Ok(true) };
        let (before, now) = (last.header(), frame.header());
        if before.shard != now.shard || before.end_seq() == now.first_seq {
            return Ok(true);
        }
        let message = if now.first_seq > before.end_seq() {
            format!("records are missing between segments from_seq=`{}`", before.end_seq())
        } else if is_same(last, frame) {
            return Ok(false);
        } else {
            format!("segments disagree about a record seq=`{}`", now.first_seq)
        };
        Err(Error::new(ErrorKind::Corrupt, message).in_shard(now.shard))
    }
}

/// Whether both frames hold the same records. They may have been journaled at different places.
fn is_same(a: &Frame, b: &Frame) -> bool {
    let (x, y) = (a.header(), b.header());
    (x.first_seq, x.count, x.arrival) == (y.first_seq, y.count, y.arrival)
        && a.payload() == b.payload()
}

impl<K: Fn(ShardId) -> Keep> Iterator for Merge<K> {
    type Item = Result<Frame>;

    fn next(&mut self) -> Option<Result<Frame>> {
        if self.is_over {
            return None;
        }
        let next = self.next_frame().transpose();
        self.is_over = !matches!(next, Some(Ok(_)));
        next
    }
}

impl<K> std::fmt::Debug for Merge<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Merge").field("inputs", &self.inputs.len()).finish_non_exhaustive()
    }
}
