//! The engine's own rows in the catalog.

use rkyv::{Archive, Deserialize, Serialize};

use crate::catalog::Table;
use crate::catalog_value;

/// Shard logs by id.
pub(super) const SHARDS: Table<u64, ShardRow> = Table::new("engine.shards");
/// Segments by id.
pub(super) const SEGMENTS: Table<u64, SegmentRow> = Table::new("engine.segments");
/// Shards that lost records, by id.
pub(super) const QUARANTINES: Table<u64, QuarantineRow> = Table::new("engine.quarantines");
/// Where the logs end of shards whose newest records have expired.
pub(super) const ENDS: Table<u64, EndRow> = Table::new("engine.ends");
/// Single numbers by name.
pub(super) const NUMBERS: Table<String, NumberRow> = Table::new("engine.numbers");

/// The next shard id to give out.
pub(super) const NEXT_SHARD: &str = "next_shard";
/// The next segment id to give out: all ids below may exist on disk.
pub(super) const NEXT_SEGMENT: &str = "next_segment";
/// The newest journal file whose frames are all in segments.
pub(super) const SEALED_UPTO: &str = "sealed_upto";
/// Behind the last records in the journal that were durable when this was noted.
pub(super) const JOURNAL_END: &str = "journal_end";
/// The retention clock when it was last noted.
pub(super) const RETENTION_CLOCK: &str = "retention_clock";

/// A shard log.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub(super) struct ShardRow {
    pub(super) created_ms: u64,
    pub(super) retention_ms: u64,
    pub(super) epoch: u32,
    /// Records below have expired or were trimmed, and stay so.
    pub(super) trim_horizon: u64,
    /// Behind the last record of a log that was closed for good.
    pub(super) closed_end: Option<u64>,
}
catalog_value!(ShardRow, version = 2, before = { 1: ShardRowV1 });

/// A shard log as version 1 kept it: none was closed.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub(super) struct ShardRowV1 {
    pub(super) created_ms: u64,
    pub(super) retention_ms: u64,
    pub(super) epoch: u32,
    pub(super) trim_horizon: u64,
}

impl From<ShardRowV1> for ShardRow {
    fn from(old: ShardRowV1) -> ShardRow {
        let ShardRowV1 { created_ms, retention_ms, epoch, trim_horizon } = old;
        ShardRow { created_ms, retention_ms, epoch, trim_horizon, closed_end: None }
    }
}

/// A segment: enough to know what is missing when its file cannot be read.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub(super) struct SegmentRow {
    pub(super) bytes: u64,
    pub(super) raw_bytes: u64,
    /// How often its records were rewritten.
    pub(super) tier: u32,
    pub(super) is_compressed: bool,
    pub(super) runs: Vec<RunRow>,
}
catalog_value!(SegmentRow, version = 1);

/// The records of one shard in a segment.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RunRow {
    pub(super) shard: u64,
    pub(super) first_seq: u64,
    pub(super) end_seq: u64,
    pub(super) last_arrival_ms: u64,
}

/// Why a shard takes no more records.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub(super) struct QuarantineRow {
    pub(super) from_seq: u64,
    pub(super) reason: String,
}
catalog_value!(QuarantineRow, version = 1);

/// Where a log ends.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EndRow {
    pub(super) end_seq: u64,
    pub(super) newest_arrival_ms: u64,
}
catalog_value!(EndRow, version = 1);

/// A number.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NumberRow {
    pub(super) value: u64,
}
catalog_value!(NumberRow, version = 1);

/// Damaged journal files that were sealed and are to be moved aside, by file number.
pub(super) const EVIDENCE: Table<u64, NumberRow> = Table::new("engine.evidence");

/// Segments whose file is being removed, by id.
pub(super) const DROPPED: Table<u64, NumberRow> = Table::new("engine.dropped");
