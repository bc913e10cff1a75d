//! Streams that are resharded at random keep every record and every key's order.

use flowstone_crashlab::sim::reshard::{Went, run};
use flowstone_engine::planted::{Bug, plant};

use crate::seed;

/// Random steps of a run.
const STEPS: usize = 150;
/// Runs without a crash.
const CALM_RUNS: u64 = 40;
/// Runs whose operations are crashed.
const CRASHED_RUNS: u64 = 3;
/// One in so many operations is crashed.
const STRIDE: u64 = 7;

fn add(sum: &mut Went, went: Went) {
    sum.reshards += went.reshards;
    sum.shards += went.shards;
    sum.acked += went.acked;
    sum.restarts += went.restarts;
}

#[test]
fn no_reshard_loses_or_reorders_a_record() {
    let mut sum = Went::default();
    for seed in (0..CALM_RUNS).map(|n| seed() * 1000 + n) {
        match run(seed, STEPS, None) {
            Ok(went) => add(&mut sum, went),
            Err(broken) => panic!("seed {seed}: {broken}"),
        }
    }
    println!("reshards, calm: seed {}, {sum:?}", seed());
    assert!(sum.reshards > 10 * CALM_RUNS && sum.acked > 100 * CALM_RUNS, "{sum:?}");
    assert!(sum.restarts > 0, "{sum:?}");
}

#[test]
fn no_crash_while_resharding_loses_or_reorders_a_record() {
    let mut sum = Went::default();
    for seed in (0..CRASHED_RUNS).map(|n| seed() * 1000 + 500 + n) {
        let ops = run(seed, STEPS, None).map_or_else(|broken| panic!("{broken}"), |went| went.ops);
        for op in (seed % STRIDE..ops).filter(|op| op % STRIDE == seed % STRIDE) {
            match run(seed, STEPS, Some(op)) {
                Ok(went) => add(&mut sum, went),
                Err(broken) => panic!("seed {seed}, crash at {op}: {broken}"),
            }
        }
    }
    println!("reshards, crashed: seed {}, {sum:?}", seed());
    assert!(sum.reshards > 1000 && sum.restarts > 200, "{sum:?}");
}

#[test]
fn the_same_seed_reshards_the_same_way() {
    let seed = seed();
    assert_eq!(run(seed, STEPS, None), run(seed, STEPS, None));
    assert_ne!(run(seed, STEPS, None), run(seed + 1, STEPS, None));
}

#[test]
fn an_open_gate_is_caught_here_too() {
    let caught = (0..20).find_map(|seed| {
        plant(Some(Bug::LeaveGateOpen));
        let ran = std::panic::catch_unwind(|| run(seed, STEPS, None));
        plant(None);
        match ran {
            Ok(Ok(_)) => None,
            Ok(Err(broken)) => Some((seed, broken)),
            Err(_) => Some((seed, "an assertion".to_owned())),
        }
    });
    let (seed, how) = caught.expect("it is caught");
    println!("caught with seed {seed}: {how}");
}
