//! Splitting, merging and scaling as a client sees them.

use std::sync::Arc;

use flowstone_engine::clock::ManualClock;
use flowstone_engine::entropy::SeededEntropy;
use flowstone_engine::io::{Backend, RealDisk};
use flowstone_engine::types::Timestamp;
use flowstone_engine::{Engine, Options};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::api::Body;
use crate::api::streams::{CallRates, Limits, Operation, State, dispatch};
use crate::service::StreamLimits;
use crate::service::limits::Rates;
use crate::wire::{Caller, Format};

const BEGAN: Timestamp = Timestamp(1_700_000_000_000);
const HOUR_MS: u64 = 3_600_000;
const HALF: &str = "170141183460469231731687303715884105728";

/// The service on a disk of its own, its clock in the test's hand.
struct World {
    runtime: Runtime,
    state: Arc<State>,
    clock: Arc<ManualClock>,
    _directory: tempfile::TempDir,
}

impl World {
    fn new() -> World {
        let directory = tempfile::tempdir().unwrap();
        let disk = RealDisk::open(directory.path(), Backend::Portable).unwrap();
        let clock = Arc::new(ManualClock::at(BEGAN));
        let entropy = Arc::new(SeededEntropy::new(7));
        let options = Options { journal_file_bytes: 1 << 20, ..Options::default() };
        let engine = Engine::open(Arc::new(disk), clock.clone(), entropy.clone(), options).unwrap();
        let streams = StreamLimits {
            streams_max: 10,
            shards_per_stream_max: 50,
            shards_max: 60,
            shards_max_large_region: None,
            on_demand_streams_max: 10,
        };
        let limits = Limits {
            mode_changes_per_day_max: 0,
            shard_count_changes_per_day_max: 0,
            rates: Rates::default(),
            calls: CallRates::none(),
            streams,
            disk_reads_max: 2,
            answer_bytes_max: 1 << 24,
            fan_out_bytes_max: 1 << 24,
            consumers_per_stream_max: 5,
            consumers_per_advantage_stream_max: 5,
        };
        let state = Arc::new(State::load(engine, clock.clone(), &*entropy, limits).unwrap());
        World { runtime: Runtime::new().unwrap(), state, clock, _directory: directory }
    }

    /// The answer, or the exception's code and message.
    fn call(&self, operation: &str, body: Value) -> Result<Value, (String, String)> {
        let caller = Caller { account: "123456789012".into(), region: "eu-west-1".into() };
        let operation = Operation::parse(operation).unwrap();
        let body = body.to_string();
        let called = dispatch(&self.state, &caller, operation, Format::Json, body.as_bytes());
        match self.runtime.block_on(called) {
            Ok(answer) => match answer.body {
                Body::Whole(bytes) if bytes.is_empty() => Ok(Value::Null),
                Body::Whole(bytes) => Ok(serde_json::from_slice(&bytes).unwrap()),
                Body::Events(_) => panic!("no events here"),
            },
            Err(exception) => {
                Err((exception.code.to_owned(), exception.message.unwrap_or_default().into_owned()))
            }
        }
    }

    fn ok(&self, operation: &str, body: Value) -> Value {
        self.call(operation, body).unwrap()
    }

    fn create(&self, shards: u32) {
        self.ok("CreateStream", json!({"StreamName": "s", "ShardCount": shards}));
    }

    fn split(&self, shard: &str, at: &str) -> Result<Value, (String, String)> {
        let body = json!({"StreamName": "s", "ShardToSplit": shard, "NewStartingHashKey": at});
        self.call("SplitShard", body)
    }

    fn merge(&self, shard: &str, adjacent: &str) -> Result<Value, (String, String)> {
        let body =
            json!({"StreamName": "s", "ShardToMerge": shard, "AdjacentShardToMerge": adjacent});
        self.call("MergeShards", body)
    }

    fn scale(&self, target: u64) -> Result<Value, (String, String)> {
        let body = json!({
            "StreamName": "s", "TargetShardCount": target, "ScalingType": "UNIFORM_SCALING",
        });
        self.call("UpdateShardCount", body)
    }

    fn put(&self, key: &str, data: &str) -> Value {
        let data = base64_simd::STANDARD.encode_to_string(data);
        self.ok("PutRecord", json!({"StreamName": "s", "PartitionKey": key, "Data": data}))
    }

