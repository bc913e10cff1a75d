//! Corners: deletions and time that passes in the middle of things, small depths, changed options.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::catalog::Transaction;
use crate::clock::Clock;
use crate::error::ErrorKind;
use crate::frame::{FRAME_HEADER_BYTES, RECORD_HEADER_BYTES};

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

#[test]
fn what_waits_counts_with_its_frame_header() {
    let mut rig = Rig::fresh(82);
    let shard = rig.shards(1)[0];
    let record_bytes = RECORD_HEADER_BYTES + b"key".len() + 100;
    let _answers: Vec<_> = (0..3).map(|_| rig.enqueue(shard, &[1; 100]).unwrap()).collect();
    assert_eq!(rig.engine.status().pending_bytes, 3 * (record_bytes + FRAME_HEADER_BYTES));
    assert_eq!(rig.crew.shared.queue.payload_bytes(), 3 * record_bytes);
    assert!(!rig.crew.shared.queue.arm(), "nobody sleeps while appends wait");
    rig.crew.commit_all();
    assert_eq!(rig.engine.status().pending_bytes, 0);
    assert_eq!(rig.crew.shared.queue.payload_bytes(), 0);
    assert!(rig.crew.shared.queue.arm());
}

#[test]
fn a_file_that_filled_up_a_moment_ago_is_a_burst() {
    let mut rig = Rig::fresh(83);
    let shard = rig.shards(1)[0];
    rig.append(shard, b"first").unwrap();
    assert!(!rig.crew.shared.is_burst());
    while rig.engine.status().journal_files < 2 {
        rig.append(shard, &[7; 12_000]).unwrap();
    }
    assert!(rig.crew.shared.is_burst());
    rig.clock.pass_ms(DAY_MS);
    assert!(!rig.crew.shared.is_burst());
}

/// Fills journal files with `shard` alone until one is sealed.
fn roll(rig: &mut Rig, shard: ShardId) {
    for _ in 0..12 {
        rig.append(shard, &[7; 12_000]).unwrap();
    }
    while rig.crew.seal() {}
}

#[test]
fn a_position_in_a_dropped_segment_is_past_retention_not_missing() {
    let mut rig = Rig::fresh(9);
    let short = rig.shards(1)[0];
    let spec = ShardSpec { retention_ms: 7 * DAY_MS };
    let long = rig.engine.create_shards(&[spec], |_, _| ()).unwrap()[0];
    rig.append(long, b"keeps the first segment").unwrap();
    for _ in 0..3 {
        roll(&mut rig, short);
    }
    let segments = rig.engine.status().segments;
    rig.clock.pass_ms(DAY_MS + 1);
    let end = rig.append(short, b"alive").unwrap().first_seq;
    while rig.crew.compact() {}
    assert!(rig.engine.status().segments < segments, "some are dropped");
    let limit = ReadLimit { records: 10, bytes: 100_000 };
    // The first is in a segment that was dropped; asking for it has not moved the horizon yet.
    for seq in std::iter::once(15).chain(0..end.0) {
        let error = rig.engine.read(short, SeqNo(seq), limit).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Trimmed, "{seq}: {error}");
    }
}

/// A clock that goes on by itself whenever it is looked at.
#[derive(Debug)]
struct Hasty {
    clock: Arc<ManualClock>,
    step_ms: AtomicU64,
}

impl Clock for Hasty {
    fn wall(&self) -> Timestamp {
        self.clock.pass_ms(self.step_ms.load(Ordering::SeqCst));
        self.clock.wall()
    }

    fn monotonic_ms(&self) -> u64 {
        self.clock.monotonic_ms()
    }
}

#[test]
fn a_run_that_expires_while_it_is_rewritten_keeps_its_end() {
    for margin_ms in 0..60 {
        let clock = Arc::new(ManualClock::at(START));
        let hasty = Arc::new(Hasty { clock: Arc::clone(&clock), step_ms: AtomicU64::new(0) });
        let disk = SimDisk::new(10);
        let entropy = Arc::new(SeededEntropy::new(10));
        let opened = Engine::open_with_crew(disk.clone(), hasty.clone(), entropy, small());
        let (engine, crew) = opened.unwrap();
        let mut rig = Rig { disk, clock, engine, crew };
        let shards = rig.shards(2);
        for record in 0..6u8 {
            rig.append(shards[0], &[record; 5000]).unwrap();
        }
        // All files are full, and so the first is sealed in haste and rewritten by itself.
        while rig.engine.status().journal_files < small().journal_files_max {
            let _answer = rig.enqueue(shards[1], &[7; 12_000]).unwrap();
            for _ in 0..20 {
                rig.crew.commit();
            }
            if rig.engine.status().pending_bytes > 0 {
                rig.crew.seal();
            }
        }
        while rig.crew.seal() {}
        let known = rig.crew.shared.known_segments();
        assert!(!known[0].1.row.is_compressed, "stored as it was");
        rig.clock.pass_ms(DAY_MS - margin_ms);
        hasty.step_ms.store(1, Ordering::SeqCst);
        for _ in 0..3 {
            rig.crew.compact();
        }
        let mut rig = rig.crashed(1).unwrap();
        let next = rig.append(shards[0], b"next").unwrap().first_seq;
        assert_eq!(next, SeqNo(6), "margin {margin_ms} ms");
    }
}

/// A process that dies while it makes a journal file leaves one whose name was never flushed.
#[test]
fn a_journal_file_of_a_killed_process_keeps_its_name_once_acknowledged_in() {
    let mut rig = Rig::fresh(81);
    let shard = rig.shards(1)[0];
    let (sender, moments) = std::sync::mpsc::channel();
    rig.disk.watch(move |moment| drop(sender.send(moment.snapshot())));
    rig.crew.seal();
    let moments: Vec<_> = moments.try_iter().collect();
    assert!(moments.len() > 3, "making a journal file takes several operations");
    for (at, moment) in moments.iter().enumerate() {
        for seed in 0..8 {
            let mut rig = Rig::open(moment.kill(seed), rig.clock.clone(), seed).unwrap();
            rig.append(shard, b"kept").unwrap();
            let read = rig.crashed(seed).unwrap().read_all(shard).unwrap();
            assert_eq!(read, [b"kept"], "killed at {at}, seed {seed}");
        }
    }
}
