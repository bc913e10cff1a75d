//! How far a round's writers are, and whether the round is over.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// A round whose writers get no further in this time has failed.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What all who take part in a round look at.
#[derive(Debug, Default)]
pub struct Progress {
    acknowledged: AtomicU64,
    is_over: AtomicBool,
    changed: Condvar,
    lock: Mutex<()>,
}

impl Progress {
    /// Records acknowledged in this round.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::SeqCst)
    }

    /// Counts acknowledged records.
    pub fn add(&self, count: u64) {
        self.acknowledged.fetch_add(count, Ordering::SeqCst);
        self.announce();
    }

    /// Whether nobody should begin another request.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }

    /// Says that nobody should.
    pub fn end(&self) {
        self.is_over.store(true, Ordering::SeqCst);
        self.announce();
    }

    /// Wakes those who wait.
    pub fn announce(&self) {
        let _guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.changed.notify_all();
    }

    /// Waits until `records` are acknowledged, the round is over, or `is_idle`. Says whether they
    /// are acknowledged.
    #[must_use]
    pub fn wait_for(&self, records: u64, is_idle: impl Fn() -> bool) -> bool {
        let guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let is_short = |_: &mut ()| self.acknowledged() < records && !self.is_over() && !is_idle();
        drop(self.changed.wait_timeout_while(guard, TIMEOUT, is_short));
        self.acknowledged() >= records
    }
}
