//! What happened: shards made and deleted, records put and acknowledged, what readers saw.

use std::ops::Range;
use std::sync::Arc;

use flowstone_engine::error::Error;
use flowstone_engine::types::{SeqNo, ShardId};

use super::record::Reading;
use super::{Breach, History, Reshard, Seen, position};
use crate::sim::rig::{RETENTION_MS, Rig};

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

    pub(super) fn insert(&mut self, shards: &[ShardId]) {
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
        self.forget_reshards_of(shard);
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
    pub(super) fn saw(
        &mut self,
        shard: ShardId,
        first: SeqNo,
        numbers: impl IntoIterator<Item = u64>,
    ) {
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
            let is_same = |other: &Reshard| *other == reshard;
            if let Some(index) = self.reshards.iter().position(is_same) {
                self.settle_reshard(index);
            }
        }
        for (shard, first, numbers) in seen.records {
            self.saw(shard, first, numbers);
        }
    }
}
