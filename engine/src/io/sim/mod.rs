//! A disk in memory that loses, tears and reorders whatever was not flushed.
//!
//! ```text
//!   write_at, set_bytes --> cache (what readers see) --sync-----> durable (what a crash leaves)
//!   create, rename, remove -> visible names ---------sync_dir---> durable names
//!   ring submit ------------> in flight -------------completion-> durable and cache
//! ```
//!
//! | file         | owns |
//! |--------------|------|
//! | `content.rs` | sparse bytes that are cheap to copy, and what they hash to |
//! | `inode.rs`   | one file: cached and durable bytes, and the changes between them |
//! | `names.rs`   | the tree of names: visible, durable, and the changes between them |
//! | `faults.rs`  | the count of operations, the crash point, planned faults, refused accesses |
//! | `state.rs`   | all of the above as one machine, and ring writes in flight |
//! | `disk.rs`    | `SimDisk`: the `Disk` side, and the knobs |
//! | `file.rs`    | the `File` side |
//! | `ring.rs`    | the `CommitRing` side |
//! | `crash.rs`   | the machine at one moment, and what power loss or the death of the process leave of it |
//! | `rot.rs`     | changing bytes behind everybody's back |
//!
//! **Invariant** the same seed and the same calls give the same bytes: no clock, no thread, no
//! iteration in hash order.
//! **Invariant** nothing blocks: a wait with nothing in flight returns at once.

mod content;
mod crash;
mod disk;
mod faults;
mod file;
mod inode;
mod names;
mod ring;
mod rot;
mod state;

#[cfg(test)]
mod tests;

pub use crash::{Moment, Snapshot};
pub use disk::SimDisk;
pub use faults::{Access, Fault};
pub use ring::SimRing;
