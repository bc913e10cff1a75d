//! A disk that is filled under a running store, and freed again.
//!
//! ```text
//!   small volume:  | the store's files | ballast ........................ | a little |
//!   appends until one is refused  -->  more appends  -->  kill, start, look (sometimes)
//!     -->  the ballast goes  -->  appends are taken again, by the same process  -->  look
//! ```
//!
//! | file        | owns |
//! |-------------|------|
//! | `worker.rs` | the fills of one thread's volume |
//!
//! Flowstone promises to go on by itself; another store may end, and is started again then. None may
//! lose what it acknowledged: an ack for which there was no room is a loss that the next look finds.

#[cfg(test)]
mod tests;
mod worker;

use std::io;

use serde::Deserialize;

use crate::backend::{BackEnd, Lab, Worker};
use crate::volume::{self, Kind};
use worker::FillWorker;

/// How often the disk is filled.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Fills.
    pub fills: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { fills: 2 }
    }
}

impl BackEnd for Settings {
    fn name(&self) -> &'static str {
        "fill"
    }

    fn detect(&self, _: &Lab) -> Result<(), String> {
        volume::detect(Kind::Ext4)
    }

    fn goal(&self) -> u64 {
        self.fills
    }

    fn worker<'a>(&'a self, lab: &'a Lab, job: usize) -> io::Result<Box<dyn Worker + 'a>> {
        Ok(Box::new(FillWorker::new(lab, job)?))
    }
}
