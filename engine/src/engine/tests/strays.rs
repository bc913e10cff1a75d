//! What fails and is tried again does not fill the disk.

use super::*;
use crate::io::sim::Fault;

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
            assert!(files <= known + 1, "{fault:?} at {op}: {files} files, {known} known");
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
