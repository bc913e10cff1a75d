//! Merging: one stream out of any split of a log.

use std::sync::Arc;

use proptest::prelude::*;

use super::{Shards, bytes_of, frame, log_of, sim, write};
use crate::error::{ErrorKind, Result};
use crate::frame::Frame;
use crate::segment::{Compression, Keep, Segment, merge};
use crate::types::{SegmentId, SeqNo};

/// Segments of `frames`, each frame in those whose bits are set in its entry of `places`.
fn split(frames: &[Frame], places: &[u8], segments: u32) -> Vec<Arc<Segment>> {
    let disk = sim();
    let mut inputs = Vec::new();
    for input in 0..segments {
        let mine: Vec<Frame> = frames
            .iter()
            .zip(places)
            .filter(|(_, place)| **place >> input & 1 == 1)
            .map(|(frame, _)| frame.clone())
            .collect();
        if !mine.is_empty() {
            let id = SegmentId(u64::from(input));
            inputs.push(write(&disk, id, &mine, Compression::Zstd, 400));
        }
    }
    inputs
}

fn error_of(inputs: &[Arc<Segment>]) -> ErrorKind {
    let merged: Result<Vec<Frame>> = merge(inputs, |_| Keep::From(SeqNo(0))).unwrap().collect();
    merged.unwrap_err().kind()
}

fn segment_of(id: u64, frames: &[Frame]) -> Arc<Segment> {
    write(&sim(), SegmentId(id), frames, Compression::Stored, 100)
}

fn shards() -> impl Strategy<Value = Shards> {
    let sizes = prop::collection::vec((1..4u64, 0..60usize), 1..16);
    prop::collection::vec((0..20u64, sizes), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_split_log_merges_to_itself(
        shards in shards(), cuts in prop::collection::vec((0..5u64, 0..2u64), 6),
        from in 0..40u64, dropped in 0..6u64
    ) {
        let frames = log_of(&shards);
        // Each shard's frames in consecutive pieces of up to `cut` frames, given to the three
        // segments in turn (runs have no gaps, so at most one piece each), some of them twice.
        let mut places = Vec::new();
        for ((_, sizes), (cut, twice)) in shards.iter().zip(&cuts) {
            for index in 0..sizes.len() as u64 {
                let piece = (index / (cut + 1)).min(2);
                let neighbour = if *twice == 1 && piece < 2 { 1 << (piece + 1) } else { 0 };
                let next_starts = (piece + 1) * (cut + 1);
                let is_edge = index + 1 == next_starts;
                places.push(1 << piece | if is_edge { neighbour } else { 0 });
            }
        }
        let inputs = split(&frames, &places, 3);
        let keep = |shard: crate::types::ShardId| {
            if shard.0 == 3 * dropped + 1 { Keep::Drop } else { Keep::From(SeqNo(from)) }
        };
        let merged: Vec<Frame> = merge(&inputs, keep).unwrap().map(Result::unwrap).collect();
        let expected = frames.iter().filter(|frame| {
            frame.header().shard.0 != 3 * dropped + 1 && frame.header().end_seq().0 > from
        });
        prop_assert_eq!(bytes_of(&merged), bytes_of(expected));
    }
}

#[test]
fn records_that_are_missing_are_reported() {
    let frames = log_of(&vec![(0, vec![(1, 10); 5])]);
    let inputs = [segment_of(1, &frames[..2]), segment_of(2, &frames[3..])];
    assert_eq!(error_of(&inputs), ErrorKind::Corrupt);
    let trimmed = merge(&inputs, |_| Keep::From(SeqNo(3))).unwrap();
    assert_eq!(trimmed.map(Result::unwrap).count(), 2, "what is dropped may be missing");
}

#[test]
fn segments_that_disagree_are_reported() {
    let ours = [frame(1, 0, 2, 10, 8), frame(1, 2, 1, 20, 8)];
    for theirs in [frame(1, 0, 2, 10, 9), frame(1, 0, 2, 11, 8), frame(1, 1, 1, 10, 8)] {
        let inputs = [segment_of(1, &ours), segment_of(2, &[theirs])];
        assert_eq!(error_of(&inputs), ErrorKind::Corrupt);
    }
}

#[test]
fn nothing_merges_to_nothing() {
    assert_eq!(merge(&[], |_| Keep::Drop).unwrap().count(), 0);
}
