//! Bytes that are wrong: noticed, named, and never a panic.

use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;

use super::{ID, bytes_of, file_bytes, frame, log_of, sim, small_log, write};
use crate::error::{ErrorKind, Result};
use crate::frame::Frame;
use crate::io::{Backend, Disk, Map, RealDisk};
use crate::limits::FOOTER_BYTES_MAX;
use crate::segment::check::check_blocks;
use crate::segment::codec::Encoder;
use crate::segment::summary::Block;
use crate::segment::{
    BlockCache, Compression, Run, Segment, SegmentSummary, SegmentWriter, footer, prepare_dir,
    segment_path,
};
use crate::types::{SeqNo, ShardId, Timestamp};

fn open(bytes: &[u8]) -> Result<Segment> {
    Segment::of_map(ID, Map::from_bytes(Bytes::copy_from_slice(bytes)))
}

/// Reads `bytes` in every way. What comes is the frames of `small_log`, or an error; whether all
/// was well.
fn is_well(bytes: &[u8]) -> bool {
    let segment = match open(bytes) {
        Ok(segment) => Arc::new(segment),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
            assert!(error.place().file.as_deref() == Some("segments/0000000000000abc.seg"));
            assert!(error.place().byte_offset.is_some());
            return false;
        }
    };
    let frames = small_log();
    let all: Result<Vec<Frame>> = segment.all_frames().collect();
    let mut is_well = match all {
        Ok(all) => {
            assert_eq!(bytes_of(&all), bytes_of(&frames));
            true
        }
        Err(_) => false,
    };
    let cache = BlockCache::new(1 << 20);
    for shard in [1, 4] {
        let shard = ShardId(shard);
        match segment.frames(shard, SeqNo(2), usize::MAX, &cache) {
            Ok(read) => {
                let expected: Vec<_> = frames
                    .iter()
                    .filter(|f| f.header().shard == shard && f.header().end_seq() > SeqNo(2))
                    .collect();
                assert_eq!(bytes_of(&read), bytes_of(expected.iter().copied().take(read.len())));
                if read.len() < expected.len() {
                    // Damage ends a read early, and the next read meets it.
                    let next = read.last().expect("at least one frame").header().end_seq();
                    assert!(segment.frames(shard, next, usize::MAX, &cache).is_err());
                    is_well = false;
                }
            }
            Err(_) => is_well = false,
        }
        is_well &= segment.seek_time(shard, Timestamp(1045), &cache).is_ok();
    }
    let is_verified = segment.verify(&mut |_, _| {}).is_empty();
    assert!(is_well || !is_verified, "verify sees whatever readers see");
    is_verified
}

fn segment_bytes(compression: Compression) -> Vec<u8> {
    let disk = sim();
    write(&disk, ID, &small_log(), compression, 300);
    file_bytes(&*disk, ID)
}

#[test]
fn every_flipped_bit_is_noticed() {
    for compression in [Compression::Stored, Compression::Zstd] {
        let bytes = segment_bytes(compression);
        assert!(is_well(&bytes));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(!is_well(&flipped), "bit {bit} went unnoticed");
        }
    }
}

#[test]
fn every_cut_is_noticed() {
    let bytes = segment_bytes(Compression::Zstd);
    for length in 0..bytes.len() {
        assert!(!is_well(&bytes[..length]), "cut to {length}");
    }
}

#[test]
fn verify_names_every_damaged_block() {
    let mut bytes = segment_bytes(Compression::Zstd);
    let segment = open(&bytes).unwrap();
    let blocks: Vec<u64> =
        (0..3).map(|index| segment.index().block(segment.map(), index).unwrap().offset).collect();
    for block in [0, 2] {
        bytes[usize::try_from(blocks[block]).unwrap() + 20] ^= 4;
    }
    let damages = open(&bytes).unwrap().verify(&mut |_, _| {});
    let offsets: Vec<_> = damages.iter().map(|d| d.place().byte_offset.unwrap()).collect();
    assert_eq!(offsets, [blocks[0], blocks[2]]);
}

/// What a change makes of a footer.
type Change<'a> = &'a dyn Fn(&mut SegmentSummary, &mut Vec<Block>);

