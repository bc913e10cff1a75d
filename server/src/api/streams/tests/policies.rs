//! Tests of resource policies.

use serde_json::{Value, json};

use super::rig::{Rig, arn};
use crate::api::streams::policy::{POLICY_BYTES_MAX, check_policy};

fn policy() -> Value {
    json!({"Version": "2012-10-17", "Id": "p", "Statement": [{
        "Sid": "s", "Effect": "Allow", "Principal": {"AWS": ["111122223333"]},
        "Action": ["kinesis:PutRecord"], "Resource": arn("s"),
        "Condition": {"Bool": {"aws:SecureTransport": "true"}}}]})
}

#[test]
fn a_policy_is_kept_as_it_was_given_until_it_is_deleted() {
    let rig = Rig::new();
    rig.provisioned("s", 1);
    let of = json!({"ResourceARN": arn("s")});
    assert_eq!(rig.ok("GetResourcePolicy", &of), json!({"Policy": "{}"}));
    assert_eq!(rig.refused("DeleteResourcePolicy", &of).0, "ResourceNotFoundException");
    // Blanks and all.
    let text = format!(" {} ", policy());
    let put = json!({"ResourceARN": arn("s"), "Policy": text});
    rig.ok("PutResourcePolicy", &put);
    let rig = rig.restarted();
    assert_eq!(rig.ok("GetResourcePolicy", &of)["Policy"], text.as_str());
    rig.ok("DeleteResourcePolicy", &of);
    assert_eq!(rig.ok("GetResourcePolicy", &of), json!({"Policy": "{}"}));
}

#[test]
fn resources_that_are_not_there_have_no_policy() {
    let rig = Rig::new();
    let put = json!({"ResourceARN": arn("no"), "Policy": policy().to_string()});
    let of = json!({"ResourceARN": arn("no")});
    assert_eq!(rig.refused("PutResourcePolicy", &put).0, "ResourceNotFoundException");
    assert_eq!(rig.refused("GetResourcePolicy", &of).0, "ResourceNotFoundException");
    assert_eq!(rig.refused("DeleteResourcePolicy", &of).0, "ResourceNotFoundException");
}

#[test]
fn texts_that_are_no_policy_are_refused() {
    let rig = Rig::new();
    rig.provisioned("s", 1);
    let put = json!({"ResourceARN": arn("s"), "Policy": "nonsense"});
    assert_eq!(rig.refused("PutResourcePolicy", &put).0, "InvalidArgumentException");
    let with = |path: &[&str], value: Value| {
        let mut policy = policy();
        let mut at = &mut policy;
        for part in path {
            at = match part.parse::<usize>() {
                Ok(index) => &mut at[index],
                Err(_) => &mut at[*part],
            };
        }
        *at = value;
        policy.to_string()
    };
    for wrong in [
        "".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        with(&["Version"], json!("2020-01-01")),
        with(&["Id"], json!(1)),
        with(&["Statement"], json!([])),
        with(&["Statement", "0"], json!("x")),
        with(&["Unknown"], json!("x")),
        with(&["Statement", "0", "Unknown"], json!("x")),
        with(&["Statement", "0", "Sid"], json!(1)),
        with(&["Statement", "0", "Effect"], json!("Maybe")),
        with(&["Statement", "0", "Principal"], json!("someone")),
        with(&["Statement", "0", "Principal"], json!({"Who": "x"})),
        with(&["Statement", "0", "NotPrincipal"], json!("*")),
        with(&["Statement", "0", "Action"], json!([])),
        with(&["Statement", "0", "Resource"], json!(7)),
        with(&["Statement", "0", "Condition"], json!([])),
        "[".repeat(POLICY_BYTES_MAX),
        format!("{}{}", policy(), " ".repeat(POLICY_BYTES_MAX)),
    ] {
        assert!(check_policy(&wrong).is_err(), "{wrong}");
    }
    for right in [
        policy().to_string(),
        with(&["Statement"], policy()["Statement"][0].clone()),
        with(&["Statement", "0", "Principal"], json!("*")),
    ] {
        assert_eq!(check_policy(&right), Ok(()));
    }
}
