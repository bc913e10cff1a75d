//! The footer: its archive and trailer, and finding them in a file.

use rkyv::rancor;
use rkyv::util::AlignedVec;

use crate::error::{Error, ErrorKind, Result};
use crate::limits::FOOTER_BYTES_MAX;
use crate::planted::{Bug, is_planted};
use crate::segment::seek_table::{self, SKIPPABLE_HEADER_BYTES};
use crate::segment::summary::{Block, Run, SegmentSummary, corrupt, segment_name};
use crate::types::{SegmentId, SeqNo, ShardId, Timestamp};

/// The newest segment version that this code reads and the one that it writes.
pub const SEGMENT_VERSION: u32 = 1;

const TRAILER_MAGIC: [u8; 8] = *b"FSSEGMNT";
pub(super) const TRAILER_BYTES: usize = 32;
/// Magic number of the skippable frame that holds the footer.
const FOOTER_MAGIC: u32 = 0x184D_2A5D;
/// The archive starts at a multiple of this in the file.
const ARCHIVE_ALIGN_BYTES: usize = 16;

/// The archive.
#[derive(rkyv::Archive, rkyv::Serialize)]
pub(super) struct Footer {
    pub(super) segment: u64,
    pub(super) raw_bytes: u64,
    pub(super) frames: u64,
    pub(super) first_arrival: u64,
    pub(super) last_arrival: u64,
    pub(super) is_compressed: bool,
    pub(super) runs: Vec<StoredRun>,
    pub(super) blocks: Vec<StoredBlock>,
}

/// [`Run`] in the archive.
#[derive(rkyv::Archive, rkyv::Serialize)]
pub(super) struct StoredRun {
    shard: u64,
    first_seq: u64,
    end_seq: u64,
    first_arrival: u64,
    last_arrival: u64,
    raw_bytes: u64,
    frames: u64,
    first_block: u32,
}

/// [`Block`] in the archive.
#[derive(rkyv::Archive, rkyv::Serialize)]
pub(super) struct StoredBlock {
    offset: u64,
    compressed_bytes: u32,
    checksum: u32,
    raw_bytes: u32,
    shard: u64,
    first_seq: u64,
    arrival: u64,
}

impl ArchivedStoredRun {
    pub(super) fn to_run(&self) -> Run {
        Run {
            shard: ShardId(self.shard.to_native()),
            first_seq: SeqNo(self.first_seq.to_native()),
            end_seq: SeqNo(self.end_seq.to_native()),
            first_arrival: Timestamp(self.first_arrival.to_native()),
            last_arrival: Timestamp(self.last_arrival.to_native()),
            raw_bytes: self.raw_bytes.to_native(),
            frames: self.frames.to_native(),
            first_block: self.first_block.to_native(),
        }
    }
}

impl ArchivedStoredBlock {
    pub(super) fn to_block(&self) -> Block {
        Block {
            offset: self.offset.to_native(),
            compressed_bytes: self.compressed_bytes.to_native(),
            checksum: self.checksum.to_native(),
            raw_bytes: self.raw_bytes.to_native(),
            shard: ShardId(self.shard.to_native()),
            first_seq: SeqNo(self.first_seq.to_native()),
            arrival: Timestamp(self.arrival.to_native()),
        }
    }
}

/// Everything behind the blocks: footer frame and seek table.
pub(super) fn encode(summary: &SegmentSummary, blocks: &[Block]) -> Result<Vec<u8>> {
    let data_end = blocks.last().map_or(0, Block::end);
    let archive = archive(summary, blocks)?;
    if archive.len() > FOOTER_BYTES_MAX {
        return Err(Error::new(ErrorKind::Full, "segment footer exceeds its limit"));
    }
    let archive_from = usize::try_from(data_end % ARCHIVE_ALIGN_BYTES as u64).expect("small")
        + SKIPPABLE_HEADER_BYTES;
    let padding = archive_from.next_multiple_of(ARCHIVE_ALIGN_BYTES) - archive_from;
    let content = u32::try_from(padding + archive.len() + TRAILER_BYTES)
        .expect("bounded by FOOTER_BYTES_MAX");

    let mut out = frame_head(content, padding);
    out.extend_from_slice(&archive);
    out.extend_from_slice(&trailer(&archive));
    let footer_bytes = u32::try_from(out.len()).expect("bounded by FOOTER_BYTES_MAX");
    out.extend_from_slice(&seek_table::encode(blocks.iter().copied(), footer_bytes));
    Ok(out)
}

