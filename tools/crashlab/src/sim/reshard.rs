//! A stream that is split, merged and scaled at random while it is written and read, on a disk that
//! crashes; through the same calls of the service that the API makes.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use flowstone_engine::Engine;
use flowstone_engine::clock::ManualClock;
use flowstone_engine::entropy::{Entropy, SeededEntropy};
use flowstone_engine::error::Error;
use flowstone_engine::frame::{Batch, BatchBuilder};
use flowstone_engine::io::sim::SimDisk;
use flowstone_server::service::{
    ChangeError, CreateStream, Distribution, Mode, Put, PutError, Reshard, State, Stream,
    StreamKey, StreamLimits, Streams, hash_of,
};

use crate::sim::lineage::{Ledger, Name, Reader};
use crate::sim::rig::{Rig, START};

const WRITERS: usize = 4;
const KEYS_OF_WRITER: u64 = 3;
const KEY: StreamKey<'_> = StreamKey { account: "000000000000", region: "eu-west-1", name: "s" };
const LIMITS: StreamLimits = StreamLimits {
    streams_max: 1,
    shards_per_stream_max: 12,
    shards_max: 100,
    shards_max_large_region: None,
    on_demand_streams_max: 1,
};

/// Turns of the crew after which whatever waits will wait for ever.
const TURNS_MAX: usize = 5_000;

/// What a run went through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Went {
    /// Reshards that were done.
    pub reshards: u64,
    /// Shards that the stream had in all.
    pub shards: u64,
    /// Records that were acknowledged.
    pub acked: u64,
    /// Times that the engine was opened again.
    pub restarts: u64,
    /// Operations of the disk up to its end.
    pub ops: u64,
}

type Putting = Pin<Box<dyn Future<Output = Result<Put, PutError<Error>>>>>;

/// A put on its way.
struct InFlight {
    names: Vec<Name>,
    put: Putting,
}

/// The stream and all who use it. A writer puts one batch at a time, so that the order of its keys'
/// records is known.
struct World {
    rig: Rig,
    streams: Arc<Streams>,
    crowd: Crowd,
    reader: Reader,
    went: Went,
}

/// The writers.
struct Crowd {
    random: SeededEntropy,
    in_flight: [Option<InFlight>; WRITERS],
    ledger: Ledger,
    /// Whether the disk has crashed, or may: then puts may fail.
    may_fail: bool,
}

/// Runs `steps` random steps of `seed` on a disk that crashes at operation `crash_at`, recovers,
/// and goes on. What is wrong, if anything is.
pub fn run(seed: u64, steps: usize, crash_at: Option<u64>) -> Result<Went, String> {
    let disk = SimDisk::new(seed);
    if let Some(op) = crash_at {
        disk.set_crash_at(op);
    }
    let clock = Arc::new(ManualClock::at(START));
    let crowd = Crowd {
        random: SeededEntropy::new(seed ^ 0x5eed),
        in_flight: [const { None }; WRITERS],
        ledger: Ledger::default(),
        may_fail: crash_at.is_some(),
    };
    let Some((rig, streams)) = open(&disk, &clock, seed) else { return Ok(Went::default()) };
    if streams.create(&rig.engine, START, KEY, new_stream()).is_err() {
        return Ok(Went::default());
    }
    let mut world = World { rig, streams, crowd, reader: Reader::default(), went: Went::default() };
    for _ in 0..steps {
        if world.rig.disk.is_crashed() {
            let disk = world.rig.disk.crash(seed);
            world = world.reopened(&disk)?;
        }
        world = world.step()?;
    }
    if world.rig.disk.is_crashed() {
        let disk = world.rig.disk.crash(seed);
        world = world.reopened(&disk)?;
    }
    world.finish()
}

fn new_stream() -> CreateStream {
    CreateStream {
        shards: 3,
        mode: Mode::Provisioned,
        distribution: Distribution::UserPartitionKey,
        record_kib_max: 1024,
        warm_mibps: None,
        tags: Vec::new(),
    }
}

fn open(disk: &Arc<SimDisk>, clock: &Arc<ManualClock>, seed: u64) -> Option<(Rig, Arc<Streams>)> {
    let rig = Rig::open(disk, clock, seed).ok()?;
    let streams = Streams::load(&rig.engine, LIMITS).ok()?;
    Some((rig, Arc::new(streams)))
}

