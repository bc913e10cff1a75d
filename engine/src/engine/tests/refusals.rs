//! What an engine refuses: poison, strangers, newer versions, missing catalogs.

use tokio::sync::oneshot::error::TryRecvError;

use super::*;
use crate::catalog::Transaction;
use crate::error::ErrorKind;
use crate::io::sim::Fault;
use crate::limits::SHARDS_MAX;

fn refusal(disk: Arc<SimDisk>, clock: &Arc<ManualClock>) -> crate::error::Error {
    match Rig::open(disk, Arc::clone(clock), 5) {
        Ok(_) => panic!("the engine opens"),
        Err(error) => error,
    }
}

#[test]
fn a_failed_write_poisons_until_restart_and_reads_go_on() {
    let mut rig = Rig::fresh(21);
    let shard = rig.shards(1)[0];
    rig.append(shard, b"before").unwrap();
    rig.disk.inject(rig.disk.ops(), Fault::Eio);
    assert_eq!(rig.append(shard, b"hit").unwrap_err().kind(), ErrorKind::Poisoned);
    assert!(rig.engine.status().is_poisoned);
    let refused = match rig.enqueue(shard, b"after") {
        Ok(_) => panic!("a poisoned journal takes appends"),
        Err(error) => error,
    };
    assert_eq!(refused.kind(), ErrorKind::Poisoned);
    assert_eq!(rig.read_all(shard).unwrap(), [b"before".to_vec()]);

    let mut rig = rig.killed(1).unwrap();
    let appended = rig.append(shard, b"again").unwrap();
    let records = rig.read_all(shard).unwrap();
    assert_eq!(records[0], b"before");
    assert_eq!(records.len() as u64, appended.first_seq.0 + 1);
}

#[test]
fn a_failed_flush_refuses_older_commits_that_are_still_in_flight() {
    let mut older_in_flight = 0;
    for seed in 0..40 {
        let mut rig = Rig::fresh(seed);
        let shard = rig.shards(1)[0];
        rig.append(shard, b"before").unwrap();
        let mut older = rig.enqueue(shard, b"older").unwrap();
        rig.crew.commit();
        let mut hit = rig.enqueue(shard, b"hit").unwrap();
        rig.disk.inject(rig.disk.ops(), Fault::Eio);
        rig.crew.commit();
        let is_older_settled = !matches!(older.try_recv(), Err(TryRecvError::Empty));
        rig.crew.commit_all();
        assert!(hit.try_recv().unwrap().is_err());
        if !is_older_settled && rig.engine.status().is_poisoned {
            older_in_flight += 1;
            // Its own write succeeds, after a flush of the same disk has failed.
            assert!(older.try_recv().unwrap().is_err(), "seed {seed}: acknowledged");
        }
    }
    assert!(older_in_flight > 0, "no older commit was in flight in any seed");
}

#[test]
fn who_waits_for_a_record_is_told_that_a_poisoned_journal_brings_none() {
    let mut rig = Rig::fresh(24);
    let shard = rig.shards(1)[0];
    rig.append(shard, b"before").unwrap();
    let engine = rig.engine.clone();
    let mut waiting = pin!(engine.wait_for(shard, SeqNo(1)));
    assert!(waiting.as_mut().poll_once().is_pending());
    rig.disk.inject(rig.disk.ops(), Fault::Eio);
    rig.append(shard, b"hit").unwrap_err();
    match waiting.as_mut().poll_once() {
        Poll::Ready(Err(error)) => assert_eq!(error.kind(), ErrorKind::Poisoned),
        other => panic!("{other:?}"),
    }
    assert!(matches!(pin!(engine.wait_for(shard, SeqNo(0))).poll_once(), Poll::Ready(Ok(()))));
}

#[test]
fn a_second_engine_on_the_directory_is_refused() {
    let rig = Rig::fresh(22);
    let error = refusal(rig.disk.clone(), &rig.clock);
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("another process"), "{error}");
}

#[test]
fn data_without_a_catalog_is_no_new_directory() {
    let mut rig = Rig::fresh(23);
    let shard = rig.shards(1)[0];
    rig.append(shard, b"precious").unwrap();
    let disk = rig.disk.kill();
    crate::io::Disk::remove(&*disk, std::path::Path::new("catalog.redb")).unwrap();
    let error = refusal(disk, &rig.clock);
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("catalog is missing"), "{error}");
}

