//! The frame header: encoding, decoding, and what is wrong with a bad one.
//!
//! | offset | bytes | field |
//! |--------|-------|-------|
//! | 0      | 4     | magic `FSFR` |
//! | 4      | 1     | version |
//! | 5      | 1     | kind: 1 records, 2 idle marker, 3 clean shutdown |
//! | 6      | 2     | flags: bit 0 last frame of its commit; bits 8-15 reserved for encryption and compression of the payload |
//! | 8      | 8     | salt of the journal file's incarnation |
//! | 16     | 8     | position in the journal |
//! | 24     | 8     | `durable_upto`: all bytes below this position were durable when the frame was built |
//! | 32     | 8     | shard |
//! | 40     | 8     | sequence number of the first record |
//! | 48     | 4     | epoch |
//! | 52     | 4     | number of records |
//! | 56     | 8     | arrival time of the records, ms |
//! | 64     | 4     | payload bytes |
//! | 68     | 4     | CRC-32 of the payload |
//! | 72     | 8     | shard of the frame before this one in the journal |
//! | 80     | 8     | the shard's high watermark when the frame was built |
//! | 88     | 4     | bytes from the frame before to this one; 0 when there is none in the file |
//! | 92     | 4     | CRC-32 of bytes 0..92 |

use crate::planted::{Bug, is_planted};
use crate::types::{Epoch, JournalPosition, Salt, SeqNo, ShardId, Timestamp};

/// `FSFR`.
pub const FRAME_MAGIC: [u8; 4] = *b"FSFR";
/// The newest frame version that this code reads and the one that it writes.
pub const FRAME_VERSION: u8 = 1;
/// Bytes of a frame before its payload.
pub const FRAME_HEADER_BYTES: usize = 96;
/// Frames start at multiples of this.
pub const FRAME_ALIGN_BYTES: usize = 8;

const FLAG_LAST_OF_COMMIT: u16 = 1;
const FLAGS_KNOWN: u16 = FLAG_LAST_OF_COMMIT;

/// What a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// Records of one shard.
    Records,
    /// The journal rested: everything below `durable_upto` is durable.
    IdleMarker,
    /// The engine was closed in order after this.
    CleanShutdown,
}

impl FrameKind {
    fn to_byte(self) -> u8 {
        match self {
            FrameKind::Records => 1,
            FrameKind::IdleMarker => 2,
            FrameKind::CleanShutdown => 3,
        }
    }

    fn from_byte(byte: u8) -> Option<FrameKind> {
        match byte {
            1 => Some(FrameKind::Records),
            2 => Some(FrameKind::IdleMarker),
            3 => Some(FrameKind::CleanShutdown),
            _ => None,
        }
    }
}

/// Why bytes are not a good frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameFault {
    /// Fewer bytes than the frame needs.
    Short,
    /// No frame starts here.
    NoMagic,
    /// The header does not match its checksum, or says what no writer writes.
    BadHeader,
    /// The payload does not match its checksum or is not the records that the header announces.
    BadPayload,
    /// A good header of a version that this code does not know.
    NewerVersion(u8),
}

/// A frame header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// What the frame says.
    pub kind: FrameKind,
    /// Whether the commit ends with this frame.
    pub is_last_of_commit: bool,
    /// The journal file's salt.
    pub salt: Salt,
    /// The frame's own place.
    pub position: JournalPosition,
    /// Everything below was durable when this frame was built.
    pub durable_upto: JournalPosition,
    /// Whose records.
    pub shard: ShardId,
    /// The first record's sequence number.
    pub first_seq: SeqNo,
    /// The term it was written in.
    pub epoch: Epoch,
    /// Number of records.
    pub count: u32,
    /// When the records arrived.
    pub arrival: Timestamp,
    /// Bytes of payload.
    pub payload_bytes: u32,
    /// CRC-32 of the payload.
    pub payload_checksum: u32,
    /// Whose frame comes before this one.
    pub previous_shard: ShardId,
    /// The shard's high watermark when this frame was built.
    pub high_watermark: SeqNo,
    /// How far back the frame before starts; 0 when this is the file's first.
    pub previous_bytes: u32,
}

impl FrameHeader {
    /// Bytes of the frame, without alignment.
    #[must_use]
    pub fn frame_bytes(&self) -> usize {
        FRAME_HEADER_BYTES + self.payload_bytes as usize
    }

