//! The retention clock: how far time has passed as far as expiring is concerned.
//!
//! Expiring cannot be undone, so it does not take the wall clock at its word. The retention clock
//! never runs ahead of the wall clock, and never faster than twice real time: after a forward jump
//! it follows slowly, and an operator has as long as the jump was wide to set the clock right.
//!
//! What a record is stamped with when it arrives is of a piece with that: a clock that has stepped
//! back would stamp records as old as the step was wide, and they would expire when it is set right.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::catalog::{Catalog, Transaction};
use crate::clock::Clock;
use crate::engine::rows::{NUMBERS, NumberRow, RETENTION_CLOCK};
use crate::error::{ErrorKind, Result};
use crate::planted::{Bug, is_planted};
use crate::types::Timestamp;

/// How much the wall clock may have moved while nobody watched it, without doubt about it.
pub(super) const RESTART_GRACE_MS: u64 = 60 * 60 * 1000;

/// How far the wall clock may step back while the engine runs, and still stamp records.
const STEP_BACK_MAX_MS: u64 = RESTART_GRACE_MS;

/// How much faster than real time the retention clock runs at most.
const CATCH_UP_FACTOR: u64 = 2;

/// The clock.
#[derive(Debug)]
pub(super) struct RetentionClock {
    clock: Arc<dyn Clock>,
    anchor: Timestamp,
    anchor_monotonic_ms: u64,
    /// The time, as far as it was known to be, at the beginning of the monotonic clock. It only
    /// grows, so that a step back of the wall clock does not count.
    known_origin_ms: AtomicU64,
}

impl RetentionClock {
    /// A clock that stood at `noted` when it was last noted in the catalog, if it ever was.
    pub(super) fn new(clock: Arc<dyn Clock>, noted: Option<Timestamp>) -> RetentionClock {
        let wall = clock.wall();
        let anchor = match noted {
            Some(noted) => wall.min(Timestamp(noted.0.saturating_add(RESTART_GRACE_MS))),
            None => wall,
        };
        if anchor < wall {
            tracing::warn!(
                behind_ms = wall.0 - anchor.0,
                "the wall clock is far ahead of where it was when the engine stopped: records \
                 expire at most at twice the normal pace until retention has caught up"
            );
        }
        let anchor_monotonic_ms = clock.monotonic_ms();
        let known_origin_ms = AtomicU64::new(anchor.0.saturating_sub(anchor_monotonic_ms));
        RetentionClock { clock, anchor, anchor_monotonic_ms, known_origin_ms }
    }

    /// Notes in the catalog how far the clock is, if what is `noted` there is ahead of it or
    /// nothing: what arrives from now on may be stamped with an earlier time, and must not be found
    /// expired after the next start.
    pub(super) fn note_step_back(&self, catalog: &Catalog, noted: Option<Timestamp>) -> Result<()> {
        if noted.is_some_and(|noted| noted <= self.anchor) {
            return Ok(());
        }
        let mut transaction = Transaction::new();
        self.put(&mut transaction);
        match catalog.commit(transaction) {
            // A full disk must not keep the engine from starting. It is noted again before long.
            Err(error) if error.kind() == ErrorKind::Full => Ok(()),
            noted => noted,
        }
    }

    /// Lets `transaction` note how far the clock is.
    pub(super) fn put(&self, transaction: &mut Transaction) {
        let row = NumberRow { value: self.known().0 };
        transaction.put(&NUMBERS, &RETENTION_CLOCK.to_owned(), &row);
    }

    /// The time that retention counts from.
    pub(super) fn now(&self) -> Timestamp {
        let wall = self.clock.wall();
        if is_planted(Bug::TrustWallClock) {
            return wall;
        }
        let monotonic_ms = self.clock.monotonic_ms();
        let elapsed_ms = monotonic_ms.saturating_sub(self.anchor_monotonic_ms);
        let bound = self.anchor.0.saturating_add(elapsed_ms.saturating_mul(CATCH_UP_FACTOR));
        let now = wall.min(Timestamp(bound));
        self.known_origin_ms.fetch_max(now.0.saturating_sub(monotonic_ms), Ordering::SeqCst);
        now
    }

    /// The farthest that the clock ever was, and the time that has passed since then.
    fn known(&self) -> Timestamp {
        self.now();
        let origin_ms = self.known_origin_ms.load(Ordering::SeqCst);
        Timestamp(origin_ms.saturating_add(self.clock.monotonic_ms()))
    }

    /// What a record that arrives now is stamped with: the wall clock's time, unless that has
    /// stepped back by more than [`STEP_BACK_MAX_MS`].
    pub(super) fn arrival(&self) -> Timestamp {
        let (wall, known) = (self.clock.wall(), self.known());
        if is_planted(Bug::TrustWallClock) || known.minus_ms(STEP_BACK_MAX_MS) <= wall {
            return wall;
        }
        known
    }

    /// Records of a log that keeps them for `retention_ms` have expired if they arrived before this.
    pub(super) fn expired_before(&self, retention_ms: u64) -> Timestamp {
        self.now().minus_ms(retention_ms)
    }
}
