//! What must hold of an engine that was recovered.

use flowstone_engine::Inventory;
use flowstone_engine::types::{SeqNo, ShardId};

use super::record::Reading;
use super::{Breach, History, Seen, ShardHistory, position};
use crate::sim::rig::Rig;
use crate::verdict::Broken;

impl History {
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
}
