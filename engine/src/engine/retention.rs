//! The retention clock: how far time has passed as far as expiring is concerned.
//!
//! Expiring cannot be undone, so it does not take the wall clock at its word. The retention clock
//! never runs ahead of the wall clock, and never faster than twice real time: after a forward jump
//! it follows slowly, and an operator has as long as the jump was wide to set the clock right.

use std::sync::Arc;

use crate::clock::Clock;
use crate::planted::{Bug, is_planted};
use crate::types::Timestamp;

/// How much the wall clock may have moved while nobody watched it, without doubt about it.
pub(super) const RESTART_GRACE_MS: u64 = 60 * 60 * 1000;

/// How much faster than real time the retention clock runs at most.
const CATCH_UP_FACTOR: u64 = 2;

/// The clock.
#[derive(Debug)]
pub(super) struct RetentionClock {
    clock: Arc<dyn Clock>,
    anchor: Timestamp,
    anchor_monotonic_ms: u64,
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
        RetentionClock { clock, anchor, anchor_monotonic_ms }
    }

    /// The time that retention counts from.
    pub(super) fn now(&self) -> Timestamp {
        let wall = self.clock.wall();
        if is_planted(Bug::TrustWallClock) {
            return wall;
        }
        let elapsed_ms = self.clock.monotonic_ms().saturating_sub(self.anchor_monotonic_ms);
        let bound = self.anchor.0.saturating_add(elapsed_ms.saturating_mul(CATCH_UP_FACTOR));
        wall.min(Timestamp(bound))
    }

    /// Records of a log that keeps them for `retention_ms` have expired if they arrived before this.
    pub(super) fn expired_before(&self, retention_ms: u64) -> Timestamp {
        self.now().minus_ms(retention_ms)
    }
}
