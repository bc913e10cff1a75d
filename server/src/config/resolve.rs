//! One `Config` out of flags and file, checked.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use flowstone_engine::limits::JOURNAL_FILE_BYTES;

use crate::api::streams;
use crate::config::defaults;
use crate::config::file::ConfigFile;
use crate::config::flags::{Flags, IoChoice, LogFormat};
use crate::config::limits::{LimitsChoice, settle};
use crate::config::streams::plan;
use crate::http;
use crate::service::{PlannedStream, StreamLimits};
use crate::wire::Defaults;

/// All that the server is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where the data is.
    pub data_dir: PathBuf,
    /// Form of the log.
    pub log_format: LogFormat,
    /// What to log.
    pub log_level: String,
    /// How to write to disk.
    pub io: IoChoice,
    /// Bytes of a journal file.
    pub journal_file_bytes: usize,
    /// Journal files at most; as many as suit the machine's memory when that is open.
    pub journal_files: Option<usize>,
    /// Who calls when a request does not say.
    pub defaults: Defaults,
    /// Bounds of the HTTP side.
    pub http: http::Limits,
    /// Bounds of Kinesis Data Streams.
    pub streams: streams::Limits,
    /// Streams that should exist at the start.
    pub planned: Vec<PlannedStream>,
}

/// Why there is no configuration.
#[derive(Debug)]
pub enum ConfigError {
    /// The file cannot be read.
    File(PathBuf, std::io::Error),
    /// The file is wrong.
    Toml(PathBuf, Box<toml::de::Error>),
    /// A setting is wrong.
    Setting(&'static str, String),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::File(path, error) => {
                write!(f, "configuration file cannot be read path=`{}`: {error}", path.display())
            }
            ConfigError::Toml(path, error) => {
                write!(f, "configuration file is wrong path=`{}`:\n{error}", path.display())
            }
            ConfigError::Setting(name, why) => write!(f, "setting {name} is wrong: {why}"),
        }
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads the file that the flags name, if any, and settles every setting.
    pub fn load(flags: Flags) -> Result<Config, ConfigError> {
        let file = match &flags.config {
            None => ConfigFile::default(),
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|error| ConfigError::File(path.clone(), error))?;
                ConfigFile::parse(&text)
                    .map_err(|error| ConfigError::Toml(path.clone(), Box::new(error)))?
            }
        };
        Config::resolve(file.below(flags))
    }

    /// Settles every setting that is still open.
    pub fn resolve(flags: Flags) -> Result<Config, ConfigError> {
        let ms = |value: Option<u64>, default| Duration::from_millis(value.unwrap_or(default));
        let limits = flags.limits.unwrap_or_default();
        let is_aws = limits == LimitsChoice::Aws;
        let aws_or = |aws: usize, default: usize| if is_aws { aws } else { default };
        let settled =
            settle(limits, flags.rates).map_err(|why| ConfigError::Setting("rates", why))?;
        // A bound that was set is the same everywhere.
        let shards_max_large_region =
            (is_aws && flags.shards_max.is_none()).then_some(defaults::AWS_SHARDS_MAX_LARGE_REGION);
        let shards_max =
            flags.shards_max.unwrap_or(aws_or(defaults::AWS_SHARDS_MAX, defaults::SHARDS_MAX));
        let consumers = |aws| {
            let default = aws_or(aws, defaults::CONSUMERS_PER_STREAM_MAX);
            flags.consumers_per_stream_max.unwrap_or(default)
        };
        let listen_default = defaults::LISTEN.parse().expect("the default is an address");
        let mut config = Config {
            listen: flags.listen.unwrap_or(listen_default),
            data_dir: flags.data_dir.unwrap_or_else(|| defaults::DATA_DIR.into()),
            log_format: flags.log_format.unwrap_or_default(),
            log_level: flags.log_level.unwrap_or_else(|| defaults::LOG_LEVEL.to_owned()),
            io: flags.io.unwrap_or_default(),
            journal_file_bytes: flags.journal_file_bytes.unwrap_or(JOURNAL_FILE_BYTES),
            journal_files: flags.journal_files,
            defaults: Defaults {
                account: flags.account.unwrap_or_else(|| defaults::ACCOUNT.to_owned()),
                region: flags.region.unwrap_or_else(|| defaults::REGION.to_owned()),
            },
            http: http::Limits {
                connections_max: flags.connections_max.unwrap_or(defaults::CONNECTIONS_MAX),
                request_bytes_max: flags.request_bytes_max.unwrap_or(defaults::REQUEST_BYTES_MAX),
                body_bytes_in_flight_max: flags
                    .body_bytes_in_flight_max
                    .unwrap_or(defaults::BODY_BYTES_IN_FLIGHT_MAX),
                head_timeout: ms(flags.head_timeout_ms, defaults::HEAD_TIMEOUT_MS),
                idle_timeout: ms(flags.idle_timeout_ms, defaults::IDLE_TIMEOUT_MS),
                body_timeout: ms(flags.body_timeout_ms, defaults::BODY_TIMEOUT_MS),
                stop_timeout: ms(flags.stop_timeout_ms, defaults::STOP_TIMEOUT_MS),
            },
            streams: streams::Limits {
                streams: StreamLimits {
                    streams_max: flags.streams_max.unwrap_or(defaults::STREAMS_MAX),
                    shards_per_stream_max: flags
                        .shards_per_stream_max
                        .unwrap_or(defaults::SHARDS_PER_STREAM_MAX),
                    shards_max,
                    shards_max_large_region,
                    on_demand_streams_max: flags.on_demand_streams_max.unwrap_or(aws_or(
                        defaults::AWS_ON_DEMAND_STREAMS_MAX,
                        defaults::STREAMS_MAX,
                    )),
                },
                fan_out_bytes_max: flags
                    .fan_out_bytes_in_flight_max
                    .unwrap_or(defaults::FAN_OUT_BYTES_IN_FLIGHT_MAX),
                consumers_per_stream_max: consumers(defaults::AWS_CONSUMERS_PER_STREAM_MAX),
                consumers_per_advantage_stream_max: consumers(
                    defaults::AWS_CONSUMERS_PER_ADVANTAGE_STREAM_MAX,
                ),
                rates: settled.rates,
                calls: settled.calls,
                mode_changes_per_day_max: settled.mode_changes_per_day_max,
                shard_count_changes_per_day_max: settled.shard_count_changes_per_day_max,
                disk_reads_max: defaults::DISK_READS_MAX,
                answer_bytes_max: flags
                    .answer_bytes_in_flight_max
                    .unwrap_or(defaults::ANSWER_BYTES_IN_FLIGHT_MAX),
            },
            planned: Vec::new(),
        };
        config.check()?;
        config.planned = plan(flags.streams, &config.defaults, &config.streams.streams)
            .map_err(|why| ConfigError::Setting("streams", why))?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let wrong = |name, why: &str| Err(ConfigError::Setting(name, why.to_owned()));
        let Defaults { account, region } = &self.defaults;
        check_account(account).map_err(|why| ConfigError::Setting("account", why))?;
        check_region(region).map_err(|why| ConfigError::Setting("region", why))?;
        if self.journal_files.is_some_and(|files| !(2..=64).contains(&files)) {
            return wrong("journal_files", "2 to 64 are possible");
        }
        let semaphore_max = tokio::sync::Semaphore::MAX_PERMITS;
        if !(1..=semaphore_max).contains(&self.http.connections_max) {
            return wrong("connections_max", "at least 1 is needed");
        }
        if self.http.request_bytes_max == 0 {
            return wrong("request_bytes_max", "at least 1 is needed");
        }
        if self.http.body_bytes_in_flight_max < self.http.request_bytes_max {
            return wrong("body_bytes_in_flight_max", "it must not be below request_bytes_max");
        }
        for (name, timeout) in [
            ("head_timeout_ms", self.http.head_timeout),
            ("idle_timeout_ms", self.http.idle_timeout),
            ("body_timeout_ms", self.http.body_timeout),
            ("stop_timeout_ms", self.http.stop_timeout),
        ] {
            if timeout > Duration::from_millis(defaults::TIMEOUT_MS_MAX) {
                return wrong(name, "a timeout is at most a day, 86400000");
            }
        }
        Ok(())
    }
}

pub(super) fn check_account(account: &str) -> Result<(), String> {
    if account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(());
    }
    Err("an account is twelve digits, such as 000000000000".to_owned())
}

pub(super) fn check_region(region: &str) -> Result<(), String> {
    let is_part = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if !region.is_empty() && region.bytes().all(is_part) {
        return Ok(());
    }
    Err("a region is like us-east-1".to_owned())
}
