//! The service on a simulated disk that writes when told, and readers of its subscriptions.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Wake, Waker};

use bytes::Bytes;
use clap::Parser;
use flowstone_engine::clock::ManualClock;
use flowstone_engine::entropy::SeededEntropy;
use flowstone_engine::error::Result as EngineResult;
use flowstone_engine::frame::Batch;
use flowstone_engine::io::sim::SimDisk;
use flowstone_engine::types::Timestamp;
use flowstone_engine::{Appended, Crew, Engine, Options};
use futures_util::{FutureExt, StreamExt};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::api::streams::{Limits, Operation, State, dispatch};
use crate::api::{Body, Events};
use crate::config::{Config, Flags};
use crate::service::StreamKey;
use crate::wire::{Caller, Exception, Format, event_stream};

/// When everything begins, in milliseconds since 1970.
pub(super) const BEGAN_MS: u64 = 1_700_000_000_500;

pub(super) const ACCOUNT: &str = "123456789012";

/// A stream `s` of two shards, with the consumers `c` and `d`.
pub(super) struct World {
    pub(super) state: Arc<State>,
    pub(super) clock: Arc<ManualClock>,
    pub(super) disk: Arc<SimDisk>,
    crew: Crew,
}

impl World {
    pub(super) async fn new() -> World {
        World::with_fan_out(1 << 26).await
    }

    /// The same with a budget for large events.
    pub(super) async fn with_fan_out(fan_out_bytes_max: usize) -> World {
        World::with(|limits| Limits { fan_out_bytes_max, ..limits }).await
    }

    /// The same with other limits.
    pub(super) async fn with(change: impl FnOnce(Limits) -> Limits) -> World {
        let disk = SimDisk::new(1);
        let clock = Arc::new(ManualClock::at(Timestamp(BEGAN_MS)));
        let entropy = Arc::new(SeededEntropy::new(7));
        let options = Options { journal_file_bytes: 8 << 20, ..Options::default() };
        let opened = Engine::open_with_crew(disk.clone(), clock.clone(), entropy.clone(), options);
        let (engine, crew) = opened.unwrap();
        let flags = Flags::try_parse_from(["flowstone"]).unwrap();
        let limits = change(Config::resolve(flags).unwrap().streams);
        let state = Arc::new(State::load(engine, clock.clone(), &*entropy, limits).unwrap());
        let world = World { state, clock, disk, crew };
        world.call("CreateStream", json!({"StreamName": "s", "ShardCount": 2})).await.unwrap();
        for name in ["c", "d"] {
            let register = json!({"StreamARN": stream_arn(), "ConsumerName": name});
            world.call("RegisterStreamConsumer", register).await.unwrap();
        }
        world
    }

    pub(super) async fn call(&self, operation: &str, body: Value) -> Result<Body, Exception> {
        let caller = Caller { account: ACCOUNT.into(), region: "eu-west-1".into() };
        let operation = Operation::parse(operation).unwrap();
        let body = body.to_string();
        let answer = dispatch(&self.state, &caller, operation, Format::Json, body.as_bytes()).await;
        answer.map(|answer| answer.body)
    }

    /// Subscribes to the first shard as `c`.
    pub(super) async fn subscribe(&self, kind: &str) -> Reader {
        self.subscribe_at("0", "c", json!({"Type": kind})).await.unwrap()
    }

    pub(super) async fn subscribe_at(
        &self,
        shard: &str,
        consumer: &str,
        at: Value,
    ) -> Result<Reader, Exception> {
        let arn = format!("{}/consumer/{consumer}:{}", stream_arn(), BEGAN_MS / 1000);
        let body = json!({"ConsumerARN": arn, "ShardId": shard, "StartingPosition": at});
        let Body::Events(events) = self.call("SubscribeToShard", body).await? else {
            panic!("a subscription answers with events")
        };
        let mut reader = Reader { events, buffer: Vec::new() };
        let (kind, _) = reader.message().await.unwrap();
        assert_eq!(kind, "initial-response");
        Ok(reader)
    }

    /// Queues a record for a shard. It is written by [`World::commit`].
    pub(super) fn enqueue(
        &self,
        shard: u32,
        data: &[u8],
    ) -> oneshot::Receiver<EngineResult<Appended>> {
        let key = StreamKey { account: ACCOUNT, region: "eu-west-1", name: "s" };
        let stream = self.state.streams.find(key).unwrap();
        let log = stream.shard(shard).unwrap().log();
        let batch = Batch::single(b"key", data).unwrap();
        // There is room at once, however much this task has done without a pause.
        let queued = tokio::task::unconstrained(self.state.engine.enqueue(log, batch));
        queued.now_or_never().unwrap().unwrap()
    }

    pub(super) fn commit(&mut self) {
        self.crew.commit_all();
    }

    /// Writes a record.
    pub(super) fn put(&mut self, shard: u32, data: &[u8]) {
        let mut written = self.enqueue(shard, data);
        self.commit();
        written.try_recv().unwrap().unwrap();
    }

    /// Lets the service's clock go on. Tokio's, which subscriptions last by, is another.
    pub(super) fn pass_ms(&self, ms: u64) {
        self.clock.pass_ms(ms);
    }
}

pub(super) fn stream_arn() -> String {
    format!("arn:aws:kinesis:eu-west-1:{ACCOUNT}:stream/s")
}

/// A subscription as its client sees it.
pub(super) struct Reader {
    pub(super) events: Events,
    /// What came and is no whole frame yet.
    pub(super) buffer: Vec<u8>,
}

impl Reader {
    /// The next event; none when the subscription is over.
    pub(super) async fn next(&mut self) -> Option<Value> {
        let (kind, payload) = self.message().await?;
        assert_eq!(kind, "SubscribeToShardEvent", "{payload}");
        Some(payload)
    }

    /// The exception that ends the subscription, and that nothing comes behind it.
    pub(super) async fn ended_by(&mut self) -> String {
        let (kind, payload) = self.message().await.unwrap();
        assert!(payload["message"].as_str().is_some_and(|message| !message.is_empty()));
        assert!(self.message().await.is_none());
        kind
    }

    /// The type of the next event or exception, and its payload.
    async fn message(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some(message) = event_stream::decode(&self.buffer).unwrap() {
                let kind = message.header(":event-type").or(message.header(":exception-type"));
                let kind = kind.unwrap().to_owned();
                let payload = serde_json::from_slice(message.payload).unwrap();
                let bytes = message.frame_bytes;
                self.buffer.drain(..bytes);
                return Some((kind, payload));
            }
            let piece = self.events.next().await?;
            self.buffer.extend_from_slice(&piece);
        }
    }

    /// The next piece, as the connection holds it while it is not sent.
    pub(super) async fn piece(&mut self) -> Option<Bytes> {
        self.events.next().await
    }

    /// Whether it waits, and whatever it waits for has not come.
    pub(super) fn is_idle(&mut self) -> bool {
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(Arc::clone(&wakes));
        let next = self.events.as_mut().poll_next(&mut Context::from_waker(&waker));
        next.is_pending() && wakes.0.load(Ordering::SeqCst) == 0
    }
}

#[derive(Default)]
struct Wakes(AtomicU32);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// The data of an event's records.
pub(super) fn data_of(event: &Value) -> Vec<String> {
    let records = event["Records"].as_array().unwrap().iter();
    let data = records.map(|record| record["Data"].as_str().unwrap());
    let decoded = data.map(|data| base64_simd::STANDARD.decode_to_vec(data).unwrap());
    decoded.map(|data| String::from_utf8(data).unwrap()).collect()
}
