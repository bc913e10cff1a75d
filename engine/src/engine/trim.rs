//! Dropping a shard's oldest records on demand.

use crate::catalog::Transaction;
use crate::engine::Engine;
use crate::engine::rows::{SHARDS, ShardRow};
use crate::error::{Error, ErrorKind, Result};
use crate::planted::{Bug, is_planted};
use crate::types::{SeqNo, ShardId};

impl Engine {
    /// Drops the records of `shard` below `before`, as if they had expired, atomically with `also`;
    /// durable when this returns. Answers the trim horizon, which never moves back nor past the
    /// high watermark. Blocks on a flush. Space comes back as sealing and compaction pass over it.
    pub fn trim(&self, shard: ShardId, before: SeqNo, also: Transaction) -> Result<SeqNo> {
        let _step = self.shared.shard_changes.lock().expect("no code panics while it makes shards");
        let log = self.shared.shard(shard)?;
        let missing = || Error::new(ErrorKind::NotFound, "there is no such shard").in_shard(shard);
        let row = self.shared.catalog.load(&SHARDS, &shard.0)?.ok_or_else(missing)?;
        let horizon = before.min(log.high_watermark()).0.max(row.trim_horizon);
        let mut transaction = Transaction::new();
        if horizon != row.trim_horizon && !is_planted(Bug::ForgetTrim) {
            transaction.put(&SHARDS, &shard.0, &ShardRow { trim_horizon: horizon, ..row });
        }
        transaction.extend(also);
        // ORDER: a reader that is told that records are gone never finds them there again.
        self.shared.catalog.commit(transaction)?;
        log.trim_to(SeqNo(horizon));
        self.shared.compactor_bell.ring();
        Ok(log.watermarks().trim_horizon)
    }
}
