//! From put to event, and from put to what a poll finds.

use std::time::Duration;

use flowstone_benches::stopwatch::Stopwatch;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::Scale;
use crate::caller::Caller;
use crate::held::{Held, STREAM, record};
use crate::host::Host;
use crate::subscriber::{Arrival, Arrivals, Protocol};

/// Between two polls of a shard: the real service allows five a second.
const PACE: Duration = Duration::from_millis(200);

/// How long a way took, in microseconds, sorted.
pub(crate) struct Ways {
    pub(crate) name: &'static str,
    /// From the start of the put.
    pub(crate) from_start: Vec<i64>,
    /// From its acknowledgement, which may come behind the event.
    pub(crate) from_ack: Vec<i64>,
}

/// When a put began, and when it was acknowledged.
struct Put {
    start: Duration,
    ack: Duration,
}

impl Ways {
    fn new(name: &'static str, ways: impl IntoIterator<Item = (Put, Duration)>) -> Ways {
        let micros = |time: Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        let (mut from_start, mut from_ack): (Vec<_>, Vec<_>) = ways
            .into_iter()
            .map(|(put, at)| (micros(at) - micros(put.start), micros(at) - micros(put.ack)))
            .unzip();
        from_start.sort_unstable();
        from_ack.sort_unstable();
        Ways { name, from_start, from_ack }
    }
}

async fn put(caller: &mut Caller, clock: Stopwatch, stream: &str, mut record: Value) -> Put {
    record["StreamName"] = stream.into();
    let start = clock.elapsed();
    caller.call("PutRecord", &record).await;
    Put { start, ack: clock.elapsed() }
}

/// Records one after the other, each to a shard whose consumers are all subscribed.
pub(crate) async fn pushed(host: &Host, held: &mut Held, scale: Scale) -> Ways {
    let mut caller = Caller::open(host.address()).await;
    let mut ways = Vec::new();
    for sample in 0..scale.samples {
        let shard = sample * 7919 % held.shards;
        let record = record(shard, held.shards, sample as u64);
        let put = put(&mut caller, held.clock, STREAM, record).await;
        for _ in 0..held.consumers {
            let arrival = held.arrivals.recv().await.expect("subscriptions stand");
            assert_eq!(arrival.sample, sample as u64);
            ways.push((Put { ..put }, arrival.at));
        }
    }
    let name = match held.protocol {
        Protocol::Http1 => "subscription, HTTP/1.1",
        Protocol::Http2 => "subscription, HTTP/2",
    };
    Ways::new(name, ways)
}

/// The same with one poller that asks again as soon as it is answered.
pub(crate) async fn polled_tightly(host: &Host, scale: Scale) -> Ways {
    let mut polled = Polled::create(host, "tight", Duration::ZERO).await;
    let mut ways = Vec::new();
    for sample in 0..scale.samples {
        ways.push(polled.way(sample as u64).await);
    }
    Ways::new("polling, as often as it goes", ways)
}

/// The same with pollers at the real service's pace, and puts at any moment of it.
pub(crate) async fn polled_at_pace(host: &Host, scale: Scale) -> Ways {
    let mut pollers = JoinSet::new();
    for number in 0..scale.pollers {
        let mut polled = Polled::create(host, &format!("paced-{number}"), PACE).await;
        let rounds = scale.samples.div_ceil(scale.pollers);
        pollers.spawn(async move {
            let mut ways = Vec::new();
            for round in 0..rounds {
                // An even spread over the pace, in an order that has nothing to do with it.
                let part = (round * 37 + number * 11) % 100;
                tokio::time::sleep(PACE * u32::try_from(part).unwrap() / 100).await;
                ways.push(polled.way(round as u64).await);
            }
            ways
        });
    }
    Ways::new("polling, 5 calls/s", pollers.join_all().await.into_iter().flatten())
}

/// A stream of one shard, and its poller.
struct Polled {
    caller: Caller,
    clock: Stopwatch,
    stream: String,
    arrivals: mpsc::UnboundedReceiver<Arrival>,
    _poller: JoinSet<()>,
}

impl Polled {
    async fn create(host: &Host, name: &str, pace: Duration) -> Polled {
        let mut caller = Caller::open(host.address()).await;
        caller.call("CreateStream", &json!({"StreamName": name, "ShardCount": 1})).await;
        let clock = Stopwatch::start();
        let (told, arrivals) = mpsc::unbounded_channel();
        let told = Arrivals { clock, told };
        let mut reader = Caller::open(host.address()).await;
        let first = json!({
            "StreamName": name, "ShardId": "shardId-000000000000", "ShardIteratorType": "LATEST",
        });
        let mut iterator = reader.call("GetShardIterator", &first).await["ShardIterator"].take();
        let mut poller = JoinSet::new();
        poller.spawn(async move {
            let mut looks = interval(pace.max(Duration::from_nanos(1)));
            looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                if !pace.is_zero() {
                    looks.tick().await;
                }
                let asked = json!({"ShardIterator": iterator});
                let mut answer = reader.call("GetRecords", &asked).await;
                told.tell(&answer);
                iterator = answer["NextShardIterator"].take();
            }
        });
        let stream = name.to_owned();
        Polled { caller, clock, stream, arrivals, _poller: poller }
    }

    async fn way(&mut self, sample: u64) -> (Put, Duration) {
        let record = record(0, 1, sample);
        let put = put(&mut self.caller, self.clock, &self.stream, record).await;
        let arrival = self.arrivals.recv().await.expect("the poller polls");
        assert_eq!(arrival.sample, sample);
        (put, arrival.at)
    }
}
