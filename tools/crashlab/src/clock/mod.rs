//! Clocks that jump under a running store, and between its lives.
//!
//! ```text
//!   wall       libfaketime, preloaded: an offset in a file, changed while appends are on their way
//!   monotonic  a time namespace: another offset each time the store is started, as after a boot
//! ```
//!
//! | file        | owns |
//! |-------------|------|
//! | `fake.rs`   | the two fake clocks, and how a store is started under them |
//! | `worker.rs` | the jumps of one store after the other |
//!
//! The monotonic clock of a running process never jumps on Linux, so it does not here. Records of
//! Flowstone's have a retention of a day, of real time: nothing may expire early, whatever the wall
//! clock says.

mod fake;
#[cfg(test)]
mod tests;
mod worker;

use std::io;

use serde::Deserialize;

use crate::backend::{BackEnd, Lab, Worker};
use worker::ClockWorker;

/// How often the clock jumps.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Jumps.
    pub jumps: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { jumps: 20 }
    }
}

impl BackEnd for Settings {
    fn name(&self) -> &'static str {
        "clock"
    }

    fn detect(&self, _: &Lab) -> Result<(), String> {
        fake::detect()
    }

    fn goal(&self) -> u64 {
        self.jumps
    }

    fn worker<'a>(&'a self, lab: &'a Lab, job: usize) -> io::Result<Box<dyn Worker + 'a>> {
        Ok(Box::new(ClockWorker::new(lab, job)?))
    }
}
