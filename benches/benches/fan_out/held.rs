//! Holding all subscriptions, and what that takes of the server's memory.

use std::time::Duration;

use flowstone_benches::stopwatch::Stopwatch;
use h2::client::SendRequest;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::Scale;
use crate::caller::{Caller, stream_arn};
use crate::host::{Host, Memory};
use crate::subscriber::{Arrival, Arrivals, Protocol, body, connect_http2, over_http1, over_http2};

/// Subscriptions on one HTTP/2 connection.
const STREAMS_PER_CONNECTION: usize = 200;

/// Subscriptions that are being made at once.
const AT_ONCE: usize = 100;

/// Records of one call to `PutRecords`.
const PUT_RECORDS_MAX: usize = 500;

/// The stream that is subscribed to.
pub(crate) const STREAM: &str = "held";

/// Subscriptions that stand, and what they took.
pub(crate) struct Held {
    pub(crate) protocol: Protocol,
    pub(crate) shards: usize,
    pub(crate) consumers: usize,
    pub(crate) clock: Stopwatch,
    pub(crate) arrivals: mpsc::UnboundedReceiver<Arrival>,
    made: Memory,
    idle: Memory,
    told: Memory,
    /// From the first put to the last event of one to each.
    broadcast: Duration,
    _connections: Vec<SendRequest<bytes::Bytes>>,
}

/// The memory at each step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    pub(crate) protocol: Protocol,
    pub(crate) subscriptions: usize,
    pub(crate) made: Memory,
    pub(crate) idle: Memory,
    pub(crate) told: Memory,
    pub(crate) broadcast: Duration,
}

impl Held {
    /// Makes the stream and its consumers, subscribes, and puts a record for each subscription.
    pub(crate) async fn hold(host: &Host, protocol: Protocol, scale: Scale) -> Held {
        let shards = scale.subscriptions.div_ceil(scale.consumers);
        let mut caller = Caller::open(host.address()).await;
        let create = json!({"StreamName": STREAM, "ShardCount": shards});
        caller.call("CreateStream", &create).await;
        let mut consumers = Vec::new();
        for number in 0..scale.consumers {
            let name = format!("consumer-{number}");
            let register = json!({"StreamARN": stream_arn(STREAM), "ConsumerName": name});
            let made = caller.call("RegisterStreamConsumer", &register).await;
            consumers.push(made["Consumer"]["ConsumerARN"].as_str().unwrap().to_owned());
        }
        let made = host.memory();
        let clock = Stopwatch::start();
        let (told, mut arrivals) = mpsc::unbounded_channel();
        let told = Arrivals { clock, told };
        let places = (0..shards).flat_map(|shard| consumers.iter().map(move |arn| (arn, shard)));
        let bodies: Vec<Value> = places.map(|(arn, shard)| body(arn, shard)).collect();
        let connections = subscribe(host, protocol, bodies, &told).await;
        tokio::time::sleep(Duration::from_secs(scale.idle_s)).await;
        let idle = host.memory();
        let began = clock.elapsed();
        for first in (0..shards).step_by(PUT_RECORDS_MAX) {
            let records = first..shards.min(first + PUT_RECORDS_MAX);
            let records: Vec<_> = records.map(|shard| record(shard, shards, 0)).collect();
            let put = json!({"StreamName": STREAM, "Records": records});
            let answer = caller.call("PutRecords", &put).await;
            assert_eq!(answer["FailedRecordCount"], 0);
        }
        let mut last = began;
        for _ in 0..shards * scale.consumers {
            last = last.max(arrivals.recv().await.expect("subscriptions stand").at);
        }
        let told = host.memory();
        let consumers = scale.consumers;
        let broadcast = last - began;
        Held {
            protocol,
            shards,
            consumers,
            clock,
            arrivals,
            made,
            idle,
            told,
            broadcast,
            _connections: connections,
        }
    }

    pub(crate) fn memory(&self) -> Taken {
        let Held { protocol, made, idle, told, broadcast, .. } = *self;
        let subscriptions = self.shards * self.consumers;
        Taken { protocol, subscriptions, made, idle, told, broadcast }
    }
}

async fn subscribe(
    host: &Host,
    protocol: Protocol,
    bodies: Vec<Value>,
    arrivals: &Arrivals,
) -> Vec<SendRequest<bytes::Bytes>> {
    let (mut making, mut connections) = (JoinSet::new(), Vec::new());
    for (number, body) in bodies.into_iter().enumerate() {
        let (server, arrivals) = (host.address(), arrivals.clone());
        match protocol {
            Protocol::Http1 => {
                making.spawn(async move { over_http1(server, &body, arrivals).await });
            }
            Protocol::Http2 => {
                if number % STREAMS_PER_CONNECTION == 0 {
                    connections.push(connect_http2(server).await);
                }
                let requests = connections.last().expect("the first opens one").clone();
                making.spawn(async move { over_http2(&requests, &body, arrivals).await });
            }
        }
        if making.len() >= AT_ONCE {
            making.join_next().await.expect("some are being made").expect("subscribing works");
        }
    }
    while let Some(made) = making.join_next().await {
        made.expect("subscribing works");
    }
    connections
}

/// A record for a shard of `shards` that share the hash keys evenly.
pub(crate) fn record(shard: usize, shards: usize, sample: u64) -> Value {
    let width = u128::MAX / shards as u128;
    // Ranges are rounded down: the middle of one is surely inside.
    let hash = width * shard as u128 + width / 2;
    json!({
        "Data": base64_simd::STANDARD.encode_to_string(sample.to_le_bytes()),
        "PartitionKey": "key",
        "ExplicitHashKey": hash.to_string(),
    })
}
