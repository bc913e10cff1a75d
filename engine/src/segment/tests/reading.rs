//! Reads against a model: by sequence number, by time, all at once.

use std::sync::Arc;

use proptest::prelude::*;

use super::{ID, Shards, bytes_of, file_bytes, frame, log_of, sim, write};
use crate::error::ErrorKind;
use crate::frame::Frame;
use crate::segment::{BlockCache, Compression, Segment};
use crate::types::{SegmentId, SeqNo, ShardId, Timestamp};

fn shards() -> impl Strategy<Value = Shards> {
    let sizes = prop::collection::vec((1..4u64, 0..90usize), 1..12);
    prop::collection::vec((0..20u64, sizes), 1..6)
}

fn check_reads(segment: &Segment, frames: &[Frame], shard: u64) -> Result<(), TestCaseError> {
    let cache = BlockCache::new(1 << 20);
    let mine: Vec<&Frame> = frames.iter().filter(|f| f.header().shard.0 == shard).collect();
    let last = mine.last().map_or(3, |frame| frame.header().end_seq().0);
    for from in 0..last + 2 {
        let held: Vec<&&Frame> = mine.iter().filter(|f| f.header().end_seq().0 > from).collect();
        let read = segment.frames(ShardId(shard), SeqNo(from), usize::MAX, &cache).unwrap();
        prop_assert_eq!(bytes_of(&read), bytes_of(held.iter().map(|f| **f)));
        let read = segment.frames(ShardId(shard), SeqNo(from), 100, &cache).unwrap();
        prop_assert_eq!(read.is_empty(), held.is_empty());
        let all_but_last = read.split_last().map_or(&[][..], |(_, rest)| rest);
        prop_assert!(all_but_last.iter().map(|f| f.payload().len()).sum::<usize>() < 100);
        prop_assert_eq!(bytes_of(&read), bytes_of(held.iter().map(|f| **f))[..read.len()].to_vec());
    }
    for time in (990..1000 + 10 * (last + 2)).step_by(5) {
        let first = mine.iter().find(|frame| frame.header().arrival.0 >= time);
        prop_assert_eq!(
            segment.seek_time(ShardId(shard), Timestamp(time), &cache).unwrap(),
            first.map(|frame| frame.header().first_seq),
            "time {}",
            time
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn what_goes_into_a_segment_comes_out(
        shards in shards(), block_bytes in 1..2000usize, is_compressed: bool
    ) {
        let compression = if is_compressed { Compression::Zstd } else { Compression::Stored };
        let frames = log_of(&shards);
        let segment = write(&sim(), ID, &frames, compression, block_bytes);
        prop_assert_eq!((segment.id(), segment.is_compressed()), (ID, is_compressed));
        let all: Vec<Frame> = segment.all_frames().map(Result::unwrap).collect();
        prop_assert_eq!(bytes_of(&all), bytes_of(&frames));
        for shard in 0..3 * shards.len() as u64 + 2 {
            check_reads(&segment, &frames, shard)?;
        }
        let mut told = (0, 0);
        prop_assert!(segment.verify(&mut |done, all| told = (done, all)).is_empty());
        prop_assert_eq!(told, (segment.bytes(), segment.bytes()));
    }
}

#[test]
fn of_many_that_arrived_at_once_a_time_finds_the_first() {
    let mut frames: Vec<Frame> = (0..4).map(|seq| frame(1, seq, 1, 1000, 60)).collect();
    frames.extend((4..14).map(|seq| frame(1, seq, 1, 2000, 60)));
    frames.extend((14..18).map(|seq| frame(1, seq, 1, 3000, 60)));
    let segment = write(&sim(), ID, &frames, Compression::Stored, 100);
    assert!(segment.summary().unwrap().blocks > 4, "each time has several blocks");
    let cache = BlockCache::new(1 << 20);
    let found = |time| segment.seek_time(ShardId(1), Timestamp(time), &cache).unwrap();
    assert_eq!([found(999), found(1000)], [Some(SeqNo(0)); 2]);
    assert_eq!([found(1001), found(2000)], [Some(SeqNo(4)); 2]);
    assert_eq!([found(2001), found(3000)], [Some(SeqNo(14)); 2]);
    assert_eq!(found(3001), None);
}

#[test]
fn a_frame_larger_than_a_block_has_one_to_itself() {
    let frames = log_of(&vec![(0, vec![(1, 10), (1, 100_000), (1, 10)])]);
    let segment = write(&sim(), ID, &frames, Compression::Zstd, 1000);
    assert_eq!(segment.summary().unwrap().blocks, 3);
    let all: Vec<Frame> = segment.all_frames().map(Result::unwrap).collect();
    assert_eq!(bytes_of(&all), bytes_of(&frames));
}

#[test]
fn frames_of_a_block_share_the_cached_memory() {
    let frames = log_of(&vec![(0, vec![(1, 500); 4])]);
    let segment = write(&sim(), ID, &frames, Compression::Zstd, 1 << 16);
    let cache = BlockCache::new(1 << 20);
    let read = || segment.frames(ShardId(1), SeqNo(1), usize::MAX, &cache).unwrap();
    let (once, again) = (read(), read());
    assert_eq!(once[0].bytes().as_ptr(), again[0].bytes().as_ptr());
    assert_eq!(cache.bytes(), segment.raw_bytes());
}

#[test]
fn a_segment_is_as_long_as_its_file() {
    let disk = sim();
    let segment = write(&disk, ID, &log_of(&vec![(0, vec![(1, 500)])]), Compression::Zstd, 100);
    assert_eq!(segment.bytes(), file_bytes(&*disk, ID).len() as u64);
}

#[test]
fn a_cache_keeps_a_block_of_half_its_bytes() {
    let cache = BlockCache::new(16 << 20);
    let load = || Ok(bytes::Bytes::from(vec![0; 8 << 20]));
    cache.block(ID, 0, load).unwrap();
    let again = cache.block(ID, 0, || panic!("it is in memory")).unwrap();
    assert_eq!((again.len(), cache.bytes()), (8 << 20, 8 << 20));
}

#[test]
fn the_cache_keeps_to_its_bytes() {
    let disk = sim();
    let frames = log_of(&vec![(0, vec![(1, 5000); 30])]);
    let cache = BlockCache::new(50_000);
    for id in 0..4 {
        let segment = write(&disk, SegmentId(id), &frames, Compression::Stored, 6000);
        let read = segment.frames(ShardId(1), SeqNo(0), usize::MAX, &cache).unwrap();
        assert_eq!(bytes_of(&read), bytes_of(&frames));
        assert!(cache.bytes() <= 50_000 && cache.bytes() > 20_000, "{}", cache.bytes());
    }
}

#[test]
fn readers_of_one_block_agree() {
    let frames = log_of(&vec![(0, vec![(1, 500); 50])]);
    let segment = write(&sim(), ID, &frames, Compression::Zstd, 1 << 16);
    let cache = Arc::new(BlockCache::new(1 << 20));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let read = segment.frames(ShardId(1), SeqNo(0), usize::MAX, &cache).unwrap();
                assert_eq!(bytes_of(&read), bytes_of(&frames));
            });
        }
    });
}

#[test]
fn a_missing_segment_is_not_found() {
    let error = Segment::open(&*sim(), SegmentId(9)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}
