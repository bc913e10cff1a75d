//! A session of the AWS SDK for Rust: streams, records, resharding, fan-out.
//!
//! ```text
//! FLOWSTONE_ENDPOINT=http://127.0.0.1:4567 cargo run
//! ```

#![allow(clippy::disallowed_methods, reason = "a client lives by the clock of its machine")]

mod checks;
mod fanout;
mod traffic;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::env;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::retry::RetryConfig;
use aws_sdk_kinesis::config::{BehaviorVersion, Config, Credentials, Region};
use aws_sdk_kinesis::types::{
    ScalingType, StreamDescriptionSummary, StreamMode, StreamModeDetails, StreamStatus,
};
use aws_smithy_http_client::Builder;

use checks::{equal, is_recent, must, refused, that, until};
use traffic::{Reader, Writer, all_shards};

const STREAM: &str = "orders";
const ROUNDS_BETWEEN: usize = 10;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let endpoint = must("FLOWSTONE_ENDPOINT is set", env::var("FLOWSTONE_ENDPOINT"));
    // No retries: what the server does wrong is not to be hidden by a second try.
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(Builder::new().build_http())
        .endpoint_url(endpoint)
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("AKIDEXAMPLE", "secret", None, None, "session"))
        .retry_config(RetryConfig::disabled())
        .build();
    let client = Client::from_conf(config);

    let arn = create(&client).await;
    let writer = Writer::new(&client, STREAM);
    places(&client, &writer).await;
    let reader = read_while_resharding(&client, &writer).await;
    refusals(&client).await;
    tags(&client).await;
    let consumer = fanout::register(&client, &arn).await;
    fanout::subscribe_all(&client, &consumer, &writer, &reader).await;
    let early = client.delete_stream().stream_name(STREAM).send().await;
    refused("deleting a stream that has consumers", early, |error| {
        error.as_service_error().is_some_and(|error| error.is_resource_in_use_exception())
    });
    fanout::deregister(&client, &consumer).await;
    remove(&client).await;
    checks::close("Rust SDK");
}

async fn summary(client: &Client) -> StreamDescriptionSummary {
    let answer = client.describe_stream_summary().stream_name(STREAM).send().await;
    let answer = must("describe-stream-summary", answer);
    must("the answer has a summary", answer.stream_description_summary.ok_or("it has none"))
}

async fn active(client: &Client) {
    until("the stream to be ACTIVE", async || {
        summary(client).await.stream_status == StreamStatus::Active
    })
    .await;
}

async fn create(client: &Client) -> String {
    let mode = StreamModeDetails::builder().stream_mode(StreamMode::Provisioned).build();
    let request = client.create_stream().stream_name(STREAM).shard_count(2);
    let request = request.stream_mode_details(must("a stream mode", mode));
    must("create-stream", request.send().await);
    active(client).await;
    let summary = summary(client).await;
    equal("a stream of two shards", summary.open_shard_count, 2);
    let created = &summary.stream_creation_timestamp;
    that("its time of making is about now", is_recent(Some(created)), created);
    summary.stream_arn
}

async fn places(client: &Client, writer: &Writer<'_>) {
    let shards = all_shards(client, STREAM).await;
    equal("list-shards pages one by one", shards.len(), 2);
    let every: Vec<u8> = (0..=u8::MAX).collect();
    for shard in shards {
        let range = must("a shard has a range", shard.hash_key_range().ok_or(&shard));
        for hash in [range.starting_hash_key(), range.ending_hash_key()] {
            let placed = writer.one("explicit", &every, Some(hash)).await;
            equal(&format!("explicit hash key {hash}"), &*placed.shard, shard.shard_id());
        }
    }
    writer.one("empty", b"", None).await;
}

