//! Bugs that are planted, each with the sweep that catches it: the lab can fail.
//!
//! A bug counts as caught when its sweep finds something with it, and nothing without it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use flowstone_engine::io::sim::Fault;
use flowstone_engine::planted as engine;
use flowstone_server::planted as server;

use crate::planted::Caught;
use crate::sim::queue::{sweep as queue, workload};
use crate::sim::rot::rot;
use crate::sim::shapes::{
    APPENDS, DELETES, EXPIRES, JUMPS, REOPENS, RESHARDS, ROLLS, Shape, TABLES, TIERS,
};
use crate::sim::sweep::{Found, Swept, crash_everywhere, fail_at, fail_everywhere, fitting};
use crate::sim::{recover, reshard};

/// Seeds that are tried before a bug counts as missed.
pub const SEEDS: u64 = 12;

/// Steps of a stream that is resharded.
const RESHARD_STEPS: usize = 150;

/// Which bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// One of the engine.
    Engine(engine::Bug),
    /// One of the server's queues.
    Server(server::Bug),
}

impl Bug {
    /// Its name.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Bug::Engine(bug) => format!("{bug:?}"),
            Bug::Server(bug) => format!("{bug:?}"),
        }
    }

    fn plant(self) {
        match self {
            Bug::Engine(bug) => engine::plant(Some(bug)),
            Bug::Server(bug) => server::plant(Some(bug)),
        }
    }
}

/// A sweep with some seed: what it finds, if it finds anything.
pub type Sweep = fn(u64) -> Result<(), String>;

/// A bug, and what catches it.
#[derive(Clone, Copy, Debug)]
pub struct Planted {
    /// Which one.
    pub bug: Bug,
    /// What it does.
    pub what: &'static str,
    /// What catches it.
    pub by: &'static str,
    /// The same, to call.
    pub sweep: Sweep,
}

/// What came of a bug.
#[derive(Clone, Debug)]
pub struct Catch {
    /// Which one, what it does, and what is to catch it.
    pub planted: Planted,
    /// The seed that caught it and what was found; otherwise why it does not count as caught.
    pub caught: Result<(u64, String), String>,
}

macro_rules! planted {
    ($($kind:ident :: $bug:ident, $what:literal, $by:literal, $sweep:expr;)*) => {
        &[$(Planted {
            bug: planted!(@ $kind $bug),
            what: $what,
            by: $by,
            sweep: $sweep,
        },)*]
    };
    (@ engine $bug:ident) => { Bug::Engine(engine::Bug::$bug) };
    (@ server $bug:ident) => { Bug::Server(server::Bug::$bug) };
}

