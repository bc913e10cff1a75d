//! One shard's whole ordered sequence: segments, then tail.

mod read;

pub use read::{Read, ReadFrom, ReadLimit, ReadRecord, Watermarks};
