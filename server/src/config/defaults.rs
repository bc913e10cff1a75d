//! Every default and bound of the server, named, with its unit and the reason for its size.

/// Where to listen: this machine only, on the port that users of emulators expect.
pub const LISTEN: &str = "127.0.0.1:4567";

/// Where the data is.
pub const DATA_DIR: &str = "./flowstone-data";

/// The region of requests that name none.
pub const REGION: &str = "us-east-1";

/// The account of access keys that name none.
pub const ACCOUNT: &str = "000000000000";

/// What is logged.
pub const LOG_LEVEL: &str = "info";

/// Bytes of one request's body: 10 MiB of records are 14 MiB in base64, with their keys and names.
pub const REQUEST_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Bytes of all requests' bodies at once.
pub const BODY_BYTES_IN_FLIGHT_MAX: usize = 256 * 1024 * 1024;

/// Bytes of all answers with records at once.
pub const ANSWER_BYTES_IN_FLIGHT_MAX: usize = 256 * 1024 * 1024;

/// Connections at once: ten thousand subscriptions over HTTP/1.1, and those who put.
pub const CONNECTIONS_MAX: usize = 16_384;

/// Milliseconds to send a request's head, and to begin the next one.
pub const HEAD_TIMEOUT_MS: u64 = 60_000;

/// Milliseconds between two pieces of a body or an answer.
pub const IDLE_TIMEOUT_MS: u64 = 20_000;

/// Milliseconds to send a whole body.
pub const BODY_TIMEOUT_MS: u64 = 120_000;

/// Milliseconds to finish what is in flight when the server stops.
pub const STOP_TIMEOUT_MS: u64 = 10_000;

/// Milliseconds of any timeout: a day. A deadline must be a moment that the clock can hold.
pub const TIMEOUT_MS_MAX: u64 = 86_400_000;

/// Reads from disk at once.
pub const DISK_READS_MAX: usize = 64;

/// Streams of an account in a region.
pub const STREAMS_MAX: usize = 10_000;

/// Shards of one stream.
pub const SHARDS_PER_STREAM_MAX: u32 = 10_000;

/// Open shards of an account in a region.
pub const SHARDS_MAX: usize = 100_000;

/// Registered consumers of one stream.
pub const CONSUMERS_PER_STREAM_MAX: usize = 1_000;

/// Bytes of large events on their way to all subscribers at once.
pub const FAN_OUT_BYTES_IN_FLIGHT_MAX: usize = 256 * 1024 * 1024;

/// Open shards of an account in a region, as the service has them.
pub const AWS_SHARDS_MAX: usize = 200;

/// The same in its three largest regions.
pub const AWS_SHARDS_MAX_LARGE_REGION: usize = 500;

/// On-demand streams of an account in a region, as the service has them.
pub const AWS_ON_DEMAND_STREAMS_MAX: usize = 50;

/// Registered consumers of one stream, as the service has them.
pub const AWS_CONSUMERS_PER_STREAM_MAX: usize = 20;

/// The same of on-demand streams whose account has committed itself to a minimum of throughput.
pub const AWS_CONSUMERS_PER_ADVANTAGE_STREAM_MAX: usize = 50;
