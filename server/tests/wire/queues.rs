//! Queues over a real socket: delivery, dead letters, waiting, restart.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::Running;

/// A stream on demand called `s`, of one shard's worth of records, and a queue on it.
fn with_queue(server: &Running, attributes: &Value) -> String {
    server.ok("CreateStream", &json!({"StreamName": "s"}));
    create(server, "q", attributes)
}

fn stream_arn() -> &'static str {
    "arn:aws:kinesis:eu-west-1:000000000000:stream/s"
}

fn create(server: &Running, name: &str, attributes: &Value) -> String {
    let made = server.ok(
        "CreateQueue",
        &json!({"QueueName": name, "QueueAttributes": attributes, "StreamConfigurationList":
            [{"StreamARN": stream_arn(), "StartingPosition": {"Type": "TRIM_HORIZON"}}]}),
    );
    made["QueueDescription"]["QueueARN"].as_str().unwrap().to_owned()
}

fn put(server: &Running, keys: std::ops::Range<u32>) {
    let records: Vec<_> =
        keys.map(|key| json!({"Data": "ZGF0YQ==", "PartitionKey": format!("k{key}")})).collect();
    server.ok("PutRecords", &json!({"StreamName": "s", "Records": records}));
}

fn receive_from(server: &Running, operation: &str, arn: &str, timeout_s: u32) -> Vec<Value> {
    let ask = json!({"QueueARN": arn, "WaitTimeSeconds": 1, "VisibilityTimeoutSeconds": timeout_s});
    server.ok(operation, &ask)["QueueRecords"].as_array().unwrap().clone()
}

fn receive(server: &Running, arn: &str, timeout_s: u32) -> Vec<Value> {
    receive_from(server, "ReceiveQueueRecords", arn, timeout_s)
}

fn receive_dead(server: &Running, arn: &str, timeout_s: u32) -> Vec<Value> {
    receive_from(server, "ReceiveDeadLetterQueueRecords", arn, timeout_s)
}

/// Receives until nothing comes.
fn receive_all(server: &Running, arn: &str, timeout_s: u32) -> Vec<Value> {
    let mut all = Vec::new();
    loop {
        let some = receive(server, arn, timeout_s);
        if some.is_empty() {
            return all;
        }
        all.extend(some);
    }
}

fn keys(records: &[Value]) -> BTreeSet<String> {
    records.iter().map(|record| record["PartitionKey"].as_str().unwrap().to_owned()).collect()
}

/// Calls an operation with the receipts of `records`; how many succeeded, and the failures' codes.
fn grant(
    server: &Running,
    operation: &str,
    arn: &str,
    records: &[Value],
    timeout_s: Option<u32>,
) -> (usize, Vec<String>) {
    let entries = records.iter().map(|record| {
        let mut entry = json!({"ReceiptHandle": record["ReceiptHandle"]});
        if let Some(timeout_s) = timeout_s {
            entry["VisibilityTimeoutSeconds"] = timeout_s.into();
        }
        entry
    });
    let body = json!({"QueueARN": arn, "Entries": entries.collect::<Vec<_>>()});
    let answer = server.ok(operation, &body);
    let failed = answer["Failed"].as_array().unwrap();
    let codes = failed.iter().map(|failed| failed["ErrorCode"].as_str().unwrap().to_owned());
    (answer["Successful"].as_array().unwrap().len(), codes.collect())
}

fn acknowledge(server: &Running, arn: &str, records: &[Value]) -> (usize, Vec<String>) {
    grant(server, "AcknowledgeQueueRecords", arn, records, None)
}