impl World {
    fn stream(&self) -> Result<Arc<Stream>, String> {
        self.streams.find(KEY).ok_or_else(|| "the stream is gone".to_owned())
    }

    fn step(mut self) -> Result<World, String> {
        let random = |bound| self.crowd.random.below(bound);
        self.rig.clock.pass_ms(random(1500));
        let (commits, seals, compacts) = (random(4), random(3) == 0, random(6) == 0);
        let (reads, reshards, restarts) = (random(3) == 0, random(5) == 0, random(40) == 0);
        self.crowd.issue(&self.streams, &self.rig.engine);
        self.crowd.poll(false)?;
        for _ in 0..commits {
            self.rig.crew.commit();
            self.crowd.poll(false)?;
        }
        if seals {
            self.rig.crew.seal();
        }
        if compacts {
            self.rig.crew.compact();
        }
        if reads && !self.rig.disk.is_crashed() {
            let records = 1 + self.crowd.random.index(20);
            let stream = self.stream()?;
            self.reader.step(&self.rig.engine, &stream, records)?;
        }
        if reshards {
            self.reshard()?;
        }
        if restarts && !self.rig.disk.is_crashed() {
            let disk = self.rig.disk.kill();
            return self.reopened(&disk);
        }
        Ok(self)
    }

    /// A random change of shards, with appends coming in while it goes on.
    fn reshard(&mut self) -> Result<(), String> {
        let stream = self.stream()?;
        let Some(change) = random_change(&self.crowd.random, &stream) else { return Ok(()) };
        let World { rig, streams, crowd, .. } = self;
        let engine = rig.engine.clone();
        let mut broken = Ok(());
        let done = streams.reshard_with(&engine, &*rig.clock, KEY, change, |closing| {
            for turn in 0..TURNS_MAX {
                let settled = pin!(closing.settled());
                if settled.poll(&mut context()).is_ready() {
                    return;
                }
                if turn < 20 && crowd.random.below(3) == 0 {
                    crowd.issue(streams, &engine);
                }
                let polled = crowd.poll(false);
                broken = std::mem::replace(&mut broken, Ok(())).and(polled);
                rig.crew.commit();
                rig.crew.seal();
            }
        });
        broken?;
        match done {
            Ok(_) => self.went.reshards += 1,
            Err(ChangeError::Engine(_)) if self.crowd.may_fail => {}
            // Not every random change is allowed.
            Err(ChangeError::Refused(_)) => {}
            Err(error) => return Err(format!("{change:?}: {error:?}")),
        }
        Ok(())
    }

    /// The world after the machine came back with `disk`, checked.
    fn reopened(mut self, disk: &Arc<SimDisk>) -> Result<World, String> {
        self.crowd.in_flight = [const { None }; WRITERS];
        self.crowd.ledger.seen.extend(std::mem::take(&mut self.reader).read);
        let World { rig, crowd, mut went, .. } = self;
        let clock = Arc::clone(&rig.clock);
        drop(rig);
        let opened = open(disk, &clock, crowd.random.bits());
        let (rig, streams) = opened.ok_or("the engine or the registry does not open")?;
        went.restarts += 1;
        let mut world = World { rig, streams, crowd, reader: Reader::default(), went };
        world.check()?;
        Ok(world)
    }

    /// Reads all from the beginning and holds it against the ledger.
    fn check(&mut self) -> Result<(), String> {
        let stream = self.stream()?;
        if stream.state != State::Active {
            return Err(format!("the stream is {:?}", stream.state));
        }
        let (logs, shards) = (self.rig.engine.status().shards, stream.row.shards.len());
        if logs != shards {
            return Err(format!("{logs} logs for {shards} shards"));
        }
        let mut reader = Reader::default();
        reader.read_all(&self.rig.engine, &stream)?;
        self.crowd.ledger.check(&reader.read)?;
        self.went.shards = u64::from(stream.row.next_shard);
        Ok(())
    }

