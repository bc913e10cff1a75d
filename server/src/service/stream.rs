//! A stream as it is now: state, shards, routes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flowstone_engine::types::ShardId;
use tokio::sync::watch;

use crate::service::address::StreamKey;
use crate::service::routing::Routes;
use crate::service::row::{ShardRow, StreamRow};
use crate::service::sequence::SequenceNumber;

/// Where a stream is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its shard logs are being made.
    Creating,
    /// It takes and gives records.
    Active,
    /// The same, while its shards are being split or merged.
    Updating,
    /// Its shard logs are being deleted.
    Deleting,
}

/// An immutable snapshot of a stream. A change makes another one.
#[derive(Clone, Debug)]
pub struct Stream {
    /// What the catalog has of it.
    pub row: Arc<StreamRow>,
    /// Where it is in its life.
    pub state: State,
    /// Whose hash range holds a key; absent until the stream has shards.
    routes: Option<Arc<Routes>>,
    /// Told when another snapshot takes the place of this one. All snapshots of a stream share it.
    pub(super) changes: Arc<watch::Sender<()>>,
    /// Records that went to shards in turn.
    turns: Arc<AtomicU64>,
}

impl Stream {
    /// The stream of `row`. Its open shards' ranges must cover the hash space.
    #[must_use]
    pub fn active(row: StreamRow) -> Option<Stream> {
        let open = row.shards.iter().filter(|shard| shard.closed_ms.is_none());
        let ranges = open.map(|shard| (shard.hash_first, shard.hash_last, shard.index));
        let routes = Arc::new(Routes::new(ranges)?);
        let is_in_order = row.shards.is_sorted_by(|a, b| a.index < b.index)
            && row.shards.last().is_none_or(|shard| shard.index < row.next_shard);
        is_in_order.then(|| Stream {
            row: Arc::new(row),
            state: State::Active,
            routes: Some(routes),
            changes: Arc::new(watch::Sender::new(())),
            turns: Arc::default(),
        })
    }

    /// A stream that is being made.
    #[must_use]
    pub fn creating(row: StreamRow) -> Stream {
        Stream {
            row: Arc::new(row),
            state: State::Creating,
            routes: None,
            changes: Arc::default(),
            turns: Arc::default(),
        }
    }

    /// This stream in another state.
    #[must_use]
    pub fn in_state(&self, state: State) -> Stream {
        Stream { state, ..self.clone() }
    }

    /// This stream with other settings; `row` has the same shards.
    pub(super) fn with_settings(&self, row: StreamRow) -> Stream {
        Stream { row: Arc::new(row), ..self.clone() }
    }

    /// This stream with other shards, in the same state. Those open must cover the hash space.
    pub(super) fn with_shards(&self, row: StreamRow) -> Option<Stream> {
        let changes = Arc::clone(&self.changes);
        let turns = Arc::clone(&self.turns);
        Some(Stream { state: self.state, changes, turns, ..Stream::active(row)? })
    }

    /// Whether it takes and gives records.
    #[must_use]
    pub fn is_serving(&self) -> bool {
        matches!(self.state, State::Active | State::Updating)
    }

    /// The open shard that takes `hash`; `None` unless the stream is serving.
    #[must_use]
    pub fn shard_for(&self, hash: u128) -> Option<&ShardRow> {
        let routes = self.routes.as_ref().filter(|_| self.is_serving())?;
        self.shard(routes.shard_of(hash))
    }

    /// A hash key of the open shard whose turn it is; `None` unless the stream is serving.
    #[must_use]
    pub fn hash_in_turn(&self) -> Option<u128> {
        let routes = self.routes.as_ref().filter(|_| self.is_serving())?;
        Some(routes.in_turn(self.turns.fetch_add(1, Ordering::Relaxed)))
    }

    /// The shard of `index`, unless it was closed longer than the retention ago.
    #[must_use]
    pub fn shard(&self, index: u32) -> Option<&ShardRow> {
        let at = self.row.shards.binary_search_by_key(&index, |shard| shard.index).ok()?;
        self.row.shards.get(at)
    }

    /// Shards that take records.
    #[must_use]
    pub fn open_shards(&self) -> usize {
        self.row.shards.iter().filter(|shard| shard.closed_ms.is_none()).count()
    }

    /// Whether it was made in the second of `ms`, milliseconds since 1970: clients that keep the
    /// time as a float of seconds lose the milliseconds.
    #[must_use]
    pub fn was_created_at(&self, ms: i64) -> bool {
        u64::try_from(ms.div_euclid(1000)).is_ok_and(|s| s == self.row.created_ms / 1000)
    }

    /// Whether its records are said to be encrypted.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.row.encryption_key.is_some()
    }

    /// Bytes of the largest record's data.
    #[must_use]
    pub fn record_bytes_max(&self) -> usize {
        self.row.record_kib_max as usize * 1024
    }

    /// Its name with whose and where it is.
    #[must_use]
    pub fn key(&self) -> StreamKey<'_> {
        let StreamRow { account, region, name, .. } = &*self.row;
        StreamKey { account, region, name }
    }

    /// The stream's ARN.
    #[must_use]
    pub fn arn(&self) -> String {
        let StreamRow { account, region, name, .. } = &*self.row;
        format!("arn:{}:kinesis:{region}:{account}:stream/{name}", partition(region))
    }
}

/// The partition that ARNs of `region` name.
pub(super) fn partition(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "aws-cn"
    } else if region.starts_with("us-gov-") {
        "aws-us-gov"
    } else {
        "aws"
    }
}

impl StreamRow {
    /// Its name, with whose and where it is.
    #[must_use]
    pub fn key(&self) -> StreamKey<'_> {
        StreamKey { account: &self.account, region: &self.region, name: &self.name }
    }

    /// Milliseconds that records are kept.
    #[must_use]
    pub fn retention_ms(&self) -> u64 {
        u64::from(self.retention_hours) * 3_600_000
    }
}

impl ShardRow {
    /// Its log in the engine.
    #[must_use]
    pub fn log(&self) -> ShardId {
        ShardId(self.log)
    }

    /// Its name: `shardId-000000000000`.
    #[must_use]
    pub fn name(&self) -> String {
        shard_name(self.index)
    }

    /// When it was made, as its sequence numbers carry it.
    #[must_use]
    pub fn created_s(&self) -> u64 {
        self.created_ms / 1000
    }

    /// The number before its first record.
    #[must_use]
    pub fn starting_sequence(&self) -> SequenceNumber {
        SequenceNumber::starting(self.created_s(), self.index)
    }

    /// The number behind its last record, once it is closed.
    #[must_use]
    pub fn ending_sequence(&self) -> Option<SequenceNumber> {
        let closed_ms = self.closed_ms?;
        Some(SequenceNumber::ending(self.created_s(), self.index, closed_ms / 1000))
    }
}

/// The name of the shard with `index`.
#[must_use]
pub fn shard_name(index: u32) -> String {
    format!("shardId-{index:012}")
}

/// The index that a shard's name says: the number behind the first `-`, or the whole text.
#[must_use]
pub fn parse_shard_name(name: &str) -> Option<u32> {
    let digits = name.split_once('-').map_or(name, |(_, digits)| digits);
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let index: u32 = digits.parse().ok().filter(|_| is_number)?;
    (index <= i32::MAX.unsigned_abs()).then_some(index)
}