/// All bugs that the sweeps of the simulated disk catch.
pub const PLANTED: &[Planted] = planted! {
    engine::AckBeforeFlush, "acknowledges when a commit is submitted",
        "crashes, appends", |seed| crash(&APPENDS, seed, 3);
    engine::AckOutOfOrder, "acknowledges a commit although an earlier one is not durable",
        "crashes, appends", |seed| crash(&APPENDS, seed, 1);
    engine::PublishBeforeFlush, "lets readers see records that are not durable",
        "crashes, appends", |seed| crash(&APPENDS, seed, 3);
    engine::EveryBadFrameIsCorruption, "takes a torn tail for corruption",
        "crashes, appends", |seed| crash(&APPENDS, seed, 3);
    engine::MarkIdleEarly, "marks the journal as resting while commits are in flight",
        "crashes, appends", |seed| crash(&APPENDS, seed, 1);
    engine::SkipJournalDirectorySync, "does not flush the name of a new journal file",
        "crashes, appends", |seed| crash(&APPENDS, seed, 1);
    engine::TrustJournalNames, "goes on in a dead process's journal file with an unflushed name",
        "kills, rolls and seals, reopens, deletes under load", |seed| {
            let shapes = [&ROLLS, &REOPENS, &DELETES];
            shapes.into_iter().try_for_each(|shape| crash(shape, seed, 1))
        };
    engine::ServeUnflushed, "serves what a dead process left in the cache, unflushed",
        "kills, appends", |seed| crash(&APPENDS, seed, 1);
    engine::SkipPlaceCheck, "believes frames of an older incarnation of a file",
        "crashes, rolls and seals", |seed| crash(&ROLLS, seed, 7);
    engine::SkipSegmentSync, "does not flush a segment before it is named",
        "crashes, rolls and seals", |seed| crash(&ROLLS, seed, 7);
    engine::SkipDirectorySync, "does not flush the name of a segment",
        "crashes, rolls and seals", |seed| crash(&ROLLS, seed, 7);
    engine::SkipCatalogSync, "answers a commit to the catalog without a flush",
        "crashes, rolls and seals", |seed| crash(&ROLLS, seed, 7);
    engine::FreeBeforeCatalog, "frees a journal file before the catalog knows the segment",
        "crashes, rolls and seals", |seed| crash(&ROLLS, seed, 5);
    engine::MixUpBlocks, "looks blocks up in the cache without their segment",
        "crashes, rolls and seals", |seed| crash(&ROLLS, seed, 7);
    engine::ForgetEnds, "forgets where a log ends whose records have expired",
        "crashes, expires and compacts", |seed| crash(&EXPIRES, seed, 11);
    engine::ForgetDropped, "forgets to remove dropped segments after a restart",
        "crashes, expires and compacts", |seed| crash(&EXPIRES, seed, 1);
    engine::RemoveBeforeCatalog, "removes merged segments before the catalog knows the new one",
        "crashes, large appends", |seed| crash(&TIERS, seed, 3);
    engine::ReuseSegmentIds, "gives ids of segments out again after a restart",
        "crashes, expires and compacts", |seed| crash(&EXPIRES, seed, 11);
    engine::KeepByFirstShard, "keeps of all shards in a merge what it keeps of the first",
        "crashes, large appends", |seed| crash(&TIERS, seed, 29);
    engine::TrustWallClock, "expires records by the wall clock",
        "crashes, clock jumps", |seed| crash(&JUMPS, seed, 7);
    engine::ReopenClosed, "forgets after a restart that a shard was closed",
        "crashes, reshards and trims", |seed| crash(&RESHARDS, seed, 11);
    engine::LeaveGateOpen, "takes appends into a shard that is being closed",
        "crashes, reshards and trims", |seed| crash(&RESHARDS, seed, 11);
    engine::ForgetTrim, "does not write down where a shard was trimmed",
        "crashes, reshards and trims", |seed| crash(&RESHARDS, seed, 11);
    engine::ForgetRetention, "does not write down how long a shard keeps records",
        "crashes, tables and retention", |seed| crash(&TABLES, seed, 11);
    engine::PartTransaction, "commits a caller's changes after the engine's",
        "crashes, tables and retention", |seed| crash(&TABLES, seed, 1);
    engine::IgnoreWriteError, "takes a failed durable write for a success",
        "input/output errors, appends", |seed| fail(&APPENDS, seed, (seed, 5), Fault::Eio);
    engine::AckShortWrite, "takes a short write of the ring for a whole one",
        "short writes, appends", |seed| fail(&APPENDS, seed, (0, 1), Fault::ShortWrite);
    engine::RetryFailedFlush, "flushes again after a flush has failed, and believes it",
        "flushes that lie, appends", |seed| fail(&APPENDS, seed, (0, 1), Fault::SyncLies);
    engine::TrustPageCache, "believes the page cache after a restart",
        "flushes that lie, reopens", |seed| fail(&REOPENS, seed, (0, 1), Fault::SyncLies);
    engine::TrustCatalogLength, "builds upon a length of the catalog that was never flushed",
        "flushes that lie, then power loss, reshards and trims", lie_then_crash;
    engine::FirstBadFrameTruncates, "cuts the log at the first bad frame",
        "rot, reopens", |seed| rotten(&REOPENS, seed, 100);
    engine::ForgetQuarantine, "forgets a quarantine at the next restart",
        "rot, reopens", |seed| rotten(&REOPENS, seed, 200);
    engine::SkipQuarantineRow, "keeps a quarantine in memory alone",
        "rot, reopens", |seed| rotten(&REOPENS, seed, 200);
    engine::RerouteBackwards, "sends refused records to a shard's children backwards",
        "reshards of a stream", resharded;
    server::AnswerBeforeDurable, "answers a consumer before its log record is durable",
        "crashes, consumers of a queue", |seed| queue_crash(seed, 5);
    server::TrimToUnfinishedSnapshot, "trims a delivery log to an unfinished snapshot",
        "crashes, consumers of a queue", |seed| queue_crash(seed, 5);
    server::TrustMemoryOfAcknowledged, "believes memory about what was acknowledged",
        "crashes, consumers of a queue", |seed| queue_crash(seed, 1);
    server::IgnoreFailedAppend, "goes on after an append to a delivery log has failed",
        "full disk, a queue that rolls", queue_full;
};