#[test]
fn a_queue_is_made_described_listed_changed_and_deleted() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::start(data.path(), &[]);
    let arn = with_queue(&server, &json!({"VisibilityTimeoutSeconds": 5}));
    assert!(arn.starts_with("arn:aws:kinesis:eu-west-1:000000000000:queue/"), "{arn}");
    let described = server.ok("DescribeQueue", &json!({"QueueARN": arn}));
    let queue = &described["QueueDescription"];
    assert_eq!(queue["QueueStatus"], "ACTIVE");
    assert_eq!(queue["QueueAttributes"]["VisibilityTimeoutSeconds"], 5);
    let dead = json!({"TargetType": "BUILT_IN", "MaxReceiveCount": 6});
    assert_eq!(queue["QueueAttributes"]["DeadLetterConfiguration"], dead);
    let start = &queue["StreamConfigurationList"][0]["StartingPosition"];
    assert!(start["Type"] == "TRIM_HORIZON" && start["Timestamp"].is_f64(), "{start}");

    let update = json!({"QueueARN": arn,
        "QueueAttributes": {"DeadLetterConfiguration": {"TargetType": "NONE"}}});
    let updated = server.ok("UpdateQueue", &update);
    let attributes = &updated["QueueDescription"]["QueueAttributes"];
    let expected = json!({"VisibilityTimeoutSeconds": 5,
        "DeadLetterConfiguration": {"TargetType": "NONE"}});
    assert_eq!(*attributes, expected);

    let second = create(&server, "r", &json!({}));
    let mut listed = BTreeSet::new();
    let mut ask = json!({"MaxResults": 1, "StreamFilter": [{"StreamARN": stream_arn()}]});
    loop {
        let page = server.ok("ListQueues", &ask);
        let summaries = page["QueueSummaries"].as_array().unwrap();
        listed.extend(summaries.iter().map(|it| it["QueueARN"].as_str().unwrap().to_owned()));
        match page.get("NextToken") {
            Some(token) => ask["NextToken"] = token.clone(),
            None => break,
        }
    }
    assert_eq!(listed, BTreeSet::from([arn.clone(), second.clone()]));
    assert_eq!(queue_count(&server), 2);
    let other = json!({"StreamFilter": [{"StreamARN": format!("{}x", stream_arn())}]});
    assert_eq!(server.ok("ListQueues", &other)["QueueSummaries"], json!([]));

    server.ok("TagResource", &json!({"ResourceARN": arn, "Tags": {"team": "a"}}));

    drop(server);
    let server = Running::start(data.path(), &[]);
    let tags = server.ok("ListTagsForResource", &json!({"ResourceARN": arn}));
    assert_eq!(tags["Tags"], json!([{"Key": "team", "Value": "a"}]));
    let again = server.ok("DescribeQueue", &json!({"QueueARN": arn}));
    assert_eq!(again["QueueDescription"]["QueueAttributes"], expected);
    let (code, _) = server.refused("DeleteStream", &json!({"StreamName": "s"}));
    assert_eq!(code, "ResourceInUseException");
    for arn in [&arn, &second] {
        server.ok("DeleteQueue", &json!({"QueueARN": arn}));
        for operation in ["DescribeQueue", "DeleteQueue", "ReceiveQueueRecords"] {
            let (code, _) = server.refused(operation, &json!({"QueueARN": arn}));
            assert_eq!(code, "ResourceNotFoundException", "{operation}");
        }
    }
    assert_eq!(queue_count(&server), 0);
    server.ok("DeleteStream", &json!({"StreamName": "s"}));
}

/// How many queues the stream says that it has.
fn queue_count(server: &Running) -> u64 {
    let summary = server.ok("DescribeStreamSummary", &json!({"StreamName": "s"}));
    summary["StreamDescriptionSummary"]["QueueCount"].as_u64().unwrap()
}

#[test]
fn a_queue_delivers_what_was_put_before_its_stream_was_split_and_went_on_demand() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::start(data.path(), &[]);
    server.ok("CreateStream", &json!({"StreamName": "s", "ShardCount": 1}));
    put(&server, 0..12);
    let split = json!({"StreamName": "s", "ShardToSplit": "shardId-000000000000",
        "NewStartingHashKey": (1_u128 << 127).to_string()});
    server.ok("SplitShard", &split);
    put(&server, 12..24);
    let mode =
        |mode: &str| json!({"StreamARN": stream_arn(), "StreamModeDetails": {"StreamMode": mode}});
    server.ok("UpdateStreamMode", &mode("ON_DEMAND"));
    let arn = create(&server, "q", &json!({}));
    let mut again = split;
    again["ShardToSplit"] = "shardId-000000000001".into();
    again["NewStartingHashKey"] = (1_u128 << 126).to_string().into();
    assert_eq!(server.refused("SplitShard", &again).0, "ValidationException");
    assert_eq!(
        server.refused("UpdateStreamMode", &mode("PROVISIONED")).0,
        "ResourceInUseException"
    );

    let all = receive_all(&server, &arn, 600);
    let expected: BTreeSet<_> = (0..24).map(|key| format!("k{key}")).collect();
    assert_eq!((all.len(), keys(&all)), (24, expected), "each record once");
    for some in all.chunks(10) {
        assert_eq!(acknowledge(&server, &arn, some), (some.len(), vec![]));
    }
    drop(server);
    let server = Running::start(data.path(), &[]);
    assert_eq!(receive(&server, &arn, 600), Vec::<Value>::new());
}

