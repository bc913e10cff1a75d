//! Tests of what listings and descriptions count, and of their pages.

use serde_json::json;

use super::rig::{Rig, arn};

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
