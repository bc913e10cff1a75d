//! The writer: what is left when it fails, is dropped, or the machine dies.

use std::path::Path;
use std::sync::Arc;

use super::{ID, bytes_of, sim, small_log, write};
use crate::error::{ErrorKind, Result};
use crate::frame::Frame;
use crate::io::Disk;
use crate::io::sim::{Fault, SimDisk};
use crate::segment::{
    Compression, SEGMENTS_DIR, Segment, SegmentSummary, SegmentWriter, temporary_path,
};

fn write_all(disk: &Arc<SimDisk>) -> Result<SegmentSummary> {
    let disk: Arc<dyn Disk> = Arc::clone(disk) as _;
    let mut writer = SegmentWriter::create(disk, ID, Compression::Zstd, 300)?;
    for frame in small_log() {
        writer.push(&frame)?;
    }
    writer.finish()
}

fn names(disk: &SimDisk) -> Vec<String> {
    let entries = disk.list(Path::new(SEGMENTS_DIR)).unwrap();
    entries.into_iter().map(|entry| entry.name).collect()
}

#[test]
fn a_writer_that_is_dropped_leaves_nothing() {
    let disk = sim();
    let as_disk: Arc<dyn Disk> = Arc::clone(&disk) as _;
    let mut writer = SegmentWriter::create(as_disk, ID, Compression::Stored, 100).unwrap();
    small_log().iter().for_each(|frame| writer.push(frame).unwrap());
    assert_eq!(names(&disk), ["0000000000000abc.tmp"]);
    drop(writer);
    assert!(names(&disk).is_empty());
}

#[test]
fn what_a_crash_left_is_replaced() {
    let disk = sim();
    disk.open(&temporary_path(ID), crate::io::Open::Create).unwrap();
    write_all(&disk).unwrap();
    assert_eq!(names(&disk), ["0000000000000abc.seg"]);
}

#[test]
fn a_segment_that_cannot_be_made_leaves_what_a_crash_left() {
    let disk = sim();
    disk.open(&temporary_path(ID), crate::io::Open::Create).unwrap();
    disk.inject(disk.ops(), Fault::Eio);
    assert_eq!(write_all(&disk).unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(names(&disk), ["0000000000000abc.tmp"]);
}

#[test]
fn frames_that_fill_a_block_exactly_share_it() {
    let frames = &small_log()[..2];
    let both: usize = frames.iter().map(|frame| frame.bytes().len()).sum();
    for (block_bytes, blocks) in [(both, 1), (both - 1, 2)] {
        let segment = write(&sim(), ID, frames, Compression::Stored, block_bytes);
        assert_eq!(segment.summary().unwrap().blocks, blocks, "{block_bytes} of {both}");
    }
}

#[test]
fn a_full_disk_is_said_to_be_full() {
    let disk = sim();
    disk.set_capacity(500);
    assert_eq!(write_all(&disk).unwrap_err().kind(), ErrorKind::Full);
    assert!(names(&disk).is_empty());
    disk.set_capacity(u64::MAX);
    write_all(&disk).unwrap();
}

#[test]
#[should_panic(expected = "frames must come in order")]
fn a_gap_is_a_bug() {
    let disk: Arc<dyn Disk> = sim();
    let mut writer = SegmentWriter::create(disk, ID, Compression::Stored, 100).unwrap();
    let frames = small_log();
    writer.push(&frames[0]).unwrap();
    writer.push(&frames[2]).unwrap();
}

#[test]
fn a_crash_leaves_a_whole_segment_or_none() {
    let disk = sim();
    let start = disk.ops();
    write_all(&disk).unwrap();
    let ops = disk.ops();
    let mut crashes = 0;
    for op in start..=ops {
        let disk = sim();
        disk.set_crash_at(op);
        let is_written = write_all(&disk).is_ok();
        assert_eq!(is_written, op == ops);
        for seed in 0..8 {
            let after = disk.crash(seed);
            crashes += 1;
            match Segment::open(&*after, ID) {
                Ok(segment) => {
                    assert!(segment.verify(&mut |_, _| {}).is_empty(), "op {op} seed {seed}");
                    let all: Vec<Frame> =
                        Arc::new(segment).all_frames().map(Result::unwrap).collect();
                    assert_eq!(bytes_of(&all), bytes_of(&small_log()));
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::NotFound, "op {op} seed {seed}: {error}");
                    assert!(!is_written, "op {op} seed {seed}: lost");
                }
            }
            write_all(&after).unwrap();
        }
    }
    println!("{crashes} crashes");
}

#[test]
fn a_fault_leaves_a_whole_segment_or_none() {
    let disk = sim();
    let start = disk.ops();
    write_all(&disk).unwrap();
    for fault in [Fault::Eio, Fault::Enospc, Fault::ShortWrite, Fault::SyncLies] {
        for op in start..disk.ops() {
            let disk = sim();
            disk.inject(op, fault);
            let result = write_all(&disk);
            let context = format!("{fault:?} at {op}: {result:?}");
            assert!(fault != Fault::ShortWrite || result.is_ok(), "{context}");
            assert!(!names(&disk).iter().any(|n| n.ends_with("tmp")) || result.is_err());
            for after in [disk.crash(op), disk.kill()] {
                match Segment::open(&*after, ID) {
                    Ok(segment) => assert!(segment.verify(&mut |_, _| {}).is_empty(), "{context}"),
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::NotFound, "{context}: {error}");
                        assert!(result.is_err(), "{context}: lost");
                    }
                }
            }
        }
    }
}
