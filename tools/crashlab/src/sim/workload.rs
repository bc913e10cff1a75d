//! Scripted work that follows from a seed.

use std::sync::Arc;

use flowstone_engine::clock::{Clock, ManualClock};
use flowstone_engine::entropy::{Entropy, SeededEntropy};
use flowstone_engine::io::sim::SimDisk;
use flowstone_engine::limits::IDLE_MARKER_AFTER_MS;
use flowstone_engine::types::{ShardId, Timestamp};

use crate::sim::changes;
use crate::sim::history::History;
use crate::sim::rig::{Answer, RETENTION_MS, Rig, START};

/// What a workload is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Its name.
    pub name: &'static str,
    /// Steps.
    pub steps: usize,
    /// Shards at the start.
    pub shards: usize,
    /// Records are up to this long.
    pub record_bytes: usize,
    /// One in so many steps reopens the engine; 0 never.
    pub reopen_every: u64,
    /// One in so many steps lets everything expire; 0 never.
    pub expire_every: u64,
    /// One in so many steps sets the wall clock a day ahead, and back; 0 never.
    pub jump_every: u64,
    /// One in so many steps makes or deletes a shard; 0 never.
    pub change_every: u64,
    /// One in so many steps closes shards for others; 0 never.
    pub reshard_every: u64,
    /// One in so many steps trims a shard; 0 never.
    pub trim_every: u64,
}

const PLAIN: Shape = Shape {
    name: "appends",
    steps: 60,
    shards: 3,
    record_bytes: 300,
    reopen_every: 0,
    expire_every: 0,
    jump_every: 0,
    change_every: 0,
    reshard_every: 0,
    trim_every: 0,
};

/// Appends alone.
pub const APPENDS: Shape = PLAIN;
/// Enough data to fill journal files and seal them.
pub const ROLLS: Shape =
    Shape { name: "rolls and seals", steps: 90, shards: 2, record_bytes: 6000, ..PLAIN };
/// The process dies, or stops in order, again and again.
pub const REOPENS: Shape = Shape { name: "reopens", record_bytes: 3000, reopen_every: 8, ..PLAIN };
/// Records expire and segments are merged.
pub const EXPIRES: Shape = Shape {
    name: "expires and compacts",
    steps: 120,
    record_bytes: 9000,
    reopen_every: 40,
    expire_every: 30,
    ..PLAIN
};
/// Shards come and go.
pub const CHANGES: Shape = Shape {
    name: "creates and deletes",
    shards: 2,
    record_bytes: 2500,
    reopen_every: 25,
    change_every: 6,
    ..PLAIN
};
/// Shards are split, merged, trimmed and deleted while appends come in.
pub const RESHARDS: Shape = Shape {
    name: "reshards and trims",
    steps: 70,
    record_bytes: 2500,
    reopen_every: 25,
    expire_every: 40,
    change_every: 14,
    reshard_every: 6,
    trim_every: 6,
    ..PLAIN
};
/// The wall clock jumps.
pub const JUMPS: Shape =
    Shape { name: "clock jumps", record_bytes: 6000, reopen_every: 20, jump_every: 5, ..PLAIN };

/// A run of a workload up to its end or to the machine's.
pub struct Run {
    /// The disk, as it was left.
    pub disk: Arc<SimDisk>,
    /// The clock.
    pub clock: Arc<ManualClock>,
    /// What happened.
    pub history: History,
    /// Errors that the engine answered with, in order.
    pub errors: Vec<String>,
}

pub(super) struct Waiting {
    shard: ShardId,
    records: Vec<Vec<u8>>,
    answer: Answer,
}

/// Runs the workload `shape` of `seed` on a fresh disk that `prepare` may have set traps on.
pub fn run(shape: &Shape, seed: u64, prepare: impl FnOnce(&SimDisk)) -> Run {
    let disk = SimDisk::new(seed);
    prepare(&disk);
    let clock = Arc::new(ManualClock::at(START));
    let mut run = Run { disk, clock, history: History::default(), errors: Vec::new() };
    let random = SeededEntropy::new(seed ^ 0x5eed);
    let mut waiting: Vec<Waiting> = Vec::new();
    let mut rig = match Rig::open(&run.disk, &run.clock, random.bits()) {
        Ok(rig) => rig,
        Err(error) => {
            run.errors.push(error.to_string());
            return run;
        }
    };
    match rig.create_shards(shape.shards) {
        Ok(shards) => run.history.created(&shards),
        Err(error) => run.errors.push(error.to_string()),
    }
    for _ in 0..shape.steps {
        if run.disk.is_crashed() {
            break;
        }
        rig = match step(shape, &random, &mut run, rig, &mut waiting) {
            Some(rig) => rig,
            None => return run,
        };
        collect(&mut run, &mut waiting);
    }
    rig.crew.commit_all();
    collect(&mut run, &mut waiting);
    // The journal rests: its idle marker makes even the last commit evidence.
    run.clock.pass_ms(IDLE_MARKER_AFTER_MS);
    rig.crew.commit_all();
    run
}

