//! A queue on a simulated disk: what was acknowledged stays so, and nothing else is ever lost.

use flowstone_crashlab::sim::queue::sweep::{Found, Swept, crash_everywhere, fail_everywhere};
use flowstone_crashlab::sim::queue::workload::{CONSUMERS, EXPIRIES, RESTARTS, ROLLS, Shape};
use flowstone_engine::io::sim::Fault;

use crate::seed;

fn report(shape: &Shape, seed: u64, result: Result<Swept, Box<Found>>) -> Swept {
    let swept = result.unwrap_or_else(|found| panic!("replay: {found:?}"));
    println!("{}: seed {seed}: {swept:?}", shape.name);
    swept
}

#[test]
fn acknowledgements_survive_the_loss_of_power_and_all_else_is_delivered() {
    for (shape, stride) in [(CONSUMERS, 5), (ROLLS, 9), (RESTARTS, 9), (EXPIRIES, 9)] {
        for seed in seed()..seed() + 2 {
            let swept =
                report(&shape, seed, crash_everywhere(&shape, seed, (seed % stride, stride)));
            assert!(swept.delivered > 0 && swept.acknowledged > 0 && swept.granted > 0);
        }
    }
}

#[test]
fn a_log_that_cannot_be_written_costs_no_record() {
    for fault in [Fault::Eio, Fault::Enospc] {
        for seed in seed()..seed() + 2 {
            let sweep = fail_everywhere(&ROLLS, seed, (seed % 7, 7), fault);
            let swept = report(&ROLLS, seed, sweep);
            assert!(swept.errors > 0, "the fault was noticed");
        }
    }
}
