//! The power fails at every operation of scripted workloads, on the simulated disk.

use flowstone_tests::sim::sweep::{Swept, crash_everywhere};
use flowstone_tests::sim::workload::SHAPES;

/// Each operation is crashed under this many seeds, and recovered twice for each.
const CRASH_SEEDS: u64 = 3;

#[test]
fn no_crash_loses_or_invents_a_record() {
    let seed = std::env::var("FLOWSTONE_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(1);
    let mut total = Swept::default();
    for shape in SHAPES {
        let crash_seeds: Vec<_> = (0..CRASH_SEEDS).map(|n| seed * 1000 + n).collect();
        let swept = match crash_everywhere(shape, seed, (0, 1), &crash_seeds) {
            Ok(swept) => swept,
            Err(found) => panic!("{found:?}"),
        };
        println!("{}: seed {seed}, {swept:?}", shape.name);
        total.points += swept.points;
        total.states += swept.states;
        total.acked += swept.acked;
    }
    println!("all workloads: seed {seed}, {total:?}");
    assert!(total.acked > 1000, "the workloads do acknowledge records: {total:?}");
}
