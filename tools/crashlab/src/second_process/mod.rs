//! A second process on the data directory of a running store: it must be refused, and say why, and
//! the first must not notice.
//!
//! | file        | owns |
//! |-------------|------|
//! | `worker.rs` | the tries on one store after the other |

#[cfg(test)]
mod tests;
mod worker;

use std::io;

use serde::Deserialize;

use crate::backend::{BackEnd, Lab, Worker};
use worker::SecondWorker;

/// How often it is tried.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Second processes. Every other one is the server, where its binary is found.
    pub tries: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { tries: 10 }
    }
}

impl BackEnd for Settings {
    fn name(&self) -> &'static str {
        "second_process"
    }

    fn detect(&self, lab: &Lab) -> Result<(), String> {
        if lab.target.is_own() {
            return Ok(());
        }
        Err("that a second process is refused is Flowstone's promise: others may allow it".into())
    }

    fn goal(&self) -> u64 {
        self.tries
    }

    fn worker<'a>(&'a self, lab: &'a Lab, job: usize) -> io::Result<Box<dyn Worker + 'a>> {
        Ok(Box::new(SecondWorker::new(lab, job)))
    }
}
