//! The client of a workload: what it has asked for, what it waits for, and what it was told.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};

use flowstone_engine::error::Error;
use flowstone_engine::types::ShardId;

use crate::sim::history::{Breach, History};
use crate::sim::rig::Answer;

/// An append that was not answered yet.
struct Waiting {
    shard: ShardId,
    numbers: Range<u64>,
    answer: Answer,
}

/// What a client knows.
#[derive(Default)]
pub struct Client {
    /// What it has asked for and was told.
    pub history: History,
    /// Errors that the engine answered with, in order.
    pub errors: Vec<String>,
    /// Promises that were broken while all went on.
    pub breaches: Vec<Breach>,
    waiting: Vec<Waiting>,
}

impl Client {
    /// Waits for the end of an append.
    pub fn wait_for(&mut self, shard: ShardId, numbers: Range<u64>, answer: Answer) {
        self.waiting.push(Waiting { shard, numbers, answer });
    }

    /// Notes which appends were answered: what was sent to a client counts as told.
    pub fn collect(&mut self) {
        let Client { history, errors, waiting, .. } = self;
        waiting.retain_mut(|append| match (append.answer)() {
            Some(Ok(appended)) => {
                history.acknowledged(append.shard, appended.first_seq, append.numbers.clone());
                false
            }
            Some(Err(error)) => {
                errors.push(error.to_string());
                false
            }
            None => true,
        });
    }

    /// Forgets what it waits for: whoever would answer has died.
    pub fn give_up(&mut self) {
        self.collect();
        self.waiting.clear();
    }

    /// Notes an error, if there is one.
    pub fn note<T>(&mut self, result: Result<T, Error>) -> Option<T> {
        result.map_err(|error| self.errors.push(error.to_string())).ok()
    }
}

/// A client that a workload and whoever watches the disk share.
///
/// INVARIANT: nobody holds it while the engine works: the disk is watched then.
#[derive(Clone, Default)]
pub struct SharedClient(Arc<Mutex<Client>>);

impl SharedClient {
    /// The client.
    pub fn hold(&self) -> MutexGuard<'_, Client> {
        match self.0.try_lock() {
            Ok(client) => client,
            // A run that panicked has failed already.
            Err(TryLockError::Poisoned(client)) => client.into_inner(),
            Err(TryLockError::WouldBlock) => panic!("a workload holds its client"),
        }
    }
}
