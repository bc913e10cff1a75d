//! Back ends that fail what is below a store: each goes without findings, and catches planted bugs.
//!
//! Where a machine cannot run one, the test says so and does nothing.

use std::fs;
use std::path::Path;

use flowstone_crashlab::backend::{BackEnd, Lab};
use flowstone_crashlab::blocks::{Ext4Settings, XfsSettings};
use flowstone_crashlab::failed_flush;
use flowstone_crashlab::faults;
use flowstone_crashlab::target::Target;
use flowstone_crashlab::verdict::Tally;

/// Units that a planted bug may take until it is found.
const UNITS_MAX: u64 = 40;

/// The engine, with `plant` in it, under `back_end`: what came of so many units, or of fewer with
/// findings among them. `None` when this machine cannot run it.
fn run(back_end: &dyn BackEnd, plant: Option<&str>, units: u64) -> Option<Tally> {
    let scratch = tempfile::TempDir::new().expect("a folder");
    let plant = plant.map(|bug| ["--plant".to_owned(), bug.to_owned()]);
    let target = Target::Own {
        binary: env!("CARGO_BIN_EXE_flowstone-crashlab").into(),
        arguments: plant.into_iter().flatten().collect(),
    };
    let lab = Lab { target, seed: 1, scratch: scratch.path().to_owned() };
    if let Err(reason) = back_end.detect(&lab) {
        eprintln!("SKIPPED: {}: {reason}", back_end.name());
        return None;
    }
    let mut worker = back_end.worker(&lab, 0).expect("a worker");
    let mut tally = Tally::default();
    for unit in 0..units {
        worker.unit(unit, &mut tally).expect("a unit is done");
        if tally.broken_in_all() > 0 {
            break;
        }
    }
    drop(worker);
    assert!(!is_mounted_below(scratch.path()), "something is left mounted");
    Some(tally)
}

fn is_mounted_below(folder: &Path) -> bool {
    let mounts = fs::read_to_string("/proc/self/mounts").expect("mounts can be listed");
    mounts.lines().any(|line| line.contains(&*folder.to_string_lossy()))
}

fn keeps(back_end: &dyn BackEnd, units: u64) {
    if let Some(tally) = run(back_end, None, units) {
        assert_eq!(tally.findings, [], "{}", back_end.name());
        assert!(tally.states > 0 && tally.acknowledged > 0, "{tally:?}");
    }
}

fn catches(back_end: &dyn BackEnd, bugs: &[&str]) {
    for bug in bugs {
        if let Some(tally) = run(back_end, Some(bug), UNITS_MAX) {
            assert!(tally.broken_in_all() > 0, "{} missed {bug}: {tally:?}", back_end.name());
        }
    }
}

#[test]
fn every_power_cut_below_ext4_leaves_what_was_acknowledged() {
    keeps(&Ext4Settings { states: 40 }, 1);
}

#[test]
fn every_power_cut_below_xfs_leaves_what_was_acknowledged() {
    keeps(&XfsSettings { states: 40 }, 1);
}

#[test]
fn power_cuts_below_a_file_system_catch_what_was_not_flushed() {
    let states = 200;
    catches(&Ext4Settings { states }, &["AckBeforeFlush", "SkipSegmentSync", "FreeBeforeCatalog"]);
    catches(&XfsSettings { states }, &["AckBeforeFlush"]);
}

#[test]
fn a_file_system_that_fails_loses_nothing_acknowledged() {
    keeps(&faults::Settings { rounds: 10 }, 10);
}

#[test]
fn a_file_system_that_fails_catches_errors_that_are_ignored() {
    catches(&faults::Settings { rounds: 40 }, &["IgnoreWriteError"]);
}

#[test]
fn a_block_device_whose_flush_fails_loses_nothing_acknowledged() {
    keeps(&failed_flush::Settings { rounds: 4 }, 4);
}

#[test]
fn a_block_device_whose_flush_fails_catches_errors_that_are_ignored() {
    catches(&failed_flush::Settings { rounds: 40 }, &["IgnoreWriteError"]);
}
