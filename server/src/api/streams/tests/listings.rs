//! Tests of what listings and descriptions count, and of their pages.

use serde_json::json;

use super::rig::{Rig, arn, limits};
use crate::api::streams::Limits;

/// In the upper half.
const SPLIT_AT: &str = "270141183460469231731687303715884105728";

#[test]
fn a_summary_counts_the_queues_of_its_stream_alone() {
    let rig = Rig::new();
    rig.on_demand("orders");
    rig.on_demand("clicks");
    assert_eq!(rig.summary("orders")["QueueCount"], 0);
    for name in ["first", "second"] {
        let configuration = json!([{"StreamARN": arn("orders")}]);
        rig.ok(
            "CreateQueue",
            &json!({"QueueName": name, "StreamConfigurationList": configuration}),
        );
    }
    assert_eq!(rig.summary("orders")["QueueCount"], 2);
    assert_eq!(rig.summary("clicks")["QueueCount"], 0);
}

#[test]
fn a_page_of_shards_in_a_description_has_at_most_100() {
    let mut limits = limits();
    limits.streams.shards_per_stream_max = 200;
    let rig = Rig::with(limits);
    rig.provisioned("wide", 101);
    let describe = json!({"StreamName": "wide", "Limit": 10_000});
    let page = rig.ok("DescribeStream", &describe)["StreamDescription"].clone();
    assert_eq!(page["Shards"].as_array().map(Vec::len), Some(100));
    assert_eq!(page["HasMoreShards"], true);
}

#[test]
fn a_page_of_consumers_has_at_most_100() {
    let limits = Limits {
        consumers_per_stream_max: 200,
        consumers_per_advantage_stream_max: 200,
        ..limits()
    };
    let rig = Rig::with(limits);
    rig.provisioned("orders", 1);
    for index in 0..101 {
        let consumer = json!({"StreamARN": arn("orders"), "ConsumerName": format!("c{index}")});
        rig.ok("RegisterStreamConsumer", &consumer);
    }
    let list = json!({"StreamARN": arn("orders"), "MaxResults": 10_000});
    let page = rig.ok("ListStreamConsumers", &list);
    assert_eq!(page["Consumers"].as_array().map(Vec::len), Some(100));
    let rest = json!({"StreamARN": arn("orders"), "NextToken": page["NextToken"]});
    let rest = rig.ok("ListStreamConsumers", &rest);
    assert_eq!(rest["Consumers"].as_array().map(Vec::len), Some(1));
    assert!(rest["NextToken"].is_null(), "nothing follows");
}

#[test]
fn a_token_goes_with_nothing_that_it_says_itself() {
    let rig = Rig::new();
    rig.provisioned("orders", 2);
    let split = json!({"StreamName": "orders", "ShardToSplit": "1",
                       "NewStartingHashKey": SPLIT_AT});
    rig.ok("SplitShard", &split);
    let token =
        rig.ok("ListShards", &json!({"StreamName": "orders", "MaxResults": 1}))["NextToken"]
            .clone();
    for (name, value) in [
        ("StreamName", json!("orders")),
        ("StreamARN", json!(arn("orders"))),
        ("ExclusiveStartShardId", json!("shardId-000000000000")),
        ("StreamCreationTimestamp", json!(1_700_000_000)),
        ("ShardFilter", json!({"Type": "AT_LATEST"})),
    ] {
        let expected = format!("NextToken and {name} cannot be provided together.");
        let refused = rig.refused("ListShards", &json!({"NextToken": token, name: value}));
        assert_eq!(refused, ("InvalidArgumentException", expected));
    }
    let rest = rig.ok("ListShards", &json!({"NextToken": token}));
    assert_eq!(rest["Shards"].as_array().map(Vec::len), Some(3));

    for name in ["a", "b"] {
        let consumer = json!({"StreamARN": arn("orders"), "ConsumerName": name});
        rig.ok("RegisterStreamConsumer", &consumer);
    }
    let list = json!({"StreamARN": arn("orders"), "MaxResults": 1});
    let token = rig.ok("ListStreamConsumers", &list)["NextToken"].clone();
    let both = json!({"StreamARN": arn("orders"), "NextToken": token,
                      "StreamCreationTimestamp": 1_700_000_000});
    let (code, _) = rig.refused("ListStreamConsumers", &both);
    assert_eq!(code, "InvalidArgumentException");
}
