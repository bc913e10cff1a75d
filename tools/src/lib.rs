//! Operator tools for Flowstone data directories.
//!
//! | module       | owns |
//! |--------------|------|
//! | `read_only`  | a disk that shows a directory and changes nothing in it |
//! | `directory`  | a data directory, opened to look: catalog, journal, segments |
//! | `list`       | what there is |
//! | `dump`       | the records of a shard |
//! | `verify`     | what is damaged, and where |
//! | `progress`   | how far long work is, on standard error |
//!
//! **Invariant** no tool writes into the directory that it looks at.

pub mod directory;
pub mod dump;
pub mod list;
pub mod progress;
pub mod read_only;
pub mod verify;

#[cfg(test)]
mod tests;
