//! What an engine is opened with, and the small structs that its calls take and answer.

use crate::limits;
use crate::types::{SeqNo, Timestamp};

/// How to run an engine. The default suits a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Bytes of one journal file.
    pub journal_file_bytes: usize,
    /// Journal files that may wait to be sealed, the active one included.
    pub journal_files_max: usize,
    /// Commits in flight.
    pub commits_in_flight_max: u32,
    /// Bytes of one commit.
    pub commit_bytes_max: usize,
    /// Bytes of payload from which on appends get a commit although two are in flight.
    pub gather_bytes: usize,
    /// Bytes of appends that wait for their commit.
    pub pending_bytes_max: usize,
    /// Bytes of decompressed blocks kept for readers.
    pub block_cache_bytes: usize,
    /// Bytes of a block before compression.
    pub block_bytes: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            journal_file_bytes: limits::JOURNAL_FILE_BYTES,
            journal_files_max: limits::JOURNAL_FILES_MAX,
            commits_in_flight_max: limits::COMMITS_IN_FLIGHT_MAX,
            commit_bytes_max: limits::COMMIT_BYTES_MAX,
            gather_bytes: limits::GATHER_BYTES,
            pending_bytes_max: limits::PENDING_BYTES_MAX,
            block_cache_bytes: limits::BLOCK_CACHE_BYTES,
            block_bytes: limits::BLOCK_BYTES,
        }
    }
}

/// A shard log to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardSpec {
    /// Milliseconds that records are kept.
    pub retention_ms: u64,
}

/// Where an append's records are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The first record's sequence number; the others follow without gaps.
    pub first_seq: SeqNo,
    /// How many records.
    pub count: u32,
    /// When they arrived.
    pub arrival: Timestamp,
}

/// How an engine is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// A write or flush failed: appends are refused until restart.
    pub is_poisoned: bool,
    /// The disk is full: appends are refused until there is room.
    pub is_full: bool,
    /// Shards with damage: what is below the damage is served, appends are refused.
    pub quarantined_shards: Vec<crate::types::ShardId>,
    /// Shard logs.
    pub shards: usize,
    /// Segments.
    pub segments: usize,
    /// Bytes of segments on disk.
    pub segment_bytes: u64,
    /// Journal files not yet sealed, the active one included.
    pub journal_files: usize,
    /// Bytes of appends waiting for their commit.
    pub pending_bytes: usize,
    /// `io_uring`, `portable` or `simulated`.
    pub disk: &'static str,
}
