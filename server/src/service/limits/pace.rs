//! The pace of one fan-out subscription: what is pushed is never refused, it waits.

use crate::service::limits::{Bucket, Rate};

/// How fast one subscription may be pushed to. A subscription of a consumer to a shard has one of
/// its own; it holds two words, and no lock.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    limit: Option<(Rate, Bucket)>,
}

impl Pace {
    /// A pace that begins with one second's worth; without a rate it never waits.
    #[must_use]
    pub fn new(rate: Option<Rate>, now_ms: u64) -> Pace {
        Pace { limit: rate.map(|rate| (rate, Bucket::full(rate, now_ms))) }
    }

    /// Milliseconds to wait before the next push; 0 when it may go now.
    #[must_use]
    pub fn ready_in_ms(&mut self, now_ms: u64) -> u64 {
        match &mut self.limit {
            None => 0,
            Some((rate, bucket)) => bucket.ready_in_ms(*rate, now_ms),
        }
    }

    /// Counts what was pushed.
    pub fn count(&mut self, bytes: u64) {
        if let Some((_, bucket)) = &mut self.limit {
            bucket.spend(bytes);
        }
    }
}
