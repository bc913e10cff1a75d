//! The power fails at every operation of a workload, and the process is killed there.

use flowstone_crashlab::sim::shapes::{
    APPENDS, CHANGES, DELETES, EXPIRES, FULL, JUMPS, MANY, REOPENS, RESHARDS, ROLLS, Shape, TABLES,
    TIERS,
};
use flowstone_crashlab::sim::sweep::crash_everywhere;

use crate::seed;

/// One in `stride` operations is crashed under one seed, and a sample of what is left goes on.
fn survives(shape: &Shape, stride: u64) {
    let seed = seed();
    match crash_everywhere(shape, seed, (seed % stride, stride), &[seed * 1000]) {
        Ok(swept) => {
            println!("crashes, {}: seed {seed}, {swept:?}", shape.name);
            assert!(swept.acked > 1000, "the workload acknowledges records");
            assert!(swept.distinct * 4 > swept.points, "most crashes leave another disk");
        }
        Err(found) => panic!("{found:?}"),
    }
}

#[test]
fn no_crash_while_appending_loses_or_invents_a_record() {
    survives(&APPENDS, 1);
}

#[test]
fn no_crash_while_sealing_loses_or_invents_a_record() {
    survives(&ROLLS, 1);
}

#[test]
fn no_crash_while_reopening_loses_or_invents_a_record() {
    survives(&REOPENS, 1);
}

#[test]
fn no_crash_while_expiring_and_compacting_loses_or_invents_a_record() {
    survives(&EXPIRES, 3);
}

#[test]
fn no_crash_while_shards_come_and_go_loses_or_invents_a_record() {
    survives(&CHANGES, 1);
}

#[test]
fn no_crash_while_shards_are_closed_for_others_and_trimmed_loses_or_invents_a_record() {
    survives(&RESHARDS, 1);
}

#[test]
fn no_crash_while_the_clock_jumps_loses_or_invents_a_record() {
    survives(&JUMPS, 1);
}

#[test]
fn no_crash_while_shards_with_appends_in_flight_are_deleted_loses_or_invents_a_record() {
    survives(&DELETES, 2);
}

#[test]
fn no_crash_while_large_appends_fill_tiers_of_segments_loses_or_invents_a_record() {
    survives(&TIERS, 5);
}

#[test]
fn no_crash_with_hundreds_of_shards_loses_or_invents_a_record() {
    survives(&MANY, 2);
}

#[test]
fn no_crash_parts_a_callers_table_from_the_shards_that_it_tells_of() {
    survives(&TABLES, 2);
}

#[test]
fn no_crash_on_a_full_disk_loses_or_invents_a_record() {
    survives(&FULL, 2);
}