/// Splits, merges and scales while records are written and read.
async fn reshard(client: &Client, writer: &Writer<'_>) {
    writer.more(ROUNDS_BETWEEN).await;
    let first =
        must("a first shard", all_shards(client, STREAM).await.into_iter().next().ok_or(()));
    let range = must("a shard has a range", first.hash_key_range().ok_or(&first));
    let low: u128 = must("a hash key", range.starting_hash_key().parse());
    let high: u128 = must("a hash key", range.ending_hash_key().parse());
    let middle = low + (high - low) / 2;
    let request = client.split_shard().stream_name(STREAM).shard_to_split(first.shard_id());
    must("split-shard", request.new_starting_hash_key(middle.to_string()).send().await);
    active(client).await;
    let shards = all_shards(client, STREAM).await;
    let children: Vec<_> =
        shards.iter().filter(|shard| shard.parent_shard_id() == Some(first.shard_id())).collect();
    equal("a split shard has two children", children.len(), 2);
    let parent = shards.iter().find(|shard| shard.shard_id() == first.shard_id());
    let ending = parent.and_then(|shard| shard.sequence_number_range()?.ending_sequence_number());
    that("a split shard is closed", ending.is_some(), parent);

    writer.more(ROUNDS_BETWEEN).await;
    let (left, right) = (children[0].shard_id(), children[1].shard_id());
    let request = client.merge_shards().stream_name(STREAM).shard_to_merge(left);
    must("merge-shards", request.adjacent_shard_to_merge(right).send().await);
    active(client).await;
    let shards = all_shards(client, STREAM).await;
    let merged = shards.iter().find(|shard| shard.parent_shard_id() == Some(left));
    let adjacent = merged.and_then(|shard| shard.adjacent_parent_shard_id());
    equal("a merged shard has both parents", adjacent, Some(right));

    writer.more(ROUNDS_BETWEEN).await;
    let request = client.update_shard_count().stream_name(STREAM).target_shard_count(4);
    let scaled = request.scaling_type(ScalingType::UniformScaling).send().await;
    let scaled = must("update-shard-count", scaled);
    let counts = (scaled.current_shard_count, scaled.target_shard_count);
    equal("update-shard-count", counts, (Some(2), Some(4)));
    active(client).await;
    equal("four open shards", summary(client).await.open_shard_count, 4);
    writer.more(ROUNDS_BETWEEN).await;
}

async fn read_while_resharding<'a>(client: &'a Client, writer: &Writer<'a>) -> Reader<'a> {
    let mut reader = Reader::new(client, STREAM);
    let expected = Cell::new(None);
    let resharding = async {
        reshard(client, writer).await;
        writer.stop();
    };
    let writing = async {
        tokio::join!(writer.run(), resharding);
        expected.set(Some(writer.put.borrow().len()));
    };
    tokio::join!(reader.run(&expected), writing);
    reader.compare(&writer.put.borrow(), writer.rounds());
    let shards = all_shards(client, STREAM).await;
    let listed: BTreeSet<_> = shards.into_iter().map(|shard| shard.shard_id).collect();
    equal("polling: every shard of the lineage", reader.shards(), listed);
    reader
}

async fn refusals(client: &Client) {
    let again = client.create_stream().stream_name(STREAM).shard_count(1).send().await;
    refused("a second stream of one name", again, |error| {
        error.as_service_error().is_some_and(|error| error.is_resource_in_use_exception())
    });
    let nowhere = client.describe_stream().stream_name("nowhere").send().await;
    refused("a stream that is not", nowhere, |error| {
        error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception())
    });
    let forbidden = client.create_stream().stream_name("not a name").shard_count(1).send().await;
    refused("a name with forbidden characters", forbidden, |error| {
        error.as_service_error().is_some_and(|error| error.is_validation_exception())
    });
    let garbage = client.get_records().shard_iterator("AAAAAAAAAAFgarbage").send().await;
    refused("a garbage iterator", garbage, |error| {
        error.as_service_error().is_some_and(|error| error.is_invalid_argument_exception())
    });
}

async fn tags(client: &Client) {
    let read = async || {
        let answer = client.list_tags_for_stream().stream_name(STREAM).send().await;
        let tags = must("list-tags-for-stream", answer).tags;
        let pairs = tags.into_iter().map(|tag| (tag.key, tag.value.unwrap_or_default()));
        pairs.collect::<BTreeMap<_, _>>()
    };
    let both = BTreeMap::from([
        ("team".to_owned(), "a b".to_owned()),
        ("città".to_owned(), "тест".to_owned()),
    ]);
    let request = client.add_tags_to_stream().stream_name(STREAM);
    let tags = Some(both.clone().into_iter().collect());
    must("add-tags-to-stream", request.set_tags(tags).send().await);
    equal("tags are kept", read().await, both.clone());
    let request = client.remove_tags_from_stream().stream_name(STREAM).tag_keys("team");
    must("remove-tags-from-stream", request.send().await);
    let rest = both.into_iter().filter(|(key, _)| key != "team").collect();
    equal("a tag is removed", read().await, rest);
}

async fn remove(client: &Client) {
    must("delete-stream", client.delete_stream().stream_name(STREAM).send().await);
    let describe = || client.describe_stream_summary().stream_name(STREAM).send();
    until("the stream to be gone", async || describe().await.is_err()).await;
    refused("a deleted stream is gone", describe().await, |error| {
        error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception())
    });
}
