//! What a queue knows of the records of its stream: cursors, and the records in flight.
//!
//! ```text
//!            acknowledged: below the cursor, not in flight          never delivered
//!   --------[ in flight ]-----[ in flight ]----[ in flight ]-----> cursor ----------> end
//! ```
//!
//! **Invariant** [`State::apply`] is the only change, live and at a restart: what the log tells is
//! what memory has.
//! **Invariant** an event that skips records which were never delivered (the log record about them
//! failed) brings them in flight and visible: a record is never taken for acknowledged by mistake.

use std::collections::{BTreeMap, BTreeSet};

use crate::planted::{Bug, is_planted};
use crate::service::queue::entry::{Entry, Lane};
use crate::service::queue::event::Event;
use crate::service::queue::limits::{IN_FLIGHT_MAX, SKIPPED_MAX};
use crate::service::queue::page::{NEVER, PAGE_RECORDS, Page};

/// A record of a queue's stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Its shard.
    pub shard: u32,
    /// Its number in the shard.
    pub seq: u64,
}

/// An event that cannot have happened: the log is not this queue's, or damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Impossible;

/// The state of a queue.
#[derive(Clone, Debug)]
pub struct State {
    shards: BTreeMap<u32, Shard>,
    /// Receives after which a record becomes a dead letter.
    receive_count_max: Option<u32>,
    /// For each lane, the pages that have records of it by when the first one is visible.
    due: [BTreeSet<(u64, u32, u64)>; 2],
    in_flight: u64,
}

#[derive(Clone, Debug, Default)]
struct Shard {
    /// The first record never delivered.
    cursor: u64,
    pages: BTreeMap<u64, Page>,
}

impl State {
    /// The state of a queue that has delivered nothing and begins at `cursors`; at the first
    /// record of shards that are not named there.
    #[must_use]
    pub fn new(cursors: &[(u32, u64)], receive_count_max: Option<u32>) -> State {
        let mut state = State {
            shards: BTreeMap::new(),
            receive_count_max,
            due: [BTreeSet::new(), BTreeSet::new()],
            in_flight: 0,
        };
        state.begin(cursors);
        state
    }

    /// Begins at a snapshot's head: the first event of a log whose older ones were trimmed.
    pub fn begin(&mut self, cursors: &[(u32, u64)]) {
        for (shard, cursor) in cursors {
            self.shards.entry(*shard).or_default().cursor = *cursor;
        }
    }

    /// The first record of `shard` that was never delivered.
    #[must_use]
    pub fn cursor(&self, shard: u32) -> u64 {
        self.shards.get(&shard).map_or(0, |shard| shard.cursor)
    }