    /// The indexes of the shards that a listing shows.
    fn list(&self, filter: Option<Value>) -> Vec<u64> {
        let mut body = json!({"StreamName": "s"});
        if let Some(filter) = filter {
            body["ShardFilter"] = filter;
        }
        let listed = self.ok("ListShards", body);
        let shards = listed["Shards"].as_array().unwrap();
        shards.iter().map(|shard| index_of(&shard["ShardId"])).collect()
    }

    fn iterator(&self, shard: u64, more: &Value) -> Result<String, (String, String)> {
        let mut body = json!({"StreamName": "s", "ShardId": format!("shardId-{shard:012}")});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let got = self.call("GetShardIterator", body)?;
        Ok(got["ShardIterator"].as_str().unwrap().to_owned())
    }

    fn read(&self, shard: u64, more: &Value) -> Value {
        let iterator = self.iterator(shard, more).unwrap();
        self.ok("GetRecords", json!({"ShardIterator": iterator}))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.state.engine.close();
    }
}

fn index_of(shard: &Value) -> u64 {
    shard.as_str().unwrap().strip_prefix("shardId-").unwrap().parse().unwrap()
}

fn trim_horizon() -> Value {
    json!({"ShardIteratorType": "TRIM_HORIZON"})
}

#[test]
fn a_split_shard_ends_and_points_at_its_children() {
    let world = World::new();
    world.create(1);
    let first = world.put("a", "before");
    world.split("shardId-000000000000", HALF).unwrap();
    let after = world.put("a", "after");
    let numbers = [&first, &after].map(|put| put["SequenceNumber"].as_str().unwrap().to_owned());
    assert!(numbers[0] < numbers[1] && numbers[0].len() == numbers[1].len());
    assert_ne!(index_of(&after["ShardId"]), 0);

    let read = world.read(0, &trim_horizon());
    assert_eq!(read["Records"].as_array().unwrap().len(), 1);
    assert!(read.get("NextShardIterator").is_none(), "{read}");
    assert_eq!(read["MillisBehindLatest"], 0);
    let children = json!([
        {
            "ShardId": "shardId-000000000001", "ParentShards": ["shardId-000000000000"],
            "HashKeyRange": {
                "StartingHashKey": "0",
                "EndingHashKey": "170141183460469231731687303715884105727",
            },
        },
        {
            "ShardId": "shardId-000000000002", "ParentShards": ["shardId-000000000000"],
            "HashKeyRange": {
                "StartingHashKey": HALF,
                "EndingHashKey": "340282366920938463463374607431768211455",
            },
        },
    ]);
    assert_eq!(read["ChildShards"], children);
    let open = world.read(1, &trim_horizon());
    assert!(open.get("NextShardIterator").is_some() && open.get("ChildShards").is_none());
}

#[test]
fn iterators_at_the_ending_number_of_a_closed_shard_find_its_end() {
    let world = World::new();
    world.create(2);
    world.put("a", "1");
    world.merge("shardId-000000000000", "shardId-000000000001").unwrap();
    let listed = world.ok("ListShards", json!({"StreamName": "s"}));
    for shard in 0..2 {
        let ending = &listed["Shards"][shard]["SequenceNumberRange"]["EndingSequenceNumber"];
        for kind in ["AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"] {
            let start = json!({"ShardIteratorType": kind, "StartingSequenceNumber": ending});
            let read = world.read(shard as u64, &start);
            assert_eq!(read["Records"], json!([]));
            assert!(read.get("NextShardIterator").is_none());
            let parents = json!(["shardId-000000000000", "shardId-000000000001"]);
            assert_eq!(read["ChildShards"][0]["ParentShards"], parents);
        }
        let read = world.read(shard as u64, &json!({"ShardIteratorType": "LATEST"}));
        assert_eq!(read["ChildShards"].as_array().unwrap().len(), 1);
    }
    let child = &listed["Shards"][2];
    assert_eq!(child["ParentShardId"], "shardId-000000000000");
    assert_eq!(child["AdjacentParentShardId"], "shardId-000000000001");
    let range = &child["SequenceNumberRange"];
    assert!(range.get("EndingSequenceNumber").is_none());
    let starting = range["StartingSequenceNumber"].as_str().unwrap();
    assert!(
        starting
            > listed["Shards"][0]["SequenceNumberRange"]["EndingSequenceNumber"].as_str().unwrap()
    );
}

