//! The table of live maps.

use super::*;

#[test]
fn a_slot_holds_its_addresses_and_no_other() {
    let slot = Slot::empty();
    assert!(!slot.holds(0) && !slot.holds(100));
    assert!(!slot.replace(1, 100, 10), "it is not that long");
    assert!(slot.replace(0, 100, 10));
    let held: Vec<_> = (90..120).filter(|address| slot.holds(*address)).collect();
    assert_eq!(held, (100..110).collect::<Vec<_>>());
    slot.damaged.store(true, Ordering::Relaxed);
    assert!(slot.replace(10, 0, 0));
    assert!(!slot.holds(100) && !slot.damaged.load(Ordering::Relaxed));
    assert_eq!(slot.version.load(Ordering::Relaxed), 4);
}

#[test]
fn a_slot_that_somebody_changes_is_left_alone() {
    let slot = Slot::empty();
    assert!(slot.replace(0, 100, 10));
    slot.version.store(3, Ordering::Relaxed);
    assert!(!slot.holds(100) && !slot.replace(10, 0, 0));
}
