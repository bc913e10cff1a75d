//! Closing shards while others take their place.

use super::*;
use crate::catalog::{Catalog, Table, Transaction, Value};
use crate::engine::rows::{SHARDS, ShardRow, ShardRowV1};
use crate::error::ErrorKind;
use crate::io::Disk;
use crate::io::sim::Fault;

const SPEC: ShardSpec = ShardSpec { retention_ms: DAY_MS };

fn refused(rig: &Rig, shard: ShardId) -> crate::error::Error {
    match rig.enqueue(shard, b"late") {
        Ok(_) => panic!("the shard takes an append"),
        Err(error) => error,
    }
}

/// Closes `shard` and makes `count` others.
fn reshard(rig: &mut Rig, shard: ShardId, count: usize) -> Result<Vec<ShardId>> {
    let mut closing = rig.engine.close_shards(&[shard])?;
    rig.crew.commit_all();
    assert_eq!(pin!(closing.settled()).poll_once(), Poll::Ready(()));
    closing.commit(&vec![SPEC; count], |_, _, _| ())
}

// What the binaries before wrote.
crate::catalog_value!(ShardRowV1, version = 1);

#[test]
fn what_was_taken_before_the_closing_is_kept_and_what_comes_later_is_refused() {
    let mut rig = Rig::fresh(51);
    let shard = rig.shards(1)[0];
    rig.append(shard, b"first").unwrap();
    let mut taken = rig.enqueue(shard, b"taken").unwrap();
    let mut closing = rig.engine.close_shards(&[shard]).unwrap();
    assert!(refused(&rig, shard).is_shard_closed());
    assert_eq!(pin!(closing.settled()).poll_once(), Poll::Pending);
    rig.crew.commit_all();
    assert_eq!(pin!(closing.settled()).poll_once(), Poll::Ready(()));
    assert_eq!(taken.try_recv().unwrap().unwrap().first_seq, SeqNo(1));
    let mut told = None;
    let made =
        closing.commit(&[SPEC; 2], |ids, ends, _| told = Some((ids.to_vec(), ends.to_vec())));
    let children = made.unwrap();
    assert_eq!(told, Some((children.clone(), vec![SeqNo(2)])));
    assert!(refused(&rig, shard).is_shard_closed());
    assert_eq!(rig.append(children[1], b"child's").unwrap().first_seq, SeqNo(0));
    assert_eq!(rig.read_all(shard).unwrap(), [b"first".to_vec(), b"taken".to_vec()]);

    let mut rig = rig.crashed(1).unwrap();
    assert!(refused(&rig, shard).is_shard_closed(), "a closed shard stays closed");
    assert_eq!(rig.read_all(shard).unwrap().len(), 2);
    assert_eq!(rig.append(children[1], b"more").unwrap().first_seq, SeqNo(1));
    assert_eq!(rig.read_all(children[0]).unwrap().len(), 0);
}

#[test]
fn a_shard_at_rest_is_closed_and_its_children_are_made_in_one_call() {
    let mut rig = Rig::fresh(50);
    let shard = rig.shards(1)[0];
    rig.append(shard, b"last").unwrap();
    let mut told = None;
    let also = |ids: &[_], ends: &[_], _: &mut _| told = Some((ids.to_vec(), ends.to_vec()));
    let children = rig.engine.reshard(&[shard], &[SPEC; 2], also).unwrap();
    assert_eq!(told, Some((children.clone(), vec![SeqNo(1)])));
    assert!(refused(&rig, shard).is_shard_closed());
    for child in children {
        assert_eq!(rig.append(child, b"first").unwrap().first_seq, SeqNo(0));
    }
}

#[test]
fn a_closing_that_is_dropped_or_fails_leaves_the_shard_open() {
    let mut rig = Rig::fresh(52);
    let shard = rig.shards(1)[0];
    drop(rig.engine.close_shards(&[shard]).unwrap());
    rig.append(shard, b"1").unwrap();
    let closing = rig.engine.close_shards(&[shard]).unwrap();
    let failed = closing.commit(&[SPEC], |_, _, transaction| {
        transaction.expect_present(&SHARDS, &77);
    });
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::NotFound);
    rig.append(shard, b"2").unwrap();
    let mut rig = rig.crashed(1).unwrap();
    rig.append(shard, b"3").unwrap();
    assert_eq!(rig.engine.status().shards, 1, "no child was made");
}

#[test]
fn a_closing_is_not_committed_before_all_is_settled() {
    let mut rig = Rig::fresh(53);
    let shard = rig.shards(1)[0];
    let mut taken = rig.enqueue(shard, b"taken").unwrap();
    let closing = rig.engine.close_shards(&[shard]).unwrap();
    let early = closing.commit(&[SPEC], |_, _, _| ());
    assert_eq!(early.unwrap_err().kind(), ErrorKind::Invalid);
    rig.crew.commit_all();
    assert!(taken.try_recv().unwrap().is_ok());
    rig.append(shard, b"open again").unwrap();
}

