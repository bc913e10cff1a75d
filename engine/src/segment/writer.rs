//! Writing a segment: blocks, footer, flush, reading it all back, the name.

use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::frame::{Frame, FrameKind};
use crate::io::{Disk, File, Open};
use crate::limits::BLOCK_BYTES_MAX;
use crate::planted::{Bug, is_planted};
use crate::segment::check;
use crate::segment::codec::{Compression, Encoder};
use crate::segment::footer;
use crate::segment::summary::{
    Block, Run, SEGMENTS_DIR, SegmentSummary, corrupt, segment_name, segment_path, temporary_path,
};
use crate::types::{SegmentId, Timestamp};

/// Makes the directory of segments, durably, if it is missing.
pub fn prepare_dir(disk: &dyn Disk) -> Result<()> {
    disk.create_dir(Path::new(SEGMENTS_DIR))
        .and_then(|()| disk.sync_dir(Path::new("")))
        .map_err(|error| Error::io("make the directory of segments", error))
}

/// Writes one segment. Holds one block and the footer in memory. When it is dropped before it is
/// finished, the temporary file is removed.
pub struct SegmentWriter {
    disk: Arc<dyn Disk>,
    id: SegmentId,
    file: Arc<dyn File>,
    encoder: Encoder,
    block_bytes: usize,
    /// Frames of the block to be written.
    raw: Vec<u8>,
    /// The block's first frame, while there is one.
    pending: Option<Block>,
    compressed: Vec<u8>,
    blocks: Vec<Block>,
    summary: SegmentSummary,
    has_temporary: bool,
}

