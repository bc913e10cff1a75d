//! The numbers: what is limited, and how much.

use crate::service::limits::Rate;

/// The largest rate, in units a second: what is above is no limit.
pub const RATE_MAX: u64 = 1_000_000_000_000;

/// What a second holds; `None` is as much as the machine can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Bytes of data and keys put into a shard.
    pub shard_write_bytes: Option<Rate>,
    /// Records put into a shard.
    pub shard_write_records: Option<Rate>,
    /// Bytes of data and keys got out of a shard, by all who poll it.
    pub shard_read_bytes: Option<Rate>,
    /// Gets from a shard, by all who poll it.
    pub shard_reads: Option<Rate>,
    /// Bytes of data and keys pushed to one consumer out of one shard.
    pub consumer_bytes: Option<Rate>,
}