#[test]
fn a_journal_of_a_newer_version_is_refused_by_name() {
    use crate::io::{Disk, Open};
    use crate::journal::header::FILE_HEADER_BYTES;

    let mut rig = Rig::fresh(24);
    let shard = rig.shards(1)[0];
    rig.append(shard, b"from the future").unwrap();
    let disk = rig.disk.kill();
    let path = std::path::Path::new("journal/slot-0.fsj");
    let file = disk.open(path, Open::Write).unwrap();
    let mut header = [0; FILE_HEADER_BYTES];
    file.read_exact_at(&mut header, 0).unwrap();
    header[4] = 2;
    let checksum = crc32fast::hash(&header[..60]);
    header[60..].copy_from_slice(&checksum.to_le_bytes());
    file.write_all_at(&header, 0).unwrap();
    drop(file);
    let error = refusal(disk, &rig.clock);
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("newer version"), "{error}");
}

#[test]
fn options_out_of_range_are_refused_with_their_range() {
    for (options, told) in [
        (Options { journal_file_bytes: 1000, ..small() }, "max=`1073741824`"),
        (Options { block_bytes: (1 << 20) + 1, ..small() }, "max=`1048576`"),
        (Options { pending_bytes_max: (usize::MAX >> 4) + 1, ..small() }, "pending bytes"),
    ] {
        let clock = Arc::new(ManualClock::at(START));
        let error = Rig::open_with(SimDisk::new(1), clock, 1, options).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.message().contains(told), "{error}");
    }
}

#[test]
fn options_at_the_ends_of_their_ranges_are_taken() {
    let least = Options {
        journal_file_bytes: 64 << 10,
        journal_files_max: 2,
        commits_in_flight_max: 1,
        block_bytes: 1024,
        commit_bytes_max: 4096,
        pending_bytes_max: 4096,
        ..small()
    };
    let most = Options {
        journal_file_bytes: 1 << 30,
        journal_files_max: 64,
        commits_in_flight_max: 64,
        block_bytes: 1 << 20,
        commit_bytes_max: 64 << 20,
        pending_bytes_max: usize::MAX >> 4,
        ..small()
    };
    for options in [least, most] {
        let clock = Arc::new(ManualClock::at(START));
        assert!(Rig::open_with(SimDisk::new(1), clock, 1, options).is_ok());
    }
}

#[test]
fn a_node_holds_as_many_shards_as_its_limit_says_and_no_more() {
    let rig = Rig::fresh(60);
    let first = rig.shards(1)[0];
    let spec = ShardSpec { retention_ms: DAY_MS };
    let create = |count| rig.engine.create_shards(&vec![spec; count], |_, _| ());
    let refused = create(SHARDS_MAX).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Full);
    assert!(refused.message().contains("max=`100000`"), "{refused}");
    let last = *create(SHARDS_MAX - 1).unwrap().last().unwrap();
    assert_eq!(last.0 - first.0, SHARDS_MAX as u64 - 1, "no id was used up by the refusal");
    assert_eq!(create(1).unwrap_err().kind(), ErrorKind::Full);
}

#[test]
fn an_append_is_as_large_as_a_journal_file_lets_it_be() {
    // Of 32 blocks two are the file's header, two for markers, two the frame's header and padding.
    const MAX: usize = 26 * 4096;
    let mut rig = Rig::fresh(59);
    let shard = rig.shards(1)[0];
    let around = crate::frame::RECORD_HEADER_BYTES + b"key".len();
    rig.append(shard, &vec![1; MAX - around]).unwrap();
    let refused = rig.append(shard, &vec![1; MAX - around + 1]).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    assert!(refused.message().contains("max=`106496`"), "{refused}");
    assert_eq!(rig.read_all(shard).unwrap().len(), 1);
}

#[test]
fn a_deletion_of_unknown_outcome_lets_nothing_be_acknowledged_that_may_be_gone() {
    let mut stuck = 0;
    for op in 0..12 {
        let mut rig = Rig::fresh(58);
        let shard = rig.shards(1)[0];
        rig.append(shard, b"kept").unwrap();
        rig.disk.inject(rig.disk.ops() + op, Fault::Eio);
        let deleted = rig.engine.delete_shards(&[shard], Transaction::new());
        stuck += usize::from(deleted.is_err_and(|error| error.kind() == ErrorKind::Poisoned));
        let is_acknowledged = rig.append(shard, b"later").is_ok();
        let rig = rig.killed(op).unwrap();
        if is_acknowledged {
            assert_eq!(rig.read_all(shard).unwrap(), [b"kept".to_vec(), b"later".to_vec()]);
        }
    }
    assert!(stuck > 0, "some operation leaves the outcome unknown");
}