/// Makes the bytes of a segment of `small_log` with a change to its footer, all checksums good.
fn forger(block_bytes: usize) -> impl Fn(Change<'_>) -> Vec<u8> {
    let disk = sim();
    let segment = write(&disk, ID, &small_log(), Compression::Stored, block_bytes);
    let summary = segment.summary().unwrap();
    let blocks: Vec<Block> = (0..summary.blocks)
        .map(|index| segment.index().block(segment.map(), index).unwrap())
        .collect();
    let data =
        file_bytes(&*disk, ID)[..usize::try_from(blocks.last().unwrap().end()).unwrap()].to_vec();
    move |change| {
        let (mut summary, mut blocks) = (summary.clone(), blocks.clone());
        change(&mut summary, &mut blocks);
        let mut file = data.clone();
        file.extend_from_slice(&footer::encode(&summary, &blocks).unwrap());
        file
    }
}

#[test]
fn a_footer_that_lies_with_good_checksums_is_refused() {
    let forged = forger(300);
    assert!(is_well(&forged(&|_, _| {})));
    assert!(!is_well(&forged(&|_, blocks| blocks[0].raw_bytes = u32::MAX)));
    assert!(!is_well(&forged(&|_, blocks| blocks[1].raw_bytes += 1)));
    assert!(!is_well(&forged(&|summary, blocks| {
        blocks[1].raw_bytes += 1;
        summary.raw_bytes += 1;
        summary.runs[0].raw_bytes += 1;
    })));
    assert!(!is_well(&forged(&|_, blocks| blocks[1].first_seq = SeqNo(u64::MAX))));
    assert!(!is_well(&forged(&|_, blocks| blocks.swap(0, 1))));
    assert!(!is_well(&forged(&|summary, _| summary.runs[1].first_block = 900)));
    assert!(!is_well(&forged(&|summary, _| summary.runs[0].end_seq = SeqNo(90))));
    assert!(!is_well(&forged(&|summary, _| summary.runs[1].shard = ShardId(1))));
    assert!(!is_well(&forged(&|summary, _| summary.frames += 1)));
    assert!(!is_well(&forged(&|summary, _| summary.id.0 += 1)));
    assert!(!is_well(&forged(&|summary, _| summary.runs.clear())));
}

#[test]
fn a_footer_is_as_large_as_its_limit_and_no_larger() {
    let disk = sim();
    let segment = write(&disk, ID, &small_log(), Compression::Stored, 1 << 20);
    let mut summary = segment.summary().unwrap();
    let block = segment.index().block(segment.map(), 0).unwrap();
    // Bytes of the archive's root, of each run and of each block.
    let (root, run, row) = (64, 64, 48);
    summary.runs = vec![summary.runs[0]; 3];
    let mut blocks = vec![block; (FOOTER_BYTES_MAX - root - 3 * run) / row];
    assert_eq!(root + 3 * run + blocks.len() * row, FOOTER_BYTES_MAX);
    assert!(footer::encode(&summary, &blocks).is_ok());
    blocks.push(block);
    assert_eq!(footer::encode(&summary, &blocks).unwrap_err().kind(), ErrorKind::Full);
}

#[test]
fn a_footer_that_no_writer_writes_is_refused_before_anything_is_read_by_it() {
    // A block for each frame.
    let forged = forger(1);
    assert!(open(&forged(&|_, _| {})).is_ok());
    let refused = |change: Change<'_>| {
        assert_eq!(open(&forged(change)).unwrap_err().kind(), ErrorKind::Corrupt);
    };
    // Two blocks that begin with one record.
    refused(&|_, blocks| blocks[1].first_seq = blocks[0].first_seq);
    // A gap between blocks, and a run that is said to begin in the block before its own.
    refused(&|_, blocks| blocks[1].offset += 1);
    refused(&|summary, _| summary.runs[1].first_block -= 1);
    // A run in two pieces, all numbers of which are right.
    refused(&|summary, blocks| {
        let whole = summary.runs[0];
        let (middle, raw_bytes) = (blocks[1].first_seq, u64::from(blocks[0].raw_bytes));
        summary.runs[0] = Run { end_seq: middle, raw_bytes, frames: 1, ..whole };
        let raw_bytes = whole.raw_bytes - raw_bytes;
        let frames = whole.frames - 1;
        let rest = Run { first_seq: middle, raw_bytes, frames, first_block: 1, ..whole };
        summary.runs.insert(1, rest);
    });
}

