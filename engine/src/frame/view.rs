//! A checked frame in shared memory.

use bytes::Bytes;

use crate::frame::header::{FRAME_HEADER_BYTES, FrameFault, FrameHeader, FrameKind};
use crate::frame::record::{self, Records};
use crate::planted::{Bug, is_planted};
use crate::types::SeqNo;

/// Whether a payload is believed whatever its checksum: by a planted bug alone.
fn is_trusted_by_bug() -> bool {
    is_planted(Bug::TrustPayload) || is_planted(Bug::TrustBlocks)
}

/// A frame whose checksums and structure hold, as a slice of the memory that it was read from.
/// Cloning shares the memory.
#[derive(Clone, Debug)]
pub struct Frame {
    header: FrameHeader,
    bytes: Bytes,
}

impl Frame {
    /// Checks the frame at the head of `bytes`, which may go on behind it.
    pub fn check(bytes: &Bytes) -> Result<Frame, FrameFault> {
        let header = FrameHeader::decode(bytes)?;
        Frame::check_payload(header, bytes)
    }

    /// Checks the payload behind a header that [`FrameHeader::decode`] took from `bytes`.
    pub fn check_payload(header: FrameHeader, bytes: &Bytes) -> Result<Frame, FrameFault> {
        let frame_bytes = header.frame_bytes();
        if bytes.len() < frame_bytes {
            return Err(FrameFault::Short);
        }
        let payload = &bytes[FRAME_HEADER_BYTES..frame_bytes];
        if (crc32fast::hash(payload) != header.payload_checksum && !is_trusted_by_bug())
            || (header.kind == FrameKind::Records && !record::is_well_formed(payload, header.count))
        {
            return Err(FrameFault::BadPayload);
        }
        Ok(Frame { header, bytes: bytes.slice(..frame_bytes) })
    }

    /// A frame that this process has just encoded into `bytes` itself.
    pub(crate) fn just_encoded(header: FrameHeader, bytes: Bytes) -> Frame {
        debug_assert_eq!(bytes.len(), header.frame_bytes());
        Frame { header, bytes }
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> &FrameHeader {
        &self.header
    }

    /// Header and payload, as they are on disk.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The encoded records.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.bytes[FRAME_HEADER_BYTES..]
    }

    /// The records.
    #[must_use]
    pub fn records(&self) -> Records<'_> {
        Records::new(self.payload())
    }

    /// Whether `seq` is one of this frame's records.
    #[must_use]
    pub fn holds(&self, seq: SeqNo) -> bool {
        self.header.first_seq <= seq && seq < self.header.end_seq()
    }
}
