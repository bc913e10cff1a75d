//! Closing shard logs for good while others take their place.
//!
//! ORDER: no append comes in any more -> all that came in is durable and published -> one catalog
//! commit closes the logs at their ends and makes the new ones -> readers are told of the end.
//!
//! CRASH: before the commit the logs are open, as if nothing had been asked; after it they are
//! closed, and the new ones are there.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::catalog::Transaction;
use crate::engine::rows::{SHARDS, ShardRow};
use crate::engine::{Engine, ShardSpec, may_have_landed};
use crate::error::{Error, ErrorKind, Result};
use crate::shard::ShardLog;
use crate::types::{SeqNo, ShardId};

/// Shard logs that take no more appends and are about to be closed. Dropped before
/// [`Closing::commit`] it opens them again.
#[derive(Debug)]
pub struct Closing {
    engine: Engine,
    logs: Vec<Arc<ShardLog>>,
    drained: Vec<oneshot::Receiver<()>>,
}

impl Engine {
    /// Takes no more appends to `shards`: they are refused as [`Error::is_shard_closed`] says. What
    /// was taken before finishes. An error, and nothing changed, when one of them is closed, being
    /// closed, deleted or quarantined.
    pub fn close_shards(&self, shards: &[ShardId]) -> Result<Closing> {
        let logs = shards.iter().map(|id| self.shared.shard(*id)).collect::<Result<Vec<_>>>()?;
        // What was closed before one fails is opened again as this is dropped.
        let mut closing = Closing { engine: self.clone(), logs: Vec::new(), drained: Vec::new() };
        for log in logs {
            closing.drained.push(log.begin_closing()?);
            closing.logs.push(log);
        }
        Ok(closing)
    }

    /// Closes `shards` and makes one shard log per spec in their place, atomically with what `also`
    /// adds: it is given the new ids in the order of `specs`, and behind its last record the end
    /// of each closed shard. Blocks until what was taken is durable, and on a flush.
    pub fn reshard(
        &self,
        shards: &[ShardId],
        specs: &[ShardSpec],
        also: impl FnOnce(&[ShardId], &[SeqNo], &mut Transaction),
    ) -> Result<Vec<ShardId>> {
        let mut closing = self.close_shards(shards)?;
        closing.wait();
        closing.commit(specs, also)
    }
}

impl Closing {
    /// Resolves when all that the shards had taken is settled.
    pub async fn settled(&mut self) {
        while let Some(drained) = self.drained.last_mut() {
            // A gate that is gone has nothing to tell any more.
            let _ = drained.await;
            self.drained.pop();
        }
    }

    /// Blocks until all that the shards had taken is settled.
    pub fn wait(&mut self) {
        for drained in self.drained.drain(..) {
            let _ = drained.blocking_recv();
        }
    }

    /// Closes the shards and makes those of `specs` in one catalog commit with what `also` adds:
    /// it is given the new ids and the end of each closed shard. Blocks on a flush. `Invalid`
    /// before all is settled. After an error the shards are open again; when nobody can know
    /// whether the commit counts, they refuse appends until a restart.
    pub fn commit(
        mut self,
        specs: &[ShardSpec],
        also: impl FnOnce(&[ShardId], &[SeqNo], &mut Transaction),
    ) -> Result<Vec<ShardId>> {
        let shared = &self.engine.shared;
        if let Some(log) = self.logs.iter().find(|log| !log.is_drained()) {
            let message = "shard still has appends on their way";
            return Err(Error::new(ErrorKind::Invalid, message).in_shard(log.id()));
        }
        // What the failed write left on disk may belong to these shards: a restart finds their ends.
        if shared.is_poisoned() {
            return Err(shared.poison_error());
        }
        let ends: Vec<_> = self.logs.iter().map(|log| log.watermarks().flushed).collect();
        let mut is_tried = false;
        let made = self.engine.make_shards(specs, |ids, transaction| {
            for (log, end) in self.logs.iter().zip(&ends) {
                let missing =
                    || Error::new(ErrorKind::NotFound, "shard was deleted").in_shard(log.id());
                let row = shared.catalog.load(&SHARDS, &log.id().0)?.ok_or_else(missing)?;
                let row = ShardRow { closed_end: Some(end.0), ..row };
                transaction.put(&SHARDS, &log.id().0, &row);
            }
            also(ids, &ends, transaction);
            is_tried = true;
            Ok(())
        });
        match made {
            Ok(ids) => {
                for log in self.logs.drain(..) {
                    log.finish_closing();
                }
                Ok(ids)
            }
            Err(error) => {
                if is_tried && !self.is_undone(&error) {
                    for log in self.logs.drain(..) {
                        log.lock(error.clone());
                    }
                }
                Err(error)
            }
        }
    }

    /// Whether a commit that failed with `error` left the shards open for certain.
    fn is_undone(&self, error: &Error) -> bool {
        if may_have_landed(error) {
            return false;
        }
        let catalog = &self.engine.shared.catalog;
        self.logs.iter().all(|log| {
            let row = catalog.load(&SHARDS, &log.id().0);
            row.is_ok_and(|row| row.is_none_or(|row| row.closed_end.is_none()))
        })
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        for log in &self.logs {
            log.reopen();
        }
    }
}
