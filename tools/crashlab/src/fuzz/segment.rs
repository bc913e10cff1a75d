//! Segments: opening, reading, seeking, verifying edited files.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use flowstone_engine::frame::Frame;
use flowstone_engine::io::sim::SimDisk;
use flowstone_engine::io::{Disk, Open};
use flowstone_engine::segment::{
    BlockCache, Compression, Segment, SegmentWriter, prepare_dir, segment_path,
};
use flowstone_engine::types::{SegmentId, SeqNo, Timestamp};

use crate::fuzz::edit::edit;
use crate::fuzz::forge::{put_u32, u32_at};
use crate::fuzz::frame::{batch, encode};
use crate::fuzz::input::Input;

const ID: SegmentId = SegmentId(5);
const TRAILER_BYTES: usize = 32;
const TABLE_FOOTER_BYTES: usize = 9;
const CACHE_BYTES: usize = 1 << 20;

/// A segment as it was written.
struct Written {
    bytes: Vec<u8>,
    /// Where each block is, and where its checksum is in the footer.
    blocks: Vec<(std::ops::Range<usize>, usize)>,
    archive_at: usize,
    trailer_at: usize,
}

/// Reads an edited segment, or arbitrary bytes, in every way.
pub fn body(data: &[u8]) {
    let mut input = Input::new(data);
    let mode = input.byte();
    let written = &written()[usize::from(mode & 1)];
    let mut bytes = if mode & 2 != 0 { input.rest().to_vec() } else { written.bytes.clone() };
    edit(&mut bytes, &mut input);
    let is_forged = mode & 4 != 0 && bytes.len() == written.bytes.len();
    if is_forged {
        forge(written, &mut bytes);
    }
    let read = read(&bytes);
    // A footer that lies about times with good checksums passes `verify`.
    if !is_forged {
        assert!(read.is_readable || !read.is_well, "verify sees whatever readers see");
        let is_whole = self::written().iter().any(|file| file.bytes == bytes);
        assert!(is_whole || !read.is_well, "damage went unnoticed");
        let known = frames();
        assert!(read.frames.iter().all(|frame| known.contains(frame)), "made up a frame");
    }
}

struct Outcome {
    is_readable: bool,
    is_well: bool,
    frames: Vec<Bytes>,
}

fn read(bytes: &[u8]) -> Outcome {
    let disk = SimDisk::new(1);
    prepare_dir(&*disk).expect("the disk has no faults");
    let file = disk.open(&segment_path(ID), Open::Create).expect("the disk is empty");
    file.write_all_at(bytes, 0).expect("the disk has no faults");
    let mut outcome = Outcome { is_readable: false, is_well: false, frames: Vec::new() };
    let Ok(segment) = Segment::open(&*disk, ID).map(Arc::new) else { return outcome };
    let mut keep = |found: &Frame| outcome.frames.push(found.bytes().clone());
    let mut is_readable = true;
    for frame in segment.all_frames() {
        match &frame {
            Ok(frame) => keep(frame),
            Err(_) => is_readable = false,
        }
    }
    let cache = BlockCache::new(CACHE_BYTES);
    let runs = segment.runs().expect("nothing is mapped");
    for run in &runs {
        for from in [run.first_seq, SeqNo(run.first_seq.0 / 2 + run.end_seq.0 / 2)] {
            match segment.frames(run.shard, from, usize::MAX, &cache) {
                Ok(found) => found.iter().for_each(&mut keep),
                Err(_) => is_readable = false,
            }
        }
        for time in [run.first_arrival, run.last_arrival, Timestamp(u64::MAX)] {
            is_readable &= segment.seek_time(run.shard, time, &cache).is_ok();
        }
    }
    let summary = segment.summary().expect("nothing is mapped");
    assert_eq!(summary.runs, runs);
    outcome.is_readable = is_readable;
    outcome.is_well = segment.verify(&mut |_, _| {}).is_empty();
    outcome
}

/// Makes the checksums of blocks, footer and trailer good.
fn forge(written: &Written, bytes: &mut [u8]) {
    for (block, checksum_at) in &written.blocks {
        let checksum = crc32fast::hash(&bytes[block.clone()]);
        put_u32(bytes, *checksum_at, checksum);
    }
    let archive = crc32fast::hash(&bytes[written.archive_at..written.trailer_at]);
    let trailer = &mut bytes[written.trailer_at..][..TRAILER_BYTES];
    put_u32(trailer, 12, archive);
    let checksum = crc32fast::hash(&trailer[..28]);
    put_u32(trailer, 28, checksum);
}

fn frames() -> &'static [Bytes] {
    static FRAMES: OnceLock<Vec<Bytes>> = OnceLock::new();
    FRAMES.get_or_init(|| {
        let frame = |shard, first, count| encode(shard, first, &batch(count)).into();
        vec![
            frame(1, 5, 3),
            frame(1, 8, 6),
            frame(1, 14, 1),
            frame(4, 0, 9),
            frame(4, 9, 2),
            frame(9, 7, 1),
        ]
    })
}

fn written() -> &'static [Written; 2] {
    static WRITTEN: OnceLock<[Written; 2]> = OnceLock::new();
    WRITTEN.get_or_init(|| [Compression::Stored, Compression::Zstd].map(write))
}

fn write(compression: Compression) -> Written {
    let disk = SimDisk::new(1);
    prepare_dir(&*disk).expect("the disk has no faults");
    let shared: Arc<dyn Disk> = disk.clone();
    let mut writer =
        SegmentWriter::create(shared, ID, compression, 400).expect("the disk has no faults");
    for bytes in frames() {
        let frame = Frame::check(bytes).expect("it was just made");
        writer.push(&frame).expect("the disk has no faults");
    }
    writer.finish().expect("the disk has no faults");
    let bytes = disk.read_raw(&segment_path(ID).to_string_lossy()).expect("it was just written");
    take_apart(bytes)
}

/// Finds by the seek table what `forge` needs to know.
fn take_apart(bytes: Vec<u8>) -> Written {
    let entries = u32_at(&bytes, bytes.len() - TABLE_FOOTER_BYTES) as usize;
    let entries_at = bytes.len() - TABLE_FOOTER_BYTES - entries * 8;
    let trailer_at = entries_at - 8 - TRAILER_BYTES;
    let archive_at = trailer_at - u32_at(&bytes, trailer_at + 16) as usize;
    let mut blocks = Vec::new();
    let mut start = 0;
    for entry in 0..entries - 1 {
        let end = start + u32_at(&bytes, entries_at + entry * 8) as usize;
        let checksum = crc32fast::hash(&bytes[start..end]).to_le_bytes();
        let archive = &bytes[archive_at..trailer_at];
        let at = archive.windows(4).position(|four| four == checksum);
        blocks.push((start..end, archive_at + at.expect("the footer holds each checksum")));
        start = end;
    }
    Written { bytes, blocks, archive_at, trailer_at }
}

/// Every mode over unedited bytes, edits in block and footer, and whole files as arbitrary bytes.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = (0..6).map(|mode| vec![mode]).collect();
    for written in written() {
        seeds.push([&[2], written.bytes.as_slice()].concat());
        let at = u32::try_from(written.archive_at).expect("small").to_le_bytes();
        seeds.push(vec![4, 0, at[0], at[1], at[2], 3]);
    }
    seeds.push(vec![4, 0, 100, 0, 0, 3]);
    seeds
}
