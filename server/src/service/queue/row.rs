//! A queue's row in the catalog.

use flowstone_engine::catalog::Table;
use flowstone_engine::catalog_value;
use flowstone_engine::types::ShardId;
use rkyv::{Archive, Deserialize, Serialize};

/// All queues, under `account/region/resource`.
pub(super) const QUEUES: Table<String, QueueRow> = Table::new("server.queues");

/// What is kept of a queue.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct QueueRow {
    /// Its identity, and its delivery log in the engine.
    pub id: u64,
    /// Its part of its ARN: random.
    pub resource: String,
    /// Its name, one in account and region.
    pub name: String,
    /// Whose it is.
    pub account: String,
    /// Where it is said to be.
    pub region: String,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: u64,
    /// The stream's identity.
    pub stream: u64,
    /// The stream's ARN.
    pub stream_arn: String,
    /// When the stream was made, in milliseconds since 1970.
    pub stream_created_ms: u64,
    /// Where delivery was asked to begin.
    pub start: QueueStart,
    /// The moment that this came to, in milliseconds since 1970.
    pub start_ms: u64,
    /// The first record to deliver, of each shard there was; of later shards it is the first.
    pub cursors: Vec<(u32, u64)>,
    /// Seconds that a received record is not visible.
    pub visibility_s: u32,
    /// Receives after which a record becomes a dead letter; none: never.
    pub receive_count_max: Option<u32>,
    /// Tags, sorted by key.
    pub tags: Vec<(String, String)>,
    /// Who else may use it: a document of JSON.
    pub policy: Option<String>,
}

/// Where delivery begins.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueStart {
    /// At the oldest record.
    TrimHorizon,
    /// Behind the newest record.
    Latest,
    /// At the first record that arrived then or later.
    AtTime(u64),
}

impl QueueRow {
    /// Its delivery log.
    #[must_use]
    pub fn log(&self) -> ShardId {
        ShardId(self.id)
    }

    /// The row's key.
    pub(super) fn key(&self) -> String {
        [self.account.as_str(), &self.region, &self.resource].join("/")
    }

    /// The queue's ARN.
    #[must_use]
    pub fn arn(&self) -> String {
        let QueueRow { account, region, resource, .. } = self;
        let partition = crate::service::stream::partition(region);
        format!("arn:{partition}:kinesis:{region}:{account}:queue/{resource}")
    }
}

catalog_value!(QueueRow, version = 1);
