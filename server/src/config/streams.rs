//! Streams that should exist at the start: how flags and file name them, and what they come to.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::Deserialize;

use crate::config::resolve::{check_account, check_region};
use crate::service::{
    CreateStream, Distribution, Mode, PlannedStream, StreamLimits, StreamPath, new_tags,
};
use crate::wire::{Defaults, WORD};

/// Shards of a stream that does not say how many.
const SHARDS_ON_DEMAND: u32 = 4;

/// Characters of a stream's name.
const NAME_CHARS_MAX: usize = 128;

/// Hours that a stream can keep its records.
const RETENTION_HOURS: std::ops::RangeInclusive<u32> = 24..=8760;

/// KiB that a stream's largest record can have.
const RECORD_KIB: std::ops::RangeInclusive<u32> = 1024..=10_240;

/// A stream as the file writes it.
#[derive(Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct StreamEntry {
    /// Its name.
    pub name: String,
    /// Its shards; without, it is in on-demand mode.
    pub shards: Option<u32>,
    /// Whose it is, if not the default account's.
    pub account: Option<String>,
    /// Where it is, if not in the default region.
    pub region: Option<String>,
    /// Hours that it keeps records; 24 when it does not say.
    pub retention_hours: Option<u32>,
    /// KiB of its largest record; 1024 when it does not say.
    pub record_kib_max: Option<u32>,
    /// Its tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

impl FromStr for StreamEntry {
    type Err = String;

    /// `NAME` or `NAME:SHARDS`.
    fn from_str(text: &str) -> Result<StreamEntry, String> {
        let (name, shards) = match text.split_once(':') {
            None => (text, None),
            Some((name, shards)) => {
                let shards = shards.parse().map_err(|_| {
                    "write NAME for an on-demand stream or NAME:SHARDS, such as orders:2".to_owned()
                })?;
                (name, Some(shards))
            }
        };
        Ok(StreamEntry { name: name.to_owned(), shards, ..StreamEntry::default() })
    }
}

/// The streams that `entries` come to; `Err` says what is wrong with which.
pub(super) fn plan(
    entries: Vec<StreamEntry>,
    defaults: &Defaults,
    limits: &StreamLimits,
) -> Result<Vec<PlannedStream>, String> {
    let mut planned: Vec<PlannedStream> = Vec::with_capacity(entries.len());
    for entry in entries {
        let name = entry.name.clone();
        let wrong = |why: String| format!("stream `{name}`: {why}");
        let stream = plan_one(entry, defaults, limits).map_err(wrong)?;
        if planned.iter().any(|other| other.path == stream.path) {
            return Err(wrong("it is named twice; leave one of them out".to_owned()));
        }
        planned.push(stream);
    }
    Ok(planned)
}

fn plan_one(
    entry: StreamEntry,
    defaults: &Defaults,
    limits: &StreamLimits,
) -> Result<PlannedStream, String> {
    let StreamEntry { name, shards, account, region, retention_hours, record_kib_max, tags } =
        entry;
    if name.len() > NAME_CHARS_MAX || !(WORD.accepts)(&name) {
        return Err(format!(
            "a name is 1 to {NAME_CHARS_MAX} letters, digits, dots, dashes or underscores"
        ));
    }
    let account = account.unwrap_or_else(|| defaults.account.clone());
    let region = region.unwrap_or_else(|| defaults.region.clone());
    check_account(&account)?;
    check_region(&region)?;
    let shards_max = limits.shards_per_stream_max;
    if shards.is_some_and(|shards| !(1..=shards_max).contains(&shards)) {
        return Err(format!(
            "shards is 1 to {shards_max} (shards_per_stream_max), or left out for on-demand mode"
        ));
    }
    let retention_hours = retention_hours.unwrap_or(*RETENTION_HOURS.start());
    if !RETENTION_HOURS.contains(&retention_hours) {
        return Err("retention_hours is 24 (a day) to 8760 (a year)".to_owned());
    }
    let record_kib_max = record_kib_max.unwrap_or(*RECORD_KIB.start());
    if !RECORD_KIB.contains(&record_kib_max) {
        return Err("record_kib_max is 1024 (1 MiB) to 10240 (10 MiB)".to_owned());
    }
    let tags = new_tags(tags).map_err(|_| {
        "there are at most 50 tags, of letters, digits, blanks and _ . : / = + - % @, and none \
         begins with aws:"
            .to_owned()
    })?;
    Ok(PlannedStream {
        path: StreamPath { account, region, name },
        spec: CreateStream {
            shards: shards.unwrap_or(SHARDS_ON_DEMAND),
            mode: if shards.is_some() { Mode::Provisioned } else { Mode::OnDemand },
            distribution: Distribution::UserPartitionKey,
            record_kib_max,
            warm_mibps: None,
            tags,
        },
        retention_hours,
    })
}
