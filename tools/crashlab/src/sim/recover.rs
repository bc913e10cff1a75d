//! Recovering a machine, and checking what is there.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use flowstone_engine::clock::ManualClock;
use flowstone_engine::io::sim::SimDisk;
use flowstone_engine::types::{ShardId, Timestamp};

use crate::sim::files;
use crate::sim::history::{Breach, History};
use crate::sim::rig::Rig;
use crate::verdict::Broken;

/// How much is done with a machine that was recovered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// All of it is read and held against the history, its files against its catalog.
    Light,
    /// It loses power at once, and all that was served is still there. It goes on, seals, compacts,
    /// goes on, is checked again, and loses power; what is left is recovered, and goes on too.
    Heavy,
}

impl Depth {
    /// Heavy for one in `every` of seeds.
    #[must_use]
    pub fn sampled(seed: u64, every: u64) -> Depth {
        let mixed = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        if mixed.is_multiple_of(every) { Depth::Heavy } else { Depth::Light }
    }
}

/// Recovers `disk` at `now`, and whatever `depth` asks for. Answers how many disks were recovered.
pub fn recover(
    disk: &Arc<SimDisk>,
    history: &History,
    now: Timestamp,
    (seed, depth): (u64, Depth),
) -> Result<u64, Breach> {
    let clock = Arc::new(ManualClock::at(now));
    guarded(|| {
        let mut rig = open(disk, &clock, seed)?;
        files::check(&rig, history)?;
        let seen = history.check(&rig)?;
        if depth == Depth::Light {
            // PERF: an engine whose machine is off has nothing to put away.
            disk.power_off();
            return Ok(1);
        }
        let mut history = history.clone();
        history.remember(seen);
        // What was served is durable, though nothing was sealed nor written since.
        let again = disk.crash(seed ^ 4);
        let reopened = open(&again, &clock, seed ^ 5)?;
        history.check(&reopened)?;
        again.power_off();
        drop(reopened);
        disk.set_capacity(u64::MAX);
        go_on_and_check(&mut rig, &mut history)?;
        let second = disk.crash(seed ^ 2);
        drop(rig);
        let mut rig = open(&second, &clock, seed ^ 1)?;
        files::check(&rig, &history)?;
        let seen = history.check(&rig)?;
        history.remember(seen);
        go_on_and_check(&mut rig, &mut history)?;
        second.power_off();
        Ok(3)
    })
}

/// Runs `f`; a panic in it is a broken promise too.
pub fn guarded<T>(f: impl FnOnce() -> Result<T, Breach>) -> Result<T, Breach> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|panic| {
        Err(Breach::new(Broken::Unusable, format!("panic: {}", text_of(&*panic))))
    })
}

/// What a panic said.
pub(super) fn text_of(panic: &(dyn Any + Send)) -> &str {
    let said = panic.downcast_ref::<String>().map(String::as_str);
    said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("nothing")
}

fn open(disk: &Arc<SimDisk>, clock: &Arc<ManualClock>, seed: u64) -> Result<Rig, Breach> {
    Rig::open(disk, clock, seed)
        .map_err(|error| Breach::new(Broken::Unusable, format!("does not open: {error}")))
}

/// Writes to every shard, before and after all is sealed and compacted, and checks.
fn go_on_and_check(rig: &mut Rig, history: &mut History) -> Result<(), Breach> {
    for shard in history.shards() {
        go_on(rig, history, shard)?;
    }
    while rig.crew.seal() {}
    rig.crew.compact();
    for shard in history.shards() {
        go_on(rig, history, shard)?;
    }
    let seen = history.check(rig)?;
    history.remember(seen);
    Ok(())
}

fn go_on(rig: &mut Rig, history: &mut History, shard: ShardId) -> Result<(), Breach> {
    let broken = |what: String| {
        Breach::new(Broken::Unusable, format!("does not go on: shard {shard}: {what}"))
    };
    if history.closed_end(shard).is_some() {
        return match rig.enqueue(shard, &[b"late".to_vec()]) {
            Err(error) if error.is_shard_closed() => Ok(()),
            Err(error) => Err(broken(error.to_string())),
            Ok(_) => Err(broken("a closed shard takes an append".to_owned())),
        };
    }
    let number = history.next_record();
    let records = vec![history.issue(shard, 100)];
    let mut answer = match rig.enqueue(shard, &records) {
        Ok(answer) => answer,
        Err(error) if error.is_shard_closed() && history.is_doubtful(shard) => return Ok(()),
        Err(error) => return Err(broken(error.to_string())),
    };
    rig.crew.commit_all();
    match answer() {
        Some(Ok(appended)) => {
            history.acknowledged(shard, appended.first_seq, number..number + 1);
            Ok(())
        }
        Some(Err(error)) => Err(broken(error.to_string())),
        None => Err(broken("an append is never answered".to_owned())),
    }
}
