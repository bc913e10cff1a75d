//! Every bound of queues, named, with its unit and the reason for its size.

/// Records in flight in one queue: 250 MB of memory. A queue that has as many delivers nothing new
/// until some are acknowledged.
pub const IN_FLIGHT_MAX: u64 = 10_000_000;

/// Records of one shard that a log record skips, at most: those of failed log records before it. No
/// more receives than connections are under way, ten records each.
pub const SKIPPED_MAX: u64 = 1_000_000;

/// Queues of this server, all accounts and streams together.
pub const QUEUES_MAX: usize = 10_000;

/// Receives that wait for records in one queue.
pub const WAITING_MAX: usize = 1000;

/// Records of one receive.
pub const RECEIVE_RECORDS_MAX: usize = 10;

/// Bytes of keys and data of one receive; a single record may be as large as that.
pub const RECEIVE_BYTES_MAX: usize = 10 * 1024 * 1024;

/// Bytes of a delivery log after which a snapshot of the state begins.
pub const SNAPSHOT_AFTER_BYTES: u64 = 4 * 1024 * 1024;

/// Bytes of events between two chunks of a snapshot: about half a chunk, so that a snapshot costs
/// twice the events and the log stays below three times the state and twice
/// [`SNAPSHOT_AFTER_BYTES`].
pub const CHUNK_AFTER_BYTES: u64 = 32 * 1024;

/// Records of one chunk of a snapshot: 57 KB.
pub const CHUNK_RECORDS_MAX: usize = 2048;
