//! Scripted work that follows from a seed.

use std::sync::{Arc, Mutex, PoisonError};

use flowstone_engine::clock::{Clock, ManualClock};
use flowstone_engine::entropy::{Entropy, SeededEntropy};
use flowstone_engine::io::sim::{self, SimDisk, Snapshot};
use flowstone_engine::limits::IDLE_MARKER_AFTER_MS;
use flowstone_engine::types::Timestamp;

use crate::sim::changes;
use crate::sim::client::{Client, SharedClient};
use crate::sim::history::History;
use crate::sim::rig::{RETENTION_MS_MAX, Rig, START};
use crate::sim::shapes::Shape;

/// A run of a workload up to its end or to the machine's.
pub struct Run {
    /// The disk, as it was left.
    pub disk: Arc<SimDisk>,
    /// The clock.
    pub clock: Arc<ManualClock>,
    /// Who appended.
    pub client: SharedClient,
}

/// A machine between two operations, with what its client had been told by then.
pub struct Moment {
    /// The operation that comes next.
    pub op: u64,
    /// The machine.
    pub snapshot: Snapshot,
    /// What the client knew.
    pub history: History,
    /// What time it was, had nobody set the clock.
    pub now: Timestamp,
}

impl Run {
    fn new(seed: u64) -> Run {
        let clock = Arc::new(ManualClock::at(START));
        Run { disk: SimDisk::new(seed), clock, client: SharedClient::default() }
    }

    /// The client. Nobody holds it while the engine works.
    pub fn client(&self) -> std::sync::MutexGuard<'_, Client> {
        self.client.hold()
    }

    /// The moment behind the last operation.
    #[must_use]
    pub fn end(&self) -> Moment {
        let mut client = self.client();
        client.collect();
        Moment {
            op: self.disk.ops(),
            snapshot: self.disk.snapshot(),
            history: client.history.clone(),
            now: real_time(&self.clock),
        }
    }
}

/// Whoever recovers a machine looks at a clock that is right.
fn real_time(clock: &ManualClock) -> Timestamp {
    Timestamp(START.0 + clock.monotonic_ms())
}

/// Runs the workload `shape` of `seed` on a fresh disk that `prepare` may have set traps on.
pub fn run(shape: &Shape, seed: u64, prepare: impl FnOnce(&SimDisk)) -> Run {
    let run = Run::new(seed);
    prepare(&run.disk);
    work(shape, seed, &run);
    run
}

