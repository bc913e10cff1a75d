//! How shards come from one another: what a split, a merge and a new shard count close and make.
//!
//! ```text
//!   hash space   |---- 0 ----|---- 1 ----|---- 2 ----|---- 3 ----|      four shards
//!   split        |           |-- 4 --|-5-|-6-|-- 7 --|           |      at the cuts of three
//!   merge        |-------- 8 --------|-- 9 --|------- 10 --------|      three shards of one size
//! ```
//!
//! A new shard count is reached by generations, each a set of splits or of merges that happen
//! together. The next one follows from the open shards alone: a stream that stopped between two of
//! them is whole, and goes on from there.
//!
//! **Invariant** the children of a generation cover exactly what its parents covered.
//! **Invariant** a child's sequence numbers are above all of its parents'.

use std::collections::{BTreeMap, BTreeSet};

use flowstone_engine::types::{ShardId, Timestamp};

use crate::service::routing::even_ranges;
use crate::service::row::{ShardRow, StreamRow};
use crate::service::stream::Stream;

#[cfg(test)]
mod tests;

/// Milliseconds from a shard's closing to the time that its children's numbers begin with, so that
/// theirs are greater: numbers count creation in seconds.
const CHILD_LATER_MS: u64 = 1000;

/// Shards that close together, and those that take their place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Generation {
    /// The indexes of the shards that close.
    pub parents: Vec<u32>,
    /// What takes their place, in the order in which they get their indexes.
    pub children: Vec<Child>,
}

/// A shard to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Child {
    /// The first hash key that it takes.
    pub hash_first: u128,
    /// The last hash key that it takes.
    pub hash_last: u128,
    /// The shard that it comes from.
    pub parent: u32,
    /// The other shard that it is merged from.
    pub adjacent_parent: Option<u32>,
}

/// Why a split or merge is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineageError {
    /// The stream has no shard of this index, or not any more.
    NoShard(u32),
    /// The shard was split or merged before.
    Closed(u32),
    /// The second shard does not begin where the first one ends.
    NotAdjacent,
    /// The hash key does not leave more than one key on either side of it in this range.
    OutOfRange {
        /// The shard's first hash key.
        first: u128,
        /// The shard's last hash key.
        last: u128,
    },
}

/// Splits an open shard before the hash key `at`.
pub fn split(row: &StreamRow, index: u32, at: u128) -> Result<Generation, LineageError> {
    let shard = open_shard(row, index)?;
    let (first, last) = (shard.hash_first, shard.hash_last);
    // The service asks for a key above the one behind the first, and below the last.
    if at <= first.saturating_add(1) || at >= last {
        return Err(LineageError::OutOfRange { first, last });
    }
    let mut generation = Generation::default();
    generation.split(shard, at);
    Ok(generation)
}

/// Merges two open shards, the second of which begins where the first ends.
pub fn merge(row: &StreamRow, index: u32, adjacent: u32) -> Result<Generation, LineageError> {
    let (low, high) = (open_shard(row, index)?, open_shard(row, adjacent)?);
    if low.hash_last.checked_add(1) != Some(high.hash_first) {
        return Err(LineageError::NotAdjacent);
    }
    let mut generation = Generation::default();
    generation.merge(low, high);
    Ok(generation)
}

/// The next generation on the way to `target` open shards of one size; `None` once they are there.
#[must_use]
pub fn toward(row: &StreamRow, target: u32) -> Option<Generation> {
    let mut open: Vec<&ShardRow> = row.shards.iter().filter(|s| s.closed_ms.is_none()).collect();
    open.sort_unstable_by_key(|shard| shard.hash_first);
    let wanted: Vec<_> = even_ranges(target).collect();
    let splits = splits(&open, &wanted);
    let generation = if splits.parents.is_empty() { merges(&open, &wanted) } else { splits };
    (!generation.parents.is_empty()).then_some(generation)
}

/// Splits every shard that a wanted range begins in; at the middle one, when several do.
fn splits(open: &[&ShardRow], wanted: &[(u128, u128)]) -> Generation {
    let mut generation = Generation::default();
    for shard in open {
        let from = wanted.partition_point(|(first, _)| *first <= shard.hash_first);
        let until = wanted.partition_point(|(first, _)| *first <= shard.hash_last);
        if let Some((cut, _)) = wanted[from..until].get((until - from) / 2) {
            generation.split(shard, *cut);
        }
    }
    generation
}

