//! Whole requests of every operation, through the door.

use std::cell::RefCell;

use flowstone_engine::types::SeqNo;
use flowstone_server::api::streams::Operation;
use flowstone_server::api::{Arrived, Body, Reply};
use flowstone_server::service::{Purpose, ShardIterator};
use flowstone_server::wire::Format;
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::fuzz::cbor;
use crate::fuzz::input::Input;
use crate::fuzz::world::{STREAM, World};
use crate::sim::rig::START;

/// Requests that one world answers: what they write is gone with it.
const REQUESTS_MAX: u32 = 256;

const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 \
    Credential=AKID/20250101/us-east-1/kinesis/aws4_request, SignedHeaders=host, Signature=00";

/// Stands in a body for a token that is good for the stream of every world.
const ITERATOR: &str = "$ITERATOR";
/// The same for the token of a listing.
const NEXT_TOKEN: &str = "$NEXT";

thread_local! {
    static WORLD: RefCell<Option<(World, u32)>> = const { RefCell::new(None) };
}

/// The operation of the first byte, with the rest as its body.
pub fn body(data: &[u8]) {
    let mut input = Input::new(data);
    let operation = Operation::ALL[usize::from(input.byte()) % Operation::ALL.len()];
    let body = input.rest();
    let (mut world, count) = match WORLD.take() {
        Some((world, count)) if count < REQUESTS_MAX => (world, count + 1),
        _ => (World::new(), 0),
    };
    let arrived = arrived(&world, operation, body);
    let reply = world.answer(&arrived);
    check(operation, format_of(body), &reply);
    // A body that panics leaves no world behind.
    WORLD.set(Some((world, count)));
}

fn arrived(world: &World, operation: Operation, body: &[u8]) -> Arrived {
    let mut headers = HeaderMap::new();
    let target = format!("Kinesis_20131202.{}", operation.name());
    let header = |text: &str| HeaderValue::from_str(text).expect("plain text");
    headers.insert("content-type", header(format_of(body).content_type()));
    headers.insert("x-amz-target", header(&target));
    headers.insert("x-amz-date", header("20250101T000000Z"));
    headers.insert("authorization", header(AUTHORIZATION));
    let body = match str::from_utf8(body) {
        Ok(text) if text.contains('$') => fill(world, text).into_bytes(),
        _ => body.to_vec(),
    };
    Arrived { headers, query: None, body: body.into(), body_hash: None }
}

/// CBOR for what cannot be JSON: maps and lists begin so.
fn format_of(body: &[u8]) -> Format {
    if body.first().is_some_and(|first| *first >= 0x80) { Format::Cbor } else { Format::Json }
}

/// Puts tokens where a body asks for them.
fn fill(world: &World, text: &str) -> String {
    let state = &world.door.streams;
    let position = SeqNo(3);
    let stream_name = STREAM.to_owned();
    let iterator = ShardIterator { stream: 0, shard_index: 0, position, stream_name };
    let iterator = state.tokens.seal_iterator(START, &iterator);
    // A listing's content: the stream, the shard to begin with, the filter and its time.
    let next = state.tokens.seal(Purpose::ListShards, START, &[0; 21]);
    text.replace(ITERATOR, &iterator).replace(NEXT_TOKEN, &next)
}

fn check(operation: Operation, format: Format, reply: &Reply) {
    let Body::Whole(body) = &reply.body else { return };
    let text = String::from_utf8_lossy(body);
    assert!(!reply.status.is_server_error(), "{operation:?}: {text}");
    if reply.status == StatusCode::OK && body.is_empty() {
        return;
    }
    let has_type = match format {
        Format::Json => {
            let document = serde_json::from_slice::<serde_json::Value>(body);
            document.unwrap_or_else(|_| panic!("no document: {text}")).get("__type").is_some()
        }
        Format::Cbor => {
            let document = ciborium::from_reader::<ciborium::Value, _>(body.as_slice());
            let document = document.unwrap_or_else(|_| panic!("no document: {text}"));
            let mut keys = document.as_map().expect("it is a map").iter();
            keys.any(|(key, _)| key.as_text() == Some("__type"))
        }
    };
    assert_eq!(has_type, reply.status != StatusCode::OK, "{operation:?}: {text}");
}

