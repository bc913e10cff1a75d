//! Findings of earlier sittings: they stay, unless their units are clean when they are run again.

use super::*;
use crate::target::Target;
use crate::verdict::Finding;

const UNITS: u64 = 8;
/// Among the units that break a promise: says that it is chance which do. No such unit is run.
const BY_CHANCE: u64 = 99;

/// Breaks a promise in some units.
struct Breaks(&'static [u64]);

impl BackEnd for Breaks {
    fn name(&self) -> &'static str {
        "breaks"
    }

    fn detect(&self, _: &Lab) -> Result<(), String> {
        Ok(())
    }

    fn goal(&self) -> u64 {
        u64::MAX
    }

    fn units_max(&self) -> u64 {
        UNITS
    }

    fn repeats(&self) -> bool {
        !self.0.contains(&BY_CHANCE)
    }

    fn worker<'a>(&'a self, _: &'a Lab, _: usize) -> io::Result<Box<dyn Worker + 'a>> {
        Ok(Box::new(Breaking(self.0)))
    }
}

struct Breaking(&'static [u64]);

impl Worker for Breaking {
    fn unit(&mut self, number: u64, tally: &mut Tally) -> io::Result<()> {
        tally.state(3);
        if self.0.contains(&number) {
            tally.found(Broken::Lost, "a record", "as before");
            tally.found(Broken::Phantom, "another one", "as before");
        }
        Ok(())
    }
}

fn sit(back_end: &Breaks, again: bool, before: Option<&Part>) -> Part {
    let target = Target::own().unwrap();
    let lab = Lab { target, seed: 1, scratch: std::env::temp_dir() };
    let how = How { jobs: 2, again, time_max: None, stop: &AtomicBool::new(false) };
    let before = before.map(|part| (part.back_end.clone(), part.clone())).into_iter().collect();
    let mut parts = run(&[back_end], &lab, &how, &before, &|_, _| Ok(())).unwrap();
    parts.remove(0)
}

fn units(findings: &[Finding]) -> Vec<u64> {
    let mut units: Vec<u64> = findings.iter().filter_map(|finding| finding.unit).collect();
    units.sort_unstable();
    units
}

#[test]
fn a_finding_knows_its_unit_and_stays() {
    let first = sit(&Breaks(&[2, 5]), false, None);
    assert_eq!((first.outcome, first.tally.states), (Outcome::Failed, UNITS));
    assert_eq!(units(&first.tally.findings), [2, 2, 5, 5]);
    let text = serde_json::to_string(&first).unwrap();
    let second = sit(&Breaks(&[]), false, Some(&serde_json::from_str(&text).unwrap()));
    assert_eq!((second.outcome, second.tally), (Outcome::Failed, first.tally));
}

#[test]
fn a_finding_is_mended_when_its_unit_is_clean_again() {
    let first = sit(&Breaks(&[2, 5]), false, None);
    let second = sit(&Breaks(&[5]), true, Some(&first));
    assert_eq!((second.outcome, second.tally.states), (Outcome::Failed, UNITS));
    assert_eq!(
        (units(&second.tally.findings), units(&second.tally.mended)),
        (vec![5, 5], vec![2, 2])
    );
    assert_eq!(second.tally.broken_in_all(), 2);
    let third = sit(&Breaks(&[]), true, Some(&second));
    assert_eq!((third.outcome, third.tally.states), (Outcome::Passed, UNITS));
    assert_eq!(units(&third.tally.mended), [2, 2, 5, 5]);
    assert_eq!(third.tally.broken_in_all(), 0);
}

#[test]
fn what_chance_has_found_is_not_mended_by_chance() {
    let first = sit(&Breaks(&[2, BY_CHANCE]), false, None);
    let second = sit(&Breaks(&[BY_CHANCE]), true, Some(&first));
    assert_eq!((second.outcome, second.tally), (Outcome::Failed, first.tally));
}

#[test]
fn a_unit_that_breaks_other_promises_now_tells_those() {
    let mut first = sit(&Breaks(&[2]), false, None);
    first.tally.findings.remove(0);
    first.tally.broken.remove(&Broken::Lost);
    let second = sit(&Breaks(&[2]), true, Some(&first));
    assert_eq!(second.tally.broken, [(Broken::Lost, 1), (Broken::Phantom, 1)].into());
    assert!(second.tally.mended.is_empty());
}

#[test]
fn more_findings_than_are_kept_are_not_mended_by_those_that_are() {
    let mut first = sit(&Breaks(&[2]), false, None);
    first.tally.findings.truncate(1);
    let second = sit(&Breaks(&[]), true, Some(&first));
    assert_eq!((second.outcome, second.tally.broken_in_all()), (Outcome::Failed, 1));
}
