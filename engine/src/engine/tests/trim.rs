//! Trimming on demand.

use super::*;
use crate::catalog::Transaction;
use crate::error::ErrorKind;

fn trim(rig: &Rig, shard: ShardId, before: u64) -> SeqNo {
    rig.engine.trim(shard, SeqNo(before), Transaction::new()).unwrap()
}

/// Fills the active journal file so that it is sealed, on another shard.
fn roll(rig: &mut Rig, filler: ShardId) {
    for _ in 0..12 {
        rig.append(filler, &[7; 12_000]).unwrap();
    }
    while rig.crew.seal() {}
}

fn forever(rig: &Rig) -> ShardId {
    rig.engine.create_shards(&[ShardSpec { retention_ms: u64::MAX }], |_, _| ()).unwrap()[0]
}

#[test]
fn a_shard_kept_for_ever_loses_only_what_is_trimmed() {
    let mut rig = Rig::fresh(61);
    let (shard, filler) = (forever(&rig), rig.shards(1)[0]);
    for n in 0..6u8 {
        rig.append(shard, &[n]).unwrap();
        rig.clock.pass_ms(1000 * DAY_MS);
    }
    assert_eq!(rig.read_all(shard).unwrap().len(), 6);
    assert_eq!(trim(&rig, shard, 2), SeqNo(2));
    let ops = rig.disk.ops();
    assert_eq!(trim(&rig, shard, 1), SeqNo(2), "the horizon never moves back");
    assert_eq!(rig.disk.ops(), ops, "what changes nothing is not written");
    let limit = ReadLimit { records: 10, bytes: 1000 };
    let error = rig.engine.read(shard, SeqNo(1), limit).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Trimmed);
    let mut rig = rig.crashed(1).unwrap();
    assert_eq!(rig.read_all(shard).unwrap()[0], [2], "nor at a restart");
    roll(&mut rig, filler);
    assert_eq!(rig.read_all(shard).unwrap()[0], [2]);
    assert_eq!(trim(&rig, shard, 99), SeqNo(6), "nor past the end");
    assert_eq!(rig.append(shard, b"next").unwrap().first_seq, SeqNo(6));
}

#[test]
fn sealing_and_compaction_drop_what_was_trimmed() {
    for is_sealed_first in [false, true] {
        let mut rig = Rig::fresh(62);
        let (shard, filler) = (forever(&rig), rig.shards(1)[0]);
        for n in 0..4u8 {
            rig.append(shard, &[n; 500]).unwrap();
        }
        if is_sealed_first {
            roll(&mut rig, filler);
            assert_eq!(rig.engine.status().segments, 1);
        }
        trim(&rig, shard, 4);
        if !is_sealed_first {
            roll(&mut rig, filler);
        }
        let is_kept = |rig: &Rig| {
            let known = rig.engine.shared.known_segments();
            known.iter().any(|(_, known)| known.row.runs.iter().any(|run| run.shard == shard.0))
        };
        if is_sealed_first {
            assert!(is_kept(&rig));
            for _ in 0..8 {
                roll(&mut rig, filler);
            }
            while rig.crew.compact() {}
        }
        assert!(!is_kept(&rig), "sealed first: {is_sealed_first}");
        let mut rig = rig.crashed(3).unwrap();
        assert_eq!(rig.append(shard, b"next").unwrap().first_seq, SeqNo(4));
        assert_eq!(rig.read_all(shard).unwrap(), [b"next".to_vec()]);
    }
}

#[test]
fn a_segment_whose_records_were_all_trimmed_is_removed() {
    let mut rig = Rig::fresh(63);
    let shard = forever(&rig);
    roll(&mut rig, shard);
    assert_eq!(rig.engine.status().segments, 1);
    let end = rig.engine.watermarks(shard).unwrap().high_watermark;
    trim(&rig, shard, end.0);
    while rig.crew.compact() {}
    assert_eq!(rig.engine.status().segments, 0);
    let mut rig = rig.crashed(3).unwrap();
    assert_eq!(rig.append(shard, b"next").unwrap().first_seq, end);
}

#[test]
fn a_segment_trimmed_to_its_very_end_is_removed() {
    let mut rig = Rig::fresh(65);
    let shard = forever(&rig);
    roll(&mut rig, shard);
    let known = rig.engine.shared.known_segments();
    let end = known[0].1.row.runs[0].end_seq;
    assert!(!rig.engine.is_resident(shard, SeqNo(end - 1)), "it is sealed");
    assert!(rig.engine.is_resident(shard, SeqNo(end)), "and what follows is not");
    trim(&rig, shard, end - 1);
    while rig.crew.compact() {}
    assert_eq!(rig.engine.status().segments, 1);
    trim(&rig, shard, end);
    while rig.crew.compact() {}
    assert_eq!(rig.engine.status().segments, 0);
}

#[test]
fn a_trim_of_an_unknown_shard_is_refused() {
    let rig = Rig::fresh(64);
    let error = rig.engine.trim(ShardId(5), SeqNo(1), Transaction::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn a_log_that_is_trimmed_all_the_time_keeps_no_segment_from_being_compacted() {
    let mut rig = Rig::fresh(64);
    let (shard, filler) = (forever(&rig), rig.shards(1)[0]);
    let mut end = 0;
    for n in 0..16u8 {
        rig.append(shard, &[n]).unwrap();
        end = rig.append(shard, &[n]).unwrap().first_seq.0 + 1;
        // Of each journal file the last record is sealed, the one before is not.
        trim(&rig, shard, end - 1);
        roll(&mut rig, filler);
    }
    let sealed = rig.engine.status().segments;
    while rig.crew.compact() {}
    let compacted = rig.engine.status().segments;
    assert!(compacted <= sealed / 2, "{sealed} segments became {compacted}");
    for _ in 0..2 {
        assert_eq!(rig.read_from(shard, SeqNo(end - 1)).unwrap(), [[15]]);
        assert_eq!(rig.read_all(filler).unwrap().len(), 16 * 12);
        rig = rig.crashed(1).unwrap();
    }
}
