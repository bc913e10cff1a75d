//! What the compactor does, when, and after which failures.

use std::path::Path;
use std::sync::atomic::Ordering;

use super::*;
use crate::engine::plan::plan;
use crate::engine::rows::{NUMBERS, RETENTION_CLOCK, RunRow, SegmentRow};
use crate::engine::shared::Known;
use crate::io::Disk;
use crate::io::sim::{Access, Fault};
use crate::limits::SEGMENT_BYTES_MAX;
use crate::types::SegmentId;

/// Whether each segment is compressed, and what the catalog says of that.
fn compressed(rig: &Rig) -> Vec<(bool, bool)> {
    let known = rig.crew.shared.known_segments().into_iter();
    known.map(|(_, known)| (known.segment.is_compressed(), known.row.is_compressed)).collect()
}

#[test]
fn what_was_stored_in_haste_is_compressed_once_no_journal_file_waits() {
    let mut rig = Rig::fresh(101);
    let shard = rig.shards(1)[0];
    while rig.engine.status().journal_files < small().journal_files_max {
        let _answer = rig.enqueue(shard, &[7; 12_000]).unwrap();
        for _ in 0..20 {
            rig.crew.commit();
        }
        if rig.crew.shared.slots.wants_spare() {
            rig.crew.seal();
        }
    }
    assert!(rig.crew.seal());
    assert_eq!(compressed(&rig), [(false, false)]);
    rig.crew.compact();
    assert_eq!(compressed(&rig), [(false, false)], "sealing comes first");
    while rig.crew.seal() {}
    assert_eq!(compressed(&rig).last(), Some(&(true, true)), "without haste");
    while rig.crew.compact() {}
    assert!(compressed(&rig).into_iter().all(|is_compressed| is_compressed == (true, true)));
}

#[test]
fn segments_that_could_not_be_merged_once_are_merged_later() {
    let mut rig = Rig::fresh(102);
    let shard = rig.shards(1)[0];
    for _ in 0..80 {
        rig.append(shard, &[7; 12_000]).unwrap();
    }
    while rig.crew.seal() {}
    let before = rig.engine.status().segments;
    let next = rig.crew.shared.next_segment.load(Ordering::SeqCst);
    rig.disk.refuse(Access::Open, &format!("segments/{next:016x}.tmp"));
    assert!(!rig.crew.compact(), "the new segment cannot be made");
    while rig.crew.compact() {}
    let after = rig.engine.status().segments;
    assert!(after + 7 <= before, "{before} -> {after}");
}

#[test]
fn what_has_expired_is_dropped_though_the_catalog_finds_no_room_for_its_reserve() {
    let mut rig = Rig::fresh(103);
    let shard = rig.shards(1)[0];
    for _ in 0..12 {
        rig.append(shard, &[7; 12_000]).unwrap();
    }
    while rig.crew.seal() {}
    assert!(rig.engine.status().segments > 0);
    rig.clock.pass_ms(DAY_MS + 1);
    rig.disk.remove(Path::new("reserve")).unwrap();
    rig.disk.inject(rig.disk.ops(), Fault::Enospc);
    assert!(rig.crew.compact());
    assert_eq!(rig.engine.status().segments, 0);
}

#[test]
fn the_retention_clock_is_noted_once_a_minute() {
    let mut rig = Rig::fresh(104);
    let noted = |rig: &Rig| {
        let row = rig.engine.catalog().load(&NUMBERS, &RETENTION_CLOCK.to_owned()).unwrap();
        row.unwrap().value - START.0
    };
    rig.crew.compact();
    rig.clock.pass_ms(59_999);
    rig.crew.compact();
    assert_eq!(noted(&rig), 0);
    rig.clock.pass_ms(1);
    rig.crew.compact();
    assert_eq!(noted(&rig), 60_000);
}

#[test]
fn a_merge_leaves_out_what_has_expired_of_one_shard_though_nobody_has_read_it() {
    const HOUR_MS: u64 = 60 * 60 * 1000;
    let mut rig = Rig::fresh(106);
    let [short, long] = [HOUR_MS, u64::MAX].map(|retention_ms| {
        rig.engine.create_shards(&[ShardSpec { retention_ms }], |_, _| ()).unwrap()[0]
    });
    for _ in 0..80 {
        rig.append(short, &[7; 100]).unwrap();
        rig.append(long, &[7; 12_000]).unwrap();
    }
    while rig.crew.seal() {}
    let shards_of_merged = |rig: &Rig| {
        let known = rig.crew.shared.known_segments().into_iter();
        let merged = known.filter(|(_, known)| known.row.tier > 0);
        let shards = merged.flat_map(|(_, known)| known.row.runs.clone());
        shards.map(|run| ShardId(run.shard)).collect::<std::collections::BTreeSet<_>>()
    };
    assert!(shards_of_merged(&rig).is_empty());
    rig.clock.pass_ms(2 * HOUR_MS);
    while rig.crew.compact() {}
    assert!(shards_of_merged(&rig).into_iter().eq([long]));
    assert_eq!(rig.read_all(long).unwrap().len(), 80);
}

#[test]
fn a_merge_of_merged_segments_is_no_larger_than_a_segment_may_be() {
    let mut rig = Rig::fresh(105);
    let shard = rig.shards(1)[0];
    for _ in 0..12 {
        rig.append(shard, &[7; 12_000]).unwrap();
    }
    while rig.crew.seal() {}
    let segment = Arc::clone(&rig.crew.shared.known_segments()[0].1.segment);
    let is_merged = |tier, raw_bytes| {
        let one = |n| {
            let run = RunRow { shard: 1, first_seq: n, end_seq: n + 1, last_arrival_ms: 0 };
            let row =
                SegmentRow { bytes: 1, raw_bytes, tier, is_compressed: true, runs: vec![run] };
            (SegmentId(n), Known { segment: Arc::clone(&segment), row: Arc::new(row) })
        };
        plan(&(0..8).map(one).collect::<Vec<_>>(), false, |_| SeqNo(0)).is_some()
    };
    let eighth = SEGMENT_BYTES_MAX as u64 / 8;
    assert!(is_merged(1, eighth) && !is_merged(1, eighth + 1));
    assert!(is_merged(0, eighth + 1), "what was sealed is small, whatever its sum");
}
