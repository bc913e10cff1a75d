//! Tests of where records go, of their keys and sizes, and of what a dry run leaves.

use serde_json::{Value, json};

use super::rig::{ACCOUNT, Rig, arn};

fn auto(rig: &Rig) {
    rig.ok("CreateStream", &json!({"StreamName": "s", "RecordDistributionStrategy": "AUTO"}));
}

fn kept(rig: &Rig, shards: u32) -> Vec<Vec<Value>> {
    (0..shards).map(|shard| rig.records("s", shard)).collect()
}

#[test]
fn a_stream_that_spreads_records_gives_each_shard_the_same_number_whatever_the_keys() {
    let rig = Rig::new();
    auto(&rig);
    let entry = json!({"Data": "YQ==", "PartitionKey": "same", "ExplicitHashKey": "0"});
    let batch = json!({"StreamName": "s", "Records": vec![entry.clone(); 18]});
    assert_eq!(rig.ok("PutRecords", &batch)["FailedRecordCount"], 0);
    for _ in 0..6 {
        let mut put = entry.clone();
        put["StreamName"] = "s".into();
        rig.ok("PutRecord", &put);
    }
    // Other settings change nothing in that.
    rig.ok("UpdateMaxRecordSize", &json!({"StreamARN": arn("s"), "MaxRecordSizeInKiB": 2048}));
    rig.ok("PutRecords", &batch);
    let counts: Vec<_> = kept(&rig, 4).iter().map(Vec::len).collect();
    assert_eq!(counts.iter().sum::<usize>(), 42);
    assert!(counts.iter().all(|count| (10..=11).contains(count)), "{counts:?}");
}

#[test]
fn a_key_that_was_given_comes_back_and_one_that_was_not_is_left_out() {
    let rig = Rig::new();
    auto(&rig);
    let records = json!([{"Data": "YQ=="}, {"Data": "Yg==", "PartitionKey": "k"}]);
    rig.ok("PutRecords", &json!({"StreamName": "s", "Records": records}));
    rig.ok("PutRecord", &json!({"StreamName": "s", "Data": "Yw=="}));
    let all: Vec<Value> = kept(&rig, 4).into_iter().flatten().collect();
    let key_of = |data: &str| {
        all.iter().find(|record| record["Data"] == data).unwrap().get("PartitionKey").cloned()
    };
    assert_eq!((key_of("YQ=="), key_of("Yg=="), key_of("Yw==")), (None, Some(json!("k")), None));
}

#[test]
fn other_streams_demand_a_key_in_the_services_words() {
    let rig = Rig::new();
    rig.provisioned("s", 1);
    let text = |at| {
        format!(
            "1 validation error detected: Value null at '{at}' failed to satisfy constraint: \
             Member must not be null"
        )
    };
    let refused = rig.refused("PutRecord", &json!({"StreamName": "s", "Data": ""}));
    assert_eq!(refused, ("ValidationException", text("partitionKey")));
    let records = json!([{"Data": "", "PartitionKey": "k"}, {"Data": "", "ExplicitHashKey": "0"}]);
    let refused = rig.refused("PutRecords", &json!({"StreamName": "s", "Records": records}));
    assert_eq!(refused, ("ValidationException", text("records.2.member.partitionKey")));
    let refused = rig.refused("PutRecord", &json!({"StreamName": "no", "Data": ""}));
    assert_eq!(refused.0, "ResourceNotFoundException");
    assert_eq!(rig.records("s", 0), Vec::<Value>::new());
}

#[test]
fn an_explicit_hash_key_past_the_space_is_refused_but_where_it_is_ignored() {
    let rig = Rig::new();
    rig.provisioned("p", 1);
    auto(&rig);
    let past = "340282366920938463463374607431768211456";
    let put = |name| json!({"StreamName": name, "Data": "", "PartitionKey": "k", "ExplicitHashKey": past});
    assert_eq!(rig.refused("PutRecord", &put("p")).0, "InvalidArgumentException");
    rig.ok("PutRecord", &put("s"));
}