fn crash(shape: &Shape, seed: u64, stride: u64) -> Result<(), String> {
    let crash_seeds = [seed, seed + 1];
    let swept = crash_everywhere(shape, seed, (seed % stride, stride), &crash_seeds);
    swept.map(drop).map_err(|found| format!("{found:?}"))
}

fn fail(shape: &Shape, seed: u64, part: (u64, u64), fault: Fault) -> Result<(), String> {
    let swept = fail_everywhere(shape, seed, part, fault);
    swept.map(drop).map_err(|found| format!("{found:?}"))
}

/// Flushes lie while the catalog grows, the process starts again, and the power fails.
fn lie_then_crash(seed: u64) -> Result<(), String> {
    let mut told = |found: Found| Err(Box::new(found));
    let mut swept = Swept::default();
    let ops = fitting(&RESHARDS, seed, Fault::SyncLies);
    for op in ops {
        fail_at(&RESHARDS, seed, &[(op, Fault::SyncLies)], 6, &mut swept, &mut told)
            .map_err(|found| format!("{found:?}"))?;
    }
    Ok(())
}

fn rotten(shape: &Shape, seed: u64, places: u64) -> Result<(), String> {
    rot(shape, seed, places).map(drop).map_err(|found| format!("{found:?}"))
}

fn resharded(seed: u64) -> Result<(), String> {
    reshard::run(seed, RESHARD_STEPS, None).map(drop)
}

fn queue_crash(seed: u64, stride: u64) -> Result<(), String> {
    let swept = queue::crash_everywhere(&workload::CONSUMERS, seed, (seed % stride, stride));
    swept.map(drop).map_err(|found| format!("{found:?}"))
}

fn queue_full(seed: u64) -> Result<(), String> {
    let swept = queue::fail_everywhere(&workload::ROLLS, seed, (seed % 3, 3), Fault::Enospc);
    swept.map(drop).map_err(|found| format!("{found:?}"))
}

/// The same for the lab's table.
#[must_use]
pub fn table() -> Vec<crate::planted::Planted> {
    let entry = |planted: &'static Planted| crate::planted::Planted {
        bug: planted.bug.name(),
        what: planted.what,
        caught_by: planted.by,
        catch: Box::new(move |_| match catch_one(planted).caught {
            Ok((seed, what)) => Ok(Caught::Yes(format!("seed {seed}: {what}"))),
            Err(_) => Ok(Caught::No),
        }),
    };
    PLANTED.iter().map(entry).collect()
}

/// Plants each bug in turn, on `jobs` threads, and sweeps until it is caught.
#[must_use]
pub fn catch_all(jobs: usize) -> Vec<Catch> {
    let (next, catches) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                while let Some(planted) = PLANTED.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let catch = catch_one(planted);
                    catches.lock().unwrap_or_else(PoisonError::into_inner).push(catch);
                }
            });
        }
    });
    let mut catches = catches.into_inner().unwrap_or_else(PoisonError::into_inner);
    let place = |catch: &Catch| PLANTED.iter().position(|other| other.bug == catch.planted.bug);
    catches.sort_by_key(place);
    catches
}

/// Plants a bug, and sweeps until it is caught.
#[must_use]
pub fn catch_one(planted: &Planted) -> Catch {
    let found = (0..SEEDS).find_map(|seed| {
        planted.bug.plant();
        let swept = sweep(planted.sweep, seed);
        engine::plant(None);
        server::plant(None);
        Some((seed, swept.err()?))
    });
    let caught = match found {
        None => Err("nothing was found".to_owned()),
        Some((seed, what)) => match sweep(planted.sweep, seed) {
            Ok(()) => Ok((seed, what)),
            Err(what) => Err(format!("something is found without it too: {what}")),
        },
    };
    Catch { planted: *planted, caught }
}

fn sweep(sweep: Sweep, seed: u64) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(|| sweep(seed)))
        .unwrap_or_else(|panic| Err(format!("panic: {}", recover::text_of(&*panic))))
}
