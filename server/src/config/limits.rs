//! What clients may ask for: none of the service's limits or all of them, and each by itself.

use std::collections::BTreeMap;

use clap::ValueEnum;
use serde::Deserialize;

use crate::api::streams::{CallRates, DAILY_CHANGES_KEPT, Operation};
use crate::service::limits::{RATE_MAX, Rate, Rates};

/// Where the limits come from that nobody sets.
#[derive(ValueEnum, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum LimitsChoice {
    /// There are none: the machine's own are enough.
    #[default]
    Off,
    /// The service's, as an account has them that asked for no more.
    Aws,
}

/// `[rates]` in the file. A rate of 0 is no limit.
#[derive(Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct RatesEntry {
    /// Bytes put into a shard [aws: 1048576].
    pub shard_write_bytes_per_s: Option<u64>,
    /// Records put into a shard [aws: 1000].
    pub shard_write_records_per_s: Option<u64>,
    /// Bytes polled out of a shard [aws: 2097152].
    pub shard_read_bytes_per_s: Option<u64>,
    /// `GetRecords` of a shard [aws: 5].
    pub shard_reads_per_s: Option<u64>,
    /// Bytes pushed to a consumer out of a shard [aws: 2097152].
    pub consumer_bytes_per_s: Option<u64>,
    /// Changes of a stream's mode in 24 hours [aws: 2].
    pub mode_changes_per_day: Option<u32>,
    /// `UpdateShardCount` of a stream in 24 hours [aws: 10].
    pub shard_count_changes_per_day: Option<u32>,
    /// Calls, by operation [aws: those of each operation's documentation].
    pub calls_per_s: BTreeMap<String, u64>,
}

/// What a choice and single settings come to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settled {
    pub(super) rates: Rates,
    pub(super) calls: CallRates,
    pub(super) mode_changes_per_day_max: u32,
    pub(super) shard_count_changes_per_day_max: u32,
}

/// What `entry` comes to; `Err` says what is wrong with it.
pub(super) fn settle(choice: LimitsChoice, entry: RatesEntry) -> Result<Settled, String> {
    let is_aws = choice == LimitsChoice::Aws;
    let rate = |name: &str, set: Option<u64>, aws: u64| {
        let per_s = set.unwrap_or(if is_aws { aws } else { 0 });
        if per_s > RATE_MAX {
            return Err(format!("{name} is at most {RATE_MAX}; 0 is no limit"));
        }
        Ok(Rate::new(per_s))
    };
    let rates = Rates {
        shard_write_bytes: rate(
            "shard_write_bytes_per_s",
            entry.shard_write_bytes_per_s,
            1024 * 1024,
        )?,
        shard_write_records: rate(
            "shard_write_records_per_s",
            entry.shard_write_records_per_s,
            1000,
        )?,
        shard_read_bytes: rate(
            "shard_read_bytes_per_s",
            entry.shard_read_bytes_per_s,
            2 * 1024 * 1024,
        )?,
        shard_reads: rate("shard_reads_per_s", entry.shard_reads_per_s, 5)?,
        consumer_bytes: rate("consumer_bytes_per_s", entry.consumer_bytes_per_s, 2 * 1024 * 1024)?,
    };
    let mut calls = if is_aws { CallRates::aws() } else { CallRates::none() };
    for (name, per_s) in entry.calls_per_s {
        let operation = Operation::parse(&name).ok_or_else(|| {
            format!("calls_per_s has `{name}`, which is no operation; write one such as GetRecords")
        })?;
        calls.set(operation, rate(&name, Some(per_s), 0)?);
    }
    let daily = |name: &str, set: Option<u32>, aws: u32| {
        let max = set.unwrap_or(if is_aws { aws } else { 0 });
        if max as usize > DAILY_CHANGES_KEPT {
            return Err(format!("{name} is at most {DAILY_CHANGES_KEPT}; 0 is any number"));
        }
        Ok(max)
    };
    Ok(Settled {
        rates,
        calls,
        mode_changes_per_day_max: daily("mode_changes_per_day", entry.mode_changes_per_day, 2)?,
        shard_count_changes_per_day_max: daily(
            "shard_count_changes_per_day",
            entry.shard_count_changes_per_day,
            10,
        )?,
    })
}
