//! Bugs that a file-system shutdown catches.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::backend::{BackEnd, Lab};
use crate::shutdown::{Ext4, Xfs};
use crate::target::Target;
use crate::verdict::{Broken, Tally};

/// Units until a bug must have been caught, at most.
const UNITS_MAX: u64 = 20;

/// What `units` units of `back_end` find wrong with `target`; none, with words, where the machine
/// cannot.
fn findings(back_end: &dyn BackEnd, target: Target, units: u64) -> Option<Tally> {
    let scratch = TempDir::new().unwrap();
    let lab = Lab { target, seed: 7, scratch: scratch.path().to_owned() };
    if let Err(reason) = back_end.detect(&lab) {
        eprintln!("SKIPPED, nothing was tested: {}: {reason}", back_end.name());
        return None;
    }
    let mut worker = back_end.worker(&lab, 0).unwrap();
    let mut tally = Tally::default();
    for unit in 0..units {
        worker.unit(unit, &mut tally).unwrap();
        if tally.broken_in_all() > 0 {
            break;
        }
    }
    Some(tally)
}

fn back_ends() -> [Box<dyn BackEnd>; 2] {
    [Box::new(Ext4::default()), Box::new(Xfs::default())]
}

/// The lab's binary, which is not built for these tests alone.
fn own(bug: &str) -> Option<Target> {
    let test = std::env::current_exe().unwrap();
    let beside = test.ancestors().nth(2).map(|folder| folder.join("flowstone-crashlab"));
    let Some(binary) = beside.filter(|path: &PathBuf| path.is_file()) else {
        eprintln!("SKIPPED, nothing was tested: `cargo build -p flowstone-crashlab` first");
        return None;
    };
    let arguments = vec!["--plant".to_owned(), bug.to_owned()];
    Some(Target::Own { binary, arguments })
}

fn example(arguments: &[&str]) -> Target {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("adapters/example.py");
    let all = [script.display().to_string()].into_iter();
    let arguments = all.chain(arguments.iter().map(ToString::to_string)).collect();
    Target::Command { program: "python3".into(), arguments }
}

fn is_caught(bug: &str) {
    for back_end in back_ends() {
        let Some(target) = own(bug) else { return };
        let Some(tally) = findings(&*back_end, target, UNITS_MAX) else { continue };
        let lost = tally.broken.get(&Broken::Lost).copied().unwrap_or(0);
        assert!(lost > 0, "{bug} is not caught by {}: {tally:?}", back_end.name());
    }
}

#[test]
fn an_ack_before_the_flush_is_caught() {
    is_caught("AckBeforeFlush");
}

#[test]
fn an_error_that_is_ignored_is_caught() {
    is_caught("IgnoreWriteError");
}

#[test]
fn a_segment_that_is_not_flushed_is_caught() {
    is_caught("SkipSegmentSync");
}

#[test]
fn a_directory_that_is_not_flushed_is_caught() {
    is_caught("SkipDirectorySync");
}

#[test]
fn a_store_that_flushes_passes_and_the_same_one_that_does_not_is_caught() {
    for back_end in back_ends() {
        let Some(good) = findings(&*back_end, example(&[]), 1) else { continue };
        assert_eq!((good.broken_in_all(), good.states), (0, 20), "{good:?}");
        let bad = findings(&*back_end, example(&["--no-fsync"]), UNITS_MAX).unwrap();
        assert!(bad.broken.contains_key(&Broken::Lost), "{}: {bad:?}", back_end.name());
    }
}