/// Whether a block of these frames is what the footer announces: four records of shard 1 in two
/// frames.
fn is_announced(frames: &[Frame]) -> bool {
    let run = Run {
        shard: ShardId(1),
        first_seq: SeqNo(0),
        end_seq: SeqNo(4),
        first_arrival: Timestamp(10),
        last_arrival: Timestamp(10),
        raw_bytes: 0,
        frames: 2,
        first_block: 0,
    };
    let raw = bytes_of(frames).concat();
    let mut compressed = Vec::new();
    Encoder::new(Compression::Stored).unwrap().encode(&raw, &mut compressed).unwrap();
    let block = Block {
        offset: 0,
        compressed_bytes: u32::try_from(compressed.len()).unwrap(),
        checksum: crc32fast::hash(&compressed),
        raw_bytes: u32::try_from(raw.len()).unwrap(),
        shard: run.shard,
        first_seq: run.first_seq,
        arrival: run.first_arrival,
    };
    check_blocks(ID, &[run], &[block], |_| Ok(Bytes::from(compressed.clone()))).is_empty()
}

#[test]
fn good_frames_that_the_footer_does_not_announce_are_noticed() {
    let of = |shard, first, count| frame(shard, first, count, 10, 5);
    assert!(is_announced(&[of(1, 0, 2), of(1, 2, 2)]));
    assert!(!is_announced(&[of(1, 0, 2), of(1, 3, 1)]), "a gap");
    assert!(!is_announced(&[of(1, 0, 2), of(1, 1, 3)]), "twice");
    assert!(!is_announced(&[of(1, 0, 2), of(1, 2, 3)]), "more");
    assert!(!is_announced(&[of(1, 0, 2), of(1, 2, 1)]), "fewer");
    assert!(!is_announced(&[of(1, 0, 2), of(2, 2, 2)]), "another shard's");
    assert!(!is_announced(&[of(1, 0, 4)]), "one frame");
}

#[test]
fn a_segment_that_the_disk_cannot_read_is_unavailable() {
    let directory = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> =
        Arc::new(RealDisk::open(directory.path(), Backend::Portable).unwrap());
    prepare_dir(&*disk).unwrap();
    let mut writer =
        SegmentWriter::create(Arc::clone(&disk), ID, Compression::Stored, 1 << 16).unwrap();
    log_of(&vec![(0, vec![(1, 50_000); 20])]).iter().for_each(|f| writer.push(f).unwrap());
    writer.finish().unwrap();
    let segment = Arc::new(Segment::open(&*disk, ID).unwrap());
    assert!(segment.verify(&mut |_, _| {}).is_empty());

    // A page behind the end of a mapped file fails as one on a broken disk does.
    let file = directory.path().join(segment_path(ID));
    std::fs::File::options().write(true).open(file).unwrap().set_len(200_000).unwrap();
    let cache = BlockCache::new(1 << 20);
    let error = segment.frames(ShardId(1), SeqNo(15), usize::MAX, &cache).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert_eq!(segment.run(ShardId(1)).unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(segment.all_frames().any(|frame| frame.is_err()));
    assert!(!segment.verify(&mut |_, _| {}).is_empty());
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(
        head in prop::collection::vec(any::<u8>(), 0..200),
        keep in 0..400usize,
        at in 0..2000usize,
        junk in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        prop_assert!(!is_well(&head));
        let whole = segment_bytes(Compression::Zstd);
        let mut spliced = head;
        spliced.extend_from_slice(&whole[whole.len().saturating_sub(keep)..]);
        prop_assert!(!is_well(&spliced) || spliced == whole);
        let mut patched = whole.clone();
        let at = at.min(whole.len());
        let end = (at + junk.len()).min(whole.len());
        patched.splice(at..end, junk);
        prop_assert!(!is_well(&patched) || patched == whole);
    }
}
