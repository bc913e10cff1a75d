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

/// Fills a journal file, which is sealed.
fn seal_one(rig: &mut Rig, shard: ShardId) {
    for _ in 0..12 {
        rig.append(shard, &[7; 12_000]).unwrap();
    }
    while rig.crew.seal() {}
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
    seal_one(&mut rig, shard);
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

/// Of each segment its tier, the bytes of its frames, and a record of each of its shards.
type Segments = [(u32, u64, Vec<(u64, u64)>)];

/// Which of `segments` are merged next. The bytes of all of them are a segment of `rig`.
fn inputs(rig: &Rig, segments: &Segments) -> Option<Vec<u64>> {
    let segment = &rig.crew.shared.known_segments()[0].1.segment;
    let known = (0..).zip(segments).map(|(id, (tier, raw_bytes, records))| {
        let run = |(shard, seq): &(u64, u64)| RunRow {
            shard: *shard,
            first_seq: *seq,
            end_seq: seq + 1,
            last_arrival_ms: 0,
        };
        let row = SegmentRow {
            bytes: 1,
            raw_bytes: *raw_bytes,
            tier: *tier,
            is_compressed: true,
            runs: records.iter().map(run).collect(),
        };
        (SegmentId(id), Known { segment: Arc::clone(segment), row: Arc::new(row) })
    });
    let plan = plan(&known.collect::<Vec<_>>(), false, |_| SeqNo(0))?;
    Some(plan.inputs.into_iter().map(|id| id.0).collect())
}

#[test]
fn merged_segments_of_one_shard_are_merged_with_its_own_and_shared_ones_with_shared_ones() {
    let mut rig = Rig::fresh(107);
    let shard = rig.shards(1)[0];
    seal_one(&mut rig, shard);
    let own = |shard, seq| (1, 1, vec![(shard, seq)]);
    let mut two_shards: Vec<_> = (0..4).flat_map(|seq| [own(1, seq), own(2, seq)]).collect();
    assert_eq!(inputs(&rig, &two_shards), None, "four of either");
    two_shards.extend((4..8).map(|seq| own(2, seq)));
    assert_eq!(inputs(&rig, &two_shards), Some(vec![1, 3, 5, 7, 8, 9, 10, 11]));
    let shared = |seq| [(1, 1, vec![(1, seq), (2, seq)]), (1, 1, vec![(3, seq), (4, seq)])];
    let shared: Vec<_> = (0..4).flat_map(shared).collect();
    assert_eq!(inputs(&rig, &shared), Some((0..8).collect()));
}

#[test]
fn a_merge_of_merged_segments_is_no_larger_than_a_segment_may_be() {
    let mut rig = Rig::fresh(105);
    let shard = rig.shards(1)[0];
    seal_one(&mut rig, shard);
    let is_merged = |tier, raw_bytes| {
        let segments: Vec<_> = (0..8).map(|n| (tier, raw_bytes, vec![(1, n)])).collect();
        inputs(&rig, &segments).is_some()
    };
    let eighth = SEGMENT_BYTES_MAX as u64 / 8;
    assert!(is_merged(1, eighth) && !is_merged(1, eighth + 1));
    assert!(is_merged(0, eighth + 1), "what was sealed is small, whatever its sum");
}
