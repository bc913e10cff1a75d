//! One shard's whole ordered sequence: segments, then tail.
//!
//! ```text
//!   trim horizon          sealed                           high watermark = flushed
//!        |                  |                                      |
//!   -----[== run ==][= run =][frame][frame][frame][frame][frame]---+
//!         segments (on disk)   tail (the journal's images)
//! ```
//!
//! | file         | owns |
//! |--------------|------|
//! | `read.rs`    | what a read asks and answers |
//! | `log.rs`     | the shard log: watermarks, tail, runs, and how they change |
//! | `gate.rs`    | which appends still come in, and when the last one is through |
//! | `reader.rs`  | reading and seeking across runs and tail |
//!
//! **Invariant** runs and tail follow one another without gaps, unless damage was reported.
//! **Invariant** a closed log never grows again.
//! **Invariant** nothing at or past the high watermark is handed out.

mod gate;
mod log;
mod read;
mod reader;

#[cfg(test)]
mod tests;

pub(crate) use gate::{Taken, closed};
pub use log::{Quarantine, Run, ShardLog};
pub use read::{Read, ReadFrom, ReadLimit, ReadRecord, Watermarks};
