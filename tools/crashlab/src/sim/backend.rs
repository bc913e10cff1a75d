//! The simulated disk as back ends: crashes at every operation, and faults at every operation.

use std::io;

use flowstone_engine::io::sim::Fault;
use serde::Deserialize;

use crate::backend::{BackEnd, Lab, Worker};
use crate::random::Random;
use crate::sim::rot::misplace;
use crate::sim::shapes::{ALL, Shape};
use crate::sim::sweep::{Found, Swept, crash_sweep, fail_at, fitting};
use crate::verdict::Tally;

/// Faults that are injected at every operation that they fit.
const FAULTS: [Fault; 4] = [Fault::Eio, Fault::Enospc, Fault::ShortWrite, Fault::SyncLies];

/// Parts that a sweep of one fault over one workload is cut into.
const PARTS: u64 = 4;

/// Pairs of faults in a unit.
const PAIRS_A_UNIT: u64 = 25;

/// Blocks in a unit.
const BLOCKS_A_UNIT: u64 = 200;

/// Moments behind the first fault of a pair at which the power fails too, and so many that the
/// second fault comes about as far behind the first at most.
const CRASHES_BEHIND: u64 = 3;

/// Operations between the two faults of a pair, at most.
const APART_MAX: u64 = 200;

/// Crashes: the power fails and the process is killed before every operation.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Disks to recover.
    pub states: u64,
    /// Ways in which each moment loses its power.
    pub crash_seeds: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { states: 20_000, crash_seeds: 3 }
    }
}

impl BackEnd for Settings {
    fn name(&self) -> &'static str {
        "simulated"
    }

    fn detect(&self, lab: &Lab) -> Result<(), String> {
        only_own(lab)
    }

    fn goal(&self) -> u64 {
        self.states
    }

    fn repeats(&self) -> bool {
        true
    }

    fn worker<'a>(&'a self, lab: &'a Lab, _: usize) -> io::Result<Box<dyn Worker + 'a>> {
        Ok(Box::new(Crashes { settings: self, lab }))
    }
}

fn only_own(lab: &Lab) -> Result<(), String> {
    if lab.target.is_own() {
        Ok(())
    } else {
        Err("only Flowstone's own engine runs on a simulated disk".to_owned())
    }
}

struct Crashes<'a> {
    settings: &'a Settings,
    lab: &'a Lab,
}

impl Worker for Crashes<'_> {
    fn unit(&mut self, number: u64, tally: &mut Tally) -> io::Result<()> {
        let shape = shape_of(number);
        let mut random = self.lab.random(number);
        let seed = random.bits();
        let crash_seeds: Vec<_> = (0..self.settings.crash_seeds).map(|_| random.bits()).collect();
        let mut swept = Swept::default();
        let told = &mut |found| tell(tally, found);
        let swept_all = crash_sweep(shape, seed, (0, 1), &crash_seeds, &mut swept, told);
        // Findings were told, and end nothing here.
        drop(swept_all);
        count(tally, &swept);
        Ok(())
    }
}

/// Faults at every operation that they fit, and pairs of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Operations {
    /// Whether each fault is injected at every operation of every workload; then that is all.
    pub every_operation: bool,
    /// Pairs: two faults in one run, or a fault and then power loss.
    pub pairs: u64,
    /// Workloads that are left out, by name.
    pub left_out: Vec<String>,
    /// Blocks that come back as they were earlier, or as another one is.
    pub blocks: u64,
}

impl Default for Operations {
    fn default() -> Operations {
        Operations { every_operation: false, pairs: 500, blocks: 1000, left_out: Vec::new() }
    }
}

impl Operations {
    fn singles(&self) -> u64 {
        if self.every_operation { ALL.len() as u64 * FAULTS.len() as u64 * PARTS } else { 0 }
    }
}

impl Operations {
    fn pair_units(&self) -> u64 {
        self.pairs.div_ceil(PAIRS_A_UNIT)
    }
}

impl BackEnd for Operations {
    fn name(&self) -> &'static str {
        "operations"
    }

    fn detect(&self, lab: &Lab) -> Result<(), String> {
        only_own(lab)
    }

    fn goal(&self) -> u64 {
        u64::MAX
    }

    fn units_max(&self) -> u64 {
        self.singles() + self.pair_units() + self.blocks.div_ceil(BLOCKS_A_UNIT)
    }

    fn repeats(&self) -> bool {
        true
    }

    fn worker<'a>(&'a self, lab: &'a Lab, _: usize) -> io::Result<Box<dyn Worker + 'a>> {
        Ok(Box::new(Faults { settings: self, lab }))
    }
}

