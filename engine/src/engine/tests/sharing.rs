//! Many shards on one journal: sharing segments, being told, being deleted.

use std::pin::pin;

use super::*;
use crate::catalog::Transaction;
use crate::error::ErrorKind;

#[test]
fn many_slow_shards_share_a_segment_and_are_merged() {
    let mut rig = Rig::fresh(41);
    let shards = rig.shards(100);
    let mut expected = vec![Vec::new(); shards.len()];
    for round in 0..40u8 {
        let answers: Vec<_> =
            shards.iter().map(|shard| rig.enqueue(*shard, &[round; 100]).unwrap()).collect();
        rig.crew.commit_all();
        assert!(answers.into_iter().all(|mut answer| answer.try_recv().unwrap().is_ok()));
        for records in &mut expected {
            records.push(vec![round; 100]);
        }
    }
    while rig.crew.seal() {}
    let before = rig.engine.status();
    assert!(before.segments >= 8 && before.segments < shards.len(), "{before:?}");
    while rig.crew.compact() {}
    assert!(rig.engine.status().segments < before.segments);
    for (shard, records) in shards.iter().zip(&expected) {
        assert_eq!(&rig.read_all(*shard).unwrap(), records);
    }
    let rig = rig.crashed(1).unwrap();
    for (shard, records) in shards.iter().zip(&expected) {
        assert_eq!(&rig.read_all(*shard).unwrap(), records);
    }
}

#[test]
fn a_waiter_is_told_when_a_record_is_there() {
    let mut rig = Rig::fresh(42);
    let shard = rig.shards(1)[0];
    let engine = rig.engine.clone();
    let mut waiting = pin!(engine.wait_for(shard, SeqNo(1)));
    assert!(waiting.as_mut().poll_once().is_pending());
    rig.append(shard, b"0").unwrap();
    assert!(waiting.as_mut().poll_once().is_pending());
    rig.append(shard, b"1").unwrap();
    assert!(matches!(waiting.as_mut().poll_once(), Poll::Ready(Ok(()))));
}

#[test]
fn a_deleted_shard_is_gone_for_everybody_who_waits_or_asks() {
    let mut rig = Rig::fresh(43);
    let shard = rig.shards(1)[0];
    rig.append(shard, b"0").unwrap();
    let engine = rig.engine.clone();
    let mut waiting = pin!(engine.wait_for(shard, SeqNo(9)));
    assert!(waiting.as_mut().poll_once().is_pending());
    let mut late = rig.enqueue(shard, b"late").unwrap();
    rig.engine.delete_shards(&[shard], Transaction::new()).unwrap();
    match waiting.as_mut().poll_once() {
        Poll::Ready(Err(error)) => assert_eq!(error.kind(), ErrorKind::NotFound),
        other => panic!("{other:?}"),
    }
    rig.crew.commit_all();
    assert_eq!(late.try_recv().unwrap().unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(rig.read_all(shard).unwrap_err().kind(), ErrorKind::NotFound);
    let rig = rig.crashed(4).unwrap();
    assert_eq!(rig.read_all(shard).unwrap_err().kind(), ErrorKind::NotFound);
    assert!(rig.engine.recovery().damages.is_empty());
    let next = rig.shards(1)[0];
    assert!(next > shard, "ids are never given out again");
}

#[test]
fn closing_answers_what_was_taken_and_marks_a_clean_end() {
    let mut rig = Rig::fresh(44);
    let shard = rig.shards(1)[0];
    rig.append(shard, b"first").unwrap();
    let mut taken = rig.enqueue(shard, b"taken").unwrap();
    rig.engine.close().unwrap();
    rig.crew.commit_until_closed();
    assert!(taken.try_recv().unwrap().is_ok());
    match rig.enqueue(shard, b"late") {
        Err(error) => assert_eq!(error.kind(), ErrorKind::Closed),
        Ok(_) => panic!("a closed engine takes appends"),
    }
    let rig = rig.killed(6).unwrap();
    assert!(rig.engine.recovery().is_clean);
    assert_eq!(rig.read_all(shard).unwrap(), [b"first".to_vec(), b"taken".to_vec()]);
}

#[test]
fn closing_waits_for_the_journal_file_that_an_append_waits_for() {
    let mut rig = Rig::fresh(45);
    let shard = rig.shards(1)[0];
    let mut waits = rig.enqueue(shard, b"waits").unwrap();
    rig.engine.close().unwrap();
    for _ in 0..3 {
        assert!(rig.crew.commit(), "it is not over");
    }
    assert!(waits.try_recv().is_err());
    assert!(rig.crew.seal(), "makes the file");
    rig.crew.commit_until_closed();
    assert!(waits.try_recv().unwrap().is_ok());
    let rig = rig.killed(7).unwrap();
    assert!(rig.engine.recovery().is_clean);
    assert_eq!(rig.read_all(shard).unwrap(), [b"waits".to_vec()]);
}

#[test]
fn appends_of_a_refused_shard_never_land_in_the_frame_of_another() {
    let mut rig = Rig::fresh(9);
    let shards = rig.shards(3);
    let sent = [(0, b"a0"), (1, b"b0"), (0, b"a1"), (2, b"c0"), (0, b"a2"), (1, b"b1"), (2, b"c1")];
    let mut answers: Vec<_> =
        sent.iter().map(|(shard, data)| rig.enqueue(shards[*shard], *data).unwrap()).collect();
    rig.engine.delete_shards(&[shards[0]], Transaction::new()).unwrap();
    rig.crew.commit_all();
    for ((shard, _), answer) in sent.iter().zip(&mut answers) {
        let told = answer.try_recv().unwrap();
        assert_eq!(told.is_err(), *shard == 0, "{told:?}");
    }
    assert_eq!(rig.read_all(shards[1]).unwrap(), [b"b0", b"b1"]);
    assert_eq!(rig.read_all(shards[2]).unwrap(), [b"c0", b"c1"]);
    let rig = rig.killed(10).unwrap();
    assert_eq!(rig.read_all(shards[1]).unwrap(), [b"b0", b"b1"]);
    assert_eq!(rig.read_all(shards[2]).unwrap(), [b"c0", b"c1"]);
}
