//! Every operation of a workload fails once; bits rot afterwards.

use flowstone_crashlab::sim::rot::rot;
use flowstone_crashlab::sim::shapes::{EXPIRES, REOPENS, ROLLS, Shape};
use flowstone_crashlab::sim::sweep::fail_everywhere;
use flowstone_engine::io::sim::Fault;

use crate::seed;

fn survives(shape: &Shape, fault: Fault) {
    let seed = seed();
    match fail_everywhere(shape, seed, (0, 1), fault) {
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
