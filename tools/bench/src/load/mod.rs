//! Loads: operations one behind the other on each connection, or at times that are fixed before.
//!
//! | file           | owns |
//! |----------------|------|
//! | `closed.rs`    | closed loop: the next operation when the last was answered |
//! | `open.rs`      | open loop: operations at a fixed rate, whatever the server does |
//! | `timer.rs`     | waiting until a moment without keeping a core busy |
//! | `together.rs`  | loops side by side |
//! | `latencies.rs` | how long operations took |

mod closed;
mod latencies;
mod open;
#[cfg(test)]
mod tests;
mod timer;
mod together;

use std::time::Duration;

pub use closed::{closed, count};
pub use latencies::{Latencies, Percentiles};
pub use open::open;
pub use timer::Timer;

/// How long a load runs, and what is not counted.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// Before anything is counted.
    pub warm_up: Duration,
    /// That is counted.
    pub counted: Duration,
}

impl Span {
    /// When all is over.
    #[must_use]
    pub fn end(self) -> Duration {
        self.warm_up + self.counted
    }

    /// Whether what was answered at `time`, behind `counted` others that count, counts.
    #[must_use]
    pub fn counts(self, time: Duration, counted: u64) -> bool {
        time >= self.warm_up && (time < self.end() || counted == 0)
    }
}

/// What came of a load.
#[derive(Clone, Debug)]
pub struct Measured {
    /// How long each operation took.
    pub latencies: Latencies,
    /// Operations that were answered in the time that counts.
    pub operations: u64,
    /// That time in seconds.
    pub seconds: f64,
}

impl Measured {
    /// Operations a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        let operations = self.operations as f64;
        operations / self.seconds
    }
}
