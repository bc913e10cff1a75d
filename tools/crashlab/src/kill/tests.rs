//! The checker catches what it is there to catch.

use super::check::{Finding, ReadBack, Seen, check, check_closed};
use super::deliveries::{Deliveries, Delivery, Note, QueueFinding};
use super::ledger::{Acknowledged, Ledger, Sequence, Shard};
use super::record::{Name, decode, decode_read, encode, key_of, partition_key};

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
            let shard = shard(key_of(name) % 2);
            let sequence = 90 + 2 * number + u64::from(writer);
            read.entry(shard.clone()).or_default().push(seen(name, sequence));
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
    let writer = |seen: &Seen| seen.name.unwrap().writer;
    let other = (18..).find(|at| writer(&records[*at]) == writer(&records[16])).unwrap();
    let (first, second) = (records[16].name, records[other].name);
    (records[16].name, records[other].name) = (second, first);
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
    let mut newer = (RECORDS + 1..).map(|number| Name { writer: 0, number });
    let name = newer.find(|name| key_of(*name).is_multiple_of(2)).unwrap();
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

#[test]
fn a_key_that_goes_back_from_child_to_parent_is_found() {
    let (mut ledger, mut read) = faultless();
    let first = Name { writer: 7, number: 1 };
    let second =
        (2..).map(|number| Name { number, ..first }).find(|it| key_of(*it) == key_of(first));
    let second = second.unwrap();
    ledger.note_sent(first);
    ledger.note_sent(second);
    let mut as_it_should_be = read.clone();
    as_it_should_be.entry(shard(0)).or_default().push(seen(first, 5000));
    as_it_should_be.entry(shard(1)).or_default().push(seen(second, 6000));
    assert_eq!(check(&ledger, &as_it_should_be), []);
    read.entry(shard(0)).or_default().push(seen(second, 5000));
    read.entry(shard(1)).or_default().push(seen(first, 6000));
    let expected = Finding::KeyOrder(first, shard(1), Sequence("6000".to_owned()));
    assert_eq!(check(&ledger, &read), [expected]);
}

#[test]
fn a_shard_that_was_closed_and_is_open_is_found() {
    let (mut ledger, _) = faultless();
    ledger.closed.insert(shard(0));
    assert_eq!(check_closed(&ledger, &[shard(0)].into()), []);
    assert_eq!(check_closed(&ledger, &[shard(1)].into()), [Finding::Reopened(shard(0))]);
}

#[test]
fn a_record_under_the_key_of_another_is_not_what_was_sent() {
    let name = Name { writer: 1, number: 2 };
    let data = base64_simd::STANDARD.encode_to_string(encode(name, 40));
    assert_eq!(decode_read(&partition_key(name), &data), Some(name));
    assert_eq!(decode_read("key-x", &data), None);
}

const PUT: Name = Name { writer: 0, number: 2 };

fn delivery(receive_count: u64, asked: u64) -> Delivery {
    Delivery { record_id: "id".to_owned(), receive_count, asked, answered: asked + 1 }
}

fn delivered(receive_count: u64, asked: u64) -> Note {
    Note::Delivered(PUT, delivery(receive_count, asked))
}

/// What is found when the queue of shard 0's stream, which got the one record, is drained from
/// moment 100 on.
fn found(notes: impl IntoIterator<Item = Note>) -> Vec<QueueFinding> {
    let mut ledger = Ledger::default();
    ledger.note_sent(PUT);
    let place = Acknowledged { shard: shard(0), sequence: Sequence("90".to_owned()) };
    ledger.note_acknowledged(PUT, place);
    let mut deliveries = Deliveries::default();
    deliveries.note(notes);
    let mut all = deliveries.check(&ledger);
    all.extend(deliveries.check_drained(&ledger, "s", 100));
    all
}

#[test]
fn a_record_is_delivered_until_its_acknowledgement_is_answered_and_no_more() {
    let settle = |at| [Note::Settling(PUT), Note::Settled(PUT, at)];
    let [sent, granted] = settle(Some(5));
    assert_eq!(found([delivered(1, 2), sent.clone(), granted.clone()]), []);
    let again = [delivered(1, 2), sent.clone(), granted, delivered(2, 6)];
    assert_eq!(found(again), [QueueFinding::Redelivered(PUT)]);
    // Asked before the acknowledgement was answered: it may have been first.
    let [_, granted] = settle(Some(5));
    assert_eq!(found([delivered(1, 2), delivered(2, 4), sent.clone(), granted]), []);
    // Without an answer it may count either way.
    assert_eq!(found([delivered(1, 2), sent.clone()]), []);
    assert_eq!(found([delivered(1, 2), sent.clone(), delivered(2, 6)]), []);
    let [_, refused] = settle(None);
    assert_eq!(found([delivered(1, 2), sent, refused]), [QueueFinding::NotDelivered(PUT)]);
}

#[test]
fn a_record_that_the_queue_owes_is_found_when_it_is_drained() {
    assert_eq!(found([]), [QueueFinding::NotDelivered(PUT)]);
    assert_eq!(found([delivered(1, 2)]), [QueueFinding::NotDelivered(PUT)]);
    assert_eq!(found([delivered(1, 2), delivered(2, 101)]), []);
}

#[test]
fn deliveries_that_are_not_counted_or_not_of_one_record_are_found() {
    assert_eq!(found([delivered(1, 2), delivered(1, 101)]), [QueueFinding::NotCounted(PUT)]);
    let other = Delivery { record_id: "other".to_owned(), ..delivery(2, 101) };
    let both = [delivered(1, 2), Note::Delivered(PUT, other)];
    assert_eq!(found(both), [QueueFinding::Doubled(PUT)]);
    let strange = Name { writer: 9, number: 9 };
    let both = [delivered(1, 101), Note::Delivered(strange, delivery(1, 101))];
    assert_eq!(found(both), [QueueFinding::Unknown(strange)]);
    let both = [delivered(1, 101), Note::WrongBytes("id".to_owned())];
    assert_eq!(found(both), [QueueFinding::WrongBytes("id".to_owned())]);
}

#[test]
fn a_claimed_acknowledgement_is_of_a_record_that_the_queue_owes() {
    let mut ledger = Ledger::default();
    let mut deliveries = Deliveries::default();
    assert_eq!(deliveries.plant(&ledger, "s", 1), None);
    ledger.note_sent(PUT);
    let place = Acknowledged { shard: shard(0), sequence: Sequence("90".to_owned()) };
    ledger.note_acknowledged(PUT, place);
    assert_eq!(deliveries.plant(&ledger, "s", 1), Some(PUT));
    assert_eq!(deliveries.plant(&ledger, "s", 2), None, "the queue owes nothing more");
    deliveries.note([delivered(1, 2)]);
    assert_eq!(deliveries.check(&ledger), [QueueFinding::Redelivered(PUT)]);
}
