//! Reading every block and every frame, for the writer and for `verify`.

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::frame::{Frame, FrameFault};
use crate::planted::{Bug, is_planted};
use crate::segment::codec;
use crate::segment::summary::{Block, Run, corrupt};
use crate::types::{SegmentId, SeqNo, ShardId};

/// The bytes of `block`, of which `compressed` is what the file holds.
pub(super) fn open_block(id: SegmentId, block: &Block, compressed: &[u8]) -> Result<Bytes> {
    let is_right = crc32fast::hash(compressed) == block.checksum;
    if compressed.is_empty() || !(is_right || is_planted(Bug::TrustBlocks)) {
        return Err(corrupt(id, block.offset, "block checksum mismatch"));
    }
    codec::decode(compressed, block.raw_bytes)
        .map_err(|error| corrupt(id, block.offset, "block cannot be decompressed").because(error))
}

/// What is wrong with a frame in `block`.
pub(super) fn frame_fault(id: SegmentId, block: &Block, fault: FrameFault) -> Error {
    let what = match fault {
        FrameFault::Short => "frame is cut off in its block",
        FrameFault::NoMagic => "no frame where one must start in a block",
        FrameFault::BadHeader => "frame header checksum mismatch in a block",
        FrameFault::BadPayload => "frame payload checksum mismatch in a block",
        FrameFault::NewerVersion(_) => "frame of a newer version in a block",
    };
    corrupt(id, block.offset, what).in_shard(block.shard)
}

/// Checks every block, which `read` brings as it is in the file: that its frames are whole, and
/// the ones that the footer announces. Answers all that is wrong.
pub(super) fn check_blocks(
    id: SegmentId,
    runs: &[Run],
    blocks: &[Block],
    mut read: impl FnMut(&Block) -> Result<Bytes>,
) -> Vec<Error> {
    let mut damages = Vec::new();
    let mut frames = 0;
    for (index, block) in blocks.iter().enumerate() {
        let next = blocks.get(index + 1).map(Block::key);
        match read(block)
            .and_then(|compressed| open_block(id, block, &compressed))
            .and_then(|raw| check_frames(id, runs, block, next, &raw))
        {
            Ok(count) => frames += count,
            Err(damage) => damages.push(damage),
        }
    }
    if damages.is_empty() && frames != runs.iter().map(|run| run.frames).sum::<u64>() {
        damages.push(corrupt(id, 0, "segment has more or fewer frames than its footer says"));
    }
    damages
}

/// How many frames are in the block whose bytes are `raw`. They follow one another, and `next`
/// follows the last: a record of the same run, or the next run's first.
fn check_frames(
    id: SegmentId,
    runs: &[Run],
    block: &Block,
    next: Option<(ShardId, SeqNo)>,
    raw: &Bytes,
) -> Result<u64> {
    let disorder = || corrupt(id, block.offset, "frames in a block are not the footer's");
    let mut run = runs.partition_point(|run| run.shard < block.shard);
    let mut expected = Some(block.key());
    let mut frames = 0;
    let mut at = 0;
    while at < raw.len() {
        let frame =
            Frame::check(&raw.slice(at..)).map_err(|fault| frame_fault(id, block, fault))?;
        let header = frame.header();
        let current = runs.get(run).ok_or_else(disorder)?;
        if Some((header.shard, header.first_seq)) != expected || header.end_seq() > current.end_seq
        {
            return Err(disorder());
        }
        expected = Some((header.shard, header.end_seq()));
        if header.end_seq() == current.end_seq {
            run += 1;
            expected = runs.get(run).map(|run| (run.shard, run.first_seq));
        }
        at += header.frame_bytes();
        frames += 1;
    }
    if expected != next { Err(disorder()) } else { Ok(frames) }
}
