//! What was issued, acknowledged and seen, and what must hold after a crash.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use flowstone_engine::Inventory;
use flowstone_engine::error::{Error, ErrorKind};
use flowstone_engine::shard::{ReadFrom, ReadLimit};
use flowstone_engine::types::{SeqNo, ShardId};

use crate::sim::rig::{RETENTION_MS, Rig};
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
#[derive(Clone, Debug)]
struct Reshard {
    parents: Vec<(ShardId, SeqNo)>,
    children: Vec<ShardId>,
    is_acked: bool,
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

impl History {
    /// The shards that exist.
    #[must_use]
    pub fn shards(&self) -> Vec<ShardId> {
        self.shards.keys().copied().collect()
    }

    /// Notes new shards.
    pub fn created(&mut self, shards: &[ShardId]) {
        self.forget_reshards_into(shards);
        self.insert(shards);
    }

    /// Shards with these ids are made now: a reshard that was to make them was not done.
    fn forget_reshards_into(&mut self, shards: &[ShardId]) {
        self.reshards.retain(|reshard| {
            reshard.is_acked || !reshard.children.iter().any(|child| shards.contains(child))
        });
    }

    fn insert(&mut self, shards: &[ShardId]) {
        for shard in shards {
            self.shards.insert(*shard, Arc::default());
            self.retention.insert(*shard, (RETENTION_MS, Vec::new()));
        }
    }

    /// Notes that a shard is being deleted: from now on it may be there or not.
    pub fn deleted(&mut self, shard: ShardId) {
        self.shards.remove(&shard);
        self.closed.remove(&shard);
        self.retention.remove(&shard);
        self.doubtful.remove(&shard);
        // What is left of a reshard whose shards were deleted tells nothing any more.
        let doubtful = &mut self.doubtful;
        self.reshards.retain(|reshard| {
            let parents = || reshard.parents.iter().map(|(parent, _)| *parent);
            let is_whole = reshard.children.iter().copied().chain(parents()).all(|s| s != shard);
            if !is_whole && !reshard.is_acked {
                doubtful.extend(parents().filter(|parent| *parent != shard));
            }
            is_whole
        });
    }

    /// Whether `shard` may have been closed without anybody being able to tell.
    #[must_use]
    pub fn is_doubtful(&self, shard: ShardId) -> bool {
        self.doubtful.contains(&shard)
    }

    /// Notes that `shard` is to keep records for `ms`.
    pub fn retaining(&mut self, shard: ShardId, ms: u64) {
        if let Some((_, tried)) = self.retention.get_mut(&shard) {
            tried.push(ms);
        }
    }

    /// Notes that `shard` keeps records for `ms` from now on.
    pub fn retained(&mut self, shard: ShardId, ms: u64) {
        if let Some(retention) = self.retention.get_mut(&shard) {
            *retention = (ms, Vec::new());
        }
    }

    /// Checks how long shards keep records.
    pub fn check_retention(&self, inventory: &Inventory) -> Result<(), Breach> {
        for shard in &inventory.shards {
            if let Some((acked, tried)) = self.retention.get(&shard.id)
                && shard.retention_ms != *acked
                && !tried.contains(&shard.retention_ms)
            {
                let what = format!("keeps records for {} ms, not {acked}", shard.retention_ms);
                return Err(Breach::at(Broken::Lost, shard.id, what));
            }
        }
        Ok(())
    }

    /// Notes that `parents` are to be closed at these ends for `children`; or, without parents,
    /// that those are to be made. When nobody can say whether an attempt counts, another one may
    /// be given the same ids: at most one of them does.
    pub fn resharding(&mut self, parents: &[ShardId], ends: &[SeqNo], children: &[ShardId]) {
        let parents = parents.iter().copied().zip(ends.iter().copied()).collect();
        self.reshards.push(Reshard { parents, children: children.to_vec(), is_acked: false });
    }

    /// Notes that the reshard that was to be done last was done.
    pub fn resharded(&mut self) {
        if let Some(last) = self.reshards.len().checked_sub(1) {
            self.settle_reshard(last);
        }
    }

    fn settle_reshard(&mut self, index: usize) {
        let reshard = &mut self.reshards[index];
        reshard.is_acked = true;
        self.closed.extend(reshard.parents.iter().copied());
        let children = reshard.children.clone();
        self.created(&children);
    }

