//! Bugs are planted, and the suite catches every one: it can fail.

use flowstone_crashlab::flips::planted as flips;
use flowstone_crashlab::sim::planted::{Bug, PLANTED, catch_all};
use flowstone_engine::planted;

/// Threads on which bugs are planted: they are planted for one thread.
const JOBS: usize = 2;

#[test]
fn every_planted_bug_is_caught() {
    let mut missed = Vec::new();
    for catch in catch_all(JOBS) {
        let (name, by) = (catch.planted.bug.name(), catch.planted.by);
        match catch.caught {
            Ok((seed, what)) => println!("caught {name} by {by} with seed {seed}: {what}"),
            Err(why) => missed.push(format!("{name} by {by}: {why}")),
        }
    }
    assert!(missed.is_empty(), "not caught: {missed:#?}");
}

#[test]
fn every_bug_of_the_engine_has_a_sweep_that_is_to_catch_it() {
    for bug in planted::Bug::ALL {
        let is_here = PLANTED.iter().any(|planted| planted.bug == Bug::Engine(*bug));
        let is_caught_by_flips = flips::PLANTED.iter().any(|(other, ..)| other == bug);
        assert!(is_here || is_caught_by_flips, "{bug:?}");
    }
}
