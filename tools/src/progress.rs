//! How far long work is, on standard error.

use std::io::Write;

/// Shorter work says nothing.
const BYTES_MIN: u64 = 64 << 20;

/// Tells of every tenth part.
#[derive(Debug)]
pub struct Progress {
    what: String,
    tenths_told: u64,
}

impl Progress {
    /// Progress of `what`.
    #[must_use]
    pub fn of(what: impl Into<String>) -> Progress {
        Progress { what: what.into(), tenths_told: 0 }
    }

    /// `done` of `all` bytes are behind us.
    pub fn tell(&mut self, done: u64, all: u64) {
        let tenths = (done.saturating_mul(10)).checked_div(all).unwrap_or(10);
        if all >= BYTES_MIN && tenths > self.tenths_told {
            self.tenths_told = tenths;
            // Nobody reads it: the work goes on.
            let _ =
                writeln!(std::io::stderr(), "{}: {} of {} MiB", self.what, done >> 20, all >> 20);
        }
    }
}