    /// Where `shard` was closed, if it is known to be.
    #[must_use]
    pub fn closed_end(&self, shard: ShardId) -> Option<SeqNo> {
        self.closed.get(&shard).copied()
    }

    /// Notes that the records of `shard` below `before` are to be trimmed, or were.
    pub fn trimmed(&mut self, shard: ShardId, before: SeqNo, is_acked: bool) {
        if let Some(history) = self.shards.get_mut(&shard) {
            let history = Arc::make_mut(history);
            history.trimming = history.trimming.max(before);
            if is_acked {
                history.trimmed = history.trimmed.max(before);
            }
        }
    }

    /// Behind the newest acknowledged record of `shard`.
    #[must_use]
    pub fn acked_end(&self, shard: ShardId) -> SeqNo {
        SeqNo(self.shards.get(&shard).map_or(0, |history| history.acked.len() as u64))
    }

    /// The number of the next record.
    #[must_use]
    pub fn next_record(&self) -> u64 {
        self.issued.len() as u64
    }

    /// A record that was never issued before, of about `bytes` bytes.
    pub fn issue(&mut self, shard: ShardId, bytes: usize) -> Vec<u8> {
        let number = self.next_record();
        let mut data = format!("{shard}/{number}/").into_bytes();
        data.resize(data.len().max(bytes), filler(number));
        let bytes = u32::try_from(data.len()).expect("simulated records are small");
        Arc::make_mut(&mut self.issued).push(Issued { shard, bytes });
        data
    }

    /// Notes that the records with `numbers` were acknowledged from `first` on.
    pub fn acknowledged(&mut self, shard: ShardId, first: SeqNo, numbers: Range<u64>) {
        if self.shards.contains_key(&shard) {
            self.acked += numbers.end - numbers.start;
            self.saw(shard, first, numbers);
        }
    }

    /// Notes that all that was put so far may expire from now on.
    pub fn may_expire(&mut self) {
        self.expiring_below = self.next_record();
    }

    /// What readers saw counts as acknowledged: it may not go away any more.
    fn saw(&mut self, shard: ShardId, first: SeqNo, numbers: impl IntoIterator<Item = u64>) {
        let Some(history) = self.shards.get_mut(&shard) else { return };
        let acked = &mut Arc::make_mut(history).acked;
        for (at, number) in (position(first)..).zip(numbers) {
            if acked.len() <= at {
                acked.resize(at + 1, None);
            }
            acked[at] = Some(number);
        }
    }

    /// Reads a shard while all goes on; what it shows may not go away any more.
    pub fn look(&mut self, rig: &Rig, shard: ShardId) -> Result<Result<(), Breach>, Error> {
        let mut numbers = Vec::new();
        let mut read = Reading::of(self, shard);
        let first = rig.read_through(shard, |seq, data| {
            let number = read.next(seq, data)?;
            numbers.push(number);
            Ok(())
        })?;
        Ok(first.map(|first| self.saw(shard, first, numbers)))
    }

    /// Notes what a check has found.
    pub fn remember(&mut self, seen: Seen) {
        let settled = |index: &usize| self.reshards.get(*index).cloned();
        for reshard in seen.reshards.iter().filter_map(settled).collect::<Vec<_>>() {
            let is_same = |other: &Reshard| other.children == reshard.children;
            if let Some(index) = self.reshards.iter().position(is_same) {
                self.reshards[index] = reshard;
                self.settle_reshard(index);
            }
        }
        for (shard, first, numbers) in seen.records {
            self.saw(shard, first, numbers);
        }
    }

    /// Checks a recovered engine that should know of no damage.
    pub fn check(&self, rig: &Rig) -> Result<Seen, Breach> {
        let report = rig.engine.recovery();
        if !report.damages.is_empty() || !report.quarantined_shards.is_empty() {
            return Err(Breach::new(Broken::FalseAlarm, format!("{report:?}")));
        }
        let mut seen = Seen { reshards: self.check_reshards(rig)?, ..Seen::default() };
        for (shard, history) in &self.shards {
            let (first, numbers) = self.check_shard(rig, *shard, history)?;
            seen.records.push((*shard, first, numbers));
        }
        for index in &seen.reshards {
            for child in &self.reshards[*index].children {
                let (first, numbers) = self.check_shard(rig, *child, &ShardHistory::default())?;
                seen.records.push((*child, first, numbers));
            }
        }
        Ok(seen)
    }

