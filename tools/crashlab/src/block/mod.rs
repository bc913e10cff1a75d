//! A block device of the lab's own, below a real file system.
//!
//! ```text
//!   store -> ext4, XFS -> loop device -> a file served by FUSE -> Device: memory of this process
//!                                                                   |
//!                                                                   +-> log of writes and flushes
//! ```
//!
//! | file            | owns |
//! |-----------------|------|
//! | `image.rs`      | the bytes of a disk in memory, cheap to copy |
//! | `device.rs`     | a disk that logs what is written to it, and fails when it is told to |
//! | `serve.rs`      | a device as a file of this machine |
//! | `attach.rs`     | a file system mounted from a device |
//! | `filesystem.rs` | how ext4 and XFS are made and mounted |
//!
//! **Invariant** requests are served one after the other: the log has them in the order in which
//! they took effect, and a write that was answered before a flush came is in the log before it.

mod attach;
mod device;
mod filesystem;
mod image;
mod serve;

#[cfg(test)]
mod tests;

pub use attach::{Disk, Mounted, unmount};
pub use device::{Device, Entry};
pub use filesystem::FileSystem;
pub use image::{Image, SECTOR_BYTES};
