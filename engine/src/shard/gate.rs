//! The gate of a shard log: which appends still come in, and when the last one is through.
//!
//! ```text
//!   Open --begin_closing--> Closing --(everything taken is settled)--> finish_closing --> Closed
//!    ^                         |
//!    +--------reopen-----------+            lock, when nobody knows whether it was closed
//! ```

use std::sync::{Arc, MutexGuard};

use tokio::sync::oneshot;

use crate::error::{Error, ErrorKind, Result};
use crate::planted::{Bug, is_planted};
use crate::shard::log::ShardLog;
use crate::types::ShardId;

/// Where the gate stands, and how many appends are between it and their end.
#[derive(Debug, Default)]
pub(super) struct Gate {
    taken: u64,
    position: Position,
}

#[derive(Debug, Default)]
enum Position {
    #[default]
    Open,
    /// Nothing comes in; whoever closes is told when the last append is through.
    Closing(Option<oneshot::Sender<()>>),
    Closed,
    /// Nobody knows whether the log was closed: nothing comes in until a restart finds out.
    Locked(Error),
}

/// An append that came in. Dropped when it is settled: published and told, or refused.
#[derive(Debug)]
pub(crate) struct Taken(Arc<ShardLog>);

impl Taken {
    /// The log that it came into.
    pub(crate) fn log(&self) -> &Arc<ShardLog> {
        &self.0
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut gate = self.0.gate();
        gate.taken -= 1;
        gate.tell_if_drained();
    }
}

impl Gate {
    fn tell_if_drained(&mut self) {
        if self.taken == 0
            && let Position::Closing(waiter) = &mut self.position
            && let Some(waiter) = waiter.take()
        {
            let _ = waiter.send(());
        }
    }

    fn check(&self, shard: ShardId) -> Result<()> {
        match &self.position {
            Position::Closing(_) | Position::Closed if is_planted(Bug::LeaveGateOpen) => Ok(()),
            Position::Open => Ok(()),
            Position::Closing(_) | Position::Closed => Err(closed(shard)),
            Position::Locked(error) => Err(error.clone()),
        }
    }
}

impl ShardLog {
    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().expect("no code panics while it holds a shard's gate")
    }

    /// Whether an append would come in.
    pub(crate) fn check_open(&self) -> Result<()> {
        self.check_writable()?;
        self.gate().check(self.id())
    }

    /// Takes an append in, unless the log is closed or being closed.
    pub(crate) fn enter(self: &Arc<ShardLog>) -> Result<Taken> {
        self.check_writable()?;
        let mut gate = self.gate();
        gate.check(self.id())?;
        gate.taken += 1;
        drop(gate);
        Ok(Taken(Arc::clone(self)))
    }

    /// Takes no more appends in. The receiver is told when those that came in are settled.
    pub(crate) fn begin_closing(&self) -> Result<oneshot::Receiver<()>> {
        self.check_writable()?;
        let mut gate = self.gate();
        gate.check(self.id())?;
        let (waiter, drained) = oneshot::channel();
        gate.position = Position::Closing(Some(waiter));
        gate.tell_if_drained();
        Ok(drained)
    }

    /// Whether nothing comes in and nothing is on its way any more.
    pub(crate) fn is_drained(&self) -> bool {
        let gate = self.gate();
        let is_drained = gate.taken == 0 || is_planted(Bug::LeaveGateOpen);
        is_drained && !matches!(gate.position, Position::Open)
    }

    /// Takes appends in again: the closing came to nothing.
    pub(crate) fn reopen(&self) {
        self.gate().position = Position::Open;
    }

    /// Takes nothing in until a restart: the closing failed in a way that leaves its end unknown.
    pub(crate) fn lock(&self, error: Error) {
        self.gate().position = Position::Locked(error);
    }

    /// Closes the log for good. Whoever waits for a record behind its end is woken.
    pub(crate) fn finish_closing(&self) {
        {
            let mut gate = self.gate();
            let is_drained = gate.taken == 0 || is_planted(Bug::LeaveGateOpen);
            assert!(is_drained, "a log is closed when all that came in is settled");
            gate.position = Position::Closed;
        }
        self.wake_waiters();
    }

    /// Whether the log is closed for good: what is below its high watermark is all there is.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.gate().position, Position::Closed)
    }

    /// Whether no record will ever be added.
    pub(crate) fn is_over(&self) -> bool {
        self.is_deleted() || self.is_closed()
    }
}

/// The error of appends to a log that was closed, and of waiting for a record behind its end.
pub(crate) fn closed(shard: ShardId) -> Error {
    Error::new(ErrorKind::Closed, "shard was closed").in_shard(shard)
}
