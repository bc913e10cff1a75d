//! Bugs are planted, and the suite catches every one: it can fail.

use flowstone_crashlab::sim::rot::rot;
use flowstone_crashlab::sim::shapes::{APPENDS, JUMPS, REOPENS, RESHARDS, ROLLS, Shape};
use flowstone_crashlab::sim::sweep::{Found, Swept, crash_everywhere, fail_everywhere};
use flowstone_engine::io::sim::Fault;
use flowstone_engine::planted::{Bug, plant};

type Sweep = fn(u64) -> Result<Swept, Box<Found>>;

/// Seeds that are tried before a bug counts as not caught.
const SEEDS: u64 = 12;

fn crash(shape: &Shape, seed: u64, stride: u64) -> Result<Swept, Box<Found>> {
    crash_everywhere(shape, seed, (seed % stride, stride), &[seed, seed + 1])
}

/// Each bug with the sweep that catches it.
const BUGS: &[(Bug, Sweep)] = &[
    (Bug::AckBeforeFlush, |seed| crash(&APPENDS, seed, 3)),
    (Bug::AckOutOfOrder, |seed| crash(&APPENDS, seed, 1)),
    (Bug::PublishBeforeFlush, |seed| crash(&APPENDS, seed, 3)),
    (Bug::EveryBadFrameIsCorruption, |seed| crash(&APPENDS, seed, 3)),
    (Bug::SkipPlaceCheck, |seed| crash(&ROLLS, seed, 7)),
    (Bug::SkipSegmentSync, |seed| crash(&ROLLS, seed, 7)),
    (Bug::SkipDirectorySync, |seed| crash(&ROLLS, seed, 7)),
    (Bug::FreeBeforeCatalog, |seed| crash(&ROLLS, seed, 5)),
    (Bug::TrustWallClock, |seed| crash(&JUMPS, seed, 7)),
    (Bug::ReopenClosed, |seed| crash(&RESHARDS, seed, 11)),
    (Bug::LeaveGateOpen, |seed| crash(&RESHARDS, seed, 11)),
    (Bug::IgnoreWriteError, |seed| fail_everywhere(&APPENDS, seed, (seed, 5), Fault::Eio)),
    (Bug::RetryFailedFlush, |seed| fail_everywhere(&APPENDS, seed, (0, 1), Fault::SyncLies)),
    (Bug::TrustPageCache, |seed| fail_everywhere(&REOPENS, seed, (0, 1), Fault::SyncLies)),
    (Bug::FirstBadFrameTruncates, |seed| rot(&REOPENS, seed, 100)),
    (Bug::ForgetQuarantine, |seed| rot(&REOPENS, seed, 200)),
];

#[test]
fn every_planted_bug_is_caught() {
    let mut missed = Vec::new();
    for (bug, sweep) in BUGS {
        let caught = (0..SEEDS).find_map(|seed| {
            plant(Some(*bug));
            let swept = std::panic::catch_unwind(|| sweep(seed));
            plant(None);
            match swept {
                Ok(Ok(_)) => None,
                Ok(Err(found)) => Some((seed, format!("{found:?}"))),
                Err(_) => Some((seed, "an assertion of the engine".to_owned())),
            }
        });
        match caught {
            Some((seed, how)) => println!("caught {bug:?} with seed {seed}: {how}"),
            None => missed.push(*bug),
        }
    }
    assert!(missed.is_empty(), "not caught: {missed:?}");
}
