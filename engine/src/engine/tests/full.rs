//! A full disk: appends are refused, everything else goes on, nothing is lost.

use super::*;
use crate::catalog::Transaction;
use crate::engine::open::{note_end, remove_dropped_if_any};
use crate::engine::recovery::set_evidence_aside;
use crate::engine::rows::{EVIDENCE, NumberRow};
use crate::error::ErrorKind;
use crate::io::Disk;
use crate::io::sim::Fault;
use crate::types::{JournalPosition, SegmentId};

/// Bytes on a simulated disk.
fn used(disk: &SimDisk) -> u64 {
    let lengths = disk.file_names().into_iter().filter_map(|name| disk.read_raw(&name));
    lengths.map(|bytes| bytes.len() as u64).sum()
}

#[test]
fn a_full_disk_refuses_appends_serves_reads_and_recovers_by_itself() {
    let mut rig = Rig::fresh(11);
    let shards = rig.shards(2);
    rig.append(shards[0], &[0; 3000]).unwrap();
    rig.disk.set_capacity(used(&rig.disk));

    let mut acked = vec![vec![0; 3000]];
    let refused = loop {
        let data = vec![u8::try_from(acked.len() % 200).unwrap(); 3000];
        match rig.append(shards[0], &data) {
            Ok(_) => acked.push(data),
            Err(error) => break error,
        }
        assert!(acked.len() < 10_000, "a full disk has to show at some time");
    };
    assert_eq!(refused.kind(), ErrorKind::Full, "{refused}");
    assert!(rig.engine.status().is_full);
    assert_eq!(rig.read_all(shards[0]).unwrap(), acked);
    rig.engine.delete_shards(&[shards[1]], Transaction::new()).unwrap();

    rig.disk.set_capacity(u64::MAX);
    while rig.crew.seal() {}
    let data = b"room again".to_vec();
    rig.append(shards[0], &data).unwrap();
    acked.push(data);
    assert!(!rig.engine.status().is_full);
    let rig = rig.crashed(1).unwrap();
    assert_eq!(rig.read_all(shards[0]).unwrap(), acked);
}

#[test]
fn a_full_disk_does_not_keep_the_engine_from_starting() {
    let mut rig = Rig::fresh(12);
    let shard = rig.shards(1)[0];
    rig.append(shard, b"kept").unwrap();
    let disk = rig.disk.kill();
    disk.set_capacity(used(&disk));
    let rig = Rig::open(disk, rig.clock, 1).unwrap();
    assert_eq!(rig.read_all(shard).unwrap(), [b"kept".to_vec()]);
}

#[test]
fn a_disk_without_room_for_a_journal_file_goes_on_with_those_that_sealing_frees() {
    let mut rig = Rig::fresh(13);
    let shard = rig.shards(1)[0];
    while rig.engine.status().journal_files < 2 {
        let _answer = rig.enqueue(shard, &[7; 12_000]).unwrap();
        if rig.crew.shared.slots.wants_spare() {
            rig.crew.seal();
        }
        for _ in 0..20 {
            rig.crew.commit();
        }
    }
    assert!(rig.crew.shared.slots.wants_spare(), "one waits, one is in use, none is left");
    rig.disk.set_capacity(used(&rig.disk) + small().journal_file_bytes as u64 / 2);
    assert!(rig.crew.seal());
    assert_eq!(rig.engine.status().segments, 1);
    for _ in 0..12 {
        rig.append(shard, &[7; 12_000]).unwrap();
    }
}

/// What an engine notes when it opens.
type Note = fn(&Rig) -> Result<()>;

const NOTES: [(&str, Note); 4] = [
    ("where the journal ends", |rig| note_end(&rig.crew.shared, JournalPosition::default())),
    ("the retention clock", |rig| {
        rig.crew.shared.retention.note_step_back(rig.engine.catalog(), None)
    }),
    ("that a dropped segment is gone", |rig| {
        remove_dropped_if_any(&rig.crew.shared, &[SegmentId(77)])
    }),
    ("that evidence was set aside", |rig| {
        set_evidence_aside(&(Arc::clone(&rig.disk) as Arc<dyn Disk>), rig.engine.catalog())
    }),
];

#[test]
fn what_finds_no_room_at_the_start_is_left_for_later_and_other_failures_come_out() {
    for (what, note) in NOTES {
        let fresh = || {
            let mut rig = Rig::fresh(14);
            let shard = rig.shards(1)[0];
            rig.append(shard, b"moves the end").unwrap();
            let mut transaction = Transaction::new();
            transaction.put(&EVIDENCE, &9, &NumberRow { value: 0 });
            rig.engine.catalog().commit(transaction).unwrap();
            rig
        };
        note(&fresh()).unwrap();
        let rig = fresh();
        // A commit that finds no room is tried again with what the reserve held.
        (0..50).for_each(|_| rig.disk.inject(rig.disk.ops(), Fault::Enospc));
        assert_eq!(note(&rig).err().map(|error| error.kind()), None, "{what}");
        let rig = fresh();
        rig.disk.inject(rig.disk.ops(), Fault::Eio);
        let kind = note(&rig).unwrap_err().kind();
        assert!(matches!(kind, ErrorKind::Poisoned | ErrorKind::Unavailable), "{what}: {kind:?}");
    }
}
