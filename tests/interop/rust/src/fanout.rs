//! Enhanced fan-out: what exists, what comes while subscribed, and the end of a closed shard.

use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::SdkError;
use aws_sdk_kinesis::operation::subscribe_to_shard::{
    SubscribeToShardError, SubscribeToShardOutput,
};
use aws_sdk_kinesis::types::{
    ConsumerStatus, Shard, ShardIteratorType, StartingPosition, SubscribeToShardEvent,
    SubscribeToShardEventStream,
};

use crate::checks::{equal, is_recent, must, refused, that, until};
use crate::traffic::{Placed, Reader, Writer, all_shards};

const LIVE_RECORDS: u8 = 20;
/// The service sends an event at least every five seconds.
const EVENT_WAIT_MAX: Duration = Duration::from_secs(30);

/// Registers a consumer and gives its ARN.
pub async fn register(client: &Client, arn: &str) -> String {
    let register = || client.register_stream_consumer().stream_arn(arn).consumer_name("fan").send();
    let answer = must("register-stream-consumer", register().await);
    let consumer = must("the answer has a consumer", answer.consumer.ok_or("it has none"));
    equal("a consumer has its name", consumer.consumer_name(), "fan");
    let created = consumer.consumer_creation_timestamp();
    that("a consumer's time of making is about now", is_recent(Some(created)), created);
    until("the consumer to be ACTIVE", async || {
        let request = client.describe_stream_consumer().stream_arn(arn).consumer_name("fan");
        let answer = must("describe-stream-consumer", request.send().await);
        let description = answer.consumer_description();
        description.is_some_and(|it| *it.consumer_status() == ConsumerStatus::Active)
    })
    .await;
    refused("a second consumer of one name", register().await, |error| {
        error.as_service_error().is_some_and(|error| error.is_resource_in_use_exception())
    });
    let listed = client.list_stream_consumers().stream_arn(arn).send().await;
    let count = must("list-stream-consumers", listed).consumers().len();
    equal("list-stream-consumers", count, 1);
    consumer.consumer_arn
}

/// Deregisters the consumer, and sees that it is gone.
pub async fn deregister(client: &Client, consumer: &str) {
    let request = client.deregister_stream_consumer().consumer_arn(consumer);
    must("deregister-stream-consumer", request.send().await);
    let describe = || client.describe_stream_consumer().consumer_arn(consumer).send();
    until("the consumer to be gone", async || describe().await.is_err()).await;
    refused("a deregistered consumer is gone", describe().await, |error| {
        error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception())
    });
}

/// Every shard from its oldest record: a closed one to its end, an open one past what exists.
pub async fn subscribe_all(
    client: &Client,
    consumer: &str,
    writer: &Writer<'_>,
    reader: &Reader<'_>,
) {
    for shard in all_shards(client, writer.stream).await {
        let of_shard = |record: &&Placed| record.shard == shard.shard_id();
        let polled: Vec<_> = reader.found.iter().filter(of_shard).cloned().collect();
        let range = shard.sequence_number_range();
        let is_closed = range.is_some_and(|range| range.ending_sequence_number().is_some());
        if is_closed {
            closed(client, consumer, shard.shard_id(), &polled).await;
        } else {
            open(client, consumer, writer, &shard, &polled).await;
        }
    }
    let nowhere = subscribe(client, consumer, "shardId-000000000999").await;
    refused("subscribing to a shard that is not", nowhere, |error| {
        error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception())
    });
}

async fn subscribe(
    client: &Client,
    consumer: &str,
    shard: &str,
) -> Result<SubscribeToShardOutput, SdkError<SubscribeToShardError>> {
    let start = StartingPosition::builder().r#type(ShardIteratorType::TrimHorizon).build();
    let request = client.subscribe_to_shard().consumer_arn(consumer).shard_id(shard);
    request.starting_position(must("a starting position", start)).send().await
}

/// The next event; none when the subscription is over.
async fn next(output: &mut SubscribeToShardOutput) -> Option<SubscribeToShardEvent> {
    let event = tokio::time::timeout(EVENT_WAIT_MAX, output.event_stream.recv()).await;
    match must("the next event", must("an event in time", event))? {
        SubscribeToShardEventStream::SubscribeToShardEvent(event) => Some(event),
        other => must("an event of the known kind", Err(other)),
    }
}

async fn closed(client: &Client, consumer: &str, shard: &str, polled: &[Placed]) {
    let mut output = must("subscribe-to-shard", subscribe(client, consumer, shard).await);
    let (mut found, mut last) = (Vec::new(), None::<SubscribeToShardEvent>);
    while let Some(event) = next(&mut output).await {
        if last.as_ref().is_some_and(|last| !last.child_shards().is_empty()) {
            that(&format!("{shard}: no event after the last"), false, &event);
        }
        found.extend(event.records().iter().map(|record| Placed::read(shard, record)));
        last = Some(event);
    }
    equal(&format!("fan-out: all of closed {shard}"), &found[..], polled);
    let last = must("a last event", last.ok_or(shard));
    let name = format!("fan-out: {shard} ends and names its children");
    that(&name, !last.child_shards().is_empty(), &last);
    // The SDK gives a required member that is not there as an empty text.
    let name = format!("fan-out: {shard} ends without a continuation");
    that(&name, last.continuation_sequence_number().is_empty(), &last);
}

async fn open(
    client: &Client,
    consumer: &str,
    writer: &Writer<'_>,
    shard: &Shard,
    polled: &[Placed],
) {
    let id = shard.shard_id();
    let mut output = must("subscribe-to-shard", subscribe(client, consumer, id).await);
    let (mut found, mut expected) = (Vec::new(), polled.to_vec());
    while found.len() < polled.len() + usize::from(LIVE_RECORDS) {
        if found.len() >= polled.len() && expected.len() == polled.len() {
            let start = shard.hash_key_range().map(|range| range.starting_hash_key());
            for index in 0..LIVE_RECORDS {
                let data = [0xff, 0x00, index];
                expected.push(writer.one("live", &data, start).await);
            }
        }
        let event = must("an open shard goes on", next(&mut output).await.ok_or(id));
        if event.continuation_sequence_number().is_empty() {
            that("fan-out: an event says how to go on", false, &event);
        }
        found.extend(event.records().iter().map(|record| Placed::read(id, record)));
    }
    let name = format!("fan-out: all of {id}, {LIVE_RECORDS} put while subscribed");
    equal(&name, &found, &expected);
}
