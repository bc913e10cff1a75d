//! All limits over the clock: what is asked before the engine is.

use std::sync::Arc;

use flowstone_engine::clock::Clock;
use flowstone_engine::types::ShardId;

use crate::service::limits::meter::ShardMeter;
use crate::service::limits::table::Table;
use crate::service::limits::{Bucket, Pace, Rate, Rates};

/// Says what goes past the limits.
#[derive(Debug)]
pub struct Throttle {
    rates: Rates,
    limits_writes: bool,
    limits_reads: bool,
    clock: Arc<dyn Clock>,
    shards: Table<ShardId, ShardMeter>,
    calls: Table<String, (Rate, Bucket)>,
}

impl Throttle {
    /// Limits at `rates`.
    #[must_use]
    pub fn new(rates: Rates, clock: Arc<dyn Clock>) -> Throttle {
        Throttle {
            rates,
            limits_writes: rates.shard_write_bytes.is_some() || rates.shard_write_records.is_some(),
            limits_reads: rates.shard_read_bytes.is_some() || rates.shard_reads.is_some(),
            clock,
            shards: Table::new(),
            calls: Table::new(),
        }
    }

    /// Whether puts are limited at all.
    #[must_use]
    pub fn limits_writes(&self) -> bool {
        self.limits_writes
    }

    /// Whether a record of `bytes` may go into `shard` now; if so, its room is taken.
    #[must_use]
    pub fn admit_write(&self, shard: ShardId, bytes: usize) -> bool {
        !self.limits_writes || self.take_write(shard, bytes as u64)
    }

    /// Gives back the room of records that were not kept.
    pub fn give_back_write(&self, shard: ShardId, records: u64, bytes: usize) {
        if self.limits_writes {
            self.shards.with_present(&shard, |meter| {
                meter.give_back_write(&self.rates, records, bytes as u64);
            });
        }
    }

    /// Whether `shard` may be read now; if so, the read is counted.
    #[must_use]
    pub fn admit_read(&self, shard: ShardId) -> bool {
        !self.limits_reads || self.take_read(shard)
    }

    /// Counts the bytes that a read brought.
    pub fn count_read(&self, shard: ShardId, bytes: usize) {
        if self.limits_reads {
            let count = |meter: &mut ShardMeter| meter.count_read(&self.rates, bytes as u64);
            self.on_shard(shard, count);
        }
    }

    /// Whether a call may be made now at `rate`; `key` says of which operation, and about what.
    #[must_use]
    pub fn admit_call(&self, rate: Rate, key: String) -> bool {
        let now_ms = self.clock.monotonic_ms();
        let taken = self.calls.with(
            key,
            || (rate, Bucket::full(rate, now_ms)),
            |(rate, bucket)| bucket.is_full(*rate, now_ms),
            |(rate, bucket)| bucket.take(*rate, now_ms, 1),
        );
        taken.unwrap_or(true)
    }

    /// The pace of a new subscription, to a stream that `is_limited` or is not.
    #[must_use]
    pub fn pace(&self, is_limited: bool) -> Pace {
        let rate = self.rates.consumer_bytes.filter(|_| is_limited);
        Pace::new(rate, self.clock.monotonic_ms())
    }

    fn take_write(&self, shard: ShardId, bytes: u64) -> bool {
        let now_ms = self.clock.monotonic_ms();
        let taken = self.on_shard(shard, |meter| meter.take_write(&self.rates, now_ms, bytes));
        taken.unwrap_or(true)
    }

    fn take_read(&self, shard: ShardId) -> bool {
        let now_ms = self.clock.monotonic_ms();
        let taken = self.on_shard(shard, |meter| meter.take_read(&self.rates, now_ms));
        taken.unwrap_or(true)
    }

    fn on_shard<T>(&self, shard: ShardId, call: impl FnOnce(&mut ShardMeter) -> T) -> Option<T> {
        let now_ms = self.clock.monotonic_ms();
        self.shards.with(
            shard,
            || ShardMeter::new(&self.rates, now_ms),
            |meter| meter.is_idle(&self.rates, now_ms),
            call,
        )
    }

    /// Shards and calls that are remembered.
    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.shards.len() + self.calls.len()
    }
}
