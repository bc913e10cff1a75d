//! Tests of streams that should exist at the start.

use serde_json::json;

use super::rig::{ACCOUNT, REGION, Rig};
use crate::service::{
    CreateError, CreateStream, Distribution, Mode, Planned, PlannedStream, StreamPath,
};

fn planned(shards: u32) -> PlannedStream {
    PlannedStream {
        path: StreamPath { account: ACCOUNT.into(), region: REGION.into(), name: "s".into() },
        spec: CreateStream {
            shards,
            mode: Mode::Provisioned,
            distribution: Distribution::UserPartitionKey,
            record_kib_max: 2048,
            warm_mibps: None,
            tags: vec![("a".into(), "b".into())],
        },
        retention_hours: 48,
    }
}

fn ensure(rig: &Rig, stream: &PlannedStream) -> Result<Planned, CreateError> {
    stream.ensure(&rig.state.streams, &rig.state.engine, rig.state.now())
}

#[test]
fn a_planned_stream_is_made_whole_and_found_again() {
    let rig = Rig::new();
    assert_eq!(ensure(&rig, &planned(2)).unwrap(), Planned::Made);
    let rig = rig.restarted();
    let summary = rig.summary("s");
    assert_eq!(
        (&summary["RetentionPeriodHours"], &summary["OpenShardCount"]),
        (&json!(48), &json!(2))
    );
    assert_eq!(summary["MaxRecordSizeInKiB"], 2048);
    assert_eq!(ensure(&rig, &planned(2)).unwrap(), Planned::WasThere(Vec::new()));
}

#[test]
fn a_stream_that_is_there_is_left_alone_and_its_differences_are_told() {
    let rig = Rig::new();
    rig.ok("CreateStream", &json!({"StreamName": "s", "ShardCount": 1}));
    let before = rig.summary("s");
    let told = vec!["shards", "retention_hours", "record_kib_max", "tags"];
    assert_eq!(ensure(&rig, &planned(2)).unwrap(), Planned::WasThere(told));
    assert_eq!(rig.summary("s"), before);
}

#[test]
fn a_planned_stream_past_the_limits_is_not_made() {
    let rig = Rig::new();
    assert!(matches!(ensure(&rig, &planned(101)), Err(CreateError::TooManyShardsInStream)));
    assert_eq!(rig.state.streams.count(), 0);
}
