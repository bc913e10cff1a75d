//! Ledgers under dumps that are right, and wrong in each way.

use crate::target::{Dump, Ledger, Target};
use crate::verdict::{Broken, Tally};

/// Three records: two acknowledged one after the other, one open.
fn ledger() -> (Ledger, Vec<String>) {
    let mut ledger = Ledger::new(7);
    let mut data = Vec::new();
    for _ in 0..2 {
        let (number, sent) = ledger.send(0);
        assert!(ledger.acknowledge(number));
        data.push(sent);
    }
    data.push(ledger.send(0).1);
    (ledger, data)
}

fn broken(ledger: &mut Ledger, records: &[String], is_damaged: bool) -> Vec<Broken> {
    let dump = Dump { logs: vec![records.to_vec()], damages: Vec::new() };
    let mut tally = Tally::default();
    ledger.check(&dump, is_damaged, "here", &mut tally);
    tally.broken.into_keys().collect()
}

#[test]
fn what_was_acknowledged_must_be_there_once_and_in_order() {
    let (ledger, data) = ledger();
    let check = |records: &[String]| broken(&mut ledger.clone(), records, false);
    assert_eq!(check(&data), []);
    assert_eq!(check(&data[..2]), []);
    assert_eq!(check(&data[..1]), [Broken::Lost]);
    assert_eq!(check(&[data[1].clone(), data[0].clone()]), [Broken::Reordered]);
    let twice = [data[0].clone(), data[1].clone(), data[1].clone()];
    assert_eq!(check(&twice), [Broken::Duplicated]);
    let unknown = [data[0].clone(), data[1].clone(), "9-00000000-".to_owned()];
    assert_eq!(check(&unknown), [Broken::Phantom]);
    let changed = [data[0].clone(), format!("{}0", data[1])];
    assert_eq!(check(&changed), [Broken::Lost, Broken::WrongBytes]);
}

#[test]
fn an_open_record_may_be_before_one_that_was_acknowledged_meanwhile() {
    let mut ledger = Ledger::new(7);
    let (first, first_data) = ledger.send(0);
    let (_, second_data) = ledger.send(0);
    assert!(ledger.acknowledge(first));
    assert_eq!(broken(&mut ledger, &[second_data, first_data], false), []);
}

#[test]
fn what_was_seen_stays_and_what_was_gone_does_not_come_back() {
    let (ledger, data) = ledger();
    let mut seen = ledger.clone();
    assert_eq!(broken(&mut seen, &data, false), []);
    assert_eq!(broken(&mut seen, &data[..2], false), [Broken::Lost]);
    let mut gone = ledger;
    assert_eq!(broken(&mut gone, &data[..2], false), []);
    assert_eq!(broken(&mut gone, &data, false), [Broken::Phantom]);
}

#[test]
fn damage_must_be_said_where_there_is_some_and_not_elsewhere() {
    let (ledger, data) = ledger();
    let says = |records: &[String], is_damaged| {
        let dump = Dump { logs: vec![records.to_vec()], damages: vec!["a block".to_owned()] };
        let mut tally = Tally::default();
        ledger.clone().check(&dump, is_damaged, "here", &mut tally);
        tally.broken.into_keys().collect::<Vec<_>>()
    };
    assert_eq!(says(&data[..1], true), []);
    assert_eq!(says(&data, false), [Broken::FalseAlarm]);
    assert_eq!(broken(&mut ledger.clone(), &data[..1], true), [Broken::Lost]);
}

#[test]
fn an_earlier_moment_knows_fewer_acknowledgements() {
    let mut ledger = Ledger::new(7);
    let (first, first_data) = ledger.send(0);
    assert!(ledger.acknowledge(first));
    let mark = ledger.mark();
    let (second, _) = ledger.send(0);
    assert!(ledger.acknowledge(second));
    assert_eq!(ledger.at(mark).acknowledged(), 1);
    assert_eq!(broken(&mut ledger.at(mark), std::slice::from_ref(&first_data), false), []);
    assert_eq!(broken(&mut ledger, &[first_data], false), [Broken::Lost]);
}

#[test]
fn a_target_is_own_or_a_program() {
    assert!(Target::parse("self").is_ok_and(|target| target.is_own()));
    let parsed = Target::parse("cmd:python3 store.py --fast");
    let Ok(Target::Command { program, arguments }) = parsed else {
        panic!("{parsed:?}");
    };
    assert_eq!((program.to_str(), arguments.len()), (Some("python3"), 2));
    assert!(Target::parse("cmd:").is_err());
    assert!(Target::parse("redis").is_err());
}
