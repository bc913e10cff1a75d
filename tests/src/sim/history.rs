//! What was issued, acknowledged and seen, and what must hold after a crash.

use std::collections::{BTreeMap, BTreeSet};

use flowstone_engine::types::{SeqNo, ShardId};

use crate::sim::rig::Rig;

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The engine does not open.
    DoesNotOpen(String),
    /// An acknowledged record is not there.
    Lost(String),
    /// A record is there that nobody put, or twice, or elsewhere than acknowledged.
    Phantom(String),
    /// Damage is reported where there is none.
    FalseAlarm(String),
    /// Damage was done and is not reported.
    Undetected(String),
    /// The engine does not go on after recovery.
    DoesNotGoOn(String),
}

/// One shard's side of the history.
#[derive(Clone, Debug, Default)]
struct ShardHistory {
    issued: BTreeSet<Vec<u8>>,
    acked: BTreeMap<SeqNo, Vec<u8>>,
    /// Records below were allowed to expire.
    may_be_trimmed_below: SeqNo,
}

/// What happened to all shards.
#[derive(Clone, Debug, Default)]
pub struct History {
    shards: BTreeMap<ShardId, ShardHistory>,
    next_record: u64,
    /// How many records were acknowledged.
    pub acked: u64,
}

impl History {
    /// The shards that exist.
    #[must_use]
    pub fn shards(&self) -> Vec<ShardId> {
        self.shards.keys().copied().collect()
    }

    /// Notes new shards.
    pub fn created(&mut self, shards: &[ShardId]) {
        for shard in shards {
            self.shards.insert(*shard, ShardHistory::default());
        }
    }

    /// Notes that a shard is being deleted: from now on it may be there or not.
    pub fn deleted(&mut self, shard: ShardId) {
        self.shards.remove(&shard);
    }

    /// A record that was never issued before, of about `bytes` bytes.
    pub fn issue(&mut self, shard: ShardId, bytes: usize) -> Vec<u8> {
        let mut data = format!("{shard}/{}/", self.next_record).into_bytes();
        self.next_record += 1;
        let filler = (self.next_record % 251) as u8;
        data.resize(data.len().max(bytes), filler);
        self.shards.entry(shard).or_default().issued.insert(data.clone());
        data
    }

    /// Notes that records were acknowledged from `first` on.
    pub fn acknowledged(&mut self, shard: ShardId, first: SeqNo, records: &[Vec<u8>]) {
        let Some(history) = self.shards.get_mut(&shard) else { return };
        for (index, data) in records.iter().enumerate() {
            self.acked += 1;
            history.acked.insert(first.plus(index as u64), data.clone());
        }
    }

    /// Notes that all that is acknowledged so far may expire from now on.
    pub fn may_expire(&mut self) {
        for history in self.shards.values_mut() {
            if let Some((last, _)) = history.acked.last_key_value() {
                history.may_be_trimmed_below = last.plus(1);
            }
        }
    }

    /// What readers saw counts as acknowledged: it may not go away any more.
    pub fn saw(&mut self, shard: ShardId, first: SeqNo, records: &[Vec<u8>]) {
        if let Some(history) = self.shards.get_mut(&shard) {
            for (index, data) in records.iter().enumerate() {
                history.acked.insert(first.plus(index as u64), data.clone());
            }
        }
    }

    /// Checks a recovered engine that should know of no damage.
    pub fn check(&mut self, rig: &Rig) -> Result<(), Broken> {
        let report = rig.engine.recovery();
        if !report.damages.is_empty() || !report.quarantined_shards.is_empty() {
            return Err(Broken::FalseAlarm(format!("{report:?}")));
        }
        for shard in self.shards() {
            self.check_shard(rig, shard)?;
        }
        Ok(())
    }

    fn check_shard(&mut self, rig: &Rig, shard: ShardId) -> Result<(), Broken> {
        let (first, records) = match rig.read_all(shard) {
            Ok(read) => read,
            Err(error) => return Err(Broken::Lost(format!("shard {shard}: {error}"))),
        };
        let history = self.shards.get(&shard).cloned().unwrap_or_default();
        let mut seen = BTreeSet::new();
        for data in &records {
            let name = String::from_utf8_lossy(&data[..data.len().min(24)]);
            if !history.issued.contains(data) {
                return Err(Broken::Phantom(format!("shard {shard}: never issued: {name}")));
            }
            if !seen.insert(data) {
                return Err(Broken::Phantom(format!("shard {shard}: twice: {name}")));
            }
        }
        if first > history.may_be_trimmed_below {
            return Err(Broken::Lost(format!("shard {shard}: trimmed up to {first}")));
        }
        for (seq, data) in &history.acked {
            if *seq < first {
                continue;
            }
            let index = usize::try_from(seq.0 - first.0).expect("simulations are small");
            match records.get(index) {
                Some(there) if there == data => {}
                Some(_) => {
                    return Err(Broken::Phantom(format!("shard {shard}: other data at {seq}")));
                }
                None => return Err(Broken::Lost(format!("shard {shard}: acknowledged at {seq}"))),
            }
        }
        self.saw(shard, first, &records);
        Ok(())
    }
}
