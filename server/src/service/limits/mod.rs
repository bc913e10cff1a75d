//! What clients may ask for in a second, in the manner of the service that they are written for.
//!
//! ```text
//!   puts  --admit_write--> ShardMeter (by shard log) --> engine        failed puts give back
//!   gets  --admit_read---> ShardMeter --> engine --count_read--> ShardMeter
//!   calls --admit_call---> Bucket (by operation and what it is about) --> operation
//!   fan-out: a Pace of its own in each subscription
//! ```
//!
//! | file         | owns |
//! |--------------|------|
//! | `rates.rs`   | the numbers: what is limited, and how much |
//! | `bucket.rs`  | one token bucket |
//! | `meter.rs`   | the buckets of a shard |
//! | `table.rs`   | buckets by key, those that are idle dropped |
//! | `pace.rs`    | the pace of one fan-out subscription |
//! | `throttle.rs`| all of it over the clock: what is asked before the engine is |
//!
//! **Invariant** what is not limited costs one branch.
//! **Invariant** memory is bounded by [`KEYS_MAX`]: a full bucket is as good as none, and dropped.
//! **Invariant** time is monotonic: a step of the wall clock changes nothing here.

mod bucket;
mod meter;
mod pace;
mod rates;
mod table;
mod throttle;

#[cfg(test)]
mod tests;

pub use bucket::{Bucket, Rate};
pub use pace::Pace;
pub use rates::{RATE_MAX, Rates};
pub use table::KEYS_MAX;
pub use throttle::Throttle;