#[test]
fn an_iterator_taken_before_the_split_reads_on_to_the_end() {
    let world = World::new();
    world.create(1);
    world.put("a", "1");
    let before = world.iterator(0, &trim_horizon()).unwrap();
    let read = world.ok("GetRecords", json!({"ShardIterator": before}));
    let next = read["NextShardIterator"].as_str().unwrap().to_owned();
    world.put("a", "2");
    world.split("0", HALF).unwrap();
    let read = world.ok("GetRecords", json!({"ShardIterator": next, "Limit": 1}));
    assert_eq!(read["Records"].as_array().unwrap().len(), 1);
    assert!(read.get("NextShardIterator").is_none() && read["ChildShards"].is_array());
}

#[test]
fn refusals_are_worded_as_the_service_words_them() {
    let world = World::new();
    let not_found = (
        "ResourceNotFoundException".to_owned(),
        "Stream s under account 123456789012 not found.".to_owned(),
    );
    assert_eq!(world.split("0", "5"), Err(not_found.clone()));
    assert_eq!(world.scale(2), Err(not_found));
    world.create(3);
    let refused = |result: Result<Value, (String, String)>, code: &str, message: &str| {
        assert_eq!(result, Err((code.to_owned(), message.to_owned())));
    };
    let invalid = "InvalidArgumentException";
    refused(
        world.split("shardId-000000000000", "1"),
        invalid,
        "NewStartingHashKey 1 used in SplitShard() on shard shardId-000000000000 in stream s under \
         account 123456789012 is not both greater than one plus the shard's StartingHashKey 0 and \
         less than the shard's EndingHashKey 113427455640312821154458202477256070483.",
    );
    refused(
        world.split("shardId-000000000007", "1"),
        "ResourceNotFoundException",
        "Shard shardId-000000000007 in stream s under account 123456789012 does not exist",
    );
    refused(
        world.split("shardId-x", "1"),
        "ResourceNotFoundException",
        "Could not find shard shardId-x in stream s under account 123456789012.",
    );
    refused(
        world.merge("shardId-000000000000", "shardId-000000000002"),
        invalid,
        "Shards shardId-000000000000 and shardId-000000000002 in stream s under account \
         123456789012 are not an adjacent pair of shards eligible for merging",
    );
    world.merge("shardId-000000000000", "shardId-000000000001").unwrap();
    refused(
        world.split("shardId-000000000000", "1000"),
        invalid,
        "Shard shardId-000000000000 in stream s under account 123456789012 has already been merged \
         or split, and thus is not eligible for merging or splitting.",
    );
    let limit = "LimitExceededException";
    refused(
        world.scale(5),
        limit,
        "UpdateShardCount cannot scale up over double your current open shard count. Current open \
         shard count: 2 Target shard count: 5",
    );
    assert_eq!(world.scale(u64::from(u32::MAX) + 7).unwrap_err().0, limit);
    world.scale(4).unwrap();
    refused(
        world.scale(1),
        limit,
        "UpdateShardCount cannot scale down below half your current open shard count. Current open \
         shard count: 4 Target shard count: 1",
    );
    let more = json!({"StreamName": "t", "ShardCount": 50});
    world.ok("CreateStream", more);
    assert!(world.scale(8).is_ok(), "58 of 60 fit");
    let (code, message) = world.scale(11).unwrap_err();
    assert_eq!(code, limit);
    assert!(message.contains("Current shard count for the account: 58. Limit: 60."), "{message}");
    assert!(message.contains("would have resulted from this request: 3."), "{message}");
}

#[test]
fn a_stream_whose_capacity_the_service_manages_is_not_resharded() {
    let world = World::new();
    world.ok(
        "CreateStream",
        json!({"StreamName": "s", "StreamModeDetails": {"StreamMode": "ON_DEMAND"}}),
    );
    for refused in [world.split("0", "5"), world.merge("0", "1"), world.scale(5)] {
        let (code, message) = refused.unwrap_err();
        assert_eq!(code, "ValidationException");
        assert!(message.ends_with("is in On-Demand mode."), "{message}");
    }
}

