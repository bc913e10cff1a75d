//! What was issued, acknowledged and seen, and what must hold after a crash.

use std::collections::{BTreeMap, BTreeSet};

use flowstone_engine::error::{Error, ErrorKind};
use flowstone_engine::shard::{ReadFrom, ReadLimit};
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
    /// Every record put, and which one it was in the order of all.
    issued: BTreeMap<Vec<u8>, u64>,
    acked: BTreeMap<SeqNo, Vec<u8>>,
    /// Records below may be trimmed.
    trimming: SeqNo,
    /// Records below are trimmed for certain.
    trimmed: SeqNo,
}

/// Shards that were to be closed for others.
#[derive(Clone, Debug)]
struct Reshard {
    parents: Vec<(ShardId, SeqNo)>,
    children: Vec<ShardId>,
    is_acked: bool,
}

/// What happened to all shards.
#[derive(Clone, Debug, Default)]
pub struct History {
    shards: BTreeMap<ShardId, ShardHistory>,
    reshards: Vec<Reshard>,
    /// Where shards were closed that are known to be.
    closed: BTreeMap<ShardId, SeqNo>,
    next_record: u64,
    /// Records put before this one may have expired.
    expiring_below: u64,
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
        self.closed.remove(&shard);
        // What is left of a reshard whose shards were deleted tells nothing any more.
        self.reshards.retain(|reshard| {
            let mut shards = reshard.children.iter().chain(reshard.parents.iter().map(|(p, _)| p));
            shards.all(|other| *other != shard)
        });
    }

    /// Notes that `parents` are to be closed at these ends for `children`, or were.
    pub fn resharded(
        &mut self,
        parents: &[ShardId],
        ends: &[SeqNo],
        children: &[ShardId],
        is_acked: bool,
    ) {
        let parents: Vec<_> = parents.iter().copied().zip(ends.iter().copied()).collect();
        if is_acked {
            self.created(children);
            self.closed.extend(parents.iter().copied());
        }
        self.reshards.push(Reshard { parents, children: children.to_vec(), is_acked });
    }

    /// Where `shard` was closed, if it is known to be.
    #[must_use]
    pub fn closed_end(&self, shard: ShardId) -> Option<SeqNo> {
        self.closed.get(&shard).copied()
    }

    /// Notes that the records of `shard` below `before` are to be trimmed, or were.
    pub fn trimmed(&mut self, shard: ShardId, before: SeqNo, is_acked: bool) {
        if let Some(history) = self.shards.get_mut(&shard) {
            history.trimming = history.trimming.max(before);
            if is_acked {
                history.trimmed = history.trimmed.max(before);
            }
        }
    }

    /// Behind the newest acknowledged record of `shard`.
    #[must_use]
    pub fn acked_end(&self, shard: ShardId) -> SeqNo {
        let acked = self.shards.get(&shard).and_then(|history| history.acked.last_key_value());
        acked.map_or(SeqNo(0), |(seq, _)| seq.plus(1))
    }

    /// A record that was never issued before, of about `bytes` bytes.
    pub fn issue(&mut self, shard: ShardId, bytes: usize) -> Vec<u8> {
        let mut data = format!("{shard}/{}/", self.next_record).into_bytes();
        let filler = (self.next_record % 251) as u8;
        data.resize(data.len().max(bytes), filler);
        let issued = &mut self.shards.entry(shard).or_default().issued;
        issued.insert(data.clone(), self.next_record);
        self.next_record += 1;
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

    /// Notes that all that was put so far may expire from now on.
    pub fn may_expire(&mut self) {
        self.expiring_below = self.next_record;
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
        self.check_reshards(rig)?;
        for shard in self.shards() {
            self.check_shard(rig, shard)?;
        }
        Ok(())
    }

    /// A reshard is there whole or not at all; one that was acknowledged is there, and what was
    /// found once stays.
    fn check_reshards(&mut self, rig: &Rig) -> Result<(), Broken> {
        let is_closed = |shard: ShardId| match rig.engine.close_shards(&[shard]) {
            Ok(_) => false,
            Err(error) => error.is_shard_closed(),
        };
        let mut found: Vec<ShardId> = Vec::new();
        for reshard in &mut self.reshards {
            let there: Vec<_> = reshard
                .children
                .iter()
                .map(|child| rig.engine.watermarks(*child).is_ok())
                .collect();
            let is_there = there.first().copied().unwrap_or_default();
            if there.iter().any(|other| *other != is_there) {
                return Err(Broken::Phantom(format!("part of {reshard:?}")));
            }
            if reshard.is_acked && !is_there {
                return Err(Broken::Lost(format!("{reshard:?}")));
            }
            if is_there
                && let Some((open, _)) = reshard.parents.iter().find(|(p, _)| !is_closed(*p))
            {
                return Err(Broken::Lost(format!("shard {open} is open after {reshard:?}")));
            }
            if is_there && !reshard.is_acked {
                reshard.is_acked = true;
                found.extend(&reshard.children);
                self.closed.extend(reshard.parents.iter().copied());
            }
        }
        self.created(&found);
        for shard in self.shards() {
            if is_closed(shard) != self.closed_end(shard).is_some() {
                return Err(Broken::Phantom(format!("shard {shard}: whether it is closed")));
            }
        }
        Ok(())
    }

    /// Checks an engine on a damaged disk: a record may be missing if reading says so, and only
    /// then; what is read is right.
    ///
    /// Answers up to where each shard is served.
    pub fn check_damaged(&self, rig: &Rig) -> Result<BTreeMap<ShardId, SeqNo>, Broken> {
        let mut served = BTreeMap::new();
        for (shard, history) in &self.shards {
            let mut next = match rig.engine.resolve(*shard, ReadFrom::TrimHorizon) {
                Ok(first) => first,
                Err(error) if is_report(&error) => continue,
                Err(error) => return Err(Broken::Lost(format!("shard {shard}: {error}"))),
            };
            loop {
                let limit = ReadLimit { records: 5, bytes: 5000 };
                let read = match rig.engine.read(*shard, next, limit) {
                    Ok(read) => read,
                    Err(error) if is_report(&error) => break,
                    Err(error) => return Err(Broken::Lost(format!("shard {shard}: {error}"))),
                };
                if read.count() == 0 {
                    if let Some((seq, _)) = history.acked.range(next..).next() {
                        return Err(Broken::Undetected(format!("shard {shard}: {seq} is missing")));
                    }
                    break;
                }
                for record in read.records() {
                    match history.acked.get(&record.seq) {
                        Some(data) if data == record.record.data => {}
                        Some(_) => {
                            let what = format!("shard {shard}: wrong data at {}", record.seq);
                            return Err(Broken::Undetected(what));
                        }
                        None if history.issued.contains_key(record.record.data) => {}
                        None => return Err(Broken::Phantom(format!("shard {shard}"))),
                    }
                }
                next = read.next();
            }
            served.insert(*shard, next);
        }
        Ok(served)
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
            if !history.issued.contains_key(data) {
                return Err(Broken::Phantom(format!("shard {shard}: never issued: {name}")));
            }
            if !seen.insert(data) {
                return Err(Broken::Phantom(format!("shard {shard}: twice: {name}")));
            }
        }
        let end = first.plus(records.len() as u64);
        if self.closed_end(shard).is_some_and(|closed| closed != end) {
            return Err(Broken::Lost(format!("shard {shard}: closed elsewhere than at {end}")));
        }
        if first < history.trimmed {
            return Err(Broken::Phantom(format!("shard {shard}: trimmed, horizon {first}")));
        }
        for (seq, data) in &history.acked {
            if *seq < first.min(history.trimming) {
                continue;
            }
            if *seq < first && history.issued.get(data) < Some(&self.expiring_below) {
                continue;
            }
            if *seq < first {
                return Err(Broken::Lost(format!("shard {shard}: {seq} trimmed, horizon {first}")));
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

/// Whether an error tells a reader that records are damaged.
fn is_report(error: &Error) -> bool {
    error.kind() == ErrorKind::Corrupt
}