/// The footer frame up to its archive.
pub(super) fn frame_head(content_bytes: u32, padding: usize) -> Vec<u8> {
    let mut out = FOOTER_MAGIC.to_le_bytes().to_vec();
    out.extend_from_slice(&content_bytes.to_le_bytes());
    out.resize(SKIPPABLE_HEADER_BYTES + padding, 0);
    out
}

fn archive(summary: &SegmentSummary, blocks: &[Block]) -> Result<AlignedVec> {
    let footer = Footer {
        segment: summary.id.0,
        raw_bytes: summary.raw_bytes,
        frames: summary.frames,
        first_arrival: summary.first_arrival.0,
        last_arrival: summary.last_arrival.0,
        is_compressed: summary.is_compressed,
        runs: summary
            .runs
            .iter()
            .map(|run| StoredRun {
                shard: run.shard.0,
                first_seq: run.first_seq.0,
                end_seq: run.end_seq.0,
                first_arrival: run.first_arrival.0,
                last_arrival: run.last_arrival.0,
                raw_bytes: run.raw_bytes,
                frames: run.frames,
                first_block: run.first_block,
            })
            .collect(),
        blocks: blocks
            .iter()
            .map(|block| StoredBlock {
                offset: block.offset,
                compressed_bytes: block.compressed_bytes,
                checksum: block.checksum,
                raw_bytes: block.raw_bytes,
                shard: block.shard.0,
                first_seq: block.first_seq.0,
                arrival: block.arrival.0,
            })
            .collect(),
    };
    rkyv::to_bytes::<rancor::Error>(&footer)
        .map_err(|error| Error::new(ErrorKind::Full, "segment footer has no room").because(error))
}

fn trailer(archive: &[u8]) -> [u8; TRAILER_BYTES] {
    let mut out = [0; TRAILER_BYTES];
    out[0..8].copy_from_slice(&TRAILER_MAGIC);
    out[8..12].copy_from_slice(&SEGMENT_VERSION.to_le_bytes());
    out[12..16].copy_from_slice(&crc32fast::hash(archive).to_le_bytes());
    out[16..24].copy_from_slice(&(archive.len() as u64).to_le_bytes());
    let checksum = crc32fast::hash(&out[..28]);
    out[28..32].copy_from_slice(&checksum.to_le_bytes());
    out
}

/// Where the archive is in `file`, its bytes checked against the trailer.
pub(super) fn locate(id: SegmentId, file: &[u8]) -> Result<std::ops::Range<usize>> {
    let end = file.len() as u64;
    let table_at = seek_table::locate(file)
        .ok_or_else(|| corrupt(id, end, "segment does not end in a seek table"))?;
    let trailer_at = table_at.saturating_sub(TRAILER_BYTES);
    let bad = |what: &str| corrupt(id, trailer_at as u64, what);
    let trailer: &[u8; TRAILER_BYTES] =
        file[trailer_at..table_at].try_into().map_err(|_| bad("segment has no trailer"))?;
    let u32_at = |at: usize| {
        u32::from_le_bytes([trailer[at], trailer[at + 1], trailer[at + 2], trailer[at + 3]])
    };
    if trailer[..8] != TRAILER_MAGIC || u32_at(28) != crc32fast::hash(&trailer[..28]) {
        return Err(bad("segment trailer is damaged"));
    }
    if u32_at(8) > SEGMENT_VERSION {
        let message = format!(
            "segment has version {}, this binary reads {SEGMENT_VERSION}: use the newer binary",
            u32_at(8)
        );
        return Err(Error::new(ErrorKind::Invalid, message).in_file(segment_name(id), 0));
    }
    let archive_bytes = u32_at(16) as usize;
    let is_sane = u32_at(8) == SEGMENT_VERSION
        && u32_at(20) == 0
        && u32_at(24) == 0
        && archive_bytes <= FOOTER_BYTES_MAX.min(trailer_at)
        && (trailer_at - archive_bytes).is_multiple_of(ARCHIVE_ALIGN_BYTES);
    if !is_sane {
        return Err(bad("segment trailer is not one that a writer writes"));
    }
    let archive = trailer_at - archive_bytes..trailer_at;
    let is_right = crc32fast::hash(&file[archive.clone()]) == u32_at(12);
    if !(is_right || is_planted(Bug::TrustFooter)) {
        return Err(corrupt(id, archive.start as u64, "segment footer checksum mismatch"));
    }
    Ok(archive)
}

/// The archive in `bytes`, structurally sound. `bytes` starts at a multiple of 16 in memory.
pub(super) fn access(id: SegmentId, bytes: &[u8], offset: u64) -> Result<&ArchivedFooter> {
    rkyv::access::<ArchivedFooter, rancor::Error>(bytes)
        .map_err(|error| corrupt(id, offset, "segment footer is damaged").because(error))
}