#[test]
fn a_new_shard_count_answers_both_counts_and_leaves_even_shards() {
    let world = World::new();
    world.create(4);
    for n in 0..20 {
        world.put(&n.to_string(), "x");
    }
    let answer = world.scale(5).unwrap();
    let expected = json!({
        "StreamName": "s", "CurrentShardCount": 4, "TargetShardCount": 5,
        "StreamARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/s",
    });
    assert_eq!(answer, expected);
    assert_eq!(world.list(None).len(), 15);
    assert_eq!(world.list(Some(json!({"Type": "AT_LATEST"}))).len(), 5);
    let summary = world.ok("DescribeStreamSummary", json!({"StreamName": "s"}));
    let summary = &summary["StreamDescriptionSummary"];
    assert_eq!(
        (&summary["OpenShardCount"], &summary["StreamStatus"]),
        (&json!(5), &json!("ACTIVE"))
    );
    assert_eq!(world.scale(5).unwrap()["CurrentShardCount"], 5, "nothing to do is done at once");
    let page = world.ok("DescribeStream", json!({"StreamName": "s", "Limit": 10}));
    let page = &page["StreamDescription"];
    assert_eq!(
        (page["Shards"].as_array().unwrap().len(), &page["HasMoreShards"]),
        (10, &json!(true))
    );
}

#[test]
fn filters_show_the_shards_of_their_time() {
    let world = World::new();
    world.create(1);
    world.clock.pass_ms(10_000);
    world.split("0", HALF).unwrap();
    world.clock.pass_ms(10_000);
    world.merge("1", "2").unwrap();
    world.clock.pass_ms(10_000);
    let at = |kind: &str, ms: u64| {
        let time = (BEGAN.0 + ms) as f64 / 1000.0;
        world.list(Some(json!({"Type": kind, "Timestamp": time})))
    };
    assert_eq!(at("AT_TIMESTAMP", 5_000), [0]);
    assert_eq!(at("AT_TIMESTAMP", 10_000), [0], "a shard is open up to its closing");
    assert_eq!(at("AT_TIMESTAMP", 10_001), [1, 2], "and its children behind it");
    assert_eq!(at("AT_TIMESTAMP", 25_000), [3]);
    assert_eq!(at("FROM_TIMESTAMP", 15_000), [1, 2, 3]);
    assert_eq!(at("FROM_TIMESTAMP", 0), [0, 1, 2, 3]);
    assert_eq!(world.list(Some(json!({"Type": "AT_TRIM_HORIZON"}))), [0]);
    assert_eq!(world.list(Some(json!({"Type": "FROM_TRIM_HORIZON"}))), [0, 1, 2, 3]);
    assert_eq!(world.list(Some(json!({"Type": "AT_LATEST"}))), [3]);
    let after = json!({"Type": "AFTER_SHARD_ID", "ShardId": "shardId-000000000001"});
    assert_eq!(world.list(Some(after)), [2, 3]);
    world.clock.pass_ms(24 * HOUR_MS - 15_000);
    assert_eq!(world.list(Some(json!({"Type": "AT_TRIM_HORIZON"}))), [1, 2]);
    assert_eq!(at("AT_TIMESTAMP", 5_000), [1, 2], "a time past retention is the trim horizon");
}

#[test]
fn a_closed_shard_leaves_when_its_retention_has_passed() {
    let world = World::new();
    world.create(1);
    world.put("a", "old");
    world.clock.pass_ms(HOUR_MS);
    let iterator = world.iterator(0, &trim_horizon()).unwrap();
    world.split("0", HALF).unwrap();
    world.put("a", "new");
    let sweep = || {
        let now = world.state.engine.retention_now();
        world.state.streams.sweep(&world.state.engine, now).unwrap()
    };
    world.clock.pass_ms(23 * HOUR_MS + HOUR_MS);
    assert_eq!(sweep(), 0, "its last record may be that old");
    world.clock.pass_ms(1);
    assert_eq!(sweep(), 1);
    assert_eq!(world.list(None), [1, 2]);
    let gone = "Shard shardId-000000000000 in stream s under account 123456789012 does not exist";
    let expected = ("ResourceNotFoundException".to_owned(), gone.to_owned());
    assert_eq!(world.iterator(0, &trim_horizon()), Err(expected));
    let (code, _) = world.call("GetRecords", json!({"ShardIterator": iterator})).unwrap_err();
    assert_eq!(code, "ExpiredIteratorException");
    assert_eq!(world.state.engine.status().shards, 2, "its log is deleted");
    let again = world.split("1", "1000").unwrap();
    assert_eq!((again, world.list(None)), (Value::Null, vec![1, 2, 3, 4]), "indexes go on");
    assert_eq!(sweep(), 0);
}
