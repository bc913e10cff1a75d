//! Reading a stream whose shards change, parents before children, and what must hold of it.

use std::collections::{BTreeMap, BTreeSet};

use flowstone_engine::Engine;
use flowstone_engine::shard::ReadLimit;
use flowstone_engine::types::SeqNo;
use flowstone_server::service::{SequenceNumber, ShardRow, Stream};

/// A record as its writer knows it: its key, and which one of the key's it is.
pub type Name = (String, u64);

/// What writers put, what they were told, and what readers saw.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// The next record of each key.
    pub next: BTreeMap<String, u64>,
    /// Records that were acknowledged.
    pub acked: BTreeSet<Name>,
    /// Records that a reader saw.
    pub seen: BTreeSet<Name>,
}

/// A consumer that begins at the trim horizon and goes from parents to children.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    positions: BTreeMap<u32, SeqNo>,
    finished: BTreeSet<u32>,
    /// The newest record of each key, and its sequence number.
    newest: BTreeMap<String, (u64, String)>,
    /// All that it read.
    pub read: BTreeSet<Name>,
}

impl Reader {
    /// Reads a little of every shard whose parents are finished. True when there was something.
    pub fn step(
        &mut self,
        engine: &Engine,
        stream: &Stream,
        records: usize,
    ) -> Result<bool, String> {
        let mut has_read = false;
        for shard in &stream.row.shards {
            let mut parents = [shard.parent, shard.adjacent_parent].into_iter().flatten();
            let is_open = parents.all(|parent| self.finished.contains(&parent));
            if is_open && !self.finished.contains(&shard.index) {
                has_read |= self.read_shard(engine, shard, records)?;
            }
        }
        Ok(has_read)
    }

    /// Reads all that there is.
    pub fn read_all(&mut self, engine: &Engine, stream: &Stream) -> Result<(), String> {
        while self.step(engine, stream, 50)? {}
        Ok(())
    }

    fn read_shard(
        &mut self,
        engine: &Engine,
        shard: &ShardRow,
        records: usize,
    ) -> Result<bool, String> {
        let from = self.positions.get(&shard.index).copied().unwrap_or_default();
        let limit = ReadLimit { records, bytes: 10_000 };
        let read = engine
            .read(shard.log(), from, limit)
            .map_err(|error| format!("shard {} at {from}: {error}", shard.index))?;
        for record in read.records() {
            let data = String::from_utf8_lossy(record.record.data);
            let mut words = data.split(' ');
            let (key, number) = (words.next().unwrap_or_default(), words.next());
            let number: u64 = number.and_then(|n| n.parse().ok()).ok_or("a strange record")?;
            let sequence = SequenceNumber::of_record(
                shard.created_s(),
                shard.index,
                record.seq,
                record.arrival.0 / 1000,
            );
            self.note(key, number, sequence.to_string())?;
        }
        self.positions.insert(shard.index, read.next());
        let is_at_end = read.next() >= read.watermarks().high_watermark;
        let is_finished = shard.closed_ms.is_some() && is_at_end;
        if is_finished {
            self.finished.insert(shard.index);
        }
        Ok(read.count() > 0 || is_finished)
    }

    fn note(&mut self, key: &str, number: u64, sequence: String) -> Result<(), String> {
        if let Some((before, sequence_before)) = self.newest.get(key) {
            if number <= *before {
                return Err(format!("{key}: {number} comes behind {before}"));
            }
            let is_greater = sequence.len() == sequence_before.len() && sequence > *sequence_before;
            if !is_greater {
                return Err(format!("{key}: {sequence} comes behind {sequence_before}"));
            }
        }
        self.newest.insert(key.to_owned(), (number, sequence));
        self.read.insert((key.to_owned(), number));
        Ok(())
    }
}

impl Ledger {
    /// Gives out the next record of `key`.
    pub fn issue(&mut self, key: &str) -> u64 {
        let next = self.next.entry(key.to_owned()).or_default();
        *next += 1;
        *next - 1
    }

    /// Holds what a reader found from beginning to end against what was promised.
    pub fn check(&mut self, read: &BTreeSet<Name>) -> Result<(), String> {
        if let Some((key, number)) = self.acked.difference(read).next() {
            return Err(format!("{key}: {number} was acknowledged and is lost"));
        }
        if let Some((key, number)) = self.seen.difference(read).next() {
            return Err(format!("{key}: {number} was seen and is lost"));
        }
        for (key, number) in read {
            if self.next.get(key).is_none_or(|next| number >= next) {
                return Err(format!("{key}: {number} was never put"));
            }
        }
        self.seen.extend(read.iter().cloned());
        Ok(())
    }
}
