//! Frames: the one unit of bytes that journal, memory and segments share.
//!
//! ```text
//!   Batch (what one append brings)  --commit-->  frame = header (96 bytes) + payload
//!   payload = record record record ...           record = lengths, key, data
//! ```
//!
//! A frame is encoded once, into the journal's memory image. The same bytes go to the journal
//! file, serve hot readers, and are copied as they are into a segment's block, so that the
//! checksum made before the acknowledgement still guards the record years later.
//!
//! | file        | owns |
//! |-------------|------|
//! | `record.rs` | the layout of a record in a payload, and walking it |
//! | `batch.rs`  | building a payload record by record |
//! | `header.rs` | the frame header: encoding, decoding, and what is wrong with a bad one |
//! | `view.rs`   | a checked frame in shared memory |
//!
//! **Invariant** nothing is read out of a payload before its checksum and its structure were
//! checked: [`Frame::check`] is the only way from bytes to a [`Frame`].

mod batch;
mod header;
mod record;
mod view;

#[cfg(test)]
mod tests;

pub use batch::{Batch, BatchBuilder};
pub use header::{
    FRAME_ALIGN_BYTES, FRAME_HEADER_BYTES, FRAME_MAGIC, FRAME_VERSION, FrameFault, FrameHeader,
    FrameKind,
};
pub use record::{RECORD_HEADER_BYTES, Record, Records};
pub use view::Frame;

/// `bytes` rounded up to the place where the next frame may start.
#[must_use]
pub fn align_frame(bytes: usize) -> usize {
    bytes.next_multiple_of(FRAME_ALIGN_BYTES)
}
