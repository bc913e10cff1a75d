//! A run: back end after back end, units on several threads, until each has what was wanted.

#[cfg(test)]
mod tests;

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::backend::{BackEnd, Lab, Worker};
use crate::stopwatch::Stopwatch;
use crate::verdict::{Broken, FINDINGS_KEPT_MAX, Tally};

/// How often progress is told and kept.
const PROGRESS_EVERY: Duration = Duration::from_secs(5);

/// How to run.
#[derive(Clone, Copy, Debug)]
pub struct How<'a> {
    /// Threads.
    pub jobs: usize,
    /// Whether units with findings are run again first, where a unit repeats: those that break no
    /// promise any more are mended.
    pub again: bool,
    /// All back ends together stop after this long.
    pub time_max: Option<Duration>,
    /// Set by somebody who wants the run to end.
    pub stop: &'a AtomicBool,
}

/// How a back end's part of a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Everything that was wanted was done, and no promise was broken.
    Passed,
    /// A promise was broken.
    Failed,
    /// This machine or this target cannot do it.
    Skipped,
    /// It was stopped before all was done; what was done broke no promise.
    Unfinished,
}

/// What came of one back end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Part {
    /// Which one.
    pub back_end: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it was skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// States that are wanted.
    pub wanted: u64,
    /// Seconds that it took, over all sittings.
    pub seconds: f64,
    /// The unit to go on with.
    pub next_unit: u64,
    /// What it went through, over all sittings.
    pub tally: Tally,
}

/// Where progress is told and kept. Called now and then, at each finding and at each back end's end.
pub type Keep<'a> = dyn Fn(&Part, bool) -> io::Result<()> + Sync + 'a;

/// Runs `back_ends` one after the other, each going on where `before` left it.
pub fn run(
    back_ends: &[&dyn BackEnd],
    lab: &Lab,
    how: &How<'_>,
    before: &BTreeMap<String, Part>,
    keep: &Keep<'_>,
) -> io::Result<Vec<Part>> {
    let time = Stopwatch::start();
    let is_over =
        || how.stop.load(Ordering::SeqCst) || how.time_max.is_some_and(|max| time.elapsed() >= max);
    let mut parts = Vec::new();
    for back_end in back_ends {
        let part = run_one(*back_end, lab, how, before.get(back_end.name()), &is_over, keep)?;
        keep(&part, true)?;
        parts.push(part);
    }
    Ok(parts)
}

/// What the threads of a back end share.
struct Shared<'a> {
    back_end: &'a dyn BackEnd,
    lab: &'a Lab,
    next_unit: AtomicU64,
    part: Mutex<(Part, Stopwatch)>,
    time: Stopwatch,
    seconds_before: f64,
    is_over: &'a (dyn Fn() -> bool + Sync),
    keep: &'a Keep<'a>,
}

fn run_one(
    back_end: &dyn BackEnd,
    lab: &Lab,
    how: &How<'_>,
    before: Option<&Part>,
    is_over: &(dyn Fn() -> bool + Sync),
    keep: &Keep<'_>,
) -> io::Result<Part> {
    let mut part = before.cloned().unwrap_or_else(|| Part {
        back_end: back_end.name().to_owned(),
        outcome: Outcome::Unfinished,
        reason: None,
        wanted: 0,
        seconds: 0.0,
        next_unit: 0,
        tally: Tally::default(),
    });
    part.wanted = back_end.goal();
    part.reason = None;
    if let Err(reason) = back_end.detect(lab) {
        part.reason = Some(reason);
        part.outcome = Outcome::Skipped;
        return Ok(part);
    }
    if how.again && back_end.repeats() {
        run_again(back_end, lab, &mut part.tally)?;
    }
    let shared = Shared {
        back_end,
        lab,
        next_unit: AtomicU64::new(part.next_unit),
        seconds_before: part.seconds,
        part: Mutex::new((part, Stopwatch::start())),
        time: Stopwatch::start(),
        is_over,
        keep,
    };
    let jobs = how.jobs.clamp(1, back_end.jobs_max());
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs)
            .map(|job| {
                let shared = &shared;
                scope.spawn(move || shared.work(job))
            })
            .collect();
        workers.into_iter().try_for_each(|worker| match worker.join() {
            Ok(done) => done,
            Err(panic) => Err(io::Error::other(format!("lab thread: {}", text_of(&*panic)))),
        })
    })?;
    let (mut part, _) = shared.part.into_inner().unwrap_or_else(PoisonError::into_inner);
    let is_all_done = part.tally.states >= part.wanted || part.next_unit >= back_end.units_max();
    part.outcome = match (part.tally.broken_in_all(), is_all_done) {
        (0, true) => Outcome::Passed,
        (0, false) => Outcome::Unfinished,
        _ => Outcome::Failed,
    };
    Ok(part)
}

