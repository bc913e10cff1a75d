//! Block log replay: every state that a power cut could have left below a real file system.
//!
//! ```text
//!   record:  store under load -> file system -> disk of the lab's own: log of writes and flushes
//!                 |                                      |
//!                 +-- acknowledged -- when so many flushes were done --+
//!   replay:  bytes up to a flush + some of what was written after it
//!            -> mount (the file system recovers) -> start (the store recovers) -> dump -> check
//! ```
//!
//! A disk's cache may keep or lose, in any order and in pieces of a sector, whatever was written
//! since the last flush that was done. What was acknowledged when so many flushes were done must be
//! there in every state with as many: the store can have relied on no other.
//!
//! | file        | owns |
//! |-------------|------|
//! | `record.rs` | a recording: bytes, log, and what was acknowledged when |
//! | `state.rs`  | which states of a log to try, and their bytes |
//! | `worker.rs` | trying them |

mod record;
mod state;
#[cfg(test)]
mod tests;
mod worker;

use std::io;

use serde::Deserialize;

use crate::backend::{BackEnd, Lab, Worker};
use crate::block::{Disk, FileSystem};
use crate::blocks::worker::BlocksWorker;

macro_rules! back_end {
    ($(#[$doc:meta])* $settings:ident, $name:literal, $filesystem:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $settings {
            /// States.
            pub states: u64,
        }

        impl Default for $settings {
            fn default() -> $settings {
                $settings { states: 50 }
            }
        }

        impl BackEnd for $settings {
            fn name(&self) -> &'static str {
                $name
            }

            fn detect(&self, lab: &Lab) -> Result<(), String> {
                Disk::detect(&lab.scratch, $filesystem)
            }

            fn goal(&self) -> u64 {
                self.states
            }

            fn worker<'a>(&'a self, lab: &'a Lab, job: usize) -> io::Result<Box<dyn Worker + 'a>> {
                Ok(Box::new(BlocksWorker::new(lab, job, $filesystem, self.states)?))
            }
        }
    };
}

back_end!(
    /// How many states below ext4.
    Ext4Settings,
    "blocks_ext4",
    FileSystem::Ext4
);
back_end!(
    /// How many states below XFS.
    XfsSettings,
    "blocks_xfs",
    FileSystem::Xfs
);
