//! Tests of limits: what is refused, in which words, and what counts towards nothing.

use serde_json::{Value, json};

use super::rig::{ACCOUNT, HOUR_MS, Rig, limits};
use crate::api::streams::{CallRates, Limits, Operation};
use crate::service::limits::{Rate, Rates};

const EXCEEDED: &str = "ProvisionedThroughputExceededException";

fn limited() -> Rig {
    let rates = Rates {
        shard_write_bytes: Rate::new(1000),
        shard_write_records: Rate::new(5),
        shard_read_bytes: Rate::new(2000),
        shard_reads: Rate::new(3),
        consumer_bytes: None,
    };
    Rig::with(Limits { rates, ..limits() })
}

fn text(shard: u32) -> String {
    format!("Rate exceeded for shard shardId-{shard:012} in stream s under account {ACCOUNT}.")
}

/// A record for the first or the last shard.
fn record(is_last: bool) -> Value {
    let hash = if is_last { "340282366920938463463374607431768211455" } else { "0" };
    json!({"Data": "YQ==", "PartitionKey": "k", "ExplicitHashKey": hash})
}

fn put(is_last: bool) -> Value {
    let mut put = record(is_last);
    put["StreamName"] = "s".into();
    put
}

#[test]
fn a_shard_takes_its_records_and_refuses_more_until_time_passes() {
    let rig = limited();
    rig.provisioned("s", 2);
    for _ in 0..5 {
        rig.ok("PutRecord", &put(false));
    }
    assert_eq!(rig.refused("PutRecord", &put(false)), (EXCEEDED, text(0)));
    rig.ok("PutRecord", &put(true));
    rig.clock.pass_ms(200);
    rig.ok("PutRecord", &put(false));
    assert_eq!(rig.refused("PutRecord", &put(false)).0, EXCEEDED);
    assert_eq!(rig.records("s", 0).len(), 6);
}

#[test]
fn a_batch_is_kept_in_part_and_says_of_each_record_what_became_of_it() {
    let rig = limited();
    rig.provisioned("s", 2);
    let mut records = vec![record(false); 7];
    records.insert(6, record(true));
    let answer = rig.ok("PutRecords", &json!({"StreamName": "s", "Records": records}));
    assert_eq!(answer["FailedRecordCount"], 2);
    for (index, outcome) in answer["Records"].as_array().unwrap().iter().enumerate() {
        match index {
            0..=4 => assert_eq!(outcome["ShardId"], "shardId-000000000000"),
            6 => assert_eq!(outcome["ShardId"], "shardId-000000000001"),
            _ => assert_eq!(outcome, &json!({"ErrorCode": EXCEEDED, "ErrorMessage": text(0)})),
        }
    }
    let kept = rig.records("s", 0);
    assert_eq!(kept.len(), 5);
    for (record, outcome) in kept.iter().zip(answer["Records"].as_array().unwrap()) {
        assert_eq!(record["SequenceNumber"], outcome["SequenceNumber"]);
    }
    // Also when nothing of it is kept.
    let answer = rig.ok("PutRecords", &json!({"StreamName": "s", "Records": [record(false)]}));
    assert_eq!((&answer["FailedRecordCount"], rig.records("s", 0).len()), (&json!(1), 5));
}

#[test]
fn bytes_count_as_well_and_a_record_of_many_seconds_is_paid_for() {
    let rig = limited();
    rig.provisioned("s", 1);
    let large = json!({"StreamName": "s", "PartitionKey": "k", "Data": "A".repeat(4000)});
    rig.ok("PutRecord", &large);
    rig.clock.pass_ms(2000);
    assert_eq!(rig.refused("PutRecord", &put(false)), (EXCEEDED, text(0)));
    rig.clock.pass_ms(10);
    rig.ok("PutRecord", &put(false));
}

#[test]
fn dry_runs_and_puts_that_are_refused_take_nothing() {
    let rig = limited();
    rig.provisioned("s", 1);
    let mut dry = put(false);
    dry["DryRun"] = true.into();
    let mut bad = record(false);
    bad["Data"] = "YQ".into();
    let bad = json!({"StreamName": "s", "Records": [record(false), record(false), bad]});
    let missing = json!({"StreamName": "s", "Records": [record(false), {"Data": ""}]});
    for _ in 0..10 {
        assert_eq!(rig.refused("PutRecord", &dry).0, "DryRunOperationException");
        assert_eq!(rig.refused("PutRecords", &bad).0, "SerializationException");
        assert_eq!(rig.refused("PutRecords", &missing).0, "ValidationException");
    }
    let answer =
        rig.ok("PutRecords", &json!({"StreamName": "s", "Records": vec![record(false); 5]}));
    assert_eq!(answer["FailedRecordCount"], 0);
}

#[test]
fn a_put_that_the_engine_does_not_keep_takes_nothing() {
    let rig = limited();
    rig.provisioned("s", 1);
    let shard = rig.state.streams.list(ACCOUNT, super::rig::REGION, "", 1)[0].row.shards[0].log();
    rig.state.engine.close().expect("closes");
    for _ in 0..10 {
        assert_eq!(rig.refused("PutRecord", &put(false)).0, "ServiceUnavailable");
        let answer = rig.ok("PutRecords", &json!({"StreamName": "s", "Records": [record(false)]}));
        assert_eq!(answer["Records"][0]["ErrorCode"], "InternalFailure");
    }
    assert!(rig.state.throttle.admit_write(shard, 1), "all was given back");
}

