//! A server's state over a simulated disk, without threads of its engine and without sockets.

use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};

use flowstone_engine::clock::ManualClock;
use flowstone_engine::entropy::SeededEntropy;
use flowstone_engine::error::Result;
use flowstone_engine::io::sim::SimDisk;
use flowstone_engine::types::ShardId;
use flowstone_server::api::streams::{CallRates, Limits, State};
use flowstone_server::api::{Arrived, Door, Reply};
use flowstone_server::service::limits::Rates;
use flowstone_server::service::{CreateStream, Distribution, Mode, StreamKey, StreamLimits};
use flowstone_server::wire::Defaults;
use tokio::runtime::{Builder, Runtime};

use crate::sim::rig::{Rig, START};

/// Whose streams a world has, and where.
pub const ACCOUNT: &str = "000000000000";
/// The region of a world's streams.
pub const REGION: &str = "us-east-1";
/// The stream that every world begins with.
pub const STREAM: &str = "demo";

const LIMITS: Limits = Limits {
    streams: StreamLimits {
        streams_max: 6,
        shards_per_stream_max: 4,
        shards_max: 16,
        shards_max_large_region: None,
        on_demand_streams_max: 6,
    },
    rates: Rates {
        shard_write_bytes: None,
        shard_write_records: None,
        shard_read_bytes: None,
        shard_reads: None,
        consumer_bytes: None,
    },
    calls: CallRates::none(),
    mode_changes_per_day_max: 0,
    shard_count_changes_per_day_max: 0,
    disk_reads_max: 4,
    answer_bytes_max: 1 << 26,
    fan_out_bytes_max: 1 << 24,
    consumers_per_stream_max: 3,
    consumers_per_advantage_stream_max: 3,
};

/// Turns after which a call that gives no answer is a bug.
const TURNS_MAX: usize = 10_000_000;

/// A door with all that is behind it.
pub struct World {
    /// The engine, and what drives it.
    pub rig: Rig,
    /// Where requests arrive.
    pub door: Door,
    runtime: Runtime,
}

impl World {
    /// A world on a copy of the disk that all worlds begin with.
    pub fn new() -> World {
        World::open(&base().disk.kill()).expect("the disk is whole")
    }

    /// A world on what is on `disk`.
    pub fn open(disk: &Arc<SimDisk>) -> Result<World> {
        let clock = Arc::new(ManualClock::at(START));
        let rig = Rig::open(disk, &clock, 1)?;
        let state = State::load(rig.engine.clone(), clock, &SeededEntropy::new(2), LIMITS)?;
        let defaults = Defaults { account: ACCOUNT.to_owned(), region: REGION.to_owned() };
        let door = Door { streams: Arc::new(state), defaults };
        let runtime = Builder::new_current_thread().build().expect("threads can be made");
        Ok(World { rig, door, runtime })
    }

    /// Makes a stream; answers its shard logs.
    pub fn create_stream(&self, name: &str, shards: u32) -> Vec<ShardId> {
        let spec = CreateStream {
            shards,
            mode: Mode::Provisioned,
            distribution: Distribution::UserPartitionKey,
            record_kib_max: 1024,
            warm_mibps: None,
            tags: vec![("team".to_owned(), "fuzz".to_owned())],
        };
        let key = StreamKey { account: ACCOUNT, region: REGION, name };
        let state = &self.door.streams;
        let stream = state.streams.create(&state.engine, START, key, spec).expect("there is room");
        stream.row.shards.iter().map(|shard| shard.log()).collect()
    }

    /// Answers one request, while the engine's hands work in turn.
    pub fn answer(&mut self, arrived: &Arrived) -> Reply {
        let _entered = self.runtime.enter();
        let mut answer = pin!(self.door.answer(arrived));
        for _ in 0..TURNS_MAX {
            if let Poll::Ready(reply) =
                answer.as_mut().poll(&mut Context::from_waker(Waker::noop()))
            {
                return reply;
            }
            self.rig.crew.commit_all();
            std::thread::yield_now();
        }
        panic!("the request was never answered");
    }
}

impl Default for World {
    fn default() -> World {
        World::new()
    }
}

/// The disk that worlds begin with, and what was written to it.
pub struct Base {
    /// Two streams; records in segments, in waiting journal files and in the last one.
    pub disk: Arc<SimDisk>,
    /// The data of every record, by shard log and sequence number.
    pub records: Vec<Vec<Vec<u8>>>,
}

/// The disk that worlds begin with.
pub fn base() -> &'static Base {
    static BASE: OnceLock<Base> = OnceLock::new();
    BASE.get_or_init(make_base)
}

fn make_base() -> Base {
    let mut world = World::open(&SimDisk::new(1)).expect("an empty disk has no faults");
    let mut shards = world.create_stream(STREAM, 2);
    shards.extend(world.create_stream("other", 1));
    let mut records = vec![Vec::new(); shards.len()];
    for round in 0..60u8 {
        let mut answers = Vec::new();
        for (index, shard) in shards.iter().enumerate() {
            let data = vec![round ^ 0x55; 64 * (1 + index + usize::from(round % 7))];
            answers.push(world.rig.enqueue(*shard, std::slice::from_ref(&data)).expect("room"));
            records[index].push(data);
        }
        world.rig.crew.commit_all();
        for mut answer in answers {
            answer().expect("the commit is over").expect("the disk has no faults");
        }
        world.rig.clock.pass_ms(10);
        if round % 20 == 0 {
            while world.rig.crew.seal() {}
        }
    }
    // What was flushed is all that matters.
    Base { disk: world.rig.disk.crash(0), records }
}
