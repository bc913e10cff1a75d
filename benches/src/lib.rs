//! What the benches share: scratch directories on a real disk, loads, an open engine, a stopwatch.
//!
//! | file           | owns |
//! |----------------|------|
//! | `scratch.rs`   | a directory of this run under the build directory |
//! | `load.rs`      | batches and commits of a given size |
//! | `opened.rs`    | an engine in a scratch directory, driven from one thread |
//! | `stopwatch.rs` | the one place that asks for the time |
//!
//! `cargo bench -p flowstone-benches` runs all. `--bench commit_shards` prints the table of commits
//! over many shards; `--quick` after `--` makes it short.

pub mod load;
pub mod opened;
pub mod scratch;
pub mod stopwatch;
