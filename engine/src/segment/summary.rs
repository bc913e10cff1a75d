//! What a segment says of itself: runs, blocks, totals, its name.

use std::path::PathBuf;

use crate::error::{Error, ErrorKind};
use crate::types::{SegmentId, SeqNo, ShardId, Timestamp};

/// The directory of segments, in the data directory.
pub const SEGMENTS_DIR: &str = "segments";

/// The file of segment `id`.
#[must_use]
pub fn segment_path(id: SegmentId) -> PathBuf {
    segment_name(id).into()
}

/// The segment whose file has this name, in the directory of segments.
#[must_use]
pub fn segment_of(name: &str) -> Option<SegmentId> {
    let digits = name.strip_suffix(".seg")?;
    let id = SegmentId(u64::from_str_radix(digits, 16).ok()?);
    segment_name(id).ends_with(&format!("/{name}")).then_some(id)
}

/// The file of segment `id` while it is written.
#[must_use]
pub fn temporary_path(id: SegmentId) -> PathBuf {
    format!("{SEGMENTS_DIR}/{:016x}.tmp", id.0).into()
}

pub(super) fn segment_name(id: SegmentId) -> String {
    format!("{SEGMENTS_DIR}/{:016x}.seg", id.0)
}

/// One shard's records in a segment: consecutive, without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Whose.
    pub shard: ShardId,
    /// The first record.
    pub first_seq: SeqNo,
    /// Behind the last record.
    pub end_seq: SeqNo,
    /// When the first record arrived.
    pub first_arrival: Timestamp,
    /// When the last record arrived.
    pub last_arrival: Timestamp,
    /// Bytes of its frames.
    pub raw_bytes: u64,
    /// Its frames.
    pub frames: u64,
    /// The block that its first frame is in.
    pub first_block: u32,
}

/// A block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// Where it starts in the file.
    pub(super) offset: u64,
    /// Its bytes in the file.
    pub(super) compressed_bytes: u32,
    /// CRC-32 of those.
    pub(super) checksum: u32,
    /// Its bytes when decompressed.
    pub(super) raw_bytes: u32,
    /// The shard of its first frame.
    pub(super) shard: ShardId,
    /// The first record of its first frame.
    pub(super) first_seq: SeqNo,
    /// When the newest record up to its first frame arrived, of that frame's shard.
    pub(super) arrival: Timestamp,
}

impl Block {
    /// What blocks are ordered by.
    pub(super) fn key(&self) -> (ShardId, SeqNo) {
        (self.shard, self.first_seq)
    }

    /// Behind its last byte in the file.
    pub(super) fn end(&self) -> u64 {
        self.offset.saturating_add(u64::from(self.compressed_bytes))
    }
}

/// What a segment holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentSummary {
    /// Its identity.
    pub id: SegmentId,
    /// Bytes of the file.
    pub bytes: u64,
    /// Bytes of its frames.
    pub raw_bytes: u64,
    /// Frames.
    pub frames: u64,
    /// Blocks.
    pub blocks: u32,
    /// Whether the blocks were compressed, not only stored.
    pub is_compressed: bool,
    /// When the oldest record arrived.
    pub first_arrival: Timestamp,
    /// When the newest record arrived.
    pub last_arrival: Timestamp,
    /// One for each shard, by shard.
    pub runs: Vec<Run>,
}

/// Damage at byte `offset` of segment `id`.
pub(super) fn corrupt(id: SegmentId, offset: u64, message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Corrupt, message).in_file(segment_name(id), offset)
}
