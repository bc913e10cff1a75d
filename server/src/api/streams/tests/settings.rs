//! Tests of the operations that change a stream's settings.

use serde_json::json;

use super::rig::{ACCOUNT, HOUR_MS, Rig, arn, limits};
use crate::api::streams::Limits;
use crate::service::StreamLimits;

fn mode(name: &str, mode: &str) -> serde_json::Value {
    json!({"StreamARN": arn(name), "StreamModeDetails": {"StreamMode": mode}})
}

#[test]
fn a_stream_changes_its_mode_and_keeps_its_shards() {
    let rig = Rig::new();
    rig.provisioned("s", 2);
    rig.ok("UpdateStreamMode", &mode("s", "ON_DEMAND"));
    let summary = rig.summary("s");
    assert_eq!(summary["StreamModeDetails"]["StreamMode"], "ON_DEMAND");
    assert_eq!(summary["RecordDistributionStrategy"], "USER_PARTITION_KEY");
    assert_eq!(summary["OpenShardCount"], 2);
    let rig = rig.restarted();
    rig.ok("UpdateStreamMode", &mode("s", "PROVISIONED"));
    let summary = rig.summary("s");
    assert_eq!(summary["StreamModeDetails"]["StreamMode"], "PROVISIONED");
    assert!(summary.get("RecordDistributionStrategy").is_none(), "only on-demand streams have one");
    let warm = json!({"StreamARN": arn("s"), "WarmThroughputMiBps": 5,
                      "StreamModeDetails": {"StreamMode": "PROVISIONED"}});
    assert_eq!(rig.refused("UpdateStreamMode", &warm).0, "InvalidArgumentException");
}

#[test]
fn the_mode_changes_as_often_in_a_day_as_the_limit_says_also_across_a_restart() {
    let rig = Rig::with(Limits { mode_changes_per_day_max: 2, ..limits() });
    rig.provisioned("s", 1);
    rig.ok("UpdateStreamMode", &mode("s", "ON_DEMAND"));
    rig.clock.pass_ms(HOUR_MS);
    // No change, so that it does not count.
    rig.ok("UpdateStreamMode", &mode("s", "ON_DEMAND"));
    rig.ok("UpdateStreamMode", &mode("s", "PROVISIONED"));
    let rig = rig.restarted();
    let refused = rig.refused("UpdateStreamMode", &mode("s", "ON_DEMAND"));
    assert_eq!(refused.0, "LimitExceededException");
    rig.clock.pass_ms(23 * HOUR_MS);
    rig.ok("UpdateStreamMode", &mode("s", "ON_DEMAND"));
    assert_eq!(rig.refused("UpdateStreamMode", &mode("s", "PROVISIONED")).0, refused.0);
}

#[test]
fn a_stream_that_goes_back_to_shards_takes_keys_again() {
    let rig = Rig::new();
    rig.ok("CreateStream", &json!({"StreamName": "s", "RecordDistributionStrategy": "AUTO"}));
    rig.ok("UpdateStreamMode", &mode("s", "PROVISIONED"));
    rig.ok("UpdateStreamMode", &mode("s", "ON_DEMAND"));
    assert_eq!(rig.summary("s")["RecordDistributionStrategy"], "USER_PARTITION_KEY");
}

#[test]
fn larger_records_are_taken_once_the_stream_allows_them() {
    let rig = Rig::large();
    rig.provisioned("s", 1);
    let put = json!({"StreamName": "s", "PartitionKey": "k", "Data": "A".repeat(2_000_000)});
    assert_eq!(rig.refused("PutRecord", &put).0, "ValidationException");
    let size = |kib| json!({"StreamARN": arn("s"), "MaxRecordSizeInKiB": kib});
    for kib in [1023, 10_241] {
        assert_eq!(rig.refused("UpdateMaxRecordSize", &size(kib)).0, "ValidationException");
    }
    rig.ok("UpdateMaxRecordSize", &size(2048));
    rig.ok("PutRecord", &put);
    assert_eq!(rig.summary("s")["MaxRecordSizeInKiB"], 2048);
}