#[test]
fn queues_that_cannot_be_are_refused() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::start(data.path(), &[]);
    with_queue(&server, &json!({}));
    server.ok("CreateStream", &json!({"StreamName": "p", "ShardCount": 1}));
    let at = |stream: &str, start: Value| {
        json!({"QueueName": "x", "StreamConfigurationList":
        [{"StreamARN": stream, "StartingPosition": start}]})
    };
    let latest = json!({"Type": "LATEST"});
    let provisioned = stream_arn().replace("/s", "/p");
    let missing = stream_arn().replace("/s", "/none");
    let mut twice = at(stream_arn(), latest.clone());
    twice["QueueName"] = "q".into();
    let two = json!({"QueueName": "x", "StreamConfigurationList":
        [{"StreamARN": stream_arn()}, {"StreamARN": stream_arn()}]});
    let mut no_count = at(stream_arn(), latest.clone());
    no_count["QueueAttributes"] = json!({"DeadLetterConfiguration": {"TargetType": "BUILT_IN"}});
    let cases = [
        (at(&provisioned, latest.clone()), "ValidationException"),
        (at(&missing, latest.clone()), "ResourceNotFoundException"),
        (twice, "ResourceInUseException"),
        (two, "ValidationException"),
        (no_count, "ValidationException"),
        (at(stream_arn(), json!({"Type": "AT_TIMESTAMP"})), "ValidationException"),
        (at(stream_arn(), json!({"Type": "LATEST", "Timestamp": 5})), "ValidationException"),
    ];
    for (body, expected) in cases {
        let (code, message) = server.refused("CreateQueue", &body);
        assert_eq!(code, expected, "{message}");
    }
    let change = json!({"StreamARN": stream_arn(),
        "StreamModeDetails": {"StreamMode": "PROVISIONED"}});
    let (code, _) = server.refused("UpdateStreamMode", &change);
    assert_eq!(code, "ResourceInUseException");
}

#[test]
fn what_is_acknowledged_is_gone_and_what_is_not_comes_back_also_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::start(data.path(), &[]);
    let arn = with_queue(&server, &json!({}));
    put(&server, 0..25);
    let first = receive_all(&server, &arn, 600);
    assert_eq!((first.len(), keys(&first).len()), (25, 25), "each record once");
    assert!(first.iter().all(|record| record["ReceiveCount"] == 1 && record["Data"] == "ZGF0YQ=="));
    let (done, kept) = first.split_at(10);
    assert_eq!(acknowledge(&server, &arn, done), (10, vec![]));
    assert_eq!(acknowledge(&server, &arn, done), (10, vec![]), "a request may be sent twice");

    drop(server);
    let server = Running::start(data.path(), &[]);
    assert_eq!(receive(&server, &arn, 600), Vec::<Value>::new(), "still in flight");
    for kept in kept.chunks(10) {
        let operation = "UpdateQueueRecordsVisibility";
        assert_eq!(grant(&server, operation, &arn, kept, Some(0)), (kept.len(), vec![]));
    }
    let second = receive_all(&server, &arn, 600);
    assert_eq!(keys(&second), keys(kept));
    let ids = |records: &[Value]| {
        records.iter().map(|it| it["RecordId"].as_str().unwrap().to_owned()).collect()
    };
    let (before, after): (BTreeSet<_>, BTreeSet<_>) = (ids(kept), ids(&second));
    assert_eq!(before, after, "a record's id stays");
    for (record, old) in second.iter().zip(kept) {
        assert_eq!(record["ReceiveCount"], 2);
        assert_ne!(record["ReceiptHandle"], old["ReceiptHandle"]);
    }
    let code = "InvalidArgumentException".to_owned();
    assert_eq!(acknowledge(&server, &arn, &kept[..1]), (0, vec![code]), "superseded");
    assert_eq!(acknowledge(&server, &arn, &second[..10]).0, 10);
    assert_eq!(acknowledge(&server, &arn, &second[10..]).0, 5);
}

#[test]
fn receipts_of_others_fail_one_by_one() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::start(data.path(), &[]);
    let arn = with_queue(&server, &json!({}));
    let other = create(&server, "other", &json!({}));
    put(&server, 0..3);
    let ours = receive_all(&server, &arn, 600);
    let theirs = receive_all(&server, &other, 600);
    assert_eq!(keys(&ours), keys(&theirs), "every queue delivers every record");
    let garbage = json!({"ReceiptHandle": "garbage"});
    let mixed = [ours[0].clone(), theirs[1].clone(), garbage, ours[0].clone()];
    let code = "InvalidArgumentException".to_owned();
    assert_eq!(acknowledge(&server, &arn, &mixed), (2, vec![code.clone(), code.clone()]));
    let operation = "AcknowledgeDeadLetterQueueRecords";
    assert_eq!(grant(&server, operation, &arn, &ours[1..2], None), (0, vec![code.clone()]));
    let operation = "UpdateQueueRecordsVisibility";
    assert_eq!(grant(&server, operation, &arn, &ours[..1], Some(5)), (0, vec![code]), "done with");
}

