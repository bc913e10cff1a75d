//! Bugs that a file-system shutdown catches.

use crate::backend::BackEnd;
use crate::shutdown::{Ext4, Xfs};
use crate::trial::{example_path, findings, own, python};
use crate::verdict::Broken;

/// Units until a bug must have been caught, at most.
const UNITS_MAX: u64 = 20;

fn back_ends() -> [Box<dyn BackEnd>; 2] {
    [Box::new(Ext4::default()), Box::new(Xfs::default())]
}

fn is_caught(bug: &str) {
    for back_end in back_ends() {
        let Some(target) = own(Some(bug)) else { return };
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
        let Some(good) = findings(&*back_end, python(&example_path(), &[]), 1) else { continue };
        assert_eq!((good.broken_in_all(), good.states), (0, 20), "{good:?}");
        let bad =
            findings(&*back_end, python(&example_path(), &["--no-fsync"]), UNITS_MAX).unwrap();
        assert!(bad.broken.contains_key(&Broken::Lost), "{}: {bad:?}", back_end.name());
    }
}
