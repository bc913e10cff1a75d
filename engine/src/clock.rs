//! The clock seam: wall time for stamps, monotonic time for how long something took.

#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Instant;

use crate::types::Timestamp;

/// Where the engine learns the time. Nothing else in the engine asks the machine for it.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The wall clock. May step in either direction.
    fn wall(&self) -> Timestamp;
    /// Milliseconds since some fixed moment of this process. Never steps.
    fn monotonic_ms(&self) -> u64;
}

/// The machine's own clocks.
#[derive(Debug)]
pub struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    /// A clock whose monotonic time starts now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the seam")]
    pub fn new() -> SystemClock {
        SystemClock { origin: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        SystemClock::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the seam")]
    fn wall(&self) -> Timestamp {
        let since =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    fn monotonic_ms(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// A clock that moves only when told to, for tests.
#[cfg(feature = "testing")]
#[derive(Debug)]
pub struct ManualClock {
    wall: std::sync::atomic::AtomicU64,
    monotonic: std::sync::atomic::AtomicU64,
}

#[cfg(feature = "testing")]
mod manual {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::{Clock, ManualClock, Timestamp};

    impl ManualClock {
        /// A clock that stands at `wall`.
        #[must_use]
        pub fn at(wall: Timestamp) -> ManualClock {
            ManualClock { wall: AtomicU64::new(wall.0), monotonic: AtomicU64::new(0) }
        }

        /// Lets `ms` pass.
        pub fn pass_ms(&self, ms: u64) {
            self.wall.fetch_add(ms, Ordering::SeqCst);
            self.monotonic.fetch_add(ms, Ordering::SeqCst);
        }

        /// Sets the wall clock, as an operator or a time daemon would.
        pub fn set_wall(&self, wall: Timestamp) {
            self.wall.store(wall.0, Ordering::SeqCst);
        }
    }

    impl Clock for ManualClock {
        fn wall(&self) -> Timestamp {
            Timestamp(self.wall.load(Ordering::SeqCst))
        }

        fn monotonic_ms(&self) -> u64 {
            self.monotonic.load(Ordering::SeqCst)
        }
    }
}