/// Runs the workload `shape` of `seed` on a disk that `prepare` may have set traps on, and keeps
/// the moments before those operations that `wanted` asks for, and the end.
pub fn record(
    shape: &Shape,
    seed: u64,
    prepare: impl FnOnce(&SimDisk),
    mut wanted: impl FnMut(&sim::Moment<'_>) -> bool + Send + 'static,
) -> (Run, Vec<Moment>) {
    let run = Run::new(seed);
    prepare(&run.disk);
    let moments = Arc::new(Mutex::new(Vec::new()));
    let (client, clock, kept) = (run.client.clone(), Arc::clone(&run.clock), Arc::clone(&moments));
    run.disk.watch(move |moment| {
        // Asked for in any case: an answer that was sent counts from now on.
        let mut client = client.hold();
        client.collect();
        if wanted(moment) {
            kept.lock().unwrap_or_else(PoisonError::into_inner).push(Moment {
                op: moment.op,
                snapshot: moment.snapshot(),
                history: client.history.clone(),
                now: real_time(&clock),
            });
        }
    });
    work(shape, seed, &run);
    let mut moments = std::mem::take(&mut *moments.lock().unwrap_or_else(PoisonError::into_inner));
    moments.push(run.end());
    (run, moments)
}

fn work(shape: &Shape, seed: u64, run: &Run) {
    let random = SeededEntropy::new(seed ^ 0x5eed);
    let opened = Rig::open(&run.disk, &run.clock, random.bits());
    let Some(mut rig) = run.client().note(opened) else { return };
    run.client().history.has_table = shape.has_table;
    changes::create(shape, run, &rig, shape.shards);
    for _ in 0..shape.steps {
        if run.disk.is_crashed() {
            break;
        }
        rig = match step(shape, &random, run, rig) {
            Some(rig) => rig,
            None => return,
        };
        run.client().collect();
    }
    run.disk.set_capacity(u64::MAX);
    rig.crew.commit_all();
    if shape.fill_every != 0 {
        // A journal that found no room for its next file has nowhere to mark that it rests.
        while rig.crew.seal() {}
    }
    // The journal rests: its idle marker makes even the last commit evidence.
    rest(run, &mut rig);
}

fn hits(random: &SeededEntropy, every: u64) -> bool {
    every != 0 && random.below(every) == 0
}

fn step(shape: &Shape, random: &SeededEntropy, run: &Run, mut rig: Rig) -> Option<Rig> {
    run.clock.pass_ms(random.below(80));
    for _ in 0..random.below(shape.appends_max + 1) {
        append(shape, random, run, &rig);
    }
    for _ in 0..random.below(5) {
        rig.crew.commit();
        run.client().collect();
    }
    if random.below(3) == 0 {
        rig.crew.seal();
    }
    if hits(random, shape.compact_every) {
        rig.crew.compact();
    }
    if random.below(4) == 0 {
        look(random, run, &rig);
    }
    if hits(random, shape.jump_every) {
        jump(run, &mut rig);
    }
    if hits(random, shape.rest_every) {
        rig.crew.commit_all();
        rest(run, &mut rig);
    }
    if hits(random, shape.expire_every) {
        rig.crew.commit_all();
        let mut client = run.client();
        client.collect();
        client.history.may_expire();
        drop(client);
        run.clock.pass_ms(RETENTION_MS_MAX + 1);
        rig.crew.compact();
    }
    if hits(random, shape.change_every) {
        changes::create_or_delete(shape, random, run, &rig);
    }
    if hits(random, shape.delete_busy_every) {
        changes::delete_busy(shape, random, run, &mut rig);
    }
    if hits(random, shape.retain_every) {
        changes::retain(shape, random, run, &rig);
    }
    if hits(random, shape.reshard_every) {
        changes::reshard(shape, random, run, &mut rig);
    }
    if hits(random, shape.trim_every) {
        changes::trim(random, run, &rig);
    }
    if hits(random, shape.fill_every) {
        fill_or_free(random, run);
    }
    if hits(random, shape.reopen_every) {
        return reopen(random, run, rig);
    }
    Some(rig)
}

pub(super) fn append(shape: &Shape, random: &SeededEntropy, run: &Run, rig: &Rig) {
    let mut client = run.client();
    let shards = client.history.shards();
    let Some(shard) = shards.get(random.index(shards.len())).copied() else {
        return;
    };
    let first = client.history.next_record();
    let records: Vec<_> = (0..1 + random.below(shape.records_max))
        .map(|_| client.history.issue(shard, random.index(shape.record_bytes)))
        .collect();
    let numbers = first..client.history.next_record();
    drop(client);
    let queued = rig.enqueue(shard, &records);
    let mut client = run.client();
    if let Some(answer) = client.note(queued) {
        client.wait_for(shard, numbers, answer);
    }
}

/// Reads a shard: what it shows may not go away any more.
fn look(random: &SeededEntropy, run: &Run, rig: &Rig) {
    let mut client = run.client();
    let shards = client.history.shards();
    if let Some(shard) = shards.get(random.index(shards.len())).copied() {
        let looked = client.history.look(rig, shard);
        if let Some(Err(breach)) = client.note(looked) {
            client.breaches.push(breach);
        }
    }
}

/// A time daemon goes wrong for a moment.
fn jump(run: &Run, rig: &mut Rig) {
    const DAY_MS: u64 = 24 * 60 * 60 * 1000;
    let wall = run.clock.wall();
    run.clock.set_wall(Timestamp(wall.0 + DAY_MS));
    rig.crew.compact();
    run.clock.set_wall(wall);
}

fn rest(run: &Run, rig: &mut Rig) {
    run.client().collect();
    run.clock.pass_ms(IDLE_MARKER_AFTER_MS);
    rig.crew.commit_all();
}

/// Leaves the disk with little room or none, or gives it all the room that there is.
fn fill_or_free(random: &SeededEntropy, run: &Run) {
    const ROOM_BYTES_MAX: u64 = 96 * 1024;
    let used = run.disk.used_bytes();
    let room = random.below(ROOM_BYTES_MAX);
    run.disk.set_capacity(if run.disk.is_limited() { u64::MAX } else { used + room });
}

/// Kills the process, or closes the engine in order, and starts it again.
fn reopen(random: &SeededEntropy, run: &Run, mut rig: Rig) -> Option<Rig> {
    if random.below(2) == 0 {
        rig.crew.commit_all();
        run.client().collect();
        let closed = rig.engine.close();
        run.client().note(closed);
        rig.crew.commit_until_closed();
    }
    run.client().give_up();
    // What is in flight when a process dies still arrives at the disk: dropping the ring sees to it.
    drop(rig);
    let opened = Rig::open(&run.disk, &run.clock, random.bits());
    run.client().note(opened)
}
