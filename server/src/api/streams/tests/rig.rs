//! A state over a simulated disk and a clock that stands still, called as the door calls it.

use std::sync::Arc;

use flowstone_engine::clock::ManualClock;
use flowstone_engine::entropy::SeededEntropy;
use flowstone_engine::io::sim::SimDisk;
use flowstone_engine::types::Timestamp;
use flowstone_engine::{Engine, Options};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::api::Body;
use crate::api::streams::{CallRates, Limits, Operation, State, dispatch};
use crate::service::StreamLimits;
use crate::service::limits::Rates;
use crate::wire::{Caller, Exception, Format};

pub(super) const ACCOUNT: &str = "111122223333";
pub(super) const REGION: &str = "us-east-1";
pub(super) const START_MS: u64 = 1_700_000_000_000;
pub(super) const HOUR_MS: u64 = 3_600_000;

/// Bytes of a journal file: enough for small records, and quick to make.
const SMALL: usize = 64 << 10;

/// Bounds that no test meets unless it sets them.
pub(super) fn limits() -> Limits {
    Limits {
        streams: StreamLimits {
            streams_max: 100,
            shards_per_stream_max: 100,
            shards_max: 1000,
            shards_max_large_region: None,
            on_demand_streams_max: 100,
        },
        rates: Rates::default(),
        calls: CallRates::none(),
        mode_changes_per_day_max: 0,
        shard_count_changes_per_day_max: 0,
        disk_reads_max: 4,
        answer_bytes_max: 1 << 26,
        fan_out_bytes_max: 1 << 24,
        consumers_per_stream_max: 20,
        consumers_per_advantage_stream_max: 20,
    }
}

pub(super) struct Rig {
    pub(super) clock: Arc<ManualClock>,
    pub(super) state: Arc<State>,
    disk: Arc<SimDisk>,
    limits: Limits,
    runtime: Runtime,
    caller: Caller,
}

impl Drop for Rig {
    /// Ends the engine's threads: those of a simulated disk never rest.
    fn drop(&mut self) {
        let _ = self.state.engine.close();
    }
}

impl Rig {
    pub(super) fn new() -> Rig {
        Rig::with(limits())
    }

    pub(super) fn with(limits: Limits) -> Rig {
        let clock = Arc::new(ManualClock::at(Timestamp(START_MS)));
        Rig::open(&SimDisk::new(1), clock, limits, SMALL)
    }

    /// One that takes records of some MiB.
    pub(super) fn large() -> Rig {
        let clock = Arc::new(ManualClock::at(Timestamp(START_MS)));
        Rig::open(&SimDisk::new(1), clock, limits(), 4 << 20)
    }

    fn open(
        disk: &Arc<SimDisk>,
        clock: Arc<ManualClock>,
        limits: Limits,
        journal_file_bytes: usize,
    ) -> Rig {
        let options = Options { journal_file_bytes, ..Options::default() };
        let entropy = Arc::new(SeededEntropy::new(1));
        let engine =
            Engine::open(disk.clone(), clock.clone(), entropy.clone(), options).expect("opens");
        let state = State::load(engine, clock.clone(), &*entropy, limits).expect("loads");
        let state = Arc::new(state);
        // One thread that may block: a call that held it while it waits for another would hang.
        let runtime = Builder::new_current_thread().max_blocking_threads(1).build();
        let runtime = runtime.expect("threads can be made");
        let caller = Caller { account: ACCOUNT.to_owned(), region: REGION.to_owned() };
        Rig { clock, state, disk: Arc::clone(disk), limits, runtime, caller }
    }

    /// A server on what a power cut leaves of this one.
    pub(super) fn restarted(self) -> Rig {
        let left = self.disk.crash(0);
        Rig::open(&left, Arc::clone(&self.clock), self.limits, SMALL)
    }

    /// Calls as another account, or elsewhere.
    pub(super) fn call_as(
        &self,
        caller: &Caller,
        operation: &str,
        body: &Value,
    ) -> Result<Value, Exception> {
        let operation = Operation::parse(operation).expect("the model has it");
        let body = body.to_string();
        let answer = dispatch(&self.state, caller, operation, Format::Json, body.as_bytes());
        match self.runtime.block_on(answer)?.body {
            Body::Whole(bytes) if bytes.is_empty() => Ok(Value::Null),
            Body::Whole(bytes) => Ok(serde_json::from_slice(&bytes).expect("answers are JSON")),
            Body::Events(_) => panic!("not asked for"),
        }
    }

    pub(super) fn call(&self, operation: &str, body: &Value) -> Result<Value, Exception> {
        self.call_as(&self.caller, operation, body)
    }

    /// The answer of a call that is served.
    pub(super) fn ok(&self, operation: &str, body: &Value) -> Value {
        self.call(operation, body).unwrap_or_else(|error| panic!("{operation}: {error:?}"))
    }

    /// Code and message of a call that is refused.
    pub(super) fn refused(&self, operation: &str, body: &Value) -> (&'static str, String) {
        let error = self.call(operation, body).expect_err("is refused");
        (error.code, error.message.unwrap_or_default().into_owned())
    }

    pub(super) fn provisioned(&self, name: &str, shards: u32) {
        self.ok("CreateStream", &json!({"StreamName": name, "ShardCount": shards}));
    }

    pub(super) fn on_demand(&self, name: &str) {
        self.ok("CreateStream", &json!({"StreamName": name}));
    }

    pub(super) fn summary(&self, name: &str) -> Value {
        self.ok("DescribeStreamSummary", &json!({"StreamName": name}))["StreamDescriptionSummary"]
            .clone()
    }

    /// All records of a shard.
    pub(super) fn records(&self, name: &str, shard: u32) -> Vec<Value> {
        let body = json!({"StreamName": name, "ShardId": format!("shardId-{shard:012}"),
                          "ShardIteratorType": "TRIM_HORIZON"});
        let iterator = self.ok("GetShardIterator", &body);
        let answer = self.ok("GetRecords", &json!({"ShardIterator": iterator["ShardIterator"]}));
        answer["Records"].as_array().expect("a list").clone()
    }
}

pub(super) fn arn(name: &str) -> String {
    format!("arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{name}")
}
