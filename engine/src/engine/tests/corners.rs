//! Corners: deletions and time that passes in the middle of things, small depths, changed options.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::catalog::Transaction;
use crate::clock::Clock;
use crate::error::ErrorKind;

#[test]
fn a_shard_deleted_with_commits_in_flight_harms_nobody() {
    let mut hits = 0;
    for seed in 0..40 {
        let mut rig = Rig::fresh(seed);
        let shards = rig.shards(2);
        rig.append(shards[1], b"makes the first file").unwrap();
        // Each needs a commit of its own.
        let _first = rig.enqueue(shards[0], &[1; 12_000]).unwrap();
        let _second = rig.enqueue(shards[0], &[2; 12_000]).unwrap();
        rig.crew.commit();
        let marks = rig.engine.watermarks(shards[0]).unwrap();
        hits += u32::from((marks.flushed, marks.tail) == (SeqNo(0), SeqNo(2)));
        rig.engine.delete_shards(&[shards[0]], Transaction::new()).unwrap();
        rig.crew.commit_all();
        rig.append(shards[1], b"goes on").unwrap();
    }
    assert!(hits > 0, "some seed has both in flight");
}

#[test]
fn one_commit_in_flight_is_enough() {
    let options = Options { commits_in_flight_max: 1, ..small() };
    let clock = Arc::new(ManualClock::at(START));
    let mut rig = Rig::open_with(SimDisk::new(7), clock, 7, options).unwrap();
    let shard = rig.shards(1)[0];
    for _ in 0..40 {
        rig.append(shard, &[1; 9000]).unwrap();
    }
    assert_eq!(rig.read_all(shard).unwrap().len(), 40);
}

#[test]
fn a_journal_file_that_found_no_room_is_made_when_there_is_some() {
    let mut rig = Rig::fresh(8);
    let shard = rig.shards(1)[0];
    rig.crew.seal();
    let disk = rig.disk.kill();
    let used: u64 =
        disk.file_names().iter().map(|name| disk.read_raw(name).unwrap().len() as u64).sum();
    disk.set_capacity(used);
    let options = Options { journal_file_bytes: 256 * 1024, ..small() };
    let mut rig = Rig::open_with(disk, rig.clock, 8, options).unwrap();
    for _ in 0..3 {
        assert_eq!(rig.append(shard, b"too early").unwrap_err().kind(), ErrorKind::Full);
    }
    rig.disk.set_capacity(u64::MAX);
    rig.crew.seal();
    rig.append(shard, b"room").unwrap();
}
