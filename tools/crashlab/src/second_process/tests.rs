//! That a second process is caught when it is let in.

use std::path::Path;

use crate::second_process::Settings;
use crate::target::Target;
use crate::trial::{findings, own};
use crate::verdict::Broken;

#[test]
fn a_store_that_lets_a_second_process_in_is_caught() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/second_process");
    let target = Target::Own { binary: here.join("lets_in.sh"), arguments: Vec::new() };
    let tally = findings(&Settings::default(), target, 1).unwrap();
    assert!(tally.broken.contains_key(&Broken::Unusable), "{tally:?}");
}

#[test]
fn the_engine_refuses_every_second_process() {
    let Some(target) = own(None) else { return };
    let tally = findings(&Settings::default(), target, 1).unwrap();
    assert_eq!((tally.broken_in_all(), tally.states), (0, 5), "{tally:?}");
}
