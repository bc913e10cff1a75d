//! What was sent and what was acknowledged.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use crate::kill::record::Name;

/// One shard of one stream.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shard {
    /// The stream's name.
    pub stream: String,
    /// The shard's name in it.
    pub shard: String,
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.stream, self.shard)
    }
}

/// A sequence number: a decimal number of any length, ordered as a number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sequence(pub String);

impl Ord for Sequence {
    fn cmp(&self, other: &Sequence) -> std::cmp::Ordering {
        let (own, others) = (self.0.trim_start_matches('0'), other.0.trim_start_matches('0'));
        own.len().cmp(&others.len()).then_with(|| own.cmp(others))
    }
}

impl PartialOrd for Sequence {
    fn partial_cmp(&self, other: &Sequence) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Where the server said that a record is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    /// In which shard.
    pub shard: Shard,
    /// Under which sequence number.
    pub sequence: Sequence,
}

/// Everything that the writers know, and who splits and merges shards.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// The highest number that each writer has sent.
    pub sent: HashMap<u32, u64>,
    /// What was acknowledged.
    pub acknowledged: HashMap<Name, Acknowledged>,
    /// Shards whose split or merge was answered.
    pub closed: BTreeSet<Shard>,
    /// Changes of shards that were answered.
    pub changes: u64,
}

impl Ledger {
    /// Notes that `name` is about to be sent.
    pub fn note_sent(&mut self, name: Name) {
        let highest = self.sent.entry(name.writer).or_default();
        assert!(name.number > *highest, "a writer never sends a number again");
        *highest = name.number;
    }

    /// Notes an acknowledgement.
    pub fn note_acknowledged(&mut self, name: Name, place: Acknowledged) {
        let before = self.acknowledged.insert(name, place);
        assert!(before.is_none(), "a record is sent once");
    }

    /// Whether a record of this name was ever sent.
    #[must_use]
    pub fn was_sent(&self, name: Name) -> bool {
        self.sent.get(&name.writer).is_some_and(|highest| (1..=*highest).contains(&name.number))
    }
}