/// Runs the units of the findings in `tally` once more. If one goes through states and breaks no
/// promise now, its findings are mended; otherwise they are what it finds now. What it goes through
/// was counted the first time.
fn run_again(back_end: &dyn BackEnd, lab: &Lab, tally: &mut Tally) -> io::Result<()> {
    let units: BTreeSet<u64> = tally.findings.iter().filter_map(|finding| finding.unit).collect();
    for unit in units {
        let mut worker = back_end.worker(lab, 0)?;
        let (today, _) = run_unit(back_end, lab, &mut *worker, unit)?;
        if today.broken_in_all() > 0 {
            tally.replace(unit, today);
        } else if today.states > 0 {
            tally.mend(unit);
        }
    }
    Ok(())
}

/// What `worker` finds in a unit, and whether it panicked there.
fn run_unit(
    back_end: &dyn BackEnd,
    lab: &Lab,
    worker: &mut dyn Worker,
    unit: u64,
) -> io::Result<(Tally, bool)> {
    let mut tally = Tally::default();
    let done = catch_unwind(AssertUnwindSafe(|| worker.unit(unit, &mut tally)));
    let has_panicked = done.is_err();
    match done {
        Ok(done) => done.map_err(|error| {
            io::Error::new(error.kind(), format!("{}, unit {unit}: {error}", back_end.name()))
        })?,
        Err(panic) => {
            let replay = format!("seed {}, unit {unit}", lab.seed);
            tally.found(Broken::Unusable, format!("panic: {}", text_of(&*panic)), replay);
        }
    }
    tally.found_by(unit);
    Ok((tally, has_panicked))
}

impl Shared<'_> {
    fn work(&self, job: usize) -> io::Result<()> {
        let mut worker = self.back_end.worker(self.lab, job)?;
        while !self.is_done() {
            let unit = self.next_unit.fetch_add(1, Ordering::SeqCst);
            if unit >= self.back_end.units_max() {
                break;
            }
            let (tally, has_panicked) = run_unit(self.back_end, self.lab, &mut *worker, unit)?;
            self.note(unit, tally)?;
            if has_panicked {
                // Nobody knows what a panic left of the worker.
                worker = self.back_end.worker(self.lab, job)?;
            }
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        let tally = &self.lock().0.tally;
        let is_enough = tally.states >= self.back_end.goal()
            || tally.broken_in_all() >= FINDINGS_KEPT_MAX as u64;
        is_enough || (self.is_over)()
    }

    fn note(&self, unit: u64, tally: Tally) -> io::Result<()> {
        let mut part = self.lock();
        let has_found = tally.broken_in_all() > 0;
        part.0.tally.add(tally);
        part.0.next_unit = part.0.next_unit.max(unit + 1);
        part.0.seconds = self.seconds_before + self.time.elapsed().as_secs_f64();
        if has_found || part.1.elapsed() >= PROGRESS_EVERY {
            part.1 = Stopwatch::start();
            (self.keep)(&part.0, false)?;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, (Part, Stopwatch)> {
        self.part.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}
