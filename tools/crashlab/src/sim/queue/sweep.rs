//! A crash or a fault at many operations of a workload of a queue.

use std::sync::Arc;

use flowstone_engine::io::sim::{Fault, SimDisk};

use crate::sim::queue::history::Broken;
use crate::sim::queue::shop::Shop;
use crate::sim::queue::workload::{Run, Shape, drain, run};

/// A broken promise, and how to see it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What was broken.
    pub broken: Broken,
    /// Workload, seed and place of the crash.
    pub replay: String,
}

/// What a sweep went over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Crashes or faults.
    pub points: u64,
    /// Records delivered.
    pub delivered: usize,
    /// Wishes granted.
    pub granted: u64,
    /// Records acknowledged.
    pub acknowledged: usize,
    /// Calls that were answered with an error.
    pub errors: usize,
    /// The longest that a delivery log was.
    pub log_bytes_max: usize,
}

/// Disk operations that a workload takes when nothing happens.
pub fn operations(shape: &Shape, seed: u64) -> Result<u64, Box<Found>> {
    let whole = run(shape, seed, |_| ());
    let found = |broken| Box::new(Found { broken, replay: format!("{}: {seed}", shape.name) });
    Ok(whole.map_err(|(broken, _)| found(broken))?.disk.ops())
}

/// Lets the power fail at every `stride`th operation from `first` on, recovers, and drains the
/// queue.
pub fn crash_everywhere(
    shape: &Shape,
    seed: u64,
    (first, stride): (u64, u64),
) -> Result<Swept, Box<Found>> {
    let mut swept = Swept::default();
    for op in (first..operations(shape, seed)?).step_by(stride.try_into().expect("small")) {
        let replay = format!("{}: seed {seed}, op {op}", shape.name);
        let found = |broken| Box::new(Found { broken, replay: replay.clone() });
        let whole = run(shape, seed, |disk| disk.set_crash_at(op));
        let run = whole.map_err(|(broken, _)| found(broken))?;
        swept.add(&run);
        check(&run, &run.disk.crash(op ^ seed), op).map_err(found)?;
    }
    Ok(swept)
}

/// Makes every `stride`th operation fail with `fault`, lets the workload go on, and drains the
/// queue after the process dies and after the power fails.
pub fn fail_everywhere(
    shape: &Shape,
    seed: u64,
    (first, stride): (u64, u64),
    fault: Fault,
) -> Result<Swept, Box<Found>> {
    let mut swept = Swept::default();
    for op in (first..operations(shape, seed)?).step_by(stride.try_into().expect("small")) {
        let replay = format!("{}: seed {seed}, {fault:?} at op {op}", shape.name);
        let found = |broken| Box::new(Found { broken, replay: replay.clone() });
        let whole = run(shape, seed, |disk| disk.inject(op, fault));
        let run = whole.map_err(|(broken, _)| found(broken))?;
        swept.add(&run);
        check(&run, &run.disk.kill(), op).map_err(found)?;
        check(&run, &run.disk.crash(op), op).map_err(found)?;
    }
    Ok(swept)
}

/// Recovers `disk`, drains the queue half, crashes again, and drains the rest: all that the stream
/// has and nobody acknowledged must come.
fn check(run: &Run, disk: &Arc<SimDisk>, seed: u64) -> Result<(), Broken> {
    let failed = |error| Broken::DoesNotGoOn(format!("{error:?}"));
    let mut history = run.history.clone();
    let mut shop = Shop::open(disk, &run.clock, seed).map_err(failed)?;
    let there = shop.places().map_err(failed)?;
    let drained = drain(&mut shop, &run.clock, &mut history)?;
    run.history.check_drained(&there, &drained)?;
    drop(shop);
    // What was drained stays acknowledged across another crash.
    let mut shop = Shop::open(&disk.crash(seed ^ 1), &run.clock, seed).map_err(failed)?;
    drain(&mut shop, &run.clock, &mut history)?;
    Ok(())
}

impl Swept {
    fn add(&mut self, run: &Run) {
        self.points += 1;
        self.delivered += run.history.deliveries.len();
        self.granted += run.history.granted;
        self.acknowledged += run.history.acknowledged();
        self.errors += run.errors.len();
        self.log_bytes_max = self.log_bytes_max.max(run.log_bytes_max);
    }
}
