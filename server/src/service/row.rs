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
    /// All shards that ever were, by index.
    pub shards: Vec<ShardRow>,
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

catalog_value!(StreamRow, version = 1);
catalog_value!(SecretRow, version = 1);