#[test]
fn a_closed_deleted_or_quarantined_shard_is_not_closed_again() {
    let mut rig = Rig::fresh(54);
    let shards = rig.shards(2);
    reshard(&mut rig, shards[0], 1).unwrap();
    assert!(rig.engine.close_shards(&[shards[0]]).unwrap_err().is_shard_closed());
    // The other one of a pair that fails stays open.
    let failed = rig.engine.close_shards(&[shards[1], shards[0]]);
    assert!(failed.unwrap_err().is_shard_closed());
    rig.append(shards[1], b"open").unwrap();
    let closing = rig.engine.close_shards(&[shards[1]]).unwrap();
    assert!(rig.engine.close_shards(&[shards[1]]).unwrap_err().is_shard_closed());
    rig.engine.delete_shards(&[shards[1]], Transaction::new()).unwrap();
    let failed = closing.commit(&[SPEC], |_, _, _| ());
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::NotFound);
    let failed = rig.engine.close_shards(&[shards[1]]);
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn who_waits_behind_the_end_of_a_closed_shard_is_told() {
    let mut rig = Rig::fresh(55);
    let shard = rig.shards(1)[0];
    rig.append(shard, b"last").unwrap();
    let engine = rig.engine.clone();
    let mut wait = pin!(engine.wait_for(shard, SeqNo(1)));
    assert!(wait.as_mut().poll_once().is_pending());
    reshard(&mut rig, shard, 1).unwrap();
    match wait.poll_once() {
        Poll::Ready(Err(error)) => assert!(error.is_shard_closed()),
        other => panic!("{other:?}"),
    }
    assert!(pin!(engine.wait_for(shard, SeqNo(0))).poll_once().is_ready());
    let rig = rig.killed(2).unwrap();
    let engine = rig.engine.clone();
    match pin!(engine.wait_for(shard, SeqNo(1))).poll_once() {
        Poll::Ready(Err(error)) => assert!(error.is_shard_closed(), "also after a restart"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_poisoned_journal_closes_nothing() {
    let mut rig = Rig::fresh(56);
    let shard = rig.shards(1)[0];
    rig.append(shard, b"before").unwrap();
    let mut hit = rig.enqueue(shard, b"hit").unwrap();
    let closing = rig.engine.close_shards(&[shard]).unwrap();
    rig.disk.inject(rig.disk.ops(), Fault::Eio);
    rig.crew.commit_all();
    assert_eq!(hit.try_recv().unwrap().unwrap_err().kind(), ErrorKind::Poisoned);
    let failed = closing.commit(&[SPEC], |_, _, _| ());
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::Poisoned);
    let mut rig = rig.killed(1).unwrap();
    rig.append(shard, b"open").unwrap();
}

#[test]
fn a_commit_of_unknown_outcome_keeps_the_shard_shut_until_a_restart() {
    let mut stuck = 0;
    for op in 0..12 {
        let mut rig = Rig::fresh(57);
        let shard = rig.shards(1)[0];
        rig.append(shard, b"kept").unwrap();
        let closing = rig.engine.close_shards(&[shard]).unwrap();
        rig.disk.inject(rig.disk.ops() + op, Fault::Eio);
        let made = closing.commit(&[SPEC], |_, _, _| ());
        let is_unknown = made.as_ref().is_err_and(|error| error.kind() == ErrorKind::Poisoned);
        if is_unknown {
            assert_eq!(refused(&rig, shard).kind(), ErrorKind::Poisoned);
            stuck += 1;
        }
        let rig = rig.killed(op).unwrap();
        let is_open = rig.enqueue(shard, b"x").is_ok();
        assert_eq!(rig.engine.status().shards, if is_open { 1 } else { 2 }, "all or nothing");
        assert!(is_unknown || is_open == made.is_err(), "what was answered holds: {made:?}");
        assert_eq!(rig.read_all(shard).unwrap(), [b"kept".to_vec()]);
    }
    assert!(stuck > 0, "some operation leaves the outcome unknown");
}

#[test]
fn a_closed_shard_with_a_record_lost_at_its_end_is_quarantined() {
    let mut rig = Rig::fresh(58);
    let shard = rig.shards(1)[0];
    for data in [b"one", b"two"] {
        rig.append(shard, data).unwrap();
    }
    reshard(&mut rig, shard, 1).unwrap();
    let disk = rig.disk.kill();
    forge_end(&disk, shard, 3);
    let rig = Rig::open(disk, rig.clock, 4).unwrap();
    assert_eq!(rig.engine.recovery().quarantined_shards, [shard]);
    assert_eq!(rig.read_all(shard).unwrap_err().kind(), ErrorKind::Corrupt);
}

/// Makes the catalog say that `shard` was closed at `end`.
fn forge_end(disk: &Arc<SimDisk>, shard: ShardId, end: u64) {
    let catalog = Catalog::open(Arc::clone(disk) as Arc<dyn Disk>).unwrap();
    let row = catalog.load(&SHARDS, &shard.0).unwrap().unwrap();
    let mut transaction = Transaction::new();
    transaction.put(&SHARDS, &shard.0, &ShardRow { closed_end: Some(end), ..row });
    catalog.commit(transaction).unwrap();
}

#[test]
fn a_shard_row_of_version_1_is_read_as_an_open_shard() {
    const OLD: Table<u64, ShardRowV1> = Table::new("engine.shards");
    let old = ShardRowV1 { created_ms: 1, retention_ms: DAY_MS, epoch: 1, trim_horizon: 9 };
    let hex: String = old.encode().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        hex, "0100000000000000005c26050000000001000000000000000900000000000000",
        "as an older binary wrote it"
    );

    let mut rig = Rig::fresh(59);
    let shard = rig.shards(1)[0];
    rig.append(shard, b"old").unwrap();
    let disk = rig.disk.kill();
    let catalog = Catalog::open(Arc::clone(&disk) as Arc<dyn Disk>).unwrap();
    let mut transaction = Transaction::new();
    transaction.put(&OLD, &shard.0, &ShardRowV1 { trim_horizon: 0, ..old });
    catalog.commit(transaction).unwrap();
    drop(catalog);
    let mut rig = Rig::open(disk, rig.clock, 4).unwrap();
    rig.append(shard, b"new").unwrap();
    assert_eq!(rig.read_all(shard).unwrap().len(), 2);
}