#[test]
fn a_record_received_too_often_is_a_dead_letter_until_it_is_restored() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::start(data.path(), &[]);
    let dead = json!({"TargetType": "BUILT_IN", "MaxReceiveCount": 2});
    let arn = with_queue(&server, &json!({"DeadLetterConfiguration": dead}));
    put(&server, 0..2);
    // Visible again at once: received twice, then no more.
    let all = receive_all(&server, &arn, 0);
    assert_eq!(all.len(), 4);
    let letters = receive_dead(&server, &arn, 600);
    assert_eq!((letters.len(), keys(&letters)), (2, keys(&all)));
    assert!(letters.iter().all(|letter| letter["ReceiveCount"] == 3));
    assert_eq!(receive_dead(&server, &arn, 600), Vec::<Value>::new(), "in flight");

    drop(server);
    let server = Running::start(data.path(), &[]);
    let operation = "RestoreDeadLetterQueueRecords";
    assert_eq!(grant(&server, operation, &arn, &letters[..1], None), (1, vec![]));
    assert_eq!(grant(&server, operation, &arn, &letters[..1], None), (1, vec![]), "sent twice");
    let operation = "UpdateDeadLetterQueueRecordsVisibility";
    assert_eq!(grant(&server, operation, &arn, &letters[1..], Some(0)), (1, vec![]));
    let back = receive(&server, &arn, 600);
    assert_eq!(keys(&back), keys(&letters[..1]));
    assert_eq!(back[0]["ReceiveCount"], 1);
    let again = receive_dead(&server, &arn, 600);
    assert_eq!(keys(&again), keys(&letters[1..]));
    let operation = "AcknowledgeDeadLetterQueueRecords";
    assert_eq!(grant(&server, operation, &arn, &again, None), (1, vec![]));
    assert_eq!(acknowledge(&server, &arn, &back), (1, vec![]));
    assert_eq!(receive_dead(&server, &arn, 0), Vec::<Value>::new());
}

#[test]
fn many_consumers_share_the_records() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::start(data.path(), &[]);
    let arn = with_queue(&server, &json!({}));
    put(&server, 0..200);
    let all: Vec<Value> = std::thread::scope(|scope| {
        let consumer = || {
            let mut mine = Vec::new();
            loop {
                let some = receive(&server, &arn, 600);
                if some.is_empty() {
                    return mine;
                }
                assert_eq!(acknowledge(&server, &arn, &some).0, some.len());
                mine.extend(some);
            }
        };
        let consumers: Vec<_> = (0..4).map(|_| scope.spawn(consumer)).collect();
        consumers.into_iter().flat_map(|consumer| consumer.join().unwrap()).collect()
    });
    assert_eq!((all.len(), keys(&all).len()), (200, 200), "each record once");
}

/// Receives with the longest wait while `then` happens; the answer must be there long before.
fn woken(server: &Running, arn: &str, then: impl FnOnce()) -> Vec<Value> {
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let ask = json!({"QueueARN": arn, "WaitTimeSeconds": 20});
            server.ok("ReceiveQueueRecords", &ask)["QueueRecords"].as_array().unwrap().clone()
        });
        then();
        waiting.join().unwrap()
    })
}

#[test]
fn a_receive_that_waits_is_woken_by_new_records_and_by_those_visible_again() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::start(data.path(), &[]);
    let arn = with_queue(&server, &json!({}));
    let records = woken(&server, &arn, || put(&server, 0..1));
    assert_eq!(records.len(), 1);
    let operation = "UpdateQueueRecordsVisibility";
    let again = woken(&server, &arn, || {
        grant(&server, operation, &arn, &records, Some(0));
    });
    assert_eq!(again[0]["ReceiveCount"], 2);
    grant(&server, operation, &arn, &again, Some(1));
    let third = woken(&server, &arn, || ());
    assert_eq!(third[0]["ReceiveCount"], 3, "its visibility timeout has passed");
}

#[test]
fn a_receive_that_waits_ends_with_its_queue() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::start(data.path(), &[]);
    let arn = with_queue(&server, &json!({}));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            server.call("ReceiveQueueRecords", &json!({"QueueARN": arn, "WaitTimeSeconds": 20}))
        });
        server.ok("DeleteQueue", &json!({"QueueARN": arn}));
        let (status, answer) = waiting.join().unwrap();
        // It was waiting, or came too late.
        assert!(status == 200 && answer["QueueRecords"] == json!([]) || status == 400, "{answer}");
    });
}
