//! The buckets of a shard: what is put into it, and what is polled out of it.

use crate::service::limits::{Bucket, Rate, Rates};

/// One shard's buckets. Those without a rate are never asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct ShardMeter {
    write_bytes: Bucket,
    write_records: Bucket,
    read_bytes: Bucket,
    reads: Bucket,
}

impl ShardMeter {
    pub(super) fn new(rates: &Rates, now_ms: u64) -> ShardMeter {
        let full = |rate: Option<Rate>| match rate {
            Some(rate) => Bucket::full(rate, now_ms),
            None => Bucket::empty(),
        };
        ShardMeter {
            write_bytes: full(rates.shard_write_bytes),
            write_records: full(rates.shard_write_records),
            read_bytes: full(rates.shard_read_bytes),
            reads: full(rates.shard_reads),
        }
    }

    /// Takes room for one record, or nothing at all.
    pub(super) fn take_write(&mut self, rates: &Rates, now_ms: u64, bytes: u64) -> bool {
        let (of_bytes, of_records) = (rates.shard_write_bytes, rates.shard_write_records);
        let has = of_bytes.is_none_or(|rate| self.write_bytes.has(rate, now_ms, bytes))
            && of_records.is_none_or(|rate| self.write_records.has(rate, now_ms, 1));
        if has {
            of_bytes.iter().for_each(|_| self.write_bytes.spend(bytes));
            of_records.iter().for_each(|_| self.write_records.spend(1));
        }
        has
    }

    /// Gives back what was taken for records that were not kept.
    pub(super) fn give_back_write(&mut self, rates: &Rates, records: u64, bytes: u64) {
        if let Some(rate) = rates.shard_write_bytes {
            self.write_bytes.give_back(rate, bytes);
        }
        if let Some(rate) = rates.shard_write_records {
            self.write_records.give_back(rate, records);
        }
    }

    /// Takes room for one get, whose size nobody knows yet.
    pub(super) fn take_read(&mut self, rates: &Rates, now_ms: u64) -> bool {
        let (of_bytes, of_reads) = (rates.shard_read_bytes, rates.shard_reads);
        of_bytes.is_none_or(|rate| self.read_bytes.has_some(rate, now_ms))
            && of_reads.is_none_or(|rate| self.reads.take(rate, now_ms, 1))
    }

    /// Counts what the get brought.
    pub(super) fn count_read(&mut self, rates: &Rates, bytes: u64) {
        if let Some(rate) = rates.shard_read_bytes {
            self.read_bytes.spend_all(rate, bytes);
        }
    }

    /// Whether it is as good as new.
    pub(super) fn is_idle(&mut self, rates: &Rates, now_ms: u64) -> bool {
        [
            (&mut self.write_bytes, rates.shard_write_bytes),
            (&mut self.write_records, rates.shard_write_records),
            (&mut self.read_bytes, rates.shard_read_bytes),
            (&mut self.reads, rates.shard_reads),
        ]
        .into_iter()
        .all(|(bucket, rate)| rate.is_none_or(|rate| bucket.is_full(rate, now_ms)))
    }
}
