//! States of a log that is known.

use crate::block::{Entry, Image};
use crate::blocks::state::{Cut, Kept, Replay, choose};
use crate::random::Random;

const SECTOR: usize = 512;

fn write(sector: u64) -> Entry {
    Entry::Write { offset: sector * 1024, data: vec![1; 2 * SECTOR].into() }
}

/// Whether each half of what write number `sector` wrote is there.
fn halves(image: &Image, sector: u64) -> [bool; 2] {
    [0, SECTOR as u64].map(|half| {
        let mut byte = [0];
        image.read(sector * 1024 + half, &mut byte);
        byte[0] == 1
    })
}

#[test]
fn what_was_flushed_is_in_every_state_and_what_comes_later_in_none() {
    let log = [write(0), Entry::Flush, write(1), write(2), Entry::Flush, write(3)];
    let (mut has_lost, mut has_torn) = (false, false);
    for seed in 0..200 {
        let cut = Cut { at: 4, kept: Kept::Torn, seed };
        let (image, flushes) = Replay::new(&Image::new(8_192), &log).state(cut, 512);
        assert_eq!(flushes, 1);
        assert_eq!(halves(&image, 0), [true, true]);
        assert_eq!(halves(&image, 3), [false, false]);
        has_lost |= halves(&image, 1) == [false, false];
        has_torn |= halves(&image, 1) == [true, false] || halves(&image, 1) == [false, true];
    }
    assert!(has_lost && has_torn, "states are of every kind");
}

#[test]
fn a_prefix_has_everything_up_to_the_cut() {
    let log = [write(0), write(1), Entry::Flush, write(2), write(3)];
    let mut replay = Replay::new(&Image::new(8_192), &log);
    for (at, whole, flushed) in [(1, 1, 0), (3, 2, 1), (4, 3, 1)] {
        let (image, flushes) = replay.state(Cut { at, kept: Kept::All, seed: 0 }, 512);
        let there = (0..4).filter(|sector| halves(&image, *sector) == [true, true]).count();
        assert_eq!((there, flushes), (whole, flushed), "cut at {at}");
    }
}

#[test]
fn cuts_come_in_the_order_of_time_and_reach_both_ends() {
    let cuts = choose(10, 300, &mut Random::new(3));
    assert!(cuts.is_sorted_by_key(|cut| cut.at));
    assert_eq!((cuts[0].at, cuts[299].at), (0, 10));
    for kept in [Kept::All, Kept::Some, Kept::Torn] {
        assert!(cuts.iter().any(|cut| cut.kept == kept), "{kept:?}");
    }
}
