//! A crash or a fault at every operation of a workload.

use std::collections::BTreeMap;
use std::sync::Arc;

use flowstone_engine::clock::ManualClock;
use flowstone_engine::entropy::SeededEntropy;
use flowstone_engine::error::ErrorKind;
use flowstone_engine::io::sim::{Fault, SimDisk};
use flowstone_engine::types::ShardId;

use crate::sim::history::{Broken, History};
use crate::sim::rig::Rig;
use crate::sim::workload::{Run, Shape, run};

/// What a sweep went through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Operations at which something happened.
    pub points: u64,
    /// Disks that were recovered.
    pub states: u64,
    /// Acknowledged records that were checked for, over all runs.
    pub acked: u64,
}

/// A promise that was broken, and how to see it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What is wrong.
    pub broken: Broken,
    /// Workload, seed, operation and crash seed.
    pub replay: String,
}

/// How many operations the workload takes when nothing happens.
#[must_use]
pub fn operations(shape: &Shape, seed: u64) -> u64 {
    run(shape, seed, |_| ()).disk.ops()
}

/// Lets the power fail at every `stride`th operation from `first` on, and recovers what is left
/// under each of `crash_seeds`, twice.
pub fn crash_everywhere(
    shape: &Shape,
    seed: u64,
    (first, stride): (u64, u64),
    crash_seeds: &[u64],
) -> Result<Swept, Box<Found>> {
    let mut swept = Swept::default();
    for op in (first..operations(shape, seed)).step_by(stride.try_into().expect("small")) {
        let run = run(shape, seed, |disk| disk.set_crash_at(op));
        swept.points += 1;
        swept.acked += run.history.acked;
        for crash_seed in crash_seeds {
            recover_twice(&run, *crash_seed, &mut swept).map_err(|broken| {
                let name = shape.name;
                let replay = format!("{name}: seed {seed}, op {op}, crash seed {crash_seed}");
                Box::new(Found { broken, replay })
            })?;
        }
    }
    Ok(swept)
}

/// Makes every `stride`th operation fail with `fault`, lets the workload go on, and recovers after
/// the process dies and after the power fails.
pub fn fail_everywhere(
    shape: &Shape,
    seed: u64,
    (first, stride): (u64, u64),
    fault: Fault,
) -> Result<Swept, Box<Found>> {
    let mut swept = Swept::default();
    for op in (first..operations(shape, seed)).step_by(stride.try_into().expect("small")) {
        let run = run(shape, seed, |disk| disk.inject(op, fault));
        swept.points += 1;
        swept.acked += run.history.acked;
        let found = |broken, how: &str| {
            let replay = format!("{}: seed {seed}, {fault:?} at op {op}, {how}", shape.name);
            Box::new(Found { broken, replay })
        };
        let mut history = run.history.clone();
        let killed = recover_and_check(&run.disk.kill(), &run.clock, &mut history, op)
            .map_err(|broken| found(broken, "killed"))?;
        recover_and_check(&killed, &run.clock, &mut history, op)
            .map_err(|broken| found(broken, "killed, then power lost"))?;
        swept.states += 2;
        recover_twice(&run, op, &mut swept).map_err(|broken| found(broken, "power lost"))?;
    }
    Ok(swept)
}

