//! The journal file header, written twice in two disk blocks.
//!
//! | offset | bytes | field |
//! |--------|-------|-------|
//! | 0      | 4     | magic `FSJF` |
//! | 4      | 2     | version |
//! | 6      | 2     | reserved, 0 |
//! | 8      | 8     | salt of this incarnation |
//! | 16     | 4     | file sequence number, from 1; 0 in a file that was never begun |
//! | 20     | 4     | file bytes |
//! | 24     | 4     | sequence number of the file before, 0 for none |
//! | 28     | 4     | where the log ends in the file before |
//! | 32     | 8     | wall clock when this incarnation began, ms |
//! | 40     | 20    | reserved, 0 |
//! | 60     | 4     | CRC-32 of bytes 0..60 |
//!
//! The same bytes stand at 0 and at 4096; commits begin at 8192.

use crate::io::DIRECT_IO_BYTES;
use crate::planted::{Bug, is_planted};
use crate::types::{FileSeq, JournalPosition, Salt, Timestamp};

/// `FSJF`.
pub const FILE_MAGIC: [u8; 4] = *b"FSJF";
/// The newest journal file version that this code reads and the one that it writes.
pub const FILE_VERSION: u16 = 1;
/// Bytes of one copy of the header.
pub const FILE_HEADER_BYTES: usize = 64;
/// Where commits begin.
pub const COMMITS_BEGIN: usize = 2 * DIRECT_IO_BYTES;

/// What a journal file says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileHeader {
    /// Stamped on every frame of this incarnation.
    pub salt: Salt,
    /// This incarnation's place in the journal.
    pub file: FileSeq,
    /// Length of the file.
    pub file_bytes: u32,
    /// The file before and where the log ends in it: everything below is durable. File 0: none.
    pub previous_end: JournalPosition,
    /// When this incarnation began.
    pub began: Timestamp,
}

/// Why a block is not a good file header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderFault {
    /// No header, or one that does not match its checksum.
    Bad,
    /// A good header of a version that this code does not know.
    NewerVersion(u16),
}

impl FileHeader {
    /// Writes both copies into the first [`COMMITS_BEGIN`] bytes of a file.
    pub fn encode_into(&self, out: &mut [u8]) {
        out.fill(0);
        let copy = self.encode();
        out[..FILE_HEADER_BYTES].copy_from_slice(&copy);
        out[DIRECT_IO_BYTES..DIRECT_IO_BYTES + FILE_HEADER_BYTES].copy_from_slice(&copy);
    }

    /// The bytes of one copy.
    #[must_use]
    pub fn encode(&self) -> [u8; FILE_HEADER_BYTES] {
        let mut out = [0; FILE_HEADER_BYTES];
        out[0..4].copy_from_slice(&FILE_MAGIC);
        out[4..6].copy_from_slice(&FILE_VERSION.to_le_bytes());
        out[8..16].copy_from_slice(&self.salt.0.to_le_bytes());
        out[16..20].copy_from_slice(&self.file.0.to_le_bytes());
        out[20..24].copy_from_slice(&self.file_bytes.to_le_bytes());
        out[24..28].copy_from_slice(&self.previous_end.file().0.to_le_bytes());
        out[28..32].copy_from_slice(&self.previous_end.offset().to_le_bytes());
        out[32..40].copy_from_slice(&self.began.0.to_le_bytes());
        let checksum = crc32fast::hash(&out[..60]);
        out[60..64].copy_from_slice(&checksum.to_le_bytes());
        out
    }

    /// The header that one copy says.
    pub fn decode(bytes: &[u8]) -> Result<FileHeader, HeaderFault> {
        let Some((header, _)) = bytes.split_first_chunk::<FILE_HEADER_BYTES>() else {
            return Err(HeaderFault::Bad);
        };
        let u32_at = |at: usize| {
            u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
        };
        let u64_at = |at: usize| u64::from(u32_at(at)) | u64::from(u32_at(at + 4)) << 32;
        let is_right = crc32fast::hash(&header[..60]) == u32_at(60);
        if header[..4] != FILE_MAGIC || !(is_right || is_planted(Bug::TrustFileHeader)) {
            return Err(HeaderFault::Bad);
        }
        let version = u16::from_le_bytes([header[4], header[5]]);
        if version > FILE_VERSION {
            return Err(HeaderFault::NewerVersion(version));
        }
        if version == 0 {
            return Err(HeaderFault::Bad);
        }
        Ok(FileHeader {
            salt: Salt(u64_at(8)),
            file: FileSeq(u32_at(16)),
            file_bytes: u32_at(20),
            previous_end: JournalPosition::new(FileSeq(u32_at(24)), u32_at(28)),
            began: Timestamp(u64_at(32)),
        })
    }

    /// The header of a file from its first [`COMMITS_BEGIN`] bytes: either copy will do. Also says
    /// whether both are as they should be.
    pub fn decode_either(bytes: &[u8]) -> Result<(FileHeader, bool), HeaderFault> {
        let first = FileHeader::decode(bytes);
        let second = bytes.get(DIRECT_IO_BYTES..).map_or(Err(HeaderFault::Bad), FileHeader::decode);
        match (first, second) {
            (Err(newer @ HeaderFault::NewerVersion(_)), _)
            | (_, Err(newer @ HeaderFault::NewerVersion(_))) => Err(newer),
            (Ok(first), Ok(second)) if first == second => Ok((first, true)),
            // CRASH: both copies are written at once; a tear can leave the next incarnation's
            // header in one and the last one's in the other. The newer one counts: its frames, if
            // any, were not acknowledged, and the older incarnation was sealed.
            (Ok(first), Ok(second)) => {
                Ok((if first.file > second.file { first } else { second }, false))
            }
            (Ok(header), Err(HeaderFault::Bad)) | (Err(HeaderFault::Bad), Ok(header)) => {
                Ok((header, false))
            }
            (Err(HeaderFault::Bad), Err(HeaderFault::Bad)) => Err(HeaderFault::Bad),
        }
    }

    /// What the other copy says where it is good and says something else than `chosen`.
    #[must_use]
    pub fn decode_other(bytes: &[u8], chosen: &FileHeader) -> Option<FileHeader> {
        let copies = [Some(bytes), bytes.get(DIRECT_IO_BYTES..)];
        let mut good =
            copies.into_iter().flatten().filter_map(|copy| FileHeader::decode(copy).ok());
        good.find(|header| header != chosen)
    }
}