fn hits(random: &SeededEntropy, every: u64) -> bool {
    every != 0 && random.below(every) == 0
}

fn step(
    shape: &Shape,
    random: &SeededEntropy,
    run: &mut Run,
    mut rig: Rig,
    waiting: &mut Vec<Waiting>,
) -> Option<Rig> {
    run.clock.pass_ms(random.below(80));
    for _ in 0..random.below(4) {
        append(shape, random, run, &rig, waiting);
    }
    for _ in 0..random.below(5) {
        rig.crew.commit();
        collect(run, waiting);
    }
    if random.below(3) == 0 {
        rig.crew.seal();
    }
    if random.below(6) == 0 {
        rig.crew.compact();
    }
    if random.below(4) == 0 {
        look(random, run, &rig);
    }
    if hits(random, shape.jump_every) {
        jump(run, &mut rig);
    }
    if hits(random, shape.expire_every) {
        rig.crew.commit_all();
        collect(run, waiting);
        run.history.may_expire();
        run.clock.pass_ms(RETENTION_MS + 1);
        rig.crew.compact();
    }
    if hits(random, shape.change_every) {
        changes::create_or_delete(random, run, &rig);
    }
    if hits(random, shape.reshard_every) {
        changes::reshard(shape, random, run, &mut rig, waiting);
    }
    if hits(random, shape.trim_every) {
        changes::trim(random, run, &rig);
    }
    if hits(random, shape.reopen_every) {
        return reopen(random, run, rig, waiting);
    }
    Some(rig)
}

pub(super) fn append(
    shape: &Shape,
    random: &SeededEntropy,
    run: &mut Run,
    rig: &Rig,
    waiting: &mut Vec<Waiting>,
) {
    let shards = run.history.shards();
    let Some(shard) = shards.get(random.index(shards.len())).copied() else {
        return;
    };
    let records: Vec<_> = (0..1 + random.below(3))
        .map(|_| run.history.issue(shard, random.index(shape.record_bytes)))
        .collect();
    match rig.enqueue(shard, &records) {
        Ok(answer) => waiting.push(Waiting { shard, records, answer }),
        Err(error) => run.errors.push(error.to_string()),
    }
}

/// Notes which appends were answered.
pub(super) fn collect(run: &mut Run, waiting: &mut Vec<Waiting>) {
    waiting.retain_mut(|append| match (append.answer)() {
        Some(Ok(appended)) => {
            run.history.acknowledged(append.shard, appended.first_seq, &append.records);
            false
        }
        Some(Err(error)) => {
            run.errors.push(error.to_string());
            false
        }
        None => true,
    });
}

/// Reads a shard: what it shows may not go away any more.
fn look(random: &SeededEntropy, run: &mut Run, rig: &Rig) {
    let shards = run.history.shards();
    if let Some(shard) = shards.get(random.index(shards.len())).copied() {
        match rig.read_all(shard) {
            Ok((first, records)) => run.history.saw(shard, first, &records),
            Err(error) => run.errors.push(error.to_string()),
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

/// Kills the process, or closes the engine in order, and starts it again.
fn reopen(
    random: &SeededEntropy,
    run: &mut Run,
    mut rig: Rig,
    waiting: &mut Vec<Waiting>,
) -> Option<Rig> {
    if random.below(2) == 0 {
        rig.crew.commit_all();
        collect(run, waiting);
        if let Err(error) = rig.engine.close() {
            run.errors.push(error.to_string());
        }
        rig.crew.commit_until_closed();
    }
    collect(run, waiting);
    waiting.clear();
    // What is in flight when a process dies still arrives at the disk: dropping the ring sees to it.
    drop(rig);
    match Rig::open(&run.disk, &run.clock, random.bits()) {
        Ok(rig) => Some(rig),
        Err(error) => {
            run.errors.push(error.to_string());
            None
        }
    }
}