impl SegmentWriter {
    /// Starts segment `id`, whose blocks hold up to `block_bytes` bytes before compression. A
    /// temporary file that a crash left under the same name is replaced.
    pub fn create(
        disk: Arc<dyn Disk>,
        id: SegmentId,
        compression: Compression,
        block_bytes: usize,
    ) -> Result<SegmentWriter> {
        assert!((1..=BLOCK_BYTES_MAX).contains(&block_bytes), "block bytes out of bounds");
        let path = temporary_path(id);
        let file = match disk.open(&path, Open::Create) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                disk.remove(&path).and_then(|()| disk.open(&path, Open::Create))
            }
            file => file,
        }
        .map_err(|error| Error::io("create a segment", error))?;
        let encoder =
            Encoder::new(compression).map_err(|error| Error::io("start compression", error))?;
        let summary = SegmentSummary {
            id,
            bytes: 0,
            raw_bytes: 0,
            frames: 0,
            blocks: 0,
            is_compressed: compression == Compression::Zstd,
            first_arrival: Timestamp(u64::MAX),
            last_arrival: Timestamp(0),
            runs: Vec::new(),
        };
        Ok(SegmentWriter {
            disk,
            id,
            file,
            encoder,
            block_bytes,
            raw: Vec::new(),
            pending: None,
            compressed: Vec::new(),
            blocks: Vec::new(),
            summary,
            has_temporary: true,
        })
    }

    /// Adds a frame. Frames come by shard, then by sequence number, without gaps in a shard.
    ///
    /// # Panics
    /// When they do not.
    pub fn push(&mut self, frame: &Frame) -> Result<()> {
        assert_eq!(frame.header().kind, FrameKind::Records, "only records go into segments");
        let is_full = self.raw.len() + frame.bytes().len() > self.block_bytes;
        if !self.raw.is_empty() && is_full {
            self.write_block()?;
        }
        self.note(frame);
        self.raw.extend_from_slice(frame.bytes());
        Ok(())
    }

    /// Enters a frame in the run and the block that it belongs to.
    fn note(&mut self, frame: &Frame) {
        let header = frame.header();
        let raw_bytes = frame.bytes().len() as u64;
        let last = self.summary.runs.last_mut();
        let is_new = last.as_ref().is_none_or(|run| run.shard < header.shard);
        if is_new {
            self.summary.runs.push(Run {
                shard: header.shard,
                first_seq: header.first_seq,
                end_seq: header.first_seq,
                first_arrival: header.arrival,
                last_arrival: header.arrival,
                raw_bytes: 0,
                frames: 0,
                first_block: u32::try_from(self.blocks.len()).expect("bounded by the footer"),
            });
        }
        let run = self.summary.runs.last_mut().expect("there is one by now");
        assert!(
            run.shard == header.shard && run.end_seq == header.first_seq,
            "frames must come in order and without gaps shard=`{}` seq=`{}` expected_shard=`{}` \
             expected_seq=`{}`",
            header.shard,
            header.first_seq,
            run.shard,
            run.end_seq
        );
        run.end_seq = header.end_seq();
        run.last_arrival = run.last_arrival.max(header.arrival);
        run.raw_bytes += raw_bytes;
        run.frames += 1;
        self.pending.get_or_insert(Block {
            offset: self.summary.bytes,
            compressed_bytes: 0,
            checksum: 0,
            raw_bytes: 0,
            shard: header.shard,
            first_seq: header.first_seq,
            arrival: run.last_arrival,
        });
        self.summary.first_arrival = self.summary.first_arrival.min(header.arrival);
        self.summary.last_arrival = self.summary.last_arrival.max(header.arrival);
        self.summary.raw_bytes += raw_bytes;
        self.summary.frames += 1;
    }

    /// Writes the frames gathered as one block, if there are any.
    fn write_block(&mut self) -> Result<()> {
        let Some(mut block) = self.pending.take() else { return Ok(()) };
        self.encoder
            .encode(&self.raw, &mut self.compressed)
            .map_err(|error| Error::io("compress a block", error))?;
        let length = |bytes: usize| u32::try_from(bytes).expect("bounded by BLOCK_BYTES_MAX");
        block.raw_bytes = length(self.raw.len());
        block.compressed_bytes = length(self.compressed.len());
        block.checksum = crc32fast::hash(&self.compressed);
        self.write(block.offset)?;
        self.summary.bytes = block.end();
        self.blocks.push(block);
        self.raw.clear();
        Ok(())
    }

    /// Writes what is in `compressed`.
    fn write(&self, offset: u64) -> Result<()> {
        self.file
            .write_all_at(&self.compressed, offset)
            .map_err(|error| self.failed("write a segment", error))
    }

    /// Completes the segment: afterwards it is there under its own name, durable and read back.
    ///
    /// # Panics
    /// When no frame was pushed.
    pub fn finish(mut self) -> Result<SegmentSummary> {
        self.write_block()?;
        assert!(!self.blocks.is_empty(), "a segment needs at least one frame");
        self.summary.blocks = u32::try_from(self.blocks.len()).expect("bounded by the footer");
        let tail_at = self.summary.bytes;
        self.compressed = footer::encode(&self.summary, &self.blocks)?;
        self.write(tail_at)?;
        self.summary.bytes += self.compressed.len() as u64;

        // ORDER: contents flushed, then read back from the device, then named, then the name
        // flushed. Whoever sees the name sees a complete segment, and the journal's copy of the
        // frames is given up only after this returns.
        // CRASH: before the rename is durable there is at most a temporary file, which nobody
        // reads; after it there is a segment that the catalog may not know yet.
        if !is_planted(Bug::SkipSegmentSync) {
            self.file.sync().map_err(|error| self.failed("flush a segment", error))?;
        }
        self.verify(tail_at)?;
        self.disk
            .rename(&temporary_path(self.id), &segment_path(self.id))
            .map_err(|error| self.failed("name a segment", error))?;
        self.has_temporary = false;
        if !is_planted(Bug::SkipDirectorySync) {
            self.disk
                .sync_dir(Path::new(SEGMENTS_DIR))
                .map_err(|error| self.failed("flush the directory of segments", error))?;
        }
        Ok(self.summary.clone())
    }

    /// Reads all that was written, not from the page cache, and compares.
    fn verify(&self, tail_at: u64) -> Result<()> {
        let read_failed = |error| self.failed("read a segment back", error);
        self.file.drop_cache().map_err(read_failed)?;
        let read = |offset: u64, bytes: usize| {
            let mut buffer = vec![0; bytes];
            self.file.read_exact_at(&mut buffer, offset).map_err(read_failed)?;
            Ok(Bytes::from(buffer))
        };
        let damages = check::check_blocks(self.id, &self.summary.runs, &self.blocks, |block| {
            read(block.offset, block.compressed_bytes as usize)
        });
        if let Some(damage) = damages.into_iter().next() {
            return Err(damage);
        }
        let bytes = self.file.bytes().map_err(read_failed)?;
        if bytes != self.summary.bytes || read(tail_at, self.compressed.len())? != self.compressed {
            return Err(corrupt(self.id, tail_at, "segment footer is not what was written"));
        }
        Ok(())
    }

    fn failed(&self, operation: &str, error: io::Error) -> Error {
        let is_cut = error.kind() == io::ErrorKind::UnexpectedEof;
        let error = Error::io(operation, error);
        let offset = self.summary.bytes;
        if is_cut {
            corrupt(self.id, offset, "segment is shorter than what was written").because(error)
        } else {
            error.in_file(segment_name(self.id), offset)
        }
    }
}

impl Drop for SegmentWriter {
    fn drop(&mut self) {
        if self.has_temporary
            && let Err(error) = self.disk.remove(&temporary_path(self.id))
        {
            tracing::warn!(segment = self.id.0, %error, "temporary segment stays behind");
        }
    }
}

impl std::fmt::Debug for SegmentWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SegmentWriter").field("summary", &self.summary).finish_non_exhaustive()
    }
}
