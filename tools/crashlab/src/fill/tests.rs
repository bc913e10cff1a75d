//! Bugs that a full disk catches.

use std::fs;

use tempfile::TempDir;

use crate::fill::Settings;
use crate::trial::{example_path, findings, own, python};
use crate::verdict::Broken;

#[test]
fn an_ack_for_which_there_is_no_room_is_caught() {
    let folder = TempDir::new().unwrap();
    let write = "        file.flush()";
    let sound = fs::read_to_string(example_path()).unwrap();
    let careless = sound.replacen(
        write,
        "        try:\n            file.flush()\n        except OSError:\n            pass",
        1,
    );
    assert_ne!(careless, sound, "the example is not what it was");
    let script = folder.path().join("careless.py");
    fs::write(&script, careless).unwrap();
    let target = python(&script, &["--no-fsync"]);
    let Some(tally) = findings(&Settings::default(), target, 1) else { return };
    assert!(tally.broken.contains_key(&Broken::Lost), "{tally:?}");
}

#[test]
fn a_store_that_ends_when_the_disk_is_full_may_be_started_again() {
    let target = python(&example_path(), &["--no-fsync"]);
    let Some(tally) = findings(&Settings::default(), target, 1) else { return };
    assert_eq!(tally.broken_in_all(), 0, "{tally:?}");
    assert!(tally.counts.contains_key("stores that ended on a full disk"), "{tally:?}");
}

#[test]
fn the_engine_refuses_and_goes_on_by_itself() {
    let Some(target) = own(None) else { return };
    let Some(tally) = findings(&Settings::default(), target, 1) else { return };
    assert_eq!(tally.broken_in_all(), 0, "{tally:?}");
    assert_eq!(tally.counts.get("fills that were refused"), Some(&tally.states), "{tally:?}");
}
