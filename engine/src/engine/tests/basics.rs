//! What an engine does when nothing goes wrong, and when it is killed.

use super::*;
use crate::catalog::Transaction;
use crate::engine::rows::{EVIDENCE, NumberRow};

#[test]
fn what_is_appended_is_read_in_order_once() {
    let mut rig = Rig::fresh(1);
    let shards = rig.shards(3);
    for round in 0..20u8 {
        for (index, shard) in (0u8..).zip(&shards) {
            let appended = rig.append(*shard, &[round, index]).unwrap();
            assert_eq!(appended.first_seq, SeqNo(round.into()));
        }
    }
    for (index, shard) in (0u8..).zip(&shards) {
        let expected: Vec<_> = (0..20u8).map(|round| vec![round, index]).collect();
        assert_eq!(rig.read_all(*shard).unwrap(), expected);
    }
}

#[test]
fn a_killed_engine_has_every_acknowledged_record() {
    let mut rig = Rig::fresh(2);
    let shards = rig.shards(2);
    for round in 0..30u8 {
        for shard in &shards {
            rig.append(*shard, &[round]).unwrap();
        }
    }
    for seed in 0..5 {
        rig = rig.killed(seed).unwrap();
        assert!(rig.engine.recovery().damages.is_empty(), "{:?}", rig.engine.recovery());
    }
    for shard in &shards {
        let expected: Vec<_> = (0..30u8).map(|round| vec![round]).collect();
        assert_eq!(rig.read_all(*shard).unwrap(), expected);
    }
    rig.append(shards[0], b"more").unwrap();
    let rig = rig.crashed(9).unwrap();
    assert_eq!(rig.read_all(shards[0]).unwrap().len(), 31);
}

#[test]
fn appends_that_wait_share_a_commit_and_keep_their_order() {
    let mut rig = Rig::fresh(3);
    let shard = rig.shards(1)[0];
    let mut answers: Vec<_> = (0..50u8).map(|i| rig.enqueue(shard, &[i]).unwrap()).collect();
    rig.crew.commit_all();
    for (index, answer) in answers.iter_mut().enumerate() {
        assert_eq!(answer.try_recv().unwrap().unwrap().first_seq, SeqNo(index as u64));
    }
    let expected: Vec<_> = (0..50u8).map(|i| vec![i]).collect();
    assert_eq!(rig.read_all(shard).unwrap(), expected);
    let read = rig.engine.read(shard, SeqNo(0), ReadLimit { records: 50, bytes: 10_000 }).unwrap();
    assert_eq!(read.frames.len(), 1, "and a frame");
}

#[test]
fn what_a_caller_adds_to_a_change_is_committed_with_it() {
    let rig = Rig::fresh(4);
    let shard = rig.shards(1)[0];
    let also = |key| {
        let mut transaction = Transaction::new();
        transaction.put(&EVIDENCE, &key, &NumberRow { value: 0 });
        transaction
    };
    let noted = |key| rig.engine.catalog().load(&EVIDENCE, &key).unwrap().is_some();
    rig.engine.trim(shard, SeqNo(0), also(1)).unwrap();
    assert!(noted(1));
    rig.engine.set_retention(&[shard], 2 * DAY_MS, also(2)).unwrap();
    assert!(noted(2));
    rig.engine.delete_shards(&[shard], also(3)).unwrap();
    assert!(noted(3));
    assert!(rig.engine.delete_shards(&[shard], also(4)).is_err());
    assert!(!noted(4), "nor without it");
}