    /// The sequence number after the frame's last record.
    #[must_use]
    pub fn end_seq(&self) -> SeqNo {
        self.first_seq.plus(u64::from(self.count))
    }

    /// The bytes of this header.
    #[must_use]
    pub fn encode(&self) -> [u8; FRAME_HEADER_BYTES] {
        let mut out = [0; FRAME_HEADER_BYTES];
        let flags = if self.is_last_of_commit { FLAG_LAST_OF_COMMIT } else { 0 };
        out[0..4].copy_from_slice(&FRAME_MAGIC);
        out[4] = FRAME_VERSION;
        out[5] = self.kind.to_byte();
        out[6..8].copy_from_slice(&flags.to_le_bytes());
        out[8..16].copy_from_slice(&self.salt.0.to_le_bytes());
        out[16..24].copy_from_slice(&self.position.raw().to_le_bytes());
        out[24..32].copy_from_slice(&self.durable_upto.raw().to_le_bytes());
        out[32..40].copy_from_slice(&self.shard.0.to_le_bytes());
        out[40..48].copy_from_slice(&self.first_seq.0.to_le_bytes());
        out[48..52].copy_from_slice(&self.epoch.0.to_le_bytes());
        out[52..56].copy_from_slice(&self.count.to_le_bytes());
        out[56..64].copy_from_slice(&self.arrival.0.to_le_bytes());
        out[64..68].copy_from_slice(&self.payload_bytes.to_le_bytes());
        out[68..72].copy_from_slice(&self.payload_checksum.to_le_bytes());
        out[72..80].copy_from_slice(&self.previous_shard.0.to_le_bytes());
        out[80..88].copy_from_slice(&self.high_watermark.0.to_le_bytes());
        out[88..92].copy_from_slice(&self.previous_bytes.to_le_bytes());
        let checksum = crc32fast::hash(&out[..92]);
        out[92..96].copy_from_slice(&checksum.to_le_bytes());
        out
    }

    /// The header at the head of `bytes`, checked against its own checksum. Says nothing of the
    /// payload, nor whether the frame belongs where it was found.
    pub fn decode(bytes: &[u8]) -> Result<FrameHeader, FrameFault> {
        let Some((header, _)) = bytes.split_first_chunk::<FRAME_HEADER_BYTES>() else {
            return Err(FrameFault::Short);
        };
        let u32_at = |at: usize| {
            u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
        };
        let u64_at = |at: usize| u64::from(u32_at(at)) | u64::from(u32_at(at + 4)) << 32;

        if header[..4] != FRAME_MAGIC {
            return Err(FrameFault::NoMagic);
        }
        if crc32fast::hash(&header[..92]) != u32_at(92) && !is_planted(Bug::TrustFrameHeader) {
            return Err(FrameFault::BadHeader);
        }
        if header[4] > FRAME_VERSION {
            return Err(FrameFault::NewerVersion(header[4]));
        }
        let flags = u16::from_le_bytes([header[6], header[7]]);
        let kind = FrameKind::from_byte(header[5]).ok_or(FrameFault::BadHeader)?;
        if header[4] == 0 || flags & !FLAGS_KNOWN != 0 {
            return Err(FrameFault::BadHeader);
        }
        let decoded = FrameHeader {
            kind,
            is_last_of_commit: flags & FLAG_LAST_OF_COMMIT != 0,
            salt: Salt(u64_at(8)),
            position: JournalPosition::from_raw(u64_at(16)),
            durable_upto: JournalPosition::from_raw(u64_at(24)),
            shard: ShardId(u64_at(32)),
            first_seq: SeqNo(u64_at(40)),
            epoch: Epoch(u32_at(48)),
            count: u32_at(52),
            arrival: Timestamp(u64_at(56)),
            payload_bytes: u32_at(64),
            payload_checksum: u32_at(68),
            previous_shard: ShardId(u64_at(72)),
            high_watermark: SeqNo(u64_at(80)),
            previous_bytes: u32_at(88),
        };
        let has_records = decoded.count > 0 && decoded.shard != ShardId::JOURNAL;
        if has_records != (kind == FrameKind::Records)
            || decoded.first_seq.0.checked_add(u64::from(decoded.count)).is_none()
        {
            return Err(FrameFault::BadHeader);
        }
        Ok(decoded)
    }
}
