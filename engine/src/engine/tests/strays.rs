//! What fails and is tried again does not fill the disk.

use std::path::Path;
use std::sync::atomic::Ordering;

use super::*;
use crate::catalog::{Catalog, Transaction};
use crate::engine::rows::{DROPPED, NumberRow};
use crate::engine::sealer::remove_unknown;
use crate::error::{Error, ErrorKind};
use crate::io::sim::Fault;
use crate::io::{Disk, Open};
use crate::segment::segment_path;
use crate::types::SegmentId;

fn segment_files(disk: &SimDisk) -> usize {
    disk.file_names().iter().filter(|name| name.starts_with("segments/")).count()
}

#[test]
fn sealing_that_fails_again_and_again_leaves_one_segment_at_most() {
    for fault in [Fault::Eio, Fault::Enospc, Fault::SyncLies] {
        for op in 0..60 {
            let mut rig = Rig::fresh(71);
            let shard = rig.shards(1)[0];
            while rig.engine.status().journal_files < 2 {
                let _answer = rig.enqueue(shard, &[7; 12_000]).unwrap();
                for _ in 0..20 {
                    rig.crew.commit();
                }
                if rig.engine.status().pending_bytes > 0 {
                    rig.crew.seal();
                }
            }
            rig.disk.inject(rig.disk.ops() + op, fault);
            for _ in 0..10 {
                rig.crew.seal();
            }
            let (files, known) = (segment_files(&rig.disk), rig.engine.status().segments);
            // Nothing is removed that the catalog may know: after an error of its own it may know all.
            let strays_max = usize::from(fault != Fault::Enospc);
            assert!(files <= known + strays_max, "{fault:?} at {op}: {files} files, {known} known");
            let read = rig.crashed(op).unwrap().read_all(shard).unwrap();
            assert!(read.len() >= 9, "{fault:?} at {op}");
        }
    }
}

#[test]
fn compaction_that_fails_again_and_again_leaves_its_last_try_at_most() {
    for fault in [Fault::Eio, Fault::Enospc, Fault::SyncLies] {
        for op in 0..150 {
            let mut rig = Rig::fresh(72);
            let shard = rig.shards(1)[0];
            for _ in 0..80 {
                rig.append(shard, &[7; 12_000]).unwrap();
            }
            while rig.crew.seal() {}
            let before = rig.engine.status().segments;
            assert!(before >= 8, "enough for a merge");
            rig.disk.inject(rig.disk.ops() + op, fault);
            for _ in 0..10 {
                rig.crew.compact();
            }
            let files = segment_files(&rig.disk);
            assert!(files <= before + 1, "{fault:?} at {op}: {files} files, {before} before");
            assert_eq!(rig.crashed(op).unwrap().read_all(shard).unwrap().len(), 80);
        }
    }
}

/// An empty file in the folder of segments.
fn stray(disk: &SimDisk, name: &str) {
    disk.open(&Path::new("segments").join(name), Open::Create).unwrap();
}

#[test]
fn a_segment_written_for_nothing_is_removed_unless_the_catalog_may_know_it() {
    let mut rig = Rig::fresh(75);
    let shard = rig.shards(1)[0];
    for _ in 0..20 {
        rig.append(shard, &[7; 12_000]).unwrap();
    }
    while rig.crew.seal() {}
    let (files, known) = (segment_files(&rig.disk), rig.crew.shared.known_segments());
    let ids = || known.iter().map(|(id, _)| *id).chain([SegmentId(1_000)]);
    stray(&rig.disk, "00000000000003e8.seg");
    let full = Error::new(ErrorKind::Full, "a test");
    for (error, left) in [(Error::new(ErrorKind::Poisoned, "a test"), files + 1), (full, files)] {
        remove_unknown(&rig.crew.shared, ids(), &error);
        assert_eq!(segment_files(&rig.disk), left, "{error}");
    }
}

#[test]
fn what_the_catalog_does_not_know_is_kept_aside_and_its_id_is_not_given_out_again() {
    let rig = Rig::fresh(73);
    let disk = rig.disk.kill();
    // The last of the ids is none that was ever given out.
    let strays = ["0000000000000007.seg", "8000000000000000.seg", "notes.txt"];
    strays.iter().for_each(|name| stray(&disk, name));
    stray(&disk, "0000000000000009.tmp");
    let rig = Rig::open(disk, rig.clock, 1).unwrap();
    assert_eq!(segment_files(&rig.disk), 0);
    let aside = rig.disk.list(Path::new("aside")).unwrap().into_iter().map(|entry| entry.name);
    assert_eq!(aside.collect::<Vec<_>>(), strays, "what was half written is gone");
    assert_eq!(rig.crew.shared.next_segment.load(Ordering::SeqCst), 8);
}

#[test]
fn the_id_of_a_segment_whose_file_is_gone_is_not_given_out_again() {
    let mut rig = Rig::fresh(76);
    let shard = rig.shards(1)[0];
    for _ in 0..12 {
        rig.append(shard, &[7; 12_000]).unwrap();
    }
    while rig.crew.seal() {}
    let newest = rig.crew.shared.known_segments().last().unwrap().0;
    let disk = rig.disk.kill();
    disk.remove(&segment_path(newest)).unwrap();
    let rig = Rig::open(disk, rig.clock, 1).unwrap();
    assert_eq!(rig.crew.shared.next_segment.load(Ordering::SeqCst), newest.0 + 1);
}

#[test]
fn files_of_dropped_segments_are_removed_at_the_next_start() {
    let rig = Rig::fresh(74);
    let disk = rig.disk.kill();
    let catalog = Catalog::open(Arc::clone(&disk) as Arc<dyn Disk>).unwrap();
    let mut transaction = Transaction::new();
    transaction.put(&DROPPED, &7, &NumberRow { value: 0 });
    catalog.commit(transaction).unwrap();
    drop(catalog);
    stray(&disk, "0000000000000007.seg");
    let rig = Rig::open(disk, rig.clock, 1).unwrap();
    assert!(!rig.disk.file_names().iter().any(|name| name.contains("0007.seg")));
    assert_eq!(rig.engine.catalog().scan(&DROPPED).unwrap(), [], "and forgotten");
}