    /// A reshard is there whole or not at all; one that was acknowledged is there, and what was
    /// found once stays. Answers which were found that nobody had been told of.
    fn check_reshards(&self, rig: &Rig) -> Result<Vec<usize>, Breach> {
        let is_closed = |shard: ShardId| match rig.engine.close_shards(&[shard]) {
            Ok(_) => false,
            Err(error) => error.is_shard_closed(),
        };
        let is_there = |shard: &ShardId| rig.engine.watermarks(*shard).is_ok();
        let mut found = Vec::new();
        for (index, reshard) in self.reshards.iter().enumerate() {
            let is_done = reshard.children.iter().all(is_there);
            if reshard.is_acked && !is_done {
                return Err(Breach::new(Broken::Lost, format!("{reshard:?}")));
            }
            let open = reshard.parents.iter().find(|(parent, _)| !is_closed(*parent));
            if let Some((open, _)) = open.filter(|_| reshard.is_acked) {
                let what = format!("shard {open} is open after {reshard:?}");
                return Err(Breach::new(Broken::Lost, what));
            }
            if is_done && open.is_none() && !reshard.is_acked {
                found.push(index);
            }
        }
        for reshard in self.reshards.iter().filter(|reshard| !reshard.is_acked) {
            let is_explained = |child: &&ShardId| {
                found.iter().any(|index| self.reshards[*index].children.contains(child))
            };
            let there = reshard.children.iter().filter(|child| is_there(child));
            if there.filter(|child| !is_explained(child)).count() > 0 {
                return Err(Breach::new(Broken::Phantom, format!("part of {reshard:?}")));
            }
        }
        let parents = found.iter().flat_map(|index| &self.reshards[*index].parents);
        let newly_closed: Vec<_> = parents.map(|(parent, _)| *parent).collect();
        for shard in self.shards.keys() {
            let should_be = self.closed.contains_key(shard) || newly_closed.contains(shard);
            if is_closed(*shard) != should_be && !self.is_doubtful(*shard) {
                return Err(Breach::at(Broken::Phantom, *shard, "whether it is closed"));
            }
        }
        Ok(found)
    }

    fn check_shard(
        &self,
        rig: &Rig,
        shard: ShardId,
        history: &ShardHistory,
    ) -> Result<(SeqNo, Vec<u64>), Breach> {
        let mut numbers = Vec::with_capacity(history.acked.len());
        let mut reading = Reading::of(self, shard);
        let read = rig.read_through(shard, |seq, data| {
            let number = reading.next(seq, data)?;
            if let Some(Some(acked)) = history.acked.get(position(seq))
                && *acked != number
            {
                let what = format!("record {number} at {seq}, where {acked} was acknowledged");
                return Err(Breach::at(Broken::Phantom, shard, what));
            }
            numbers.push(number);
            Ok(())
        });
        let first = read.map_err(|error| Breach::at(Broken::Lost, shard, error))??;
        let end = first.plus(numbers.len() as u64);
        if self.closed_end(shard).is_some_and(|closed| closed != end) {
            return Err(Breach::at(Broken::Lost, shard, format!("closed elsewhere than at {end}")));
        }
        if first < history.trimmed {
            let what = format!("trimmed, horizon {first}");
            return Err(Breach::at(Broken::Phantom, shard, what));
        }
        let acked = history.acked.iter().enumerate();
        for (at, number) in acked.filter_map(|(at, number)| Some((at as u64, (*number)?))) {
            let seq = SeqNo(at);
            let may_be_gone = seq < history.trimming || number < self.expiring_below;
            if seq < first && !may_be_gone {
                let what = format!("{seq} trimmed, horizon {first}");
                return Err(Breach::at(Broken::Lost, shard, what));
            }
            if seq >= end && seq >= first {
                let what = format!("acknowledged at {seq}, ends at {end}");
                return Err(Breach::at(Broken::Lost, shard, what));
            }
        }
        Ok((first, numbers))
    }

