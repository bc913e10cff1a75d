//! Checksums made good again over edited bytes, so that what stands behind them is reached too.

use flowstone_engine::frame::{FRAME_ALIGN_BYTES, FRAME_HEADER_BYTES, FRAME_MAGIC};
use flowstone_engine::io::DIRECT_IO_BYTES;
use flowstone_engine::journal::header::{FILE_HEADER_BYTES, FILE_MAGIC};

const PAYLOAD_BYTES_AT: usize = 64;
const PAYLOAD_CHECKSUM_AT: usize = 68;
const HEADER_CHECKSUM_AT: usize = 92;

/// Makes the checksums of the frame at the head of `bytes` good.
pub fn frame(bytes: &mut [u8]) {
    let Some((head, payload)) = bytes.split_first_chunk_mut::<FRAME_HEADER_BYTES>() else {
        return;
    };
    let payload_bytes = u32_at(head, PAYLOAD_BYTES_AT) as usize;
    if let Some(payload) = payload.get(..payload_bytes) {
        put_u32(head, PAYLOAD_CHECKSUM_AT, crc32fast::hash(payload));
    }
    let checksum = crc32fast::hash(&head[..HEADER_CHECKSUM_AT]);
    put_u32(head, HEADER_CHECKSUM_AT, checksum);
}

/// Makes the checksums of all frames in a journal file good.
pub fn frames(bytes: &mut [u8]) {
    for at in (0..bytes.len()).step_by(FRAME_ALIGN_BYTES) {
        if bytes[at..].starts_with(&FRAME_MAGIC) {
            frame(&mut bytes[at..]);
        }
    }
}

/// Makes the checksums of both copies of a journal file's header good.
pub fn file_headers(bytes: &mut [u8]) {
    for at in [0, DIRECT_IO_BYTES] {
        let copy = bytes.get_mut(at..).and_then(|rest| rest.get_mut(..FILE_HEADER_BYTES));
        if let Some(copy) = copy.filter(|copy| copy.starts_with(&FILE_MAGIC)) {
            let checksum = crc32fast::hash(&copy[..FILE_HEADER_BYTES - 4]);
            put_u32(copy, FILE_HEADER_BYTES - 4, checksum);
        }
    }
}

/// The number at `at`.
#[must_use]
pub fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

/// Writes `number` at `at`.
pub fn put_u32(bytes: &mut [u8], at: usize, number: u32) {
    bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
}
