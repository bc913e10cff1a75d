//! A file system that is shut down under a store, without its log being flushed.
//!
//! ```text
//!   store on a volume, appends on their way
//!     --> shutdown: what the file system holds in memory is gone, writes fail from now on
//!     --> kill -9 --> unmount --> mount (log recovery) --> store --> dump, check --+
//!     ^---------------------------------------------------------------------------+
//! ```
//!
//! | file        | owns |
//! |-------------|------|
//! | `worker.rs` | the shutdowns of one thread's volume |
//!
//! What had reached the loop device is kept, as by a disk without a cache: a store that does not
//! wait for its file system is caught; one that does not flush the disk's cache is not, but by the
//! block log.
//!
//! What was on its way when the file system went counts for nothing: an `fsync` that the shutdown
//! meets halfway may return success and not have been done (seen on ext4, Linux 6.18: a commit of
//! the log that was given up is taken for one that is over). What was acknowledged before must be
//! there, and so must what is sent and acknowledged after.

#[cfg(test)]
mod tests;
mod worker;

use std::io;

use serde::Deserialize;

use crate::backend::{BackEnd, Lab, Worker};
use crate::volume::{self, Kind};
use worker::ShutdownWorker;

macro_rules! back_end {
    ($(#[$doc:meta])* $settings:ident, $name:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $settings {
            /// How often.
            pub states: u64,
        }

        impl Default for $settings {
            fn default() -> $settings {
                $settings { states: 20 }
            }
        }

        impl BackEnd for $settings {
            fn name(&self) -> &'static str {
                $name
            }

            fn detect(&self, _: &Lab) -> Result<(), String> {
                volume::detect(Kind::$settings)
            }

            fn goal(&self) -> u64 {
                self.states
            }

            fn worker<'a>(&'a self, lab: &'a Lab, job: usize) -> io::Result<Box<dyn Worker + 'a>> {
                Ok(Box::new(ShutdownWorker::new(lab, job, Kind::$settings)?))
            }
        }
    };
}

back_end! {
    /// How often ext4 is shut down.
    Ext4, "shutdown_ext4"
}

back_end! {
    /// How often XFS is shut down.
    Xfs, "shutdown_xfs"
}