const BODIES: [(&str, &str); 24] = [
    ("CreateStream", r#"{"StreamName":"x","ShardCount":2}"#),
    (
        "CreateStream",
        r#"{"StreamName":"y","StreamModeDetails":{"StreamMode":"ON_DEMAND"},"Tags":{"a":"b"},
        "WarmThroughputMiBps":1,"MaxRecordSizeInKiB":1024,"RecordDistributionStrategy":"AUTO"}"#,
    ),
    ("DeleteStream", r#"{"StreamName":"x","EnforceConsumerDeletion":true}"#),
    ("DescribeStream", r#"{"StreamName":"demo","Limit":1,"ExclusiveStartShardId":"shardId-0"}"#),
    ("DescribeStream", r#"{"StreamARN":"arn:aws:kinesis:us-east-1:000000000000:stream/demo"}"#),
    ("DescribeStreamSummary", r#"{"StreamName":"demo"}"#),
    ("ListStreams", r#"{"Limit":1,"ExclusiveStartStreamName":"a"}"#),
    ("ListStreams", r#"{"NextToken":"$NEXT"}"#),
    ("ListShards", r#"{"NextToken":"$NEXT","MaxResults":1}"#),
    (
        "ListShards",
        r#"{"StreamName":"demo","ShardFilter":{"Type":"AT_TIMESTAMP","Timestamp":1.7e9}}"#,
    ),
    (
        "ListShards",
        r#"{"StreamName":"demo","ShardFilter":{"Type":"AFTER_SHARD_ID","ShardId":"0"},
        "StreamCreationTimestamp":1700000000}"#,
    ),
    ("PutRecord", r#"{"StreamName":"demo","Data":"YWJj","PartitionKey":"k"}"#),
    (
        "PutRecord",
        r#"{"StreamName":"demo","Data":"","PartitionKey":"k","ExplicitHashKey":"0",
        "SequenceNumberForOrdering":"1","DryRun":true}"#,
    ),
    (
        "PutRecords",
        r#"{"StreamName":"demo","Records":[{"Data":"YQ==","PartitionKey":"a"},
        {"Data":"YWI=","PartitionKey":"\u00e9","ExplicitHashKey":"340282366920938463463374607431768211455"}]}"#,
    ),
    (
        "GetShardIterator",
        r#"{"StreamName":"demo","ShardId":"shardId-0","ShardIteratorType":"TRIM_HORIZON"}"#,
    ),
    (
        "GetShardIterator",
        r#"{"StreamName":"demo","ShardId":"1","ShardIteratorType":"AT_TIMESTAMP",
        "Timestamp":1700000000.5}"#,
    ),
    (
        "GetShardIterator",
        r#"{"StreamName":"demo","ShardId":"shardId-000000000000",
        "ShardIteratorType":"AFTER_SEQUENCE_NUMBER","StartingSequenceNumber":
        "49646986683135544286507457936321625675700192471156785154"}"#,
    ),
    ("GetShardIterator", r#"{"StreamName":"demo","ShardId":"0","ShardIteratorType":"LATEST"}"#),
    ("GetRecords", r#"{"ShardIterator":"$ITERATOR","Limit":2}"#),
    ("GetRecords", r#"{"ShardIterator":"\"$ITERATOR\"","DryRun":false}"#),
    ("GetRecords", r#"{"ShardIterator":"AAAAAAAAAAE="}"#),
    ("SplitShard", r#"{"StreamName":"demo"}"#),
    ("PutRecords", r#"{"Records":[],"StreamName":1}"#),
    ("ListStreams", "{}"),
];

/// Good requests, in both formats.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    [json_seeds(), cbor::seeds()].concat()
}

/// Good requests in JSON.
pub(super) fn json_seeds() -> Vec<Vec<u8>> {
    let seed = |(name, body): &(&str, &str)| {
        let index = Operation::ALL.iter().position(|operation| operation.name() == *name);
        let index = index.expect("the model has it");
        let mut seed = vec![u8::try_from(index).expect("57 operations")];
        seed.extend_from_slice(body.as_bytes());
        seed
    };
    BODIES.iter().map(seed).collect()
}
