//! Queues made, changed and deleted, over dispatch.

use serde_json::json;

use super::rig::{Rig, arn};

#[test]
fn no_change_of_a_queue_needs_two_threads_that_may_block() {
    let rig = Rig::new();
    rig.on_demand("s");
    let body = json!({"QueueName": "q", "StreamConfigurationList": [{"StreamARN": arn("s")}]});
    let made = rig.ok("CreateQueue", &body);
    let queue = made["QueueDescription"]["QueueARN"].clone();
    let attributes = json!({"VisibilityTimeoutSeconds": 7});
    rig.ok("UpdateQueue", &json!({"QueueARN": queue, "QueueAttributes": attributes}));
    let (code, _) = rig.refused(
        "UpdateStreamMode",
        &json!({"StreamARN": arn("s"), "StreamModeDetails": {"StreamMode": "PROVISIONED"}}),
    );
    assert_eq!(code, "ResourceInUseException");
    rig.ok("DeleteQueue", &json!({"QueueARN": queue}));
    rig.ok(
        "UpdateStreamMode",
        &json!({"StreamARN": arn("s"), "StreamModeDetails": {"StreamMode": "PROVISIONED"}}),
    );
}