    /// Lets everything end, and checks.
    fn finish(mut self) -> Result<Went, String> {
        for _ in 0..TURNS_MAX {
            self.rig.crew.commit_all();
            self.crowd.poll(false)?;
            if self.crowd.in_flight.iter().all(Option::is_none) {
                break;
            }
        }
        self.crowd.poll(true)?;
        self.check()?;
        let stream = self.stream()?;
        self.reader.read_all(&self.rig.engine, &stream)?;
        self.crowd.ledger.check(&self.reader.read)?;
        self.went.acked = self.crowd.ledger.acked.len() as u64;
        self.went.ops = self.rig.disk.ops();
        Ok(self.went)
    }
}

impl Crowd {
    /// Lets writers that wait for nothing begin a put, most of the time.
    fn issue(&mut self, streams: &Arc<Streams>, engine: &Engine) {
        for writer in 0..WRITERS {
            if self.in_flight[writer].is_some() || self.random.below(3) == 0 {
                continue;
            }
            let Some(stream) = streams.find(KEY) else { return };
            let names: Vec<Name> = (0..1 + self.random.below(4))
                .map(|_| {
                    let key = format!("w{writer}k{}", self.random.below(KEYS_OF_WRITER));
                    let number = self.ledger.issue(&key);
                    (key, number)
                })
                .collect();
            let filler = self.random.index(1200);
            // The snapshot is as old as the put by the time that it is sent.
            let put = begin(Arc::clone(streams), engine.clone(), stream, names.clone(), filler);
            self.in_flight[writer] = Some(InFlight { names, put });
        }
    }

    /// Polls some of the puts, or all; notes what was acknowledged.
    fn poll(&mut self, is_last: bool) -> Result<(), String> {
        for slot in &mut self.in_flight {
            let Some(in_flight) = slot else { continue };
            if !is_last && self.random.below(3) == 0 {
                continue;
            }
            let put = match in_flight.put.as_mut().poll(&mut context()) {
                Poll::Pending if is_last => return Err("a put is never answered".to_owned()),
                Poll::Pending => continue,
                Poll::Ready(Ok(put)) => put,
                Poll::Ready(Err(_)) if self.may_fail => {
                    *slot = None;
                    continue;
                }
                Poll::Ready(Err(error)) => return Err(format!("a put fails: {error:?}")),
            };
            for (name, placed) in in_flight.names.iter().zip(&put.placed) {
                match &put.parts[placed.part].result {
                    Ok(_) => {
                        self.ledger.acked.insert(name.clone());
                    }
                    Err(_) if self.may_fail => {}
                    Err(error) => return Err(format!("a record fails: {error}")),
                }
            }
            *slot = None;
        }
        Ok(())
    }
}

fn begin(
    streams: Arc<Streams>,
    engine: Engine,
    stream: Arc<Stream>,
    names: Vec<Name>,
    filler: usize,
) -> Putting {
    Box::pin(async move {
        let hashes: Vec<u128> = names.iter().map(|(key, _)| hash_of(key)).collect();
        let batch_of = |indexes: &[usize]| batch(&names, indexes, filler);
        streams.put(&engine, stream, &hashes, batch_of).await
    })
}

fn batch(names: &[Name], indexes: &[usize], filler: usize) -> Result<Batch, Error> {
    let mut builder = BatchBuilder::default();
    for (key, number) in indexes.iter().map(|index| &names[*index]) {
        let data = format!("{key} {number} {}", "x".repeat(filler));
        builder.push(key.as_bytes(), data.as_bytes())?;
    }
    builder.finish()
}

fn random_change(random: &SeededEntropy, stream: &Stream) -> Option<Reshard> {
    let mut open: Vec<_> =
        stream.row.shards.iter().filter(|shard| shard.closed_ms.is_none()).collect();
    open.sort_unstable_by_key(|shard| shard.hash_first);
    let at = random.index(open.len());
    let shard = open.get(at)?;
    match random.below(3) {
        0 => {
            let width = (shard.hash_last - shard.hash_first) / 100;
            let at = shard.hash_first + width * u128::from(random.below(100));
            Some(Reshard::Split { shard: shard.index, at })
        }
        1 => {
            let adjacent = open.get(at + 1)?.index;
            Some(Reshard::Merge { shard: shard.index, adjacent })
        }
        _ => {
            let open = open.len() as u64;
            let target = open.div_ceil(2) + random.below(open + open / 2 + 1);
            Some(Reshard::Scale { target: u32::try_from(target).ok()? })
        }
    }
}

fn context() -> Context<'static> {
    Context::from_waker(Waker::noop())
}
