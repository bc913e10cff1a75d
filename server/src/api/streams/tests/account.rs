//! Tests of what belongs to an account: limits, settings, its list of streams.

use serde_json::{Value, json};

use super::rig::{ACCOUNT, HOUR_MS, REGION, Rig, START_MS, limits};
use crate::api::streams::Limits;
use crate::service::StreamLimits;
use crate::wire::Caller;

fn set(rig: &Rig, status: &str) -> Value {
    let body = json!({"MinimumThroughputBillingCommitment": {"Status": status}});
    let answer = rig.ok("UpdateAccountSettings", &body);
    assert_eq!(answer, rig.ok("DescribeAccountSettings", &json!({})));
    answer["MinimumThroughputBillingCommitment"].clone()
}

fn described(rig: &Rig) -> Value {
    rig.ok("DescribeAccountSettings", &json!({}))["MinimumThroughputBillingCommitment"].clone()
}

fn seconds(hours: u64) -> f64 {
    let ms = START_MS + hours * HOUR_MS;
    f64::from(u32::try_from(ms / 1000).unwrap())
}

#[test]
fn a_commitment_that_is_ended_early_ends_by_itself_after_a_day() {
    let rig = Rig::new();
    assert_eq!(described(&rig), json!({"Status": "DISABLED"}));
    assert_eq!(set(&rig, "DISABLED"), json!({"Status": "DISABLED"}));
    let on = json!({"Status": "ENABLED", "StartedAt": seconds(0),
                    "EarliestAllowedEndAt": seconds(24)});
    assert_eq!(set(&rig, "ENABLED"), on);
    rig.clock.pass_ms(HOUR_MS);
    assert_eq!(set(&rig, "ENABLED"), on, "it goes on");
    let ending = set(&rig, "DISABLED");
    assert_eq!(ending["Status"], "ENABLED_UNTIL_EARLIEST_ALLOWED_END");
    assert_eq!(ending["EarliestAllowedEndAt"], seconds(24));
    let rig = rig.restarted();
    rig.clock.pass_ms(23 * HOUR_MS - 1);
    assert_eq!(described(&rig), ending);
    rig.clock.pass_ms(1);
    let ended = json!({"Status": "DISABLED", "StartedAt": seconds(0), "EndedAt": seconds(24)});
    assert_eq!(described(&rig), ended);
    assert_eq!(set(&rig, "ENABLED")["StartedAt"], seconds(24), "a new one begins");
}

#[test]
fn a_commitment_that_is_wanted_again_goes_on_and_ends_at_once_after_a_day() {
    let rig = Rig::new();
    set(&rig, "ENABLED");
    set(&rig, "DISABLED");
    assert_eq!(set(&rig, "ENABLED")["Status"], "ENABLED");
    rig.clock.pass_ms(30 * HOUR_MS);
    assert_eq!(described(&rig)["Status"], "ENABLED");
    let ended = set(&rig, "DISABLED");
    assert_eq!(
        ended,
        json!({"Status": "DISABLED", "StartedAt": seconds(0),
                             "EndedAt": seconds(30)})
    );
}

#[test]
fn settings_are_of_one_account_in_one_region() {
    let rig = Rig::new();
    set(&rig, "ENABLED");
    for (account, region) in [("999999999999", REGION), (ACCOUNT, "eu-west-1")] {
        let caller = Caller { account: account.into(), region: region.into() };
        let other = rig.call_as(&caller, "DescribeAccountSettings", &json!({})).unwrap();
        assert_eq!(other["MinimumThroughputBillingCommitment"]["Status"], "DISABLED");
    }
}

#[test]
fn limits_tell_what_there_is_and_what_may_be() {
    let streams = StreamLimits {
        shards_max: 200,
        shards_max_large_region: Some(500),
        on_demand_streams_max: 50,
        ..limits().streams
    };
    let rig = Rig::with(Limits { streams, ..limits() });
    rig.provisioned("p", 3);
    rig.on_demand("d");
    let expected = json!({"ShardLimit": 500, "OpenShardCount": 7, "OnDemandStreamCount": 1,
                          "OnDemandStreamCountLimit": 50});
    assert_eq!(rig.ok("DescribeLimits", &json!({})), expected);
    let caller = Caller { account: ACCOUNT.into(), region: "eu-north-1".into() };
    let other = rig.call_as(&caller, "DescribeLimits", &json!({})).unwrap();
    assert_eq!((&other["ShardLimit"], &other["OpenShardCount"]), (&json!(200), &json!(0)));
}

#[test]
fn a_list_of_streams_has_pages_of_a_hundred_at_most() {
    let rig = Rig::with(Limits {
        streams: StreamLimits { streams_max: 200, ..limits().streams },
        ..limits()
    });
    for index in 0..101 {
        rig.provisioned(&format!("s{index:03}"), 1);
    }
    let first = rig.ok("ListStreams", &json!({"Limit": 10_000}));
    assert_eq!(first["StreamNames"].as_array().unwrap().len(), 100);
    assert_eq!(first["HasMoreStreams"], true);
    let rest = rig.ok("ListStreams", &json!({"NextToken": first["NextToken"]}));
    assert_eq!((&rest["StreamNames"], &rest["HasMoreStreams"]), (&json!(["s100"]), &json!(false)));
    assert!(rest.get("NextToken").is_none());
}
