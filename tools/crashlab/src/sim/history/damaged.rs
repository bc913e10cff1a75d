//! What must hold of an engine on a damaged disk.

use std::collections::BTreeMap;

use flowstone_engine::error::{Error, ErrorKind};
use flowstone_engine::shard::{ReadFrom, ReadLimit};
use flowstone_engine::types::{SeqNo, ShardId};

use super::{Breach, History, position};
use crate::sim::rig::Rig;
use crate::verdict::Broken;

impl History {
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
}

/// Whether an error tells a reader that records are damaged.
fn is_report(error: &Error) -> bool {
    error.kind() == ErrorKind::Corrupt
}
