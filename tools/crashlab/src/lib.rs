//! The crash lab: makes machines fail under a store, and checks what it kept.
//!
//! ```text
//!   plan (TOML) --> run --units--> BackEnd --fails the machine of--> Target (ours, or any program)
//!                    |                |                                 |
//!   record (JSON) <--+-- Tally <------+<------ what is there after recovery
//!                    v
//!                 verdict (JSON, Markdown), exit status
//! ```

pub mod backend;
pub mod block;
pub mod blocks;
pub mod clock;
pub mod failed_flush;
pub mod faults;
pub mod fill;
pub mod flips;
pub mod fuzz;
pub mod http;
pub mod kill;
pub mod kinesis;
pub mod machine;
pub mod plan;
pub mod planted;
pub mod random;
pub mod record;
pub mod report;
pub mod run;
pub mod second_process;
pub mod server;
pub mod shutdown;
pub mod sim;
pub mod stopwatch;
pub mod target;
#[cfg(test)]
mod trial;
pub mod verdict;
pub mod volume;
