//! Rolling snapshots: the state is written anew in chunks between events, and what is older than
//! the first chunk can go.
//!
//! ```text
//!   log:  ...events [Head] events [Chunk] events [Chunk] events [Chunk] events...
//!            ^         cursors       a..b           b..c        c..end  ^
//!            trimmed once the last chunk is durable                     next Head
//! ```
//!
//! **Invariant** a chunk is as of its place in the log: events before it are in it, events behind
//! it are not.
//! **Invariant** from a head to the end of its snapshot every record in flight is in a chunk or in
//! an event behind the chunk of its range.

use crate::service::queue::event::Event;
use crate::service::queue::limits::{CHUNK_AFTER_BYTES, CHUNK_RECORDS_MAX, SNAPSHOT_AFTER_BYTES};
use crate::service::queue::state::State;

/// How often and how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Bytes of log after which a snapshot begins.
    pub snapshot_after_bytes: u64,
    /// Bytes of events between two chunks.
    pub chunk_after_bytes: u64,
    /// Records of a chunk.
    pub chunk_records_max: usize,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            snapshot_after_bytes: SNAPSHOT_AFTER_BYTES,
            chunk_after_bytes: CHUNK_AFTER_BYTES,
            chunk_records_max: CHUNK_RECORDS_MAX,
        }
    }
}

/// What is to be written of a snapshot before the next events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Its beginning.
    Head(Event),
    /// Some of it.
    Chunk(Event),
    /// The rest of it.
    Last(Event),
}

impl Part {
    /// The event that says it.
    #[must_use]
    pub fn event(&self) -> &Event {
        match self {
            Part::Head(event) | Part::Chunk(event) | Part::Last(event) => event,
        }
    }
}

/// Where the snapshot of a queue is.
#[derive(Clone, Debug)]
pub struct Rolling {
    pace: Pace,
    /// Where the next chunk begins, while there is a snapshot under way.
    next: Option<(u32, u64)>,
    /// Bytes of log since the last head.
    bytes_since_head: u64,
    /// Bytes of events since the last part.
    bytes_since_part: u64,
}

impl Rolling {
    /// No snapshot under way, in a log that is `log_bytes` long.
    #[must_use]
    pub fn new(pace: Pace, log_bytes: u64) -> Rolling {
        Rolling { pace, next: None, bytes_since_head: log_bytes, bytes_since_part: 0 }
    }

    /// Notes that events of so many bytes follow.
    pub fn wrote(&mut self, bytes: usize) {
        self.bytes_since_head += bytes as u64;
        self.bytes_since_part += bytes as u64;
    }

    /// What is to be written now, before any event that `state` has not seen.
    pub fn step(&mut self, state: &State) -> Option<Part> {
        let part = match self.next {
            None if self.bytes_since_head < self.pace.snapshot_after_bytes => return None,
            None => {
                self.bytes_since_head = 0;
                self.next = Some((0, 0));
                Part::Head(Event::Head { cursors: state.cursors().collect() })
            }
            Some(_) if self.bytes_since_part < self.pace.chunk_after_bytes => return None,
            Some((shard, from)) => self.chunk(state, shard, from),
        };
        self.bytes_since_part = 0;
        Some(part)
    }

    /// The chunk from `from` of `shard` on, or of the first shard behind.
    fn chunk(&mut self, state: &State, shard: u32, from: u64) -> Part {
        let shards = || state.cursors().map(|(shard, _)| shard);
        let shard = shards().find(|other| *other >= shard).unwrap_or(shard);
        let mut records = state.entries(shard, from);
        let mut entries = Vec::new();
        let mut end = u64::MAX;
        for (seq, entry) in records.by_ref() {
            // Offsets are of 32 bits: a record further off begins the next chunk.
            match u32::try_from(seq - from) {
                Ok(offset) if entries.len() < self.pace.chunk_records_max => {
                    entries.push((offset, entry));
                }
                _ => {
                    end = seq;
                    break;
                }
            }
        }
        let next = if end < u64::MAX {
            Some((shard, end))
        } else {
            shards().find(|other| *other > shard).map(|other| (other, 0))
        };
        self.next = next;
        let chunk = Event::Chunk { shard, from, end, entries };
        if next.is_some() { Part::Chunk(chunk) } else { Part::Last(chunk) }
    }
}
