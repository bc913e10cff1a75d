//! The checker catches what it is there to catch.

use super::check::{Finding, ReadBack, Seen, check};
use super::ledger::{Acknowledged, Ledger, Sequence, Shard};
use super::record::{Name, decode, encode};

const RECORDS: u64 = 100;

fn shard(index: u64) -> Shard {
    Shard { stream: "s".to_owned(), shard: format!("shardId-{index:012}") }
}

fn seen(name: Name, sequence: u64) -> Seen {
    let name = decode(&encode(name, 40));
    Seen { sequence: Sequence(sequence.to_string()), name }
}

/// Two writers to two shards, everything acknowledged and read back as it should be.
fn faultless() -> (Ledger, ReadBack) {
    let (mut ledger, mut read) = (Ledger::default(), ReadBack::new());
    for number in 1..=RECORDS {
        for writer in 0..2 {
            let name = Name { writer, number };
            let shard = shard(number % 2);
            let records = read.entry(shard.clone()).or_default();
            let sequence = 90 + records.len() as u64;
            records.push(seen(name, sequence));
            ledger.note_sent(name);
            let sequence = Sequence(sequence.to_string());
            ledger.note_acknowledged(name, Acknowledged { shard, sequence });
        }
    }
    (ledger, read)
}

fn records(read: &mut ReadBack) -> &mut Vec<Seen> {
    read.get_mut(&shard(0)).unwrap()
}

#[test]
fn what_is_as_it_should_be_has_no_findings() {
    let (ledger, read) = faultless();
    assert_eq!(check(&ledger, &read), []);
}

#[test]
fn a_dropped_record_is_lost() {
    let (ledger, mut read) = faultless();
    let dropped = records(&mut read).remove(17);
    let findings = check(&ledger, &read);
    assert_eq!(findings, [Finding::Lost(dropped.name.unwrap(), shard(0), dropped.sequence)]);
}

#[test]
fn a_doubled_record_is_found_also_under_a_number_of_its_own() {
    let (ledger, mut read) = faultless();
    let doubled = seen(records(&mut read)[17].name.unwrap(), 5000);
    records(&mut read).push(doubled.clone());
    let findings = check(&ledger, &read);
    let name = doubled.name.unwrap();
    assert!(findings.contains(&Finding::Doubled(name, shard(0), doubled.sequence)), "{findings:?}");
}

#[test]
fn swapped_records_are_out_of_order() {
    let (ledger, mut read) = faultless();
    records(&mut read).swap(17, 18);
    let findings = check(&ledger, &read);
    assert!(matches!(findings[..], [Finding::OutOfOrder(..), ..]), "{findings:?}");
}

#[test]
fn swapped_contents_under_the_right_numbers_are_moved() {
    let (ledger, mut read) = faultless();
    let records = records(&mut read);
    let (first, second) = (records[16].name, records[18].name);
    (records[16].name, records[18].name) = (second, first);
    let findings = check(&ledger, &read);
    let moved = findings.iter().filter(|finding| matches!(finding, Finding::Moved(..))).count();
    assert_eq!(moved, 2, "{findings:?}");
    assert!(findings.iter().any(|finding| matches!(finding, Finding::WriterOrder(..))));
}

#[test]
fn one_changed_byte_anywhere_is_noticed() {
    let name = Name { writer: 1, number: 2 };
    let data = encode(name, 40);
    assert_eq!(decode(&data), Some(name));
    for at in 0..data.len() {
        let mut changed = data.clone();
        changed[at] ^= 0x10;
        assert_eq!(decode(&changed), None, "byte {at}");
    }
    let (ledger, mut read) = faultless();
    let changed = &mut records(&mut read)[17];
    changed.name = None;
    let sequence = changed.sequence.clone();
    let findings = check(&ledger, &read);
    assert!(findings.contains(&Finding::WrongBytes(shard(0), sequence)), "{findings:?}");
}

#[test]
fn a_record_without_acknowledgement_may_be_there_or_not_but_once() {
    let (mut ledger, mut read) = faultless();
    let name = Name { writer: 0, number: RECORDS + 1 };
    ledger.note_sent(name);
    assert_eq!(check(&ledger, &read), []);
    records(&mut read).push(seen(name, 5000));
    assert_eq!(check(&ledger, &read), []);
    records(&mut read).push(seen(name, 5001));
    assert_eq!(check(&ledger, &read).len(), 1);
}

#[test]
fn a_record_that_nobody_sent_is_unknown() {
    let (ledger, mut read) = faultless();
    records(&mut read).push(seen(Name { writer: 7, number: 1 }, 5000));
    assert!(matches!(check(&ledger, &read)[..], [Finding::Unknown(..)]));
}

#[test]
fn sequences_are_ordered_as_numbers() {
    let sequence = |digits: &str| Sequence(digits.to_owned());
    assert!(sequence("9") < sequence("10"));
    assert!(sequence("0009") < sequence("10"));
    assert!(sequence("49600000000000000000000000000000000000000000000000000001") > sequence("2"));
}