struct Faults<'a> {
    settings: &'a Operations,
    lab: &'a Lab,
}

impl Worker for Faults<'_> {
    fn unit(&mut self, number: u64, tally: &mut Tally) -> io::Result<()> {
        if self.settings.left_out.iter().any(|name| *name == shape_of(number).name) {
            tally.count("units left out", 1);
            return Ok(());
        }
        match number.checked_sub(self.settings.singles()) {
            None => self.singles(number, tally),
            Some(pair) => match pair.checked_sub(self.settings.pair_units()) {
                None => self.pairs(pair, tally),
                Some(block) => self.blocks(block, number, tally),
            },
        }
        Ok(())
    }
}

impl Faults<'_> {
    /// One part of the operations of one workload with one fault.
    fn singles(&self, number: u64, tally: &mut Tally) {
        let shape = shape_of(number);
        let number = number / ALL.len() as u64;
        let fault = FAULTS[index(number, FAULTS.len())];
        let part = number / FAULTS.len() as u64;
        // All parts of a workload are of one run.
        let seed = self.lab.random(u64::MAX).bits();
        let ops = fitting(shape, seed, fault);
        let mut swept = Swept::default();
        for op in ops.into_iter().skip(index(part, usize::MAX)).step_by(index(PARTS, usize::MAX)) {
            let told = &mut |found| tell(tally, found);
            drop(fail_at(shape, seed, &[(op, fault)], 0, &mut swept, told));
        }
        tally.count(&format!("{fault:?}"), swept.points);
        count(tally, &swept);
    }

    /// Some pairs of one workload.
    fn pairs(&self, number: u64, tally: &mut Tally) {
        let shape = shape_of(number);
        let mut random = self.lab.random(self.settings.singles() + number);
        let seed = random.bits();
        let fitting = FAULTS.map(|fault| fitting(shape, seed, fault));
        let mut swept = Swept::default();
        let pairs = self.settings.pairs.saturating_sub(number * PAIRS_A_UNIT).min(PAIRS_A_UNIT);
        for _ in 0..pairs {
            let Some(first) = random_fault(&mut random, &fitting) else { continue };
            // The run is another one from the first fault on: any number will do for the second.
            let apart = 1 + random.below(APART_MAX);
            let second = (first.0 + apart, FAULTS[index(random.bits(), FAULTS.len())]);
            let told = &mut |found| tell(tally, found);
            drop(fail_at(shape, seed, &[first, second], CRASHES_BEHIND, &mut swept, told));
        }
        tally.count("pairs", pairs);
        count(tally, &swept);
    }
}

impl Faults<'_> {
    /// Some blocks of one workload that come back from the past, or from elsewhere.
    fn blocks(&self, number: u64, unit: u64, tally: &mut Tally) {
        let shape = shape_of(number);
        let seed = self.lab.random(unit).bits();
        let blocks = self.settings.blocks.saturating_sub(number * BLOCKS_A_UNIT);
        let blocks = blocks.min(BLOCKS_A_UNIT);
        let mut swept = Swept::default();
        let told = &mut |found| tell(tally, found);
        drop(misplace(shape, seed, blocks, &mut swept, told));
        tally.count("blocks", swept.points);
        count(tally, &swept);
    }
}

fn random_fault(random: &mut Random, fitting: &[Vec<u64>; 4]) -> Option<(u64, Fault)> {
    let at = index(random.bits(), FAULTS.len());
    let ops = &fitting[at];
    Some((*ops.get(index(random.bits(), ops.len().max(1)))?, FAULTS[at]))
}

fn shape_of(unit: u64) -> &'static Shape {
    &ALL[index(unit, ALL.len())]
}

/// `number`, brought below `length`.
fn index(number: u64, length: usize) -> usize {
    usize::try_from(number % length as u64).expect("below a usize")
}

fn tell(tally: &mut Tally, found: Found) -> Result<(), Box<Found>> {
    tally.found(found.breach.broken, found.breach.what, found.replay);
    Ok(())
}

fn count(tally: &mut Tally, swept: &Swept) {
    tally.states += swept.states;
    tally.acknowledged += swept.acked;
    tally.count("points", swept.points);
    if swept.distinct > 0 {
        tally.count("distinct", swept.distinct);
    }
}
