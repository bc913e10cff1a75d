//! Every operation of a workload fails once; bits rot afterwards.

use flowstone_crashlab::sim::rot::{misplace, rot};
use flowstone_crashlab::sim::shapes::{EXPIRES, REOPENS, RESHARDS, ROLLS, Shape};
use flowstone_crashlab::sim::sweep::{Swept, fail_at, fail_everywhere};
use flowstone_engine::io::sim::Fault;

use crate::seed;

/// One in so many operations fails; the lab's own run goes through all.
const STRIDE: u64 = 3;

fn survives(shape: &Shape, fault: Fault) {
    let seed = seed();
    match fail_everywhere(shape, seed, (seed % STRIDE, STRIDE), fault) {
        Ok(swept) => println!("{fault:?}, {}: seed {seed}, {swept:?}", shape.name),
        Err(found) => panic!("{found:?}"),
    }
}

#[test]
fn an_input_output_error_loses_nothing_acknowledged() {
    survives(&ROLLS, Fault::Eio);
    survives(&REOPENS, Fault::Eio);
}

#[test]
fn a_flush_that_fails_and_then_lies_loses_nothing_acknowledged() {
    survives(&ROLLS, Fault::SyncLies);
    survives(&REOPENS, Fault::SyncLies);
}

#[test]
fn a_full_disk_loses_nothing_acknowledged() {
    survives(&ROLLS, Fault::Enospc);
    survives(&EXPIRES, Fault::Enospc);
}

#[test]
fn a_short_write_loses_nothing_acknowledged() {
    survives(&ROLLS, Fault::ShortWrite);
}

#[test]
fn rot_is_reported_or_harmless() {
    let seed = seed();
    for shape in [&ROLLS, &REOPENS] {
        match rot(shape, seed, 400) {
            Ok(swept) => println!("rot, {}: seed {seed}, {swept:?}", shape.name),
            Err(found) => panic!("{found:?}"),
        }
    }
}

#[test]
fn a_block_that_is_stale_or_misplaced_is_reported_or_harmless() {
    let seed = seed();
    for shape in [&ROLLS, &EXPIRES] {
        let mut swept = Swept::default();
        match misplace(shape, seed, 200, &mut swept, &mut |found| Err(Box::new(found))) {
            Ok(()) => println!("blocks, {}: seed {seed}, {swept:?}", shape.name),
            Err(found) => panic!("{found:?}"),
        }
        assert!(swept.points > 50, "many blocks are another one");
    }
}

/// A reshard of which nobody knows, one of whose parents is deleted before the next attempts are
/// given the id of its child: the child that is there then is the first one's.
#[test]
fn attempts_at_the_child_of_a_reshard_in_doubt_are_not_taken_for_it() {
    let (seed, faults) = (2_857_925_104_177_753_083, [(514, Fault::Eio), (690, Fault::ShortWrite)]);
    let mut swept = Swept::default();
    let ended = fail_at(&RESHARDS, seed, &faults, 6, &mut swept, &mut |found| Err(Box::new(found)));
    assert_eq!(ended, Ok(()));
    assert!(swept.states > 1, "{swept:?}");
}
