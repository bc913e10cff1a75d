//! A crash or a fault at every operation of a workload.

use std::collections::HashSet;
use std::ops::AddAssign;

use flowstone_engine::io::sim::Fault;

use crate::sim::history::Breach;
use crate::sim::recover::{Depth, guarded, recover};
use crate::sim::shapes::Shape;
use crate::sim::workload::{Moment, record, run};

/// Crash states of which one goes on after it was checked.
const HEAVY_ONCE_IN: u64 = 16;

/// States after a fault of which one goes on after it was checked.
const HEAVY_AFTER_FAULT_ONCE_IN: u64 = 4;

/// What a sweep went through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Operations at which something happened.
    pub points: u64,
    /// Disks that were recovered.
    pub states: u64,
    /// Disks left by a power loss that differ from each other.
    pub distinct: u64,
    /// Acknowledged records that were looked for, over all of them.
    pub acked: u64,
}

impl AddAssign for Swept {
    fn add_assign(&mut self, other: Swept) {
        self.points += other.points;
        self.states += other.states;
        self.distinct += other.distinct;
        self.acked += other.acked;
    }
}

/// A promise that was broken, and how to see it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What is wrong.
    pub breach: Breach,
    /// Workload, seed, operation and crash seed.
    pub replay: String,
}

/// What is told of a sweep while it goes on: whoever is told may end it with the first finding.
pub type Told<'a> = &'a mut dyn FnMut(Found) -> Result<(), Box<Found>>;

fn first_ends(found: Found) -> Result<(), Box<Found>> {
    Err(Box::new(found))
}

/// Lets the power fail before every `stride`th operation from `first` on and at the end, and
/// recovers what is left under each of `crash_seeds`; kills the process there too. Ends with the
/// first finding.
pub fn crash_everywhere(
    shape: &Shape,
    seed: u64,
    part: (u64, u64),
    crash_seeds: &[u64],
) -> Result<Swept, Box<Found>> {
    let mut swept = Swept::default();
    crash_sweep(shape, seed, part, crash_seeds, &mut swept, &mut first_ends)?;
    Ok(swept)
}

/// Like [`crash_everywhere`]; `told` decides whether it goes on after a finding.
pub fn crash_sweep(
    shape: &Shape,
    seed: u64,
    (first, stride): (u64, u64),
    crash_seeds: &[u64],
    swept: &mut Swept,
    told: Told<'_>,
) -> Result<(), Box<Found>> {
    let wanted = move |op: u64| op >= first && (op - first).is_multiple_of(stride);
    let recorded = guarded(|| Ok(record(shape, seed, |_| (), move |moment| wanted(moment.op))));
    let calm = |breach| Found { breach, replay: format!("{}: seed {seed}, calm", shape.name) };
    let (run, moments) = match recorded {
        Ok(recorded) => recorded,
        Err(breach) => return told(calm(breach)),
    };
    for breach in std::mem::take(&mut run.client().breaches) {
        told(calm(breach))?;
    }
    drop(run);
    let mut known = HashSet::new();
    for moment in moments {
        swept.points += 1;
        let op = moment.op;
        for crash_seed in crash_seeds {
            let mixed = crash_seed ^ op.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let disk = moment.snapshot.crash(mixed);
            swept.distinct += u64::from(known.insert(disk.digest()));
            let depth = Depth::sampled(mixed, HEAVY_ONCE_IN);
            let found = check(&moment, &disk, (mixed, depth), swept);
            if let Err(breach) = found {
                let name = shape.name;
                let replay = format!("{name}: seed {seed}, op {op}, crash seed {crash_seed}");
                told(Found { breach, replay })?;
            }
        }
        let kill_seed = crash_seeds.first().copied().unwrap_or(0) ^ op;
        let disk = moment.snapshot.kill(kill_seed);
        let depth = Depth::sampled(kill_seed, HEAVY_ONCE_IN);
        if let Err(breach) = check(&moment, &disk, (kill_seed, depth), swept) {
            let replay = format!("{}: seed {seed}, killed at op {op}", shape.name);
            told(Found { breach, replay })?;
        }
    }
    Ok(())
}

