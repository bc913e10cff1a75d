//! Segments: sealed, immutable, compressed files of frames.
//!
//! ```text
//!   frames in order of (shard, sequence number)
//!     -> SegmentWriter -> blocks -> zstd frames -> segments/<id as 16 hex digits>.seg
//!   Segment (mapped) -> block -> BlockCache -> Frame (shares the block's memory)
//!   segments -> Merge -> SegmentWriter                                    compaction
//! ```
//!
//! | file            | owns |
//! |-----------------|------|
//! | `summary.rs`    | what a segment says of itself: runs, blocks, totals, its name |
//! | `codec.rs`      | a block's bytes to one zstd frame and back |
//! | `seek_table.rs` | the standard seek table at the end of the file |
//! | `footer.rs`     | the footer: its archive and trailer, and finding them in a file |
//! | `footer_check.rs` | every doubt about a decoded footer |
//! | `writer.rs`     | writing: blocks, footer, flush, reading it all back, the name |
//! | `check.rs`      | reading every block and every frame, for the writer and for `verify` |
//! | `index.rs`      | finding runs and blocks in a mapped footer without copying it |
//! | `reader.rs`     | an open segment: reads by sequence number and by time |
//! | `cursor.rs`     | walking the frames of a segment in order |
//! | `cache.rs`      | decompressed blocks that all readers share |
//! | `merge.rs`      | the frames of several segments as one stream |
//!
//! # Bytes
//!
//! A segment is a file of the zstd seekable format: `zstd -d` gives the frames of the log, one
//! after the other without padding. Numbers are little-endian.
//!
//! | part         | bytes |
//! |--------------|-------|
//! | blocks       | one zstd frame each, from offset 0 on without gaps; decompressed: whole log frames, header and payload verbatim |
//! | footer frame | a skippable frame: 4 magic `0x184D2A5D`, 4 length of the rest, 0-15 zeros so that the archive starts at a multiple of 16, archive, trailer |
//! | seek table   | a skippable frame: 4 magic `0x184D2A5E`, 4 length of the rest; for each block, and then for the footer frame: 4 bytes of it in the file, 4 bytes decompressed (0 for the footer frame); 4 number of entries, 1 descriptor (0: no checksums), 4 magic `0x8F92EAB1` |
//!
//! The archive is an rkyv archive of `footer.rs`'s `Footer`. The trailer, 32 bytes, ends where the
//! seek table starts, and the seek table's size follows from its last 9 bytes:
//!
//! | offset | bytes | field |
//! |--------|-------|-------|
//! | 0      | 8     | magic `FSSEGMNT` |
//! | 8      | 4     | version |
//! | 12     | 4     | CRC-32 of the archive |
//! | 16     | 8     | bytes of the archive |
//! | 24     | 4     | 0 |
//! | 28     | 4     | CRC-32 of bytes 0..28 |
//!
//! **Invariant** every byte of a segment is checked: a block against the CRC-32 in the footer, the
//! archive against the trailer's, the rest against what it must be.
//! **Invariant** nothing is allocated by a length from disk before it was compared to its limit.
//! **Invariant** a file with its final name is complete, flushed and was read back.

mod cache;
mod check;
mod codec;
mod cursor;
mod footer;
mod footer_check;
mod index;
mod merge;
mod reader;
mod seek_table;
mod summary;
mod writer;

#[cfg(test)]
mod tests;

pub use cache::BlockCache;
pub use codec::Compression;
pub use cursor::Frames;
pub use footer::SEGMENT_VERSION;
pub use merge::{Keep, Merge, merge};
pub use reader::Segment;
pub use summary::{Run, SEGMENTS_DIR, SegmentSummary, segment_of, segment_path, temporary_path};
pub use writer::{SegmentWriter, prepare_dir};
