//! The power fails at every operation of a workload.

use flowstone_crashlab::sim::sweep::crash_everywhere;
use flowstone_crashlab::sim::workload::{
    APPENDS, CHANGES, EXPIRES, JUMPS, REOPENS, RESHARDS, ROLLS, Shape,
};

use crate::seed;

/// Each operation is crashed under this many seeds, and recovered twice for each.
const CRASH_SEEDS: u64 = 3;

fn survives(shape: &Shape) {
    let seed = seed();
    let crash_seeds: Vec<_> = (0..CRASH_SEEDS).map(|n| seed * 1000 + n).collect();
    match crash_everywhere(shape, seed, (0, 1), &crash_seeds) {
        Ok(swept) => {
            println!("crashes, {}: seed {seed}, {swept:?}", shape.name);
            assert!(swept.acked > 1000, "the workload acknowledges records");
        }
        Err(found) => panic!("{found:?}"),
    }
}

#[test]
fn no_crash_while_appending_loses_or_invents_a_record() {
    survives(&APPENDS);
}

#[test]
fn no_crash_while_sealing_loses_or_invents_a_record() {
    survives(&ROLLS);
}

#[test]
fn no_crash_while_reopening_loses_or_invents_a_record() {
    survives(&REOPENS);
}

#[test]
fn no_crash_while_expiring_and_compacting_loses_or_invents_a_record() {
    survives(&EXPIRES);
}

#[test]
fn no_crash_while_shards_come_and_go_loses_or_invents_a_record() {
    survives(&CHANGES);
}

#[test]
fn no_crash_while_shards_are_closed_for_others_and_trimmed_loses_or_invents_a_record() {
    survives(&RESHARDS);
}

#[test]
fn no_crash_while_the_clock_jumps_loses_or_invents_a_record() {
    survives(&JUMPS);
}
