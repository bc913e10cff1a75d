//! Which states of a log to try, and their bytes.

use crate::block::{Entry, Image};
use crate::random::Random;

/// What a power cut leaves of the writes since the last flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// All of them.
    All,
    /// Some of them.
    Some,
    /// Some of them, and pieces of others.
    Torn,
}

/// A power cut: when, and what it leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// So many entries of the log were begun.
    pub(super) at: usize,
    /// What is left of those since the last flush.
    pub(super) kept: Kept,
    /// Decides which.
    pub(super) seed: u64,
}

/// Chooses `wanted` cuts of a log with so many entries, in the order of time.
pub(super) fn choose(entries: usize, wanted: u64, random: &mut Random) -> Vec<Cut> {
    let cut = |random: &mut Random| Cut {
        at: usize::try_from(random.below(entries as u64 + 1)).unwrap_or(0),
        kept: match random.below(4) {
            0 => Kept::All,
            1 => Kept::Some,
            _ => Kept::Torn,
        },
        seed: random.bits(),
    };
    let mut cuts: Vec<Cut> = (0..wanted).map(|_| cut(random)).collect();
    cuts.sort_by_key(|cut| cut.at);
    cuts
}

/// Goes through a log, from its beginning to its end.
#[derive(Debug)]
pub(super) struct Replay<'a> {
    entries: &'a [Entry],
    /// The bytes after the last flush before where we are.
    flushed: Image,
    /// How many entries those are.
    upto: usize,
    flushes: u64,
}

impl<'a> Replay<'a> {
    pub(super) fn new(before: &Image, entries: &'a [Entry]) -> Replay<'a> {
        Replay { entries, flushed: before.clone(), upto: 0, flushes: 0 }
    }

    /// What `cut` leaves, and how many flushes were done by then. Cuts come in the order of time.
    pub(super) fn state(&mut self, cut: Cut, atom_bytes: u64) -> (Image, u64) {
        assert!(cut.at >= self.upto, "cuts come in the order of time");
        let begun = &self.entries[self.upto..cut.at];
        let last_flush = begun.iter().rposition(|entry| *entry == Entry::Flush);
        let (done, open) = begun.split_at(last_flush.map_or(0, |at| at + 1));
        for entry in done {
            entry.apply(&mut self.flushed);
            self.flushes += u64::from(*entry == Entry::Flush);
        }
        self.upto += done.len();
        let mut random = Random::new(cut.seed);
        let mut image = self.flushed.clone();
        // Now nearly all, now nearly nothing.
        let of_eight = 1 + random.below(7);
        for entry in open {
            let is_kept = cut.kept == Kept::All || random.below(8) < of_eight;
            if cut.kept == Kept::Torn && random.below(3) == 0 {
                entry.apply_torn(&mut image, atom_bytes, &mut random);
            } else if is_kept {
                entry.apply(&mut image);
            }
        }
        (image, self.flushes)
    }
}
