//! The journal: the active tails of all shard logs of one disk, in a few preallocated files.
//!
//! ```text
//!   slot-0.fsj  [header|header|commit|commit|commit|......]      a commit: frame frame ... pad
//!   slot-1.fsj  [header|header|commit|..                   ]  <- active
//!   slot-2.fsj  [zeros, or what a sealed incarnation left  ]  <- spare
//! ```
//!
//! A file lives through incarnations: it gets the next sequence number and a fresh salt, is
//! written from front to back, waits until its frames are sealed into segments, and is then free
//! for the next incarnation. Its bytes are mirrored in memory by an [`Image`](image::ImageWriter)
//! of the same size: a commit is encoded into the image and written from there, readers are served
//! from there, and sealing copies from there. The file itself is read by recovery alone.
//!
//! | file         | owns |
//! |--------------|------|
//! | `image.rs`   | the memory that mirrors a file |
//! | `header.rs`  | the file header, written twice |
//! | `slots.rs`   | the files: making, activating, recycling, setting aside |
//! | `commit.rs`  | encoding one commit: frames behind one another, padded to a disk block |
//! | `scan.rs`    | from a file's bytes to good frames and bad regions |
//! | `verdict.rs` | what bad regions mean: torn tail or corruption |
//! | `recover.rs` | reading all files back and flushing what is believed |
//!
//! **Invariant** a file's header is durable before any commit in it is acknowledged, and it is
//! written only when everything in the file before is durable.
//! **Invariant** no incarnation is appended to after a restart.

pub mod commit;
pub mod header;
pub mod image;
pub mod recover;
pub mod scan;
pub mod slots;
pub mod verdict;

#[cfg(test)]
mod tests;

/// The folder of journal files in the data directory.
pub const JOURNAL_DIR: &str = "journal";
/// The folder of what was moved aside: cut bytes, damaged files, files that the catalog does not
/// know.
pub const ASIDE_DIR: &str = "aside";
