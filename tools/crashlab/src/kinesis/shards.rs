//! The calls about a stream's shards: listing, splitting, merging, scaling.

use std::io;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::kinesis::{Client, Failure};

/// Pages of a list at most: a list that does not come to an end has failed.
const PAGES_MAX: usize = 1000;

/// A shard as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListedShard {
    /// Its name.
    pub shard_id: String,
    /// The shard that it was split or merged from.
    pub parent_shard_id: Option<String>,
    /// The other one that it was merged from.
    pub adjacent_parent_shard_id: Option<String>,
    /// Which hashes it takes.
    pub hash_key_range: HashKeyRange,
    /// Its first sequence number, and its last when it is closed.
    pub sequence_number_range: SequenceNumberRange,
}

/// Hashes as decimal numbers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct HashKeyRange {
    /// The first.
    pub starting_hash_key: String,
    /// The last.
    pub ending_hash_key: String,
}

/// Where a shard begins and ends.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SequenceNumberRange {
    /// The end of a closed shard.
    pub ending_sequence_number: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ShardPage {
    shards: Vec<ListedShard>,
    next_token: Option<String>,
}

impl ListedShard {
    /// Whether it takes no more records.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.sequence_number_range.ending_sequence_number.is_some()
    }

    /// The shards that it was split or merged from.
    pub fn parents(&self) -> impl Iterator<Item = &String> {
        self.parent_shard_id.iter().chain(&self.adjacent_parent_shard_id)
    }

    /// The first and the last hash that it takes.
    pub fn hashes(&self) -> Result<(u128, u128), Failure> {
        let HashKeyRange { starting_hash_key, ending_hash_key } = &self.hash_key_range;
        match (starting_hash_key.parse(), ending_hash_key.parse()) {
            (Ok(first), Ok(last)) => Ok((first, last)),
            _ => Err(io::Error::other("hash keys are no numbers").into()),
        }
    }
}

impl Client {
    /// All shards of a stream.
    pub fn list_shards(&mut self, stream: &str) -> Result<Vec<ListedShard>, Failure> {
        let mut shards = Vec::new();
        let mut ask = json!({"StreamName": stream});
        for _ in 0..PAGES_MAX {
            let page: ShardPage = self.call("ListShards", &ask)?;
            shards.extend(page.shards);
            match page.next_token {
                Some(token) => ask = json!({"NextToken": token}),
                None => return Ok(shards),
            }
        }
        Err(io::Error::other("the list of shards does not come to an end").into())
    }

    /// Splits a shard at hash `at`.
    pub fn split_shard(&mut self, stream: &str, shard: &str, at: u128) -> Result<(), Failure> {
        let input = json!({
            "StreamName": stream, "ShardToSplit": shard, "NewStartingHashKey": at.to_string(),
        });
        self.call::<Value>("SplitShard", &input).map(drop)
    }

    /// Merges a shard with its neighbour.
    pub fn merge_shards(
        &mut self,
        stream: &str,
        shard: &str,
        adjacent: &str,
    ) -> Result<(), Failure> {
        let input = json!({
            "StreamName": stream, "ShardToMerge": shard, "AdjacentShardToMerge": adjacent,
        });
        self.call::<Value>("MergeShards", &input).map(drop)
    }

    /// Gives a stream `target` open shards of one size.
    pub fn update_shard_count(&mut self, stream: &str, target: usize) -> Result<(), Failure> {
        let input = json!({
            "StreamName": stream, "TargetShardCount": target, "ScalingType": "UNIFORM_SCALING",
        });
        self.call::<Value>("UpdateShardCount", &input).map(drop)
    }
}