#[test]
fn the_key_counts_towards_a_records_size() {
    let rig = Rig::large();
    rig.provisioned("s", 1);
    // 1 MiB - 1 bytes of data.
    let data = "AAAA".repeat(1024 * 1024 / 3);
    let put = |key: &str| json!({"StreamName": "s", "Data": data, "PartitionKey": key});
    rig.ok("PutRecord", &put("k"));
    assert_eq!(rig.refused("PutRecord", &put("ü")).0, "InvalidArgumentException");
    let batch = json!({"StreamName": "s", "Records": [{"Data": data, "PartitionKey": "kk"}]});
    assert_eq!(rig.refused("PutRecords", &batch).0, "InvalidArgumentException");
    let larger = json!({"StreamName": "s", "PartitionKey": "k", "Data": format!("{data}AAAA")});
    let refused = rig.refused("PutRecord", &larger);
    assert_eq!(refused.0, "ValidationException");
    assert!(refused.1.ends_with("length less than or equal to 1048576"), "{}", refused.1);
    assert_eq!(rig.records("s", 0).len(), 1);
}

#[test]
fn a_number_to_order_by_must_not_be_of_the_future() {
    let rig = Rig::new();
    rig.provisioned("s", 1);
    let put = |number: &str| {
        json!({"StreamName": "s", "Data": "", "PartitionKey": "k",
               "SequenceNumberForOrdering": number})
    };
    let first = rig.ok("PutRecord", &json!({"StreamName": "s", "Data": "", "PartitionKey": "k"}));
    let first = first["SequenceNumber"].as_str().unwrap();
    let second = rig.ok("PutRecord", &put(first));
    let second = second["SequenceNumber"].as_str().unwrap();
    assert!(second > first);
    // Older layouts parse, and are behind nothing here.
    rig.ok("PutRecord", &put("0"));
    rig.clock.set_wall(flowstone_engine::types::Timestamp(1));
    let message = format!(
        "ExclusiveMinimumSequenceNumber {second} used in PutRecord on stream s under account \
         {ACCOUNT} is invalid."
    );
    assert_eq!(rig.refused("PutRecord", &put(second)), ("InvalidArgumentException", message));
    let none = "9".repeat(129);
    assert_eq!(rig.refused("PutRecord", &put(&none)).0, "InvalidArgumentException");
}

#[test]
fn a_dry_run_says_what_would_be_and_does_nothing() {
    let rig = Rig::new();
    rig.provisioned("s", 1);
    let iterator = rig.ok(
        "GetShardIterator",
        &json!({"StreamName": "s", "ShardId": "0", "ShardIteratorType": "LATEST"}),
    );
    let record = json!({"Data": "", "PartitionKey": "k"});
    for (operation, body) in [
        ("PutRecord", json!({"StreamName": "s", "Data": "", "PartitionKey": "k"})),
        ("PutRecords", json!({"StreamName": "s", "Records": [record]})),
        ("GetRecords", json!({"ShardIterator": iterator["ShardIterator"]})),
        (
            "GetShardIterator",
            json!({"StreamName": "s", "ShardId": "0", "ShardIteratorType": "LATEST"}),
        ),
    ] {
        let mut body = body;
        body["DryRun"] = true.into();
        assert_eq!(rig.refused(operation, &body).0, "DryRunOperationException", "{operation}");
    }
    let dry = json!({"StreamName": "no", "Data": "", "PartitionKey": "k", "DryRun": true});
    assert_eq!(rig.refused("PutRecord", &dry).0, "ResourceNotFoundException");
    assert_eq!(rig.records("s", 0), Vec::<Value>::new());
}

#[test]
fn answers_speak_of_encryption_only_when_there_is_some() {
    let rig = Rig::new();
    rig.provisioned("s", 1);
    let put = json!({"StreamName": "s", "Data": "", "PartitionKey": "k"});
    let batch = json!({"StreamName": "s", "Records": [{"Data": "", "PartitionKey": "k"}]});
    assert!(rig.ok("PutRecord", &put).get("EncryptionType").is_none());
    assert!(rig.ok("PutRecords", &batch).get("EncryptionType").is_none());
    assert!(rig.records("s", 0)[0].get("EncryptionType").is_none());
    let start = json!({"StreamName": "s", "EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"});
    rig.ok("StartStreamEncryption", &start);
    assert_eq!(rig.ok("PutRecord", &put)["EncryptionType"], "KMS");
    assert_eq!(rig.ok("PutRecords", &batch)["EncryptionType"], "KMS");
    assert_eq!(rig.records("s", 0)[0]["EncryptionType"], "KMS");
}
