//! What was issued, acknowledged and seen, and what must hold after a crash.
//!
//! | file | owns |
//! |---|---|
//! | `note.rs` | what happened: shards, records, retention |
//! | `reshards.rs` | shards closed for others: what was asked for, and what must hold |
//! | `record.rs` | the bytes of a record, and telling from bytes which record they are |
//! | `check.rs` | what must hold of an engine that was recovered |
//! | `damaged.rs` | what must hold of one on a damaged disk |

mod check;
mod damaged;
mod note;
mod record;
mod reshards;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use flowstone_engine::types::{SeqNo, ShardId};

use crate::verdict::Broken;

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// In which way.
    pub broken: Broken,
    /// What is wrong.
    pub what: String,
}

impl Breach {
    /// A broken promise.
    pub fn new(broken: Broken, what: impl Into<String>) -> Breach {
        Breach { broken, what: what.into() }
    }

    fn at(broken: Broken, shard: ShardId, what: impl std::fmt::Display) -> Breach {
        Breach::new(broken, format!("shard {shard}: {what}"))
    }
}

/// A record that was put: enough to tell what its bytes were.
#[derive(Clone, Copy, Debug)]
struct Issued {
    shard: ShardId,
    bytes: u32,
}

/// One shard's side of the history.
#[derive(Clone, Debug, Default)]
struct ShardHistory {
    /// By sequence number, which record was acknowledged or seen there.
    acked: Vec<Option<u64>>,
    /// Records below may be trimmed.
    trimming: SeqNo,
    /// Records below are trimmed for certain.
    trimmed: SeqNo,
}

/// Shards that were to be closed for others.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Reshard {
    parents: Vec<(ShardId, SeqNo)>,
    children: Vec<ShardId>,
    is_acked: bool,
}

impl Reshard {
    fn shards(&self) -> impl Iterator<Item = ShardId> {
        let parents = self.parents.iter().map(|(parent, _)| *parent);
        parents.chain(self.children.iter().copied())
    }
}

/// What happened to all shards. Cheap to copy: it is, before each operation of the disk.
#[derive(Clone, Debug, Default)]
pub struct History {
    shards: BTreeMap<ShardId, Arc<ShardHistory>>,
    /// Every record put, by its number.
    issued: Arc<Vec<Issued>>,
    reshards: Vec<Reshard>,
    /// Where shards were closed that are known to be.
    closed: BTreeMap<ShardId, SeqNo>,
    /// Shards that may have been closed: nobody can tell any more what came of it.
    doubtful: BTreeSet<ShardId>,
    /// Shards that may have been made by a reshard that is forgotten, for the same reason.
    made_in_doubt: BTreeSet<ShardId>,
    /// Records put before this one may have expired.
    expiring_below: u64,
    /// How long each shard keeps records: the last that was acknowledged, and what was tried since.
    retention: BTreeMap<ShardId, (u64, Vec<u64>)>,
    /// Whether a table of the caller's own is kept in step with the shards.
    pub has_table: bool,
    /// How many records were acknowledged.
    pub acked: u64,
}

/// What a check has found to be there, and may not go away any more.
#[derive(Debug, Default)]
pub struct Seen {
    records: Vec<(ShardId, SeqNo, Vec<u64>)>,
    reshards: Vec<usize>,
}

fn position(seq: SeqNo) -> usize {
    usize::try_from(seq.0).expect("simulations are small")
}
