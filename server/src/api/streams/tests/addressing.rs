//! Tests of how requests name streams and consumers.

use serde_json::json;

use super::rig::{Rig, arn};

#[test]
fn a_stream_id_is_refused_beside_a_consumer_too() {
    let rig = Rig::new();
    rig.provisioned("orders", 1);
    let register = json!({"StreamARN": arn("orders"), "ConsumerName": "reader"});
    let registered = rig.ok("RegisterStreamConsumer", &register);
    let consumer = &registered["Consumer"]["ConsumerARN"];
    for operation in ["DescribeStreamConsumer", "DeregisterStreamConsumer", "SubscribeToShard"] {
        let mut body = json!({"ConsumerARN": consumer, "StreamId": "aaaaaaaaaaaaaaaaaaaa-bbb"});
        if operation == "SubscribeToShard" {
            body["ShardId"] = json!("shardId-000000000000");
            body["StartingPosition"] = json!({"Type": "LATEST"});
        }
        let (code, message) = rig.refused(operation, &body);
        assert_eq!(code, "InvalidArgumentException", "{operation}");
        assert!(message.contains("StreamId"), "{operation}: {message}");
    }
    rig.ok("DescribeStreamConsumer", &json!({"ConsumerARN": consumer}));
}
