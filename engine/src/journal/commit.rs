//! Encoding one commit: frames behind one another, padded to a disk block.

use bytes::Bytes;

use crate::frame::{Batch, FRAME_HEADER_BYTES, Frame, FrameHeader, FrameKind, align_frame};
use crate::io::DIRECT_IO_BYTES;
use crate::journal::header::FileHeader;
use crate::journal::image::ImageWriter;
use crate::types::{Epoch, JournalPosition, SeqNo, ShardId, Timestamp};

/// What one shard has to say in a commit.
pub struct Entry<'a> {
    /// Whose records.
    pub shard: ShardId,
    /// The first record's sequence number.
    pub first_seq: SeqNo,
    /// The term.
    pub epoch: Epoch,
    /// When the records arrived.
    pub arrival: Timestamp,
    /// The shard's high watermark.
    pub high_watermark: SeqNo,
    /// The records, batch by batch. Empty in markers.
    pub batches: &'a [&'a Batch],
    /// What the frame says.
    pub kind: FrameKind,
}

impl Entry<'_> {
    fn payload_bytes(&self) -> usize {
        self.batches.iter().map(|batch| batch.payload().len()).sum()
    }

    fn frame_bytes(&self) -> usize {
        align_frame(FRAME_HEADER_BYTES + self.payload_bytes())
    }
}

/// Bytes that a commit of frames with `payload_bytes` in all takes at most.
#[must_use]
pub fn commit_bytes_at_most(frames: usize, payload_bytes: usize) -> usize {
    (frames * align_frame(FRAME_HEADER_BYTES + 1) + payload_bytes).next_multiple_of(DIRECT_IO_BYTES)
}

/// A commit in memory, ready to be written.
pub struct Encoded {
    /// Where it goes.
    pub offset: u32,
    /// Its bytes, a multiple of a disk block.
    pub bytes: Bytes,
    /// Its frames, in order.
    pub frames: Vec<Frame>,
}

/// What a frame needs to know of the frame before it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Predecessor {
    shard: ShardId,
    offset: Option<u32>,
}

/// Encodes `entries` behind what `image` holds.
pub fn encode(
    image: &mut ImageWriter,
    file: &FileHeader,
    durable_upto: JournalPosition,
    predecessor: &mut Predecessor,
    entries: &[Entry<'_>],
) -> Encoded {
    assert!(!entries.is_empty(), "a commit has at least one frame");
    let offset = u32::try_from(image.written()).expect("journal files are bounded");
    let frames_bytes: usize = entries.iter().map(Entry::frame_bytes).sum();
    let padded_bytes = frames_bytes.next_multiple_of(DIRECT_IO_BYTES);

    let (bytes, headers) = image.write(padded_bytes, |out| {
        let mut headers = Vec::with_capacity(entries.len());
        let mut at = 0;
        for (index, entry) in entries.iter().enumerate() {
            let frame_offset = offset + u32::try_from(at).expect("within the file");
            let header = FrameHeader {
                kind: entry.kind,
                is_last_of_commit: index + 1 == entries.len(),
                salt: file.salt,
                position: JournalPosition::new(file.file, frame_offset),
                durable_upto,
                shard: entry.shard,
                first_seq: entry.first_seq,
                epoch: entry.epoch,
                count: entry.batches.iter().map(|batch| batch.count()).sum(),
                arrival: entry.arrival,
                payload_bytes: u32::try_from(entry.payload_bytes()).expect("within the file"),
                payload_checksum: checksum_of(entry.batches),
                previous_shard: predecessor.shard,
                high_watermark: entry.high_watermark,
                previous_bytes: predecessor.offset.map_or(0, |before| frame_offset - before),
            };
            *predecessor = Predecessor { shard: entry.shard, offset: Some(frame_offset) };
            write_frame(&mut out[at..at + entry.frame_bytes()], &header, entry.batches);
            at += entry.frame_bytes();
            headers.push(header);
        }
        out[at..].fill(0);
        headers
    });

    let frames = headers
        .into_iter()
        .map(|header| {
            let at = (header.position.offset() - offset) as usize;
            Frame::just_encoded(header, bytes.slice(at..at + header.frame_bytes()))
        })
        .collect();
    Encoded { offset, bytes, frames }
}

/// The CRC-32 of the batches' payloads behind one another, from their own.
fn checksum_of(batches: &[&Batch]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for (index, batch) in batches.iter().enumerate() {
        let part =
            crc32fast::Hasher::new_with_initial_len(batch.checksum(), batch.payload().len() as u64);
        if index == 0 {
            hasher = part;
        } else {
            hasher.combine(&part);
        }
    }
    hasher.finalize()
}

fn write_frame(out: &mut [u8], header: &FrameHeader, batches: &[&Batch]) {
    let (head, mut rest) = out.split_at_mut(FRAME_HEADER_BYTES);
    head.copy_from_slice(&header.encode());
    for batch in batches {
        let (part, after) = rest.split_at_mut(batch.payload().len());
        part.copy_from_slice(batch.payload());
        rest = after;
    }
    rest.fill(0);
}
