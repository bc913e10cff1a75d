//! The command line and `FLOWSTONE_*`, and the help that teaches them.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use serde::Deserialize;

use crate::config::limits::{LimitsChoice, RatesEntry};
use crate::config::streams::StreamEntry;

const EXAMPLES: &str = "\
Examples:
  # Serve on 127.0.0.1:4567 and keep the data in ./flowstone-data
  flowstone

  # Serve all interfaces, data on another disk, logs for a collector
  flowstone --listen 0.0.0.0:4567 --data-dir /srv/flowstone --log-format json

  # The same by environment
  FLOWSTONE_LISTEN=0.0.0.0:4567 FLOWSTONE_DATA_DIR=/srv/flowstone flowstone

  # The same by file: keys are the flags' names with underscores
  printf 'listen = \"0.0.0.0:4567\"\\ndata_dir = \"/srv/flowstone\"\\n' > flowstone.toml
  flowstone --config flowstone.toml

  # With two streams that are made unless they are there; the first has 2 shards
  flowstone --stream orders:2 --stream clicks

  # The same by file, with all that can be said of a stream
  cat > flowstone.toml <<'END'
  [[streams]]
  name = \"orders\"
  shards = 2                  # left out: on-demand mode
  retention_hours = 48        # default: 24
  record_kib_max = 2048       # default: 1024
  account = \"111122223333\"  # default: account
  region = \"eu-west-1\"      # default: region
  tags = { team = \"shop\" }
  END
  flowstone --config flowstone.toml

  # With the service's limits, but faster shards and more calls of one operation (0: no limit)
  cat > flowstone.toml <<'END'
  limits = \"aws\"
  [rates]
  shard_write_bytes_per_s = 10485760   # aws: 1048576
  shard_write_records_per_s = 10000    # aws: 1000
  shard_read_bytes_per_s = 20971520    # aws: 2097152
  shard_reads_per_s = 50               # aws: 5
  consumer_bytes_per_s = 20971520      # aws: 2097152, of each fan-out subscription
  mode_changes_per_day = 0             # aws: 2, of each stream
  shard_count_changes_per_day = 0      # aws: 10, of each stream
  [rates.calls_per_s]
  ListStreams = 100                    # aws: as each operation's documentation says
  END
  flowstone --config flowstone.toml

Flags win over the environment, the environment over the file.
Then, from another terminal (any credentials will do):
  aws --endpoint-url http://127.0.0.1:4567 kinesis create-stream --stream-name demo --shard-count 2";

/// A durable streaming server that speaks the Kinesis API.
#[derive(Parser, Clone, Debug, Default, PartialEq, Eq)]
#[command(name = "flowstone", version, about, after_help = EXAMPLES)]
pub struct Flags {
    /// Address and port to listen on [default: 127.0.0.1:4567]
    #[arg(long, env = "FLOWSTONE_LISTEN", value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,

    /// Directory of the data; made if it is missing [default: ./flowstone-data]
    #[arg(long, env = "FLOWSTONE_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,

    /// TOML file with any of these settings
    #[arg(long, env = "FLOWSTONE_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Form of the log on standard error [default: text]
    #[arg(long, env = "FLOWSTONE_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,

    /// What to log: error, warn, info, debug, trace, or a filter such as
    /// info,flowstone_engine=debug [default: info]
    #[arg(long, env = "FLOWSTONE_LOG_LEVEL", value_name = "FILTER")]
    pub log_level: Option<String>,

    /// How to write to disk; auto takes io_uring where the kernel allows it [default: auto]
    #[arg(long, env = "FLOWSTONE_IO", value_name = "KIND")]
    pub io: Option<IoChoice>,

    /// Bytes of a journal file, a multiple of 4096: no request can be larger [default: 100663296]
    #[arg(long, env = "FLOWSTONE_JOURNAL_FILE_BYTES", value_name = "BYTES")]
    pub journal_file_bytes: Option<usize>,

    /// Journal files, 2 to 64, all mirrored in memory: a burst into half of them does not wait for
    /// sealing [default: 4 to 12, up to a sixteenth of the memory]
    #[arg(long, env = "FLOWSTONE_JOURNAL_FILES", value_name = "COUNT")]
    pub journal_files: Option<usize>,

    /// Region of requests whose signature names none [default: us-east-1]
    #[arg(long, env = "FLOWSTONE_REGION", value_name = "REGION")]
    pub region: Option<String>,

    /// Account of requests whose access key is not twelve digits [default: 000000000000]
    #[arg(long, env = "FLOWSTONE_ACCOUNT", value_name = "DIGITS")]
    pub account: Option<String>,

    /// Bytes of the largest request [default: 16777216]
    #[arg(long, env = "FLOWSTONE_REQUEST_BYTES_MAX", value_name = "BYTES")]
    pub request_bytes_max: Option<usize>,

    /// Bytes of all requests being read or served at once [default: 268435456]
    #[arg(long, env = "FLOWSTONE_BODY_BYTES_IN_FLIGHT_MAX", value_name = "BYTES")]
    pub body_bytes_in_flight_max: Option<usize>,

    /// Bytes of all answers with records being sent at once [default: 268435456]
    #[arg(long, env = "FLOWSTONE_ANSWER_BYTES_IN_FLIGHT_MAX", value_name = "BYTES")]
    pub answer_bytes_in_flight_max: Option<usize>,

    /// Bytes of all large events on their way to subscribers at once [default: 268435456]
    #[arg(long, env = "FLOWSTONE_FAN_OUT_BYTES_IN_FLIGHT_MAX", value_name = "BYTES")]
    pub fan_out_bytes_in_flight_max: Option<usize>,

    /// Connections at once; more wait. Fewer if the limit on open files is low [default: 16384]
    #[arg(long, env = "FLOWSTONE_CONNECTIONS_MAX", value_name = "COUNT")]
    pub connections_max: Option<usize>,

    /// Milliseconds for a request's head, and for the next request on an open connection
    /// [default: 60000]
    #[arg(long, env = "FLOWSTONE_HEAD_TIMEOUT_MS", value_name = "MS")]
    pub head_timeout_ms: Option<u64>,

    /// Milliseconds without a byte of a body or an answer [default: 20000]
    #[arg(long, env = "FLOWSTONE_IDLE_TIMEOUT_MS", value_name = "MS")]
    pub idle_timeout_ms: Option<u64>,

    /// Milliseconds for a whole body [default: 120000]
    #[arg(long, env = "FLOWSTONE_BODY_TIMEOUT_MS", value_name = "MS")]
    pub body_timeout_ms: Option<u64>,

    /// Milliseconds to finish requests in flight when stopped [default: 10000]
    #[arg(long, env = "FLOWSTONE_STOP_TIMEOUT_MS", value_name = "MS")]
    pub stop_timeout_ms: Option<u64>,

    /// Stream to make at the start unless it is there: NAME for on-demand mode, or NAME:SHARDS. May
    /// be repeated. The file of --config can say more of each, see below
    #[arg(
        long = "stream",
        env = "FLOWSTONE_STREAMS",
        value_name = "NAME[:SHARDS]",
        value_delimiter = ','
    )]
    pub streams: Vec<StreamEntry>,

    /// Streams of one account in one region [default: 10000]
    #[arg(long, env = "FLOWSTONE_STREAMS_MAX", value_name = "COUNT")]
    pub streams_max: Option<usize>,

    /// Shards of one stream [default: 10000]
    #[arg(long, env = "FLOWSTONE_SHARDS_PER_STREAM_MAX", value_name = "COUNT")]
    pub shards_per_stream_max: Option<u32>,

    /// Open shards of one account in one region [default: 100000; aws: 500 in us-east-1, us-west-2
    /// and eu-west-1, else 200]
    #[arg(long, env = "FLOWSTONE_SHARDS_MAX", value_name = "COUNT")]
    pub shards_max: Option<usize>,

    /// Streams in on-demand mode of one account in one region [default: 10000; aws: 50]
    #[arg(long, env = "FLOWSTONE_ON_DEMAND_STREAMS_MAX", value_name = "COUNT")]
    pub on_demand_streams_max: Option<usize>,

    /// Registered consumers of one stream [default: 1000; aws: 20]
    #[arg(long, env = "FLOWSTONE_CONSUMERS_PER_STREAM_MAX", value_name = "COUNT")]
    pub consumers_per_stream_max: Option<usize>,

    /// Limits of the service that are kept: off for none, aws for all, so that what runs here runs
    /// there. Streams in on-demand mode are as fast as the machine either way [default: off]
    #[arg(long, env = "FLOWSTONE_LIMITS", value_name = "LIMITS")]
    pub limits: Option<LimitsChoice>,

    /// The file's table `rates`.
    #[arg(skip)]
    pub rates: RatesEntry,
}

/// Form of the log.
#[derive(ValueEnum, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// A line for people.
    #[default]
    Text,
    /// A JSON object a line.
    Json,
}

/// How to write to disk.
#[derive(ValueEnum, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum IoChoice {
    /// io_uring where the kernel allows it.
    #[default]
    Auto,
    /// io_uring, or not at all.
    #[value(name = "io_uring")]
    IoUring,
    /// Threads.
    Portable,
}
