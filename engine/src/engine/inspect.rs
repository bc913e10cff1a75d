//! The engine's rows for tools that look at a data directory without opening an engine in it.

use crate::catalog::Catalog;
use crate::engine::rows::{
    ENDS, JOURNAL_END, NEXT_SEGMENT, NEXT_SHARD, NUMBERS, QUARANTINES, SEALED_UPTO, SEGMENTS,
    SHARDS,
};
use crate::error::Result;
use crate::types::{Epoch, FileSeq, JournalPosition, SegmentId, SeqNo, ShardId, Timestamp};

/// What the catalog says of the engine's things.
#[derive(Clone, Debug)]
pub struct Inventory {
    /// Shard logs by id.
    pub shards: Vec<ShardEntry>,
    /// Segments by id.
    pub segments: Vec<SegmentEntry>,
    /// The newest journal file whose frames are all in segments.
    pub sealed_upto: FileSeq,
    /// Where the journal's records ended when that was last noted.
    pub journal_end: JournalPosition,
    /// The next shard id to give out.
    pub next_shard: ShardId,
    /// The next segment id to give out: files of this and later ones are leftovers.
    pub next_segment: SegmentId,
}

/// A shard log.
#[derive(Clone, Debug)]
pub struct ShardEntry {
    /// Its identity.
    pub id: ShardId,
    /// When it was made.
    pub created: Timestamp,
    /// Milliseconds that records are kept.
    pub retention_ms: u64,
    /// Its term.
    pub epoch: Epoch,
    /// From where on records are missing and why, if the shard takes no more records.
    pub quarantine: Option<(SeqNo, String)>,
    /// Where the log ends, if its newest records have expired.
    pub end: Option<SeqNo>,
    /// Where the log ends, if it was closed for good.
    pub closed_end: Option<SeqNo>,
}

/// A segment.
#[derive(Clone, Debug)]
pub struct SegmentEntry {
    /// Its identity.
    pub id: SegmentId,
    /// Bytes of its file.
    pub bytes: u64,
    /// Bytes of its frames.
    pub raw_bytes: u64,
    /// How often its records were rewritten.
    pub tier: u32,
    /// Whether its blocks are compressed.
    pub is_compressed: bool,
    /// The shards in it, each with its first sequence number and the one behind its last.
    pub runs: Vec<(ShardId, SeqNo, SeqNo)>,
}

/// Reads the engine's rows.
pub fn take_inventory(catalog: &Catalog) -> Result<Inventory> {
    let number = |name: &str| -> Result<u64> {
        Ok(catalog.load(&NUMBERS, &name.to_owned())?.map_or(0, |row| row.value))
    };
    let mut shards = Vec::new();
    for (id, row) in catalog.scan(&SHARDS)? {
        let quarantine = catalog.load(&QUARANTINES, &id)?;
        shards.push(ShardEntry {
            id: ShardId(id),
            created: Timestamp(row.created_ms),
            retention_ms: row.retention_ms,
            epoch: Epoch(row.epoch),
            quarantine: quarantine.map(|row| (SeqNo(row.from_seq), row.reason)),
            end: catalog.load(&ENDS, &id)?.map(|row| SeqNo(row.end_seq)),
            closed_end: row.closed_end.map(SeqNo),
        });
    }
    let segments = catalog.scan(&SEGMENTS)?.into_iter().map(|(id, row)| SegmentEntry {
        id: SegmentId(id),
        bytes: row.bytes,
        raw_bytes: row.raw_bytes,
        tier: row.tier,
        is_compressed: row.is_compressed,
        runs: row
            .runs
            .iter()
            .map(|run| (ShardId(run.shard), SeqNo(run.first_seq), SeqNo(run.end_seq)))
            .collect(),
    });
    Ok(Inventory {
        shards,
        segments: segments.collect(),
        sealed_upto: FileSeq(u32::try_from(number(SEALED_UPTO)?).unwrap_or(u32::MAX)),
        journal_end: JournalPosition::from_raw(number(JOURNAL_END)?),
        next_shard: ShardId(number(NEXT_SHARD)?),
        next_segment: SegmentId(number(NEXT_SEGMENT)?),
    })
}