    /// All cursors, by shard.
    pub fn cursors(&self) -> impl Iterator<Item = (u32, u64)> + '_ {
        self.shards.iter().map(|(shard, of)| (*shard, of.cursor))
    }

    /// Records in flight.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.in_flight
    }

    /// Receives after which a record becomes a dead letter.
    #[must_use]
    pub fn receive_count_max(&self) -> Option<u32> {
        self.receive_count_max
    }

    /// All about a record in flight.
    #[must_use]
    pub fn entry(&self, place: Place) -> Option<Entry> {
        let page = self.shards.get(&place.shard)?.pages.get(&page_of(place.seq))?;
        page.get(slot_of(place.seq))
    }

    /// The records in flight of `shard`, from `from` on.
    pub fn entries(&self, shard: u32, from: u64) -> impl Iterator<Item = (u64, Entry)> + '_ {
        let pages = self.shards.get(&shard).into_iter();
        pages
            .flat_map(move |of| of.pages.range(page_of(from)..))
            .flat_map(|(number, page)| {
                page.iter()
                    .map(move |(slot, entry)| (number * PAGE_RECORDS + u64::from(slot), entry))
            })
            .skip_while(move |(seq, _)| *seq < from)
    }

    /// The first record in flight of `shard`.
    #[must_use]
    pub fn first_in_flight(&self, shard: u32) -> Option<u64> {
        self.entries(shard, 0).next().map(|(seq, _)| seq)
    }

    /// When the first record in flight of `lane` is visible.
    #[must_use]
    pub fn next_visible_ms(&self, lane: Lane) -> Option<u64> {
        self.due[lane.index()].first().map(|(at, _, _)| *at)
    }

    /// Up to `limit` records of `lane` that are visible, those of one page in order.
    #[must_use]
    pub fn visible(&self, lane: Lane, now_ms: u64, limit: usize) -> Vec<(Place, Entry)> {
        let pages = self.due[lane.index()].iter().take_while(|(at, _, _)| *at <= now_ms);
        pages
            .flat_map(|(_, shard, number)| {
                let page = self.shards.get(shard).and_then(|of| of.pages.get(number));
                let records = page.into_iter().flat_map(Page::iter);
                records.map(move |(slot, entry)| {
                    let seq = number * PAGE_RECORDS + u64::from(slot);
                    (Place { shard: *shard, seq }, entry)
                })
            })
            .filter(|(_, entry)| {
                entry.visible_ms <= now_ms && entry.lane(self.receive_count_max) == lane
            })
            .take(limit)
            .collect()
    }

    /// Sets after how many receives records become dead letters from now on.
    pub fn set_receive_count_max(&mut self, max: Option<u32>) {
        self.receive_count_max = max;
        self.each_page(|_| ());
    }

    /// Makes `event` happen. After `Err` a part of it may have, and the state is of no use.
    pub fn apply(&mut self, event: &Event) -> Result<(), Impossible> {
        match event {
            Event::Received { shard, horizon, first, count, received_ms, visible_ms } => {
                self.expire(*shard, *horizon);
                let entry = Entry::first_received(*received_ms, *visible_ms);
                let end = first.checked_add(u64::from(*count)).ok_or(Impossible)?;
                self.reach(*shard, *first, end)?;
                self.put(*shard, (*first..end).map(|seq| (seq, entry)));
            }
            Event::Assigned { shard, seq, entry } => {
                self.reach(*shard, *seq, seq.checked_add(1).ok_or(Impossible)?)?;
                self.put(*shard, [(*seq, *entry)].into_iter());
            }
            Event::Acknowledged { shard, seq } => {
                self.reach(*shard, *seq, seq.checked_add(1).ok_or(Impossible)?)?;
                self.change_page(*shard, page_of(*seq), |page| page.remove(slot_of(*seq)));
            }
            Event::Expired { shard, below } => self.expire(*shard, *below),
            Event::Buried { receive_count, at_ms } => self.each_page(|page| {
                page.for_each_mut(|entry| {
                    if entry.visible_ms <= *at_ms && entry.receive_count() >= *receive_count {
                        *entry = entry.dead();
                    }
                });
            }),
            Event::Head { cursors } => {
                for (shard, cursor) in cursors {
                    self.reach(*shard, *cursor, *cursor)?;
                }
            }
            Event::Chunk { shard, from, end, entries } => {
                let seqs = || entries.iter().map(|(offset, _)| from + u64::from(*offset));
                let last = seqs().next_back();
                let cursor = last.map_or(0, |last| last + 1);
                self.reach(*shard, cursor, cursor)?;
                self.clear(*shard, *from, *end);
                self.put(*shard, seqs().zip(entries.iter().map(|(_, entry)| *entry)));
            }
        }
        Ok(())
    }

    /// Bytes on the heap: exact for the entries, estimated for the maps around them.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        // A map's nodes are between half and wholly full.
        let pages = self.shards.values().flat_map(|of| of.pages.values());
        let page_bytes = pages.map(|page| 2 * (size_of::<Page>() + 8) + page.heap_bytes());
        let rows = self.due.iter().map(BTreeSet::len).sum::<usize>();
        page_bytes.sum::<usize>() + rows * 2 * size_of::<(u64, u32, u64)>()
    }

    /// Moves the cursor of `shard` to `end` if it is not there; records that it jumps over below
    /// `first` were never delivered and come in flight.
    fn reach(&mut self, shard: u32, first: u64, end: u64) -> Result<(), Impossible> {
        let cursor = self.cursor(shard);
        let skipped = cursor..first.max(cursor);
        if skipped.end - skipped.start > SKIPPED_MAX || self.in_flight > IN_FLIGHT_MAX * 2 {
            return Err(Impossible);
        }
        if !is_planted(Bug::IgnoreFailedAppend) {
            self.put(shard, skipped.map(|seq| (seq, Entry::NEVER_RECEIVED)));
        }
        self.shards.entry(shard).or_default().cursor = end.max(cursor);
        Ok(())
    }

    /// Forgets all records of `shard` before `below`.
    fn expire(&mut self, shard: u32, below: u64) {
        self.clear(shard, 0, below);
        let of = self.shards.entry(shard).or_default();
        of.cursor = of.cursor.max(below);
    }

    /// Takes the records of a range out of flight.
    fn clear(&mut self, shard: u32, from: u64, end: u64) {
        if from >= end {
            return;
        }
        let Some(of) = self.shards.get(&shard) else { return };
        let numbers: Vec<u64> =
            of.pages.range(page_of(from)..=page_of(end - 1)).map(|(number, _)| *number).collect();
        for number in numbers {
            self.change_page(shard, number, |page| {
                page.retain(|slot| {
                    let seq = number * PAGE_RECORDS + u64::from(slot);
                    !(from..end).contains(&seq)
                });
            });
        }
    }

    /// Puts records in flight, in ascending order.
    fn put(&mut self, shard: u32, records: impl Iterator<Item = (u64, Entry)>) {
        let mut records = records.peekable();
        while let Some((seq, _)) = records.peek() {
            let number = page_of(*seq);
            self.change_page(shard, number, |page| {
                while let Some((seq, entry)) = records.next_if(|(seq, _)| page_of(*seq) == number) {
                    page.set(slot_of(seq), entry);
                }
            });
        }
    }

    /// Lets `change` work on a page, and keeps count and index.
    fn change_page(&mut self, shard: u32, number: u64, change: impl FnOnce(&mut Page)) {
        let of = self.shards.entry(shard).or_default();
        let page = of.pages.entry(number).or_insert_with(Page::new);
        let before = (page.len() as u64, Lane::ALL.map(|lane| page.earliest(lane)));
        change(page);
        page.settle(self.receive_count_max);
        let after = (page.len() as u64, Lane::ALL.map(|lane| page.earliest(lane)));
        if page.is_empty() {
            of.pages.remove(&number);
        }
        self.in_flight = self.in_flight - before.0 + after.0;
        for ((due, before), after) in self.due.iter_mut().zip(before.1).zip(after.1) {
            if before != after {
                due.remove(&(before, shard, number));
                if after != NEVER {
                    due.insert((after, shard, number));
                }
            }
        }
    }

    fn each_page(&mut self, change: impl Fn(&mut Page)) {
        let all =
            self.shards.iter().flat_map(|(shard, of)| of.pages.keys().map(|key| (*shard, *key)));
        for (shard, number) in all.collect::<Vec<_>>() {
            self.change_page(shard, number, &change);
        }
    }
}

impl PartialEq for State {
    fn eq(&self, other: &State) -> bool {
        let all = |state: &State| {
            let shards = state.shards.keys();
            let entries = shards.flat_map(|shard| {
                state.entries(*shard, 0).map(|(seq, entry)| (*shard, seq, entry))
            });
            entries.collect::<Vec<_>>()
        };
        let mut shards = self.shards.keys().chain(other.shards.keys());
        shards.all(|shard| self.cursor(*shard) == other.cursor(*shard))
            && self.due == other.due
            && self.in_flight == other.in_flight
            && all(self) == all(other)
    }
}

fn page_of(seq: u64) -> u64 {
    seq / PAGE_RECORDS
}

fn slot_of(seq: u64) -> u8 {
    u8::try_from(seq % PAGE_RECORDS).expect("a page has 256 records")
}