#[test]
fn a_shard_is_read_as_often_and_as_much_as_it_may_be() {
    let rig = limited();
    rig.provisioned("s", 1);
    let large = json!({"StreamName": "s", "PartitionKey": "k", "Data": "A".repeat(13_332)});
    let iterator = rig.ok(
        "GetShardIterator",
        &json!({"StreamName": "s", "ShardId": "0", "ShardIteratorType": "TRIM_HORIZON"}),
    );
    let get = json!({"ShardIterator": iterator["ShardIterator"]});
    for _ in 0..3 {
        rig.ok("GetRecords", &get);
    }
    assert_eq!(rig.refused("GetRecords", &get), (EXCEEDED, text(0)));
    let mut dry = get.clone();
    dry["DryRun"] = true.into();
    assert_eq!(rig.refused("GetRecords", &dry).0, "DryRunOperationException");
    rig.clock.pass_ms(1000);
    rig.ok("PutRecord", &large);
    // Five seconds' worth.
    assert_eq!(rig.ok("GetRecords", &get)["Records"].as_array().unwrap().len(), 1);
    rig.clock.pass_ms(5000);
    assert_eq!(rig.refused("GetRecords", &get), (EXCEEDED, text(0)));
    rig.clock.pass_ms(1);
    rig.ok("GetRecords", &get);
}

#[test]
fn a_stream_on_demand_is_as_fast_as_the_machine() {
    let rig = limited();
    rig.on_demand("s");
    let batch = json!({"StreamName": "s", "Records": vec![record(false); 100]});
    assert_eq!(rig.ok("PutRecords", &batch)["FailedRecordCount"], 0);
    rig.ok("PutRecord", &put(false));
    for _ in 0..20 {
        assert_eq!(rig.records("s", 0).len(), 101);
    }
}

#[test]
fn calls_are_refused_in_the_services_words_and_only_those_that_are_right_count() {
    let rig = Rig::with(Limits { calls: CallRates::aws(), ..limits() });
    rig.provisioned("s", 1);
    let of_account = ("LimitExceededException", format!("Rate exceeded for account {ACCOUNT}."));
    rig.ok("DescribeLimits", &json!({}));
    assert_eq!(rig.refused("DescribeLimits", &json!({})), of_account);
    for _ in 0..10 {
        assert_eq!(
            rig.refused("DescribeStream", &json!({"StreamName": "!"})).0,
            "ValidationException"
        );
    }
    for _ in 0..10 {
        rig.ok("DescribeStream", &json!({"StreamName": "s"}));
    }
    let of_stream = format!("Rate exceeded for stream s under account {ACCOUNT}.");
    let refused = rig.refused("DescribeStream", &json!({"StreamName": "s"}));
    assert_eq!(refused, ("LimitExceededException", of_stream));
    let iterator = |shard: &str, is_dry: bool| json!({"StreamName": "s", "ShardId": shard, "ShardIteratorType": "LATEST", "DryRun": is_dry});
    for _ in 0..5 {
        let dry = rig.refused("GetShardIterator", &iterator("0", true));
        assert_eq!(dry.0, "DryRunOperationException");
        rig.ok("GetShardIterator", &iterator("0", false));
    }
    // The same shard, by another of its names.
    let refused = rig.refused("GetShardIterator", &iterator("shardId-000000000000", false));
    assert_eq!(refused, (EXCEEDED, text(0)));
    rig.clock.pass_ms(HOUR_MS);
    rig.ok("DescribeLimits", &json!({}));
}

#[test]
fn any_operation_can_have_a_rate() {
    let mut calls = CallRates::none();
    calls.set(Operation::PutRecord, Rate::new(1));
    let rig = Rig::with(Limits { calls, ..limits() });
    rig.provisioned("s", 1);
    rig.ok("PutRecord", &put(false));
    assert_eq!(rig.refused("PutRecord", &put(false)).0, "LimitExceededException");
    for _ in 0..50 {
        rig.ok("DescribeLimits", &json!({}));
    }
}

#[test]
fn the_shard_count_changes_as_often_in_a_day_as_the_limit_says() {
    let rig = Rig::with(Limits { shard_count_changes_per_day_max: 2, ..limits() });
    rig.provisioned("s", 1);
    let scale = |target| json!({"StreamName": "s", "TargetShardCount": target, "ScalingType": "UNIFORM_SCALING"});
    rig.ok("UpdateShardCount", &scale(2));
    // Neither no change nor a refusal counts.
    rig.ok("UpdateShardCount", &scale(2));
    assert_eq!(rig.refused("UpdateShardCount", &scale(9)).0, "LimitExceededException");
    rig.clock.pass_ms(HOUR_MS);
    rig.ok("UpdateShardCount", &scale(3));
    let rig = rig.restarted();
    let refused = rig.refused("UpdateShardCount", &scale(2));
    assert!(refused.1.contains("2 times in 24 hours"), "{}", refused.1);
    rig.clock.pass_ms(23 * HOUR_MS);
    rig.ok("UpdateShardCount", &scale(2));
}
