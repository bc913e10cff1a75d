//! The lab's own: scenes hold something of every kind, damage is noticed, planted bugs are caught.

use crate::backend::{BackEnd, Lab};
use crate::flips::Flips;
use crate::flips::backend::{SMALL_SET_BYTES, Settings, Stage, small_damages, stages, try_one};
use crate::flips::damage::{BITS, Damage, Kind};
use crate::flips::planted::{PLANTED, catch};
use crate::flips::scene::{Extent, PAGE_BYTES};
use crate::flips::state::{Depth, Outcome, judge};
use crate::random::Random;
use crate::target::Target;
use crate::verdict::Tally;

/// States of each kind that the tests go through; the lab goes through many more.
const STATES: u64 = 400;

fn seed() -> u64 {
    std::env::var("FLOWSTONE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1)
}

fn both() -> &'static [Stage; 2] {
    stages().expect("scenes follow from the code alone")
}

#[test]
fn a_scene_has_something_of_every_kind() {
    for stage in both() {
        let scene = &stage.scene;
        let files =
            |prefix: &str| scene.bytes.keys().filter(|name| name.starts_with(prefix)).count();
        assert!(files("segments/") >= 2, "{:?}", scene.bytes.keys());
        assert!(files("journal/") >= 2, "{:?}", scene.bytes.keys());
        assert_eq!(files("catalog"), 2, "{:?}", scene.bytes.keys());
        assert!(scene.known.records > 20);
        assert!(scene.known.rows() > 15);
        assert!(scene.past.len() > 5);
        assert_eq!(small_damages(stage).count() as u64, SMALL_SET_BYTES / 2 * BITS);
    }
}

#[test]
fn damage_is_served_right_or_reported() {
    let mut tally = Tally::default();
    let mut random = Random::new(seed());
    for stage in both() {
        let stride = usize::try_from(SMALL_SET_BYTES / 2 * BITS / (4 * STATES)).unwrap();
        let first = usize::try_from(random.below(stride as u64)).unwrap();
        for damage in small_damages(stage).skip(first).step_by(stride) {
            try_one(&stage.scene, &damage, "exhaustive", &mut random, &mut tally, "");
        }
        for kind in [Kind::Flip, Kind::Zeroed, Kind::Misdirected, Kind::Stale] {
            for _ in 0..STATES {
                let damage = Damage::choose(kind, &stage.scene, &mut random).unwrap();
                try_one(&stage.scene, &damage, kind.name(), &mut random, &mut tally, "");
            }
        }
    }
    println!("seed {}: {} states, {:?}", seed(), tally.states, tally.counts);
    assert_eq!(tally.broken_in_all(), 0, "{:#?}", tally.findings);
    for where_to in ["journal", "segments", "catalog"] {
        let has = |how: &str| tally.counts.contains_key(&format!("{where_to}: {how}"));
        assert!(has("reported") || has("refused"), "{where_to}: {:?}", tally.counts);
        assert!(where_to == "segments" || has("harmless"), "{where_to}: {:?}", tally.counts);
    }
}

/// Headers of journal files where other files' belong: the real ones are still there.
#[test]
fn a_header_in_another_journal_file_is_taken_for_neither() {
    for stage in both() {
        let scene = &stage.scene;
        let slots: Vec<_> =
            scene.bytes.keys().filter(|name| name.starts_with("journal/slot-")).collect();
        for (from, to) in slots.iter().flat_map(|from| slots.iter().map(move |to| (*from, *to))) {
            for copies in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                let block = |file: &str, copy: u64| {
                    let range = copy * PAGE_BYTES..(copy + 1) * PAGE_BYTES;
                    Extent { file: file.to_owned(), range }
                };
                let damage =
                    Damage::Misdirected { from: block(from, copies.0), to: block(to, copies.1) };
                match judge(scene, &damage, Depth::Work) {
                    Ok(Outcome::Harmless | Outcome::Noticed) => {}
                    other => panic!("{:?}, {damage}: {other:?}", scene.ending),
                }
            }
        }
    }
}

#[test]
fn every_planted_bug_is_caught_by_damage() {
    for (bug, what, caught_by) in PLANTED {
        match catch(*bug, seed()) {
            Some(how) => println!("caught {bug:?} ({caught_by}): {how}"),
            None => panic!("not caught: {bug:?}: {what}"),
        }
    }
}

#[test]
fn units_cover_every_state_once() {
    let settings =
        Settings { exhaustive: true, random: 5000, zeroed: 0, misdirected: 1, stale: 4096 };
    let flips = Flips { settings };
    let mut states = 0;
    for unit in 0..flips.units_max() {
        states += settings.unit(unit).expect("it is one of them").2;
    }
    assert_eq!(states, flips.goal());
    assert!(settings.unit(flips.units_max()).is_none());
}

#[test]
fn a_unit_follows_from_its_seed() {
    let settings = Settings { exhaustive: false, random: 64, zeroed: 0, misdirected: 0, stale: 0 };
    let flips = Flips { settings };
    let lab = Lab { target: Target::own().unwrap(), seed: 7, scratch: std::env::temp_dir() };
    let run = || {
        let mut tally = Tally::default();
        flips.worker(&lab, 0).unwrap().unit(0, &mut tally).unwrap();
        tally
    };
    assert_eq!(run(), run());
    assert_eq!(run().states, 64);
}
