//! Tests of tags, old style and new.

use serde_json::{Map, Value, json};

use super::rig::{ACCOUNT, REGION, Rig, arn};

fn many(range: std::ops::Range<usize>) -> Value {
    let tags: Map<String, Value> =
        range.map(|index| (format!("k{index:02}"), json!("v"))).collect();
    tags.into()
}

fn listed(rig: &Rig, name: &str) -> Value {
    rig.ok("ListTagsForResource", &json!({"ResourceARN": arn(name)}))["Tags"].clone()
}

#[test]
fn tags_are_added_over_others_listed_by_key_and_removed_in_both_styles() {
    let rig = Rig::new();
    let create = json!({"StreamName": "s", "ShardCount": 1, "Tags": {"b": "1", "a": "2"}});
    rig.ok("CreateStream", &create);
    rig.ok("AddTagsToStream", &json!({"StreamName": "s", "Tags": {"b": "3", "ü0 _.": ""}}));
    rig.ok("TagResource", &json!({"ResourceARN": arn("s"), "Tags": {"/=+-@:%": "x"}}));
    let expected = json!([{"Key": "/=+-@:%", "Value": "x"}, {"Key": "a", "Value": "2"},
                          {"Key": "b", "Value": "3"}, {"Key": "ü0 _.", "Value": ""}]);
    let rig = rig.restarted();
    assert_eq!(listed(&rig, "s"), expected);
    let old = rig.ok("ListTagsForStream", &json!({"StreamName": "s"}));
    assert_eq!(old, json!({"Tags": expected, "HasMoreTags": false}));
    rig.ok("RemoveTagsFromStream", &json!({"StreamName": "s", "TagKeys": ["b", "never there"]}));
    rig.ok("UntagResource", &json!({"ResourceARN": arn("s"), "TagKeys": ["a", "/=+-@:%"]}));
    assert_eq!(listed(&rig, "s"), json!([{"Key": "ü0 _.", "Value": ""}]));
}

#[test]
fn tags_come_a_page_at_a_time() {
    let rig = Rig::new();
    rig.provisioned("s", 1);
    rig.ok("AddTagsToStream", &json!({"StreamName": "s", "Tags": many(0..5)}));
    let page = |more: Value| {
        let mut body = more;
        body["StreamName"] = "s".into();
        rig.ok("ListTagsForStream", &body)
    };
    let first = page(json!({"Limit": 2}));
    assert_eq!((&first["Tags"][1]["Key"], &first["HasMoreTags"]), (&json!("k01"), &json!(true)));
    let rest = page(json!({"Limit": 3, "ExclusiveStartTagKey": "k01"}));
    assert_eq!((&rest["Tags"][0]["Key"], &rest["HasMoreTags"]), (&json!("k02"), &json!(false)));
    // A key that no tag has is a place as well.
    assert_eq!(page(json!({"ExclusiveStartTagKey": "k03x"}))["Tags"][0]["Key"], "k04");
    assert_eq!(page(json!({"ExclusiveStartTagKey": "z"}))["Tags"], json!([]));
}

#[test]
fn a_stream_has_at_most_fifty_tags_and_a_refusal_adds_none() {
    let rig = Rig::new();
    rig.provisioned("s", 1);
    rig.ok("AddTagsToStream", &json!({"StreamName": "s", "Tags": many(0..49)}));
    let message = format!(
        "Failed to add tags to stream s under account {ACCOUNT} because a given stream cannot have \
         more than 50 tags associated with it."
    );
    let too_many = json!({"StreamName": "s", "Tags": many(48..51)});
    let refused = rig.refused("AddTagsToStream", &too_many);
    assert_eq!(refused, ("InvalidArgumentException", message.clone()));
    assert_eq!(listed(&rig, "s").as_array().unwrap().len(), 49);
    // Those that are there already take no room.
    rig.ok("AddTagsToStream", &json!({"StreamName": "s", "Tags": many(0..50)}));
    let create = json!({"StreamName": "s", "ShardCount": 1, "Tags": many(0..51)});
    assert_eq!(rig.refused("CreateStream", &create).1, message);
}

#[test]
fn tags_that_cannot_be_are_refused_once_the_stream_is_found() {
    let rig = Rig::new();
    rig.provisioned("s", 1);
    let text = "Some tags contain invalid characters. Valid characters: Unicode letters, digits, \
                white space, _ . / = + - % @.";
    for bad in ["a;b", "a\tb", "a\nb", "a,b"] {
        for tags in [json!({bad: "v"}), json!({"k": bad})] {
            let body = json!({"StreamName": "s", "Tags": tags});
            let refused = rig.refused("AddTagsToStream", &body);
            assert_eq!(refused, ("InvalidArgumentException", text.into()));
        }
        let body = json!({"StreamName": "s", "TagKeys": [bad]});
        assert_eq!(rig.refused("RemoveTagsFromStream", &body).1, text);
        let body = json!({"ResourceARN": arn("s"), "TagKeys": [bad]});
        assert_eq!(rig.refused("UntagResource", &body).1, text);
    }
    for key in ["aws:a", "AWS:a"] {
        let body = json!({"ResourceARN": arn("s"), "Tags": {key: "v"}});
        assert_eq!(rig.refused("TagResource", &body).0, "InvalidArgumentException");
    }
    let body = json!({"StreamName": "no", "Tags": {";": "v"}});
    assert_eq!(rig.refused("AddTagsToStream", &body).0, "ResourceNotFoundException");
    assert_eq!(listed(&rig, "s"), json!([]));
}

#[test]
fn resources_that_are_not_there_or_are_none_have_no_tags() {
    let rig = Rig::new();
    let base = format!("arn:aws:kinesis:{REGION}:{ACCOUNT}:");
    for (resource, code) in [
        ("stream/no", "ResourceNotFoundException"),
        ("stream/s/consumer/c:1", "ResourceNotFoundException"),
        ("queue/q", "ResourceNotFoundException"),
        ("channel/c", "InvalidArgumentException"),
        ("stream/a/b", "InvalidArgumentException"),
        ("xstream/a", "InvalidArgumentException"),
    ] {
        let resource = format!("{base}{resource}");
        let body = json!({"ResourceARN": resource});
        assert_eq!(rig.refused("ListTagsForResource", &body).0, code, "{resource}");
        let body = json!({"ResourceARN": resource, "Tags": {"k": "v"}});
        assert_eq!(rig.refused("TagResource", &body).0, code, "{resource}");
    }
    let slash = format!("arn:aws:kinesis:a/b:{ACCOUNT}:stream/s");
    let refused = rig.refused("ListTagsForResource", &json!({"ResourceARN": slash}));
    assert_eq!(refused.0, "InvalidArgumentException");
}