    /// Checks an engine on a damaged disk: a record may be missing if reading says so, and only
    /// then; what is read is right.
    ///
    /// Answers up to where each shard is served.
    pub fn check_damaged(&self, rig: &Rig) -> Result<BTreeMap<ShardId, SeqNo>, Breach> {
        let mut served = BTreeMap::new();
        for (shard, history) in &self.shards {
            let lost = |error: &Error| Breach::at(Broken::Lost, *shard, error);
            let mut next = match rig.engine.resolve(*shard, ReadFrom::TrimHorizon) {
                Ok(first) => first,
                Err(error) if is_report(&error) => continue,
                Err(error) => return Err(lost(&error)),
            };
            loop {
                let limit = ReadLimit { records: 5, bytes: 5000 };
                let read = match rig.engine.read(*shard, next, limit) {
                    Ok(read) => read,
                    Err(error) if is_report(&error) => break,
                    Err(error) => return Err(lost(&error)),
                };
                if read.count() == 0 {
                    let behind = history.acked.iter().skip(position(next));
                    if behind.flatten().next().is_some() {
                        let what = format!("records from {next} on are missing");
                        return Err(Breach::at(Broken::Undetected, *shard, what));
                    }
                    break;
                }
                for record in read.records() {
                    let number = self.number_of(*shard, record.record.data)?;
                    if let Some(Some(acked)) = history.acked.get(position(record.seq))
                        && *acked != number
                    {
                        let what = format!("record {number} at {}, not {acked}", record.seq);
                        return Err(Breach::at(Broken::WrongBytes, *shard, what));
                    }
                }
                next = read.next();
            }
            served.insert(*shard, next);
        }
        Ok(served)
    }

    /// Which record `data` is, if it is one that was put to `shard`.
    fn number_of(&self, shard: ShardId, data: &[u8]) -> Result<u64, Breach> {
        let name = || String::from_utf8_lossy(&data[..data.len().min(24)]).into_owned();
        let phantom =
            |what: &str| Breach::at(Broken::Phantom, shard, format!("{what}: {}", name()));
        let mut parts = data.splitn(3, |byte| *byte == b'/');
        let mut next = || std::str::from_utf8(parts.next()?).ok();
        let of = next().ok_or_else(|| phantom("no record of ours"))?;
        let number: Option<u64> = next().and_then(|number| number.parse().ok());
        let number = number.ok_or_else(|| phantom("no record of ours"))?;
        let issued = usize::try_from(number).ok().and_then(|number| self.issued.get(number));
        let rest = &data[of.len() + digits(number) + 2..];
        match issued {
            None => Err(phantom("never issued")),
            Some(issued) if issued.shard != shard || of.parse() != Ok(shard.0) => {
                Err(phantom("of another shard"))
            }
            Some(issued)
                if issued.bytes as usize != data.len() || !is_all(rest, filler(number)) =>
            {
                let what = format!("{}, of {} bytes", name(), data.len());
                Err(Breach::at(Broken::WrongBytes, shard, what))
            }
            Some(_) => Ok(number),
        }
    }
}

/// Reads records of one shard: each must be one that was put, and behind those put before.
struct Reading<'a> {
    history: &'a History,
    shard: ShardId,
    before: Option<u64>,
}

impl Reading<'_> {
    fn of(history: &History, shard: ShardId) -> Reading<'_> {
        Reading { history, shard, before: None }
    }

    fn next(&mut self, seq: SeqNo, data: &[u8]) -> Result<u64, Breach> {
        let number = self.history.number_of(self.shard, data)?;
        if let Some(before) = self.before.replace(number)
            && number <= before
        {
            let broken = if number == before { Broken::Duplicated } else { Broken::Reordered };
            let what = format!("record {number} at {seq}, behind {before}");
            return Err(Breach::at(broken, self.shard, what));
        }
        Ok(number)
    }
}

fn filler(number: u64) -> u8 {
    u8::try_from(number % 251).expect("below 251")
}

fn digits(number: u64) -> usize {
    number.checked_ilog10().unwrap_or(0) as usize + 1
}

/// Whether all of `bytes` are `byte`.
fn is_all(bytes: &[u8], byte: u8) -> bool {
    // PERF: without an early end, so that it is done sixteen bytes at a time.
    bytes.iter().fold(0, |other, this| other | (this ^ byte)) == 0
}

fn position(seq: SeqNo) -> usize {
    usize::try_from(seq.0).expect("simulations are small")
}

/// Whether an error tells a reader that records are damaged.
fn is_report(error: &Error) -> bool {
    error.kind() == ErrorKind::Corrupt
}
