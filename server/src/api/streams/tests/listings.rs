//! Tests of what listings and descriptions count, and of their pages.

use serde_json::json;

use super::rig::{Rig, arn, limits};
use crate::api::streams::Limits;

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
