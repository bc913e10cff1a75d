//! The TOML file: the flags' names with underscores, `[[streams]]` and `[rates]`. A key that
//! is none of them is refused.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

use crate::config::flags::{Flags, IoChoice, LogFormat};
use crate::config::limits::{LimitsChoice, RatesEntry};
use crate::config::streams::StreamEntry;

/// The file's content.
#[derive(Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the flags of the same names say it")]
pub struct ConfigFile {
    pub listen: Option<SocketAddr>,
    pub data_dir: Option<PathBuf>,
    pub log_format: Option<LogFormat>,
    pub log_level: Option<String>,
    pub io: Option<IoChoice>,
    pub journal_file_bytes: Option<usize>,
    pub journal_files: Option<usize>,
    pub region: Option<String>,
    pub account: Option<String>,
    pub request_bytes_max: Option<usize>,
    pub body_bytes_in_flight_max: Option<usize>,
    pub answer_bytes_in_flight_max: Option<usize>,
    pub fan_out_bytes_in_flight_max: Option<usize>,
    pub connections_max: Option<usize>,
    pub head_timeout_ms: Option<u64>,
    pub idle_timeout_ms: Option<u64>,
    pub body_timeout_ms: Option<u64>,
    pub stop_timeout_ms: Option<u64>,
    pub streams_max: Option<usize>,
    pub shards_per_stream_max: Option<u32>,
    pub shards_max: Option<usize>,
    pub on_demand_streams_max: Option<usize>,
    pub consumers_per_stream_max: Option<usize>,
    pub limits: Option<LimitsChoice>,
    #[serde(default)]
    pub rates: RatesEntry,
    #[serde(default)]
    pub streams: Vec<StreamEntry>,
}

impl ConfigFile {
    /// The settings in `text`; `Err` says which line is wrong, and what could be there.
    pub fn parse(text: &str) -> Result<ConfigFile, toml::de::Error> {
        toml::from_str(text)
    }

    /// `flags`, with what they leave open taken from this file; the streams of both.
    #[must_use]
    pub fn below(self, flags: Flags) -> Flags {
        let mut streams = flags.streams;
        streams.extend(self.streams);
        let rates = self.rates;
        macro_rules! merge {
            ($($name:ident)*) => {
                Flags { config: flags.config, streams, rates, $($name: flags.$name.or(self.$name),)* }
            };
        }
        merge!(
            listen data_dir log_format log_level io journal_file_bytes journal_files region account
            request_bytes_max body_bytes_in_flight_max answer_bytes_in_flight_max
            fan_out_bytes_in_flight_max connections_max head_timeout_ms
            idle_timeout_ms body_timeout_ms stop_timeout_ms streams_max shards_per_stream_max
            shards_max on_demand_streams_max consumers_per_stream_max limits
        )
    }
}
