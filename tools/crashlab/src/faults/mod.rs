//! A file system of the lab's own that fails: true short writes, a full disk, a flush that fails
//! once and then lies, a page that cannot be read.
//!
//! ```text
//!   store -> FUSE -> Passthrough -> a folder
//!                        |
//!                     Faults: the n-th operation of a kind, on some files
//! ```
//!
//! Flowstone's engine runs on it with io_uring and with threads. Its journal is opened for direct
//! I/O, which a FUSE file system has: a short answer reaches the store as one.
//!
//! | file             | owns |
//! |------------------|------|
//! | `fault.rs`       | which operation fails, and how |
//! | `passthrough.rs` | the file system |
//! | `nodes.rs`       | its files by number |
//! | `drive.rs`       | appends around a fault |
//! | `worker.rs`      | rounds |

mod drive;
mod fault;
mod nodes;
mod passthrough;
#[cfg(test)]
mod tests;
mod worker;

use std::io;
use std::path::Path;

use flowstone_engine::io::{Backend, RealDisk};
use serde::Deserialize;

use crate::backend::{BackEnd, Lab, Worker};
use crate::faults::worker::FaultsWorker;

pub(crate) use drive::drive;

/// How often something fails.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Rounds: a store under load, one fault, and a start without it.
    pub rounds: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { rounds: 40 }
    }
}

impl BackEnd for Settings {
    fn name(&self) -> &'static str {
        "faults"
    }

    fn detect(&self, lab: &Lab) -> Result<(), String> {
        if !Path::new("/dev/fuse").exists() {
            return Err("there is no /dev/fuse (`modprobe fuse` may bring it)".to_owned());
        }
        let tried = || -> io::Result<()> {
            let folder = tempfile::TempDir::new_in(&lab.scratch)?;
            passthrough::Passthrough::mount(folder.path()).map(drop)
        };
        tried().map_err(|error| format!("a FUSE file system cannot be mounted: {error}"))?;
        if lab.target.is_own() {
            let folder = tempfile::TempDir::new_in(&lab.scratch);
            let opened = folder.and_then(|at| RealDisk::open(at.path(), Backend::Uring));
            opened.map_err(|error| format!("io_uring is refused here: {error}"))?;
        }
        Ok(())
    }

    fn goal(&self) -> u64 {
        self.rounds
    }

    fn worker<'a>(&'a self, lab: &'a Lab, job: usize) -> io::Result<Box<dyn Worker + 'a>> {
        Ok(Box::new(FaultsWorker::new(lab, job)))
    }
}