#[test]
fn streams_are_kept_warm_on_demand_and_under_a_commitment_alone() {
    let rig = Rig::new();
    rig.on_demand("d");
    rig.provisioned("p", 1);
    let warm = |name, mibps| json!({"StreamName": name, "WarmThroughputMiBps": mibps});
    let operation = "UpdateStreamWarmThroughput";
    assert_eq!(rig.refused(operation, &warm("d", 5)).0, "InvalidArgumentException");
    let create = json!({"StreamName": "c", "WarmThroughputMiBps": 7});
    assert_eq!(rig.refused("CreateStream", &create).0, "InvalidArgumentException");
    let enabled = json!({"MinimumThroughputBillingCommitment": {"Status": "ENABLED"}});
    rig.ok("UpdateAccountSettings", &enabled);
    let answer = rig.ok(operation, &warm("d", 5));
    let expected = json!({"StreamARN": arn("d"), "StreamName": "d",
                          "WarmThroughput": {"TargetMiBps": 5, "CurrentMiBps": 5}});
    assert_eq!(answer, expected);
    assert_eq!(rig.summary("d")["WarmThroughput"], expected["WarmThroughput"]);
    rig.ok("CreateStream", &create);
    assert_eq!(rig.refused(operation, &warm("p", 5)).0, "InvalidArgumentException");
    assert_eq!(rig.refused(operation, &warm("d", 10_241)).0, "LimitExceededException");
    let both = json!({"StreamARN": arn("p"), "WarmThroughputMiBps": 3,
                      "StreamModeDetails": {"StreamMode": "ON_DEMAND"}});
    rig.ok("UpdateStreamMode", &both);
    assert_eq!(rig.summary("p")["WarmThroughput"]["TargetMiBps"], 3);
}

#[test]
fn only_on_demand_streams_spread_records_by_themselves() {
    let rig = Rig::new();
    rig.on_demand("d");
    rig.provisioned("p", 1);
    let operation = "UpdateStreamRecordDistributionStrategy";
    let auto = |name| json!({"StreamARN": arn(name), "RecordDistributionStrategy": "AUTO"});
    rig.ok(operation, &auto("d"));
    assert_eq!(rig.summary("d")["RecordDistributionStrategy"], "AUTO");
    assert_eq!(rig.refused(operation, &auto("p")).0, "InvalidArgumentException");
    let back = json!({"StreamARN": arn("d"), "RecordDistributionStrategy": "USER_PARTITION_KEY"});
    rig.ok(operation, &back);
    assert_eq!(rig.summary("d")["RecordDistributionStrategy"], "USER_PARTITION_KEY");
    let create = json!({"StreamName": "c", "ShardCount": 1, "RecordDistributionStrategy": "AUTO"});
    assert_eq!(rig.refused("CreateStream", &create).0, "InvalidArgumentException");
}

#[test]
fn monitoring_tells_what_was_and_what_is() {
    let rig = Rig::new();
    rig.provisioned("s", 1);
    let of = |metrics: &[&str]| json!({"StreamName": "s", "ShardLevelMetrics": metrics});
    let answer = rig.ok("EnableEnhancedMonitoring", &of(&["OutgoingBytes", "IncomingBytes"]));
    let expected = json!({"StreamName": "s", "StreamARN": arn("s"), "CurrentShardLevelMetrics": [],
                          "DesiredShardLevelMetrics": ["IncomingBytes", "OutgoingBytes"]});
    assert_eq!(answer, expected);
    let answer = rig.ok("EnableEnhancedMonitoring", &of(&["ALL"]));
    assert_eq!(answer["CurrentShardLevelMetrics"], expected["DesiredShardLevelMetrics"]);
    assert_eq!(answer["DesiredShardLevelMetrics"].as_array().unwrap().len(), 7);
    let rig = rig.restarted();
    let answer = rig.ok("DisableEnhancedMonitoring", &of(&["IteratorAgeMilliseconds"]));
    assert_eq!(answer["CurrentShardLevelMetrics"].as_array().unwrap().len(), 7);
    assert_eq!(answer["DesiredShardLevelMetrics"].as_array().unwrap().len(), 6);
    let answer = rig.ok("DisableEnhancedMonitoring", &of(&["ALL"]));
    assert_eq!(answer["DesiredShardLevelMetrics"], json!([]));
    assert_eq!(
        rig.refused("EnableEnhancedMonitoring", &of(&["Nonsense"])).0,
        "ValidationException"
    );
}