fn check(
    moment: &Moment,
    disk: &std::sync::Arc<flowstone_engine::io::sim::SimDisk>,
    how: (u64, Depth),
    swept: &mut Swept,
) -> Result<(), Breach> {
    let states = recover(disk, &moment.history, moment.now, how);
    let counted = states.as_ref().copied().unwrap_or(1);
    swept.states += counted;
    swept.acked += moment.history.acked * counted;
    states.map(drop)
}

/// The operations of a workload that `fault` can happen to.
#[must_use]
pub fn fitting(shape: &Shape, seed: u64, fault: Fault) -> Vec<u64> {
    let (sender, receiver) = std::sync::mpsc::channel();
    run(shape, seed, |disk| {
        disk.watch(move |moment| {
            if moment.fits(fault) {
                // Whoever asked is still there.
                let _ = sender.send(moment.op);
            }
        });
    });
    receiver.try_iter().collect()
}

/// Makes every `stride`th of the operations that `fault` fits fail with it, lets the workload go
/// on, and recovers after the process dies and after the power fails. Ends with the first finding.
pub fn fail_everywhere(
    shape: &Shape,
    seed: u64,
    (first, stride): (u64, u64),
    fault: Fault,
) -> Result<Swept, Box<Found>> {
    let mut swept = Swept::default();
    let ops = fitting(shape, seed, fault);
    let skipped = usize::try_from(first).unwrap_or(usize::MAX);
    for op in ops.into_iter().skip(skipped).step_by(usize::try_from(stride).unwrap_or(1)) {
        fail_at(shape, seed, &[(op, fault)], 0, &mut swept, &mut first_ends)?;
    }
    Ok(swept)
}

/// Lets `faults` happen in one run, and recovers after the process dies and after the power
/// fails, at its end and at about `crashes` moments behind the first fault.
pub fn fail_at(
    shape: &Shape,
    seed: u64,
    faults: &[(u64, Fault)],
    crashes: u64,
    swept: &mut Swept,
    told: Told<'_>,
) -> Result<(), Box<Found>> {
    const CRASH_ONCE_IN: u64 = 16;
    let begin = faults.iter().map(|(op, _)| *op).min().unwrap_or(0);
    let end = begin + crashes * CRASH_ONCE_IN;
    let wanted =
        move |op: u64| op > begin && op <= end && (op ^ begin ^ seed).is_multiple_of(CRASH_ONCE_IN);
    let prepare = |disk: &flowstone_engine::io::sim::SimDisk| {
        faults.iter().for_each(|(op, fault)| disk.inject(*op, *fault));
    };
    let found = |breach, how: &str| {
        let replay = format!("{}: seed {seed}, {faults:?}, {how}", shape.name);
        Found { breach, replay }
    };
    swept.points += 1;
    let recorded = guarded(|| Ok(record(shape, seed, prepare, move |moment| wanted(moment.op))));
    let (run, moments) = match recorded {
        Ok(recorded) => recorded,
        Err(breach) => return told(found(breach, "while it goes on")),
    };
    for breach in std::mem::take(&mut run.client().breaches) {
        told(found(breach, "while it goes on"))?;
    }
    drop(run);
    for moment in moments {
        let seed = begin ^ moment.op.rotate_left(17) ^ seed;
        let depth = Depth::sampled(seed, HEAVY_AFTER_FAULT_ONCE_IN);
        if let Err(breach) = check(&moment, &moment.snapshot.kill(seed), (seed, depth), swept) {
            told(found(breach, &format!("killed at op {}", moment.op)))?;
        }
        let depth = Depth::sampled(seed ^ 1, HEAVY_AFTER_FAULT_ONCE_IN);
        if let Err(breach) = check(&moment, &moment.snapshot.crash(seed), (seed, depth), swept) {
            told(found(breach, &format!("power lost at op {}", moment.op)))?;
        }
    }
    Ok(())
}
