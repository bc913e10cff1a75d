//! A stream's row in the catalog.

use flowstone_engine::catalog::Table;
use flowstone_engine::catalog_value;
use rkyv::{Archive, Deserialize, Serialize};

/// All streams, under `account/region/name`.
pub(super) const STREAMS: Table<String, StreamRow> = Table::new("server.streams");

/// The server's secrets, by name.
pub(super) const SECRETS: Table<String, SecretRow> = Table::new("server.secrets");

/// The secret that tokens are sealed with.
pub(super) const TOKEN_SECRET: &str = "tokens";

/// What is kept of a stream.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct StreamRow {
    /// Its identity: never that of another stream, also not of one with the same name.
    pub id: u64,
    /// Its name, one in account and region.
    pub name: String,
    /// Whose it is.
    pub account: String,
    /// Where it is said to be.
    pub region: String,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: u64,
    /// How its capacity is said to be managed.
    pub mode: Mode,
    /// Who chooses the shard of a record.
    pub distribution: Distribution,
    /// Hours that records are kept.
    pub retention_hours: u32,
    /// KiB of the largest record.
    pub record_kib_max: u32,
    /// MiB a second that the stream is kept warm for.
    pub warm_mibps: Option<u32>,
    /// Tags, sorted by key.
    pub tags: Vec<(String, String)>,
    /// The key that records are said to be encrypted with.
    pub encryption_key: Option<String>,
    /// Who else may use the stream: a document of JSON.
    pub policy: Option<String>,
    /// Metrics that are wanted of each shard, a bit each.
    pub shard_metrics: u8,
    /// When its shard count was changed lately, in milliseconds since 1970.
    pub scaled_ms: Vec<u64>,
    /// When its mode was changed lately, in milliseconds since 1970.
    pub mode_changed_ms: Vec<u64>,
    /// The index of the next shard.
    pub next_shard: u32,
    /// Its shards, open or closed less than its retention ago, by index.
    pub shards: Vec<ShardRow>,
}

/// A stream's row as version 1 had it.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub(super) struct StreamRowV1 {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) account: String,
    pub(super) region: String,
    pub(super) created_ms: u64,
    pub(super) mode: Mode,
    pub(super) distribution: Distribution,
    pub(super) retention_hours: u32,
    pub(super) record_kib_max: u32,
    pub(super) warm_mibps: Option<u32>,
    pub(super) tags: Vec<(String, String)>,
    pub(super) shards: Vec<ShardRow>,
}

impl From<StreamRowV1> for StreamRow {
    fn from(old: StreamRowV1) -> StreamRow {
        StreamRow {
            id: old.id,
            name: old.name,
            account: old.account,
            region: old.region,
            created_ms: old.created_ms,
            mode: old.mode,
            distribution: old.distribution,
            retention_hours: old.retention_hours,
            record_kib_max: old.record_kib_max,
            warm_mibps: old.warm_mibps,
            tags: old.tags,
            encryption_key: None,
            policy: None,
            shard_metrics: 0,
            scaled_ms: Vec::new(),
            mode_changed_ms: Vec::new(),
            next_shard: old.shards.last().map_or(0, |shard| shard.index.saturating_add(1)),
            shards: old.shards,
        }
    }
}

/// What is kept of a shard.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct ShardRow {
    /// Its log in the engine.
    pub log: u64,
    /// Its index in the stream: the order of making, never reused.
    pub index: u32,
    /// The first hash key that it takes.
    pub hash_first: u128,
    /// The last hash key that it takes.
    pub hash_last: u128,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: u64,
    /// When it was closed by a split or a merge.
    pub closed_ms: Option<u64>,
    /// The shard that it came from.
    pub parent: Option<u32>,
    /// The other shard that it was merged from.
    pub adjacent_parent: Option<u32>,
}

/// How a stream's capacity is said to be managed.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// By its owner, in shards.
    Provisioned,
    /// By the service.
    OnDemand,
}

/// Who chooses the shard of a record.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// The service.
    Auto,
    /// The partition key.
    UserPartitionKey,
}

/// A random key.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub(super) struct SecretRow {
    /// Its bytes.
    pub(super) key: [u8; 32],
}

catalog_value!(StreamRow, version = 2, before = { 1: StreamRowV1 });
catalog_value!(SecretRow, version = 1);