/// Lets bits rot at `places` places of the journal and of each segment after the workload has
/// ended, one disk each, and recovers twice: whatever is missing must be reported.
pub fn rot(shape: &Shape, seed: u64, places: u64) -> Result<Swept, Box<Found>> {
    let mut swept = Swept::default();
    let run = run(shape, seed, |_| ());
    let random = SeededEntropy::new(seed ^ 0xb17);
    for place in 0..places {
        let disk = run.disk.crash(seed);
        let Some((file, byte, bit)) = rotten_place(&disk, &random) else { continue };
        disk.flip_bit(&file, byte, bit);
        let found = |broken| {
            let replay = format!("{}: seed {seed}, bit {bit} of byte {byte} of {file}", shape.name);
            Box::new(Found { broken, replay })
        };
        swept.points += 1;
        swept.acked += run.history.acked;
        let mut disk = disk;
        let mut served = BTreeMap::new();
        for again in 0..3 {
            let opened = Rig::open(&disk, &run.clock, place);
            // A refusal to open is a report too, if it says that something is corrupt.
            let mut rig = match opened {
                Ok(rig) => rig,
                Err(error) if error.kind() == ErrorKind::Corrupt => break,
                Err(error) => return Err(found(Broken::DoesNotOpen(error.to_string()))),
            };
            let mut now = run.history.check_damaged(&rig).map_err(found)?;
            // Every other disk is not sealed at first: then the next start finds the damage again.
            if again > 0 || place % 2 == 0 {
                while rig.crew.seal() {}
                rig.crew.compact();
                now = run.history.check_damaged(&rig).map_err(found)?;
            }
            for (shard, upto) in &now {
                if served.get(shard) > Some(upto) {
                    let what = format!("shard {shard}: no longer served up to {:?}", served[shard]);
                    return Err(found(Broken::Lost(what)));
                }
            }
            served = now;
            swept.states += 1;
            drop(rig);
            disk = disk.crash(again);
        }
    }
    Ok(swept)
}

/// A bit of some journal file or segment that was written.
fn rotten_place(disk: &SimDisk, random: &SeededEntropy) -> Option<(String, u64, u8)> {
    let files: Vec<_> = disk
        .file_names()
        .into_iter()
        .filter(|name| name.ends_with(".fsj") || name.ends_with(".seg"))
        .collect();
    let file = files.get(random.index(files.len()))?;
    let bytes = disk.read_raw(file)?;
    let written = bytes.iter().rposition(|byte| *byte != 0)? as u64 + 1;
    Some((file.clone(), random.below(written), u8::try_from(random.index(8)).ok()?))
}

fn recover_twice(run: &Run, crash_seed: u64, swept: &mut Swept) -> Result<(), Broken> {
    let mut history = run.history.clone();
    let first = run.disk.crash(crash_seed);
    let second = recover_and_check(&first, &run.clock, &mut history, crash_seed)?;
    recover_and_check(&second, &run.clock, &mut history, crash_seed ^ 1)?;
    swept.states += 2;
    Ok(())
}

/// Recovers `disk`, checks it against `history`, goes on writing, and crashes it again.
fn recover_and_check(
    disk: &Arc<SimDisk>,
    clock: &Arc<ManualClock>,
    history: &mut History,
    seed: u64,
) -> Result<Arc<SimDisk>, Broken> {
    let mut rig =
        Rig::open(disk, clock, seed).map_err(|error| Broken::DoesNotOpen(format!("{error}")))?;
    history.check(&rig)?;
    for shard in history.shards() {
        go_on(&mut rig, history, shard)?;
    }
    while rig.crew.seal() {}
    rig.crew.compact();
    for shard in history.shards() {
        go_on(&mut rig, history, shard)?;
    }
    history.check(&rig)?;
    Ok(disk.crash(seed ^ 2))
}

fn go_on(rig: &mut Rig, history: &mut History, shard: ShardId) -> Result<(), Broken> {
    let broken = |what: String| Broken::DoesNotGoOn(format!("shard {shard}: {what}"));
    if history.closed_end(shard).is_some() {
        return match rig.enqueue(shard, &[b"late".to_vec()]) {
            Err(error) if error.is_shard_closed() => Ok(()),
            Err(error) => Err(broken(error.to_string())),
            Ok(_) => Err(broken("a closed shard takes an append".to_owned())),
        };
    }
    let records = vec![history.issue(shard, 100)];
    let mut answer = rig.enqueue(shard, &records).map_err(|error| broken(error.to_string()))?;
    rig.crew.commit_all();
    match answer() {
        Some(Ok(appended)) => {
            history.acknowledged(shard, appended.first_seq, &records);
            Ok(())
        }
        Some(Err(error)) => Err(broken(error.to_string())),
        None => Err(broken("an append is never answered".to_owned())),
    }
}