/// Merges the shards of each wanted range pair by pair. No wanted range begins within a shard.
fn merges(open: &[&ShardRow], wanted: &[(u128, u128)]) -> Generation {
    let mut pieces: BTreeMap<usize, Vec<&ShardRow>> = BTreeMap::new();
    for shard in open {
        let owner = wanted.partition_point(|(first, _)| *first <= shard.hash_first);
        pieces.entry(owner).or_default().push(shard);
    }
    let mut generation = Generation::default();
    for pair in pieces.values().flat_map(|pieces| pieces.chunks_exact(2)) {
        generation.merge(pair[0], pair[1]);
    }
    generation
}

fn open_shard(row: &StreamRow, index: u32) -> Result<&ShardRow, LineageError> {
    let at = row.shards.binary_search_by_key(&index, |shard| shard.index);
    let shard = at.ok().and_then(|at| row.shards.get(at)).ok_or(LineageError::NoShard(index))?;
    if shard.closed_ms.is_some() { Err(LineageError::Closed(index)) } else { Ok(shard) }
}

impl Generation {
    fn split(&mut self, shard: &ShardRow, at: u128) {
        self.parents.push(shard.index);
        for (hash_first, hash_last) in [(shard.hash_first, at - 1), (at, shard.hash_last)] {
            let parent = shard.index;
            self.children.push(Child { hash_first, hash_last, parent, adjacent_parent: None });
        }
    }

    fn merge(&mut self, low: &ShardRow, high: &ShardRow) {
        self.parents.extend([low.index, high.index]);
        self.children.push(Child {
            hash_first: low.hash_first,
            hash_last: high.hash_last,
            parent: low.index,
            adjacent_parent: Some(high.index),
        });
    }

    /// The row after this generation: its parents closed at `now`, its children over `logs`. No
    /// record of the parents arrived after `newest`.
    #[must_use]
    pub fn apply(
        &self,
        row: &StreamRow,
        logs: &[ShardId],
        now: Timestamp,
        newest: Option<Timestamp>,
    ) -> StreamRow {
        assert_eq!(logs.len(), self.children.len(), "every child has a log");
        let mut row = row.clone();
        // A clock that steps back does not take the order of closings with it.
        let before = row.shards.iter().filter_map(|shard| shard.closed_ms).max();
        let closed_ms = now.0.max(before.unwrap_or(0)).max(newest.unwrap_or_default().0);
        let parents: BTreeSet<u32> = self.parents.iter().copied().collect();
        let mut began: BTreeMap<u32, u64> = BTreeMap::new();
        for shard in &mut row.shards {
            if parents.contains(&shard.index) {
                shard.closed_ms = Some(closed_ms);
                began.insert(shard.index, shard.created_ms);
            }
        }
        for (child, log) in self.children.iter().zip(logs) {
            let parents = [Some(child.parent), child.adjacent_parent].into_iter().flatten();
            let newest_parent_ms = parents.filter_map(|parent| began.get(&parent)).max();
            row.shards.push(ShardRow {
                log: log.0,
                index: row.next_shard,
                hash_first: child.hash_first,
                hash_last: child.hash_last,
                created_ms: closed_ms.max(*newest_parent_ms.unwrap_or(&0)) + CHILD_LATER_MS,
                closed_ms: None,
                parent: Some(child.parent),
                adjacent_parent: child.adjacent_parent,
            });
            row.next_shard += 1;
        }
        row
    }
}

impl Stream {
    /// The shards that took the place of the one with `index`, in hash order.
    pub fn children(&self, index: u32) -> impl Iterator<Item = &ShardRow> {
        let is_child = move |shard: &&ShardRow| {
            shard.parent == Some(index) || shard.adjacent_parent == Some(index)
        };
        self.row.shards.iter().filter(is_child)
    }

    /// Whether `shard` took records at `ms`: from behind its parents' closing up to its own. At
    /// every time the shards that did cover the hash space.
    #[must_use]
    pub fn was_open_at(&self, shard: &ShardRow, ms: u64) -> bool {
        let has_begun = match shard.parent {
            None => shard.created_ms <= ms,
            Some(parent) => {
                let parents = [Some(parent), shard.adjacent_parent];
                let rows = parents.into_iter().flatten().filter_map(|index| self.shard(index));
                // A parent that is gone was closed longer than the retention ago.
                rows.filter_map(|parent| parent.closed_ms).all(|closed_ms| closed_ms < ms)
            }
        };
        has_begun && shard.closed_ms.is_none_or(|closed_ms| closed_ms >= ms)
    }
}
