//! The records in flight among 256 neighbours of a shard: a bitmap and dense entries.
//!
//! PERF: consumers receive neighbours, so that pages are full: 24 bytes a record and about 200 a
//! page. A sorted map of single records takes four times as much, and an index by time as much
//! again; here the index has one row a page and lane.

use crate::service::queue::entry::{Entry, Lane};

/// Neighbours of a page.
pub(super) const PAGE_RECORDS: u64 = 256;

const WORD_BITS: usize = 64;
const WORDS: usize = 4;

/// "No record of this lane": later than any time.
pub(super) const NEVER: u64 = u64::MAX;

/// A page.
#[derive(Clone, Debug)]
pub(super) struct Page {
    /// Which of the neighbours are in flight.
    occupied: [u64; WORDS],
    /// Their entries, in order.
    entries: Vec<Entry>,
    /// When the first record of each lane is visible.
    earliest: [u64; 2],
}

impl Page {
    pub(super) fn new() -> Page {
        Page { occupied: [0; WORDS], entries: Vec::new(), earliest: [NEVER; 2] }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// When the first record of `lane` is visible, as of the last [`Page::settle`].
    pub(super) fn earliest(&self, lane: Lane) -> u64 {
        self.earliest[lane.index()]
    }

    pub(super) fn get(&self, slot: u8) -> Option<Entry> {
        self.is_occupied(slot).then(|| self.entries[self.rank(slot)])
    }

    pub(super) fn set(&mut self, slot: u8, entry: Entry) {
        let rank = self.rank(slot);
        if self.is_occupied(slot) {
            self.entries[rank] = entry;
        } else {
            self.occupied[word(slot)] |= bit(slot);
            self.entries.insert(rank, entry);
        }
    }

    pub(super) fn remove(&mut self, slot: u8) {
        if self.is_occupied(slot) {
            let rank = self.rank(slot);
            self.occupied[word(slot)] &= !bit(slot);
            self.entries.remove(rank);
            if self.entries.len() * 2 <= self.entries.capacity() {
                self.entries.shrink_to(self.entries.len() + self.entries.len() / 2);
            }
        }
    }

    /// Removes the records for which `is_kept` says no.
    pub(super) fn retain(&mut self, is_kept: impl Fn(u8) -> bool) {
        for slot in self.slots().filter(|slot| !is_kept(*slot)).collect::<Vec<_>>() {
            self.remove(slot);
        }
    }

    /// The records, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u8, Entry)> + '_ {
        self.slots().zip(self.entries.iter().copied())
    }

    /// Lets `change` see every entry.
    pub(super) fn for_each_mut(&mut self, change: impl FnMut(&mut Entry)) {
        self.entries.iter_mut().for_each(change);
    }

    /// Finds out again when the first record of each lane is visible.
    pub(super) fn settle(&mut self, receive_count_max: Option<u32>) {
        self.earliest = [NEVER; 2];
        for entry in &self.entries {
            let earliest = &mut self.earliest[entry.lane(receive_count_max).index()];
            *earliest = entry.visible_ms.min(*earliest);
        }
    }

    /// Bytes on the heap behind this.
    pub(super) fn heap_bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>()
    }

    fn slots(&self) -> impl Iterator<Item = u8> + '_ {
        (0..=u8::MAX).filter(|slot| self.is_occupied(*slot))
    }

    fn is_occupied(&self, slot: u8) -> bool {
        self.occupied[word(slot)] & bit(slot) != 0
    }

    /// How many records are before `slot`.
    fn rank(&self, slot: u8) -> usize {
        let before = self.occupied[..word(slot)].iter().map(|word| word.count_ones()).sum::<u32>();
        (before + (self.occupied[word(slot)] & (bit(slot) - 1)).count_ones()) as usize
    }
}

fn word(slot: u8) -> usize {
    usize::from(slot) / WORD_BITS
}

fn bit(slot: u8) -> u64 {
    1 << (usize::from(slot) % WORD_BITS)
}