#[test]
fn encryption_starts_with_a_key_of_any_form_and_stops_once() {
    let rig = Rig::new();
    rig.provisioned("s", 1);
    let of = |kind, key: &str| json!({"StreamName": "s", "EncryptionType": kind, "KeyId": key});
    let stop = of("KMS", "alias/aws/kinesis");
    assert_eq!(rig.refused("StopStreamEncryption", &stop).0, "InvalidArgumentException");
    for key in [
        "alias/aws/kinesis",
        "12345678-1234-1234-1234-123456789012",
        "mrk-1234abcd12ab34cd56ef1234567890ab",
        "arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012",
        "arn:aws:kms:us-east-1:123456789012:alias/MyAliasName",
    ] {
        rig.ok("StartStreamEncryption", &of("KMS", key));
        let summary = rig.summary("s");
        assert_eq!((&summary["EncryptionType"], &summary["KeyId"]), (&json!("KMS"), &json!(key)));
    }
    for key in ["nonsense", "alias/", "arn:aws:kms:us-east-1:1:key/x", "arn:aws:s3:::bucket"] {
        let refused = rig.refused("StartStreamEncryption", &of("KMS", key));
        assert_eq!(refused.0, "InvalidArgumentException", "{key}");
    }
    let none = of("NONE", "alias/aws/kinesis");
    assert_eq!(rig.refused("StartStreamEncryption", &none).0, "InvalidArgumentException");
    rig.ok("StopStreamEncryption", &stop);
    assert_eq!(rig.summary("s")["EncryptionType"], "NONE");
    assert_eq!(rig.refused("StopStreamEncryption", &stop).0, "InvalidArgumentException");
}

#[test]
fn settings_of_a_stream_that_is_not_there_are_not_changed() {
    let rig = Rig::new();
    let message = format!("Stream no under account {ACCOUNT} not found.");
    let expected = ("ResourceNotFoundException", message);
    for (operation, more) in [
        ("UpdateStreamMode", json!({"StreamModeDetails": {"StreamMode": "ON_DEMAND"}})),
        ("UpdateMaxRecordSize", json!({"MaxRecordSizeInKiB": 2048})),
        ("UpdateStreamWarmThroughput", json!({"WarmThroughputMiBps": 1})),
        ("UpdateStreamRecordDistributionStrategy", json!({"RecordDistributionStrategy": "AUTO"})),
        ("EnableEnhancedMonitoring", json!({"ShardLevelMetrics": ["ALL"]})),
        ("DisableEnhancedMonitoring", json!({"ShardLevelMetrics": ["ALL"]})),
        ("StartStreamEncryption", json!({"EncryptionType": "KMS", "KeyId": "alias/a"})),
        ("StopStreamEncryption", json!({"EncryptionType": "KMS", "KeyId": "alias/a"})),
    ] {
        let mut body = more;
        body["StreamARN"] = arn("no").into();
        assert_eq!(rig.refused(operation, &body), expected, "{operation}");
    }
}

#[test]
fn on_demand_streams_have_a_bound_of_their_own() {
    let streams = StreamLimits { on_demand_streams_max: 1, ..limits().streams };
    let rig = Rig::with(Limits { streams, ..limits() });
    rig.on_demand("a");
    let refused = rig.refused("CreateStream", &json!({"StreamName": "b"}));
    assert_eq!(refused.0, "LimitExceededException");
    rig.provisioned("b", 1);
}

#[test]
fn a_stream_past_the_on_demand_limit_stays_provisioned() {
    let mut limits = limits();
    limits.streams.on_demand_streams_max = 1;
    let rig = Rig::with(limits);
    rig.on_demand("first");
    rig.provisioned("second", 1);
    rig.ok("UpdateStreamMode", &mode("first", "ON_DEMAND"));
    let (code, _) = rig.refused("UpdateStreamMode", &mode("second", "ON_DEMAND"));
    assert_eq!(code, "LimitExceededException");
    assert_eq!(rig.summary("second")["StreamModeDetails"]["StreamMode"], "PROVISIONED");
    rig.ok("UpdateStreamMode", &mode("first", "PROVISIONED"));
    rig.ok("UpdateStreamMode", &mode("second", "ON_DEMAND"));
}
