//! Damage: what is lost is said to be lost, and everything else is served, at every start.

use std::path::Path;

use super::*;
use crate::catalog::{Catalog, Transaction};
use crate::engine::rows::{NEXT_SHARD, NUMBERS, NumberRow, QUARANTINES, QuarantineRow, SHARDS};
use crate::error::{Error, ErrorKind};
use crate::frame::FRAME_HEADER_BYTES;
use crate::io::{Disk, Open};
use crate::shard::Read;

const ALL: ReadLimit = ReadLimit { records: 10_000, bytes: 10_000_000 };

fn data(read: &Read) -> Vec<Vec<u8>> {
    read.records().map(|record| record.record.data.to_vec()).collect()
}

fn refused<T>(result: Result<T>) -> Error {
    match result {
        Ok(_) => panic!("damage was passed over"),
        Err(error) => error,
    }
}

/// Appends to `shard` until a journal file is sealed. Answers how many records that were.
fn seal_some(rig: &mut Rig, shard: ShardId) -> u64 {
    for _ in 0..12 {
        rig.append(shard, &[7; 12_000]).unwrap();
    }
    while rig.crew.seal() {}
    12
}

fn newest_segment(disk: &SimDisk) -> String {
    disk.file_names().into_iter().rfind(|name| name.ends_with(".seg")).unwrap()
}

#[test]
fn what_is_below_a_quarantine_is_served_at_every_start() {
    let mut rig = Rig::fresh(61);
    let shards = rig.shards(2);
    for record in 0..3u8 {
        rig.append(shards[0], &[record]).unwrap();
    }
    rig.append(shards[1], b"evidence").unwrap();
    let disk = rig.disk.crash(1);
    // In the payload of the third commit.
    disk.flip_bit("journal/slot-0.fsj", 8192 + 2 * 4096 + 100, 3);
    let mut rig = Rig::open(disk, rig.clock.clone(), 1).unwrap();
    for start in 0..4 {
        assert_eq!(rig.engine.status().quarantined_shards, [shards[0]]);
        let read = rig.engine.read(shards[0], SeqNo(0), ALL).unwrap();
        assert_eq!(data(&read), [[0], [1]], "start {start}");
        let error = refused(rig.engine.read(shards[0], SeqNo(2), ALL));
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        if start == 2 {
            while rig.crew.seal() {}
        }
        rig = rig.crashed(start).unwrap();
    }
}

#[test]
fn records_of_a_segment_that_cannot_be_opened_are_not_taken_for_expired() {
    let mut rig = Rig::fresh(63);
    let shard = rig.shards(1)[0];
    let first = seal_some(&mut rig, shard);
    let disk = rig.disk.crash(1);
    let segment = newest_segment(&disk);
    let bytes = disk.read_raw(&segment).unwrap().len() as u64;
    disk.flip_bit(&segment, bytes - 1, 0);
    let mut rig = Rig::open(disk, rig.clock.clone(), 1).unwrap();
    rig.clock.pass_ms(1000);
    seal_some(&mut rig, shard);
    seal_some(&mut rig, shard);
    assert_eq!(rig.engine.resolve(shard, ReadFrom::TrimHorizon).unwrap(), SeqNo(0));
    assert_eq!(rig.engine.resolve(shard, ReadFrom::AtTime(START)).unwrap(), SeqNo(0));
    let error = refused(rig.engine.read(shard, SeqNo(0), ALL));
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert!(rig.engine.read(shard, SeqNo(first), ALL).unwrap().count() > 0);
    let later = ReadFrom::AtTime(Timestamp(START.0 + 1000));
    assert!(rig.engine.resolve(shard, later).unwrap() >= SeqNo(9));
    // They go when they have expired, as all records do.
    rig.clock.pass_ms(DAY_MS - 500);
    let horizon = rig.engine.resolve(shard, ReadFrom::TrimHorizon).unwrap();
    assert!(horizon > SeqNo(0), "{horizon}");
}

#[test]
fn damage_in_a_segment_does_not_hide_what_comes_before_it() {
    let mut rig = Rig::fresh(64);
    let shard = rig.shards(1)[0];
    seal_some(&mut rig, shard);
    let disk = rig.disk.crash(1);
    let segment = newest_segment(&disk);
    // In a block behind the first: 12,000 bytes of sevens compress to about a hundred.
    disk.flip_bit(&segment, 400, 0);
    let rig = Rig::open(disk, rig.clock.clone(), 1).unwrap();
    let read = rig.engine.read(shard, SeqNo(0), ALL).unwrap();
    assert!((1..9).contains(&read.count()), "{}", read.count());
    let error = refused(rig.engine.read(shard, read.next(), ALL));
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
}

#[test]
fn a_damaged_segment_does_not_keep_others_from_being_compacted() {
    let mut rig = Rig::fresh(65);
    let shard = rig.shards(1)[0];
    seal_some(&mut rig, shard);
    let disk = rig.disk.crash(1);
    let segment = newest_segment(&disk);
    disk.flip_bit(&segment, 400, 0);
    let mut rig = Rig::open(disk, rig.clock.clone(), 1).unwrap();
    for _ in 0..20 {
        seal_some(&mut rig, shard);
    }
    let before = rig.engine.status().segments;
    for _ in 0..10 {
        while rig.crew.compact() {}
    }
    let after = rig.engine.status().segments;
    assert!(after <= before - 14, "{before} -> {after}");
}

#[test]
fn a_damaged_journal_file_is_kept_wherever_the_power_fails() {
    let damaged = |seed: u64| {
        let mut rig = Rig::fresh(seed);
        let shards = rig.shards(2);
        rig.append(shards[0], b"lost").unwrap();
        rig.append(shards[1], b"evidence").unwrap();
        let disk = rig.disk.crash(seed);
        disk.flip_bit("journal/slot-0.fsj", 8192 + 100, 3);
        (disk, rig.clock)
    };
    let work = |disk: &Arc<SimDisk>, clock: &Arc<ManualClock>| {
        if let Ok(mut rig) = Rig::open(disk.clone(), clock.clone(), 1) {
            while rig.crew.seal() {}
        }
    };
    let (disk, clock) = damaged(66);
    work(&disk, &clock);
    let operations = disk.ops();
    for op in 0..operations {
        let (disk, clock) = damaged(66);
        disk.set_crash_at(op);
        work(&disk, &clock);
        let disk = disk.crash(op);
        work(&disk, &clock);
        let kept = disk.file_names().iter().any(|name| name.starts_with("aside/journal-"));
        assert!(kept, "the power failed at operation {op} of {operations}");
    }
}

#[test]
fn records_of_a_shard_that_was_never_known_are_evidence_and_those_of_a_deleted_one_are_not() {
    for was_known in [true, false] {
        let mut rig = Rig::fresh(72);
        let shards = rig.shards(2);
        for shard in &shards {
            rig.append(*shard, b"record").unwrap();
        }
        let disk = rig.disk.kill();
        let catalog = Catalog::open(Arc::clone(&disk) as Arc<dyn Disk>).unwrap();
        let mut transaction = Transaction::new();
        transaction.remove(&SHARDS, &shards[1].0);
        if !was_known {
            let row = NumberRow { value: shards[1].0 };
            transaction.put(&NUMBERS, &NEXT_SHARD.to_owned(), &row);
        }
        catalog.commit(transaction).unwrap();
        drop(catalog);
        let mut rig = Rig::open(disk, rig.clock, 1).unwrap();
        assert_eq!(rig.read_all(shards[0]).unwrap(), [b"record"]);
        while rig.crew.seal() {}
        let is_kept = rig.disk.file_names().iter().any(|name| name.starts_with("aside/"));
        assert_eq!(is_kept, !was_known);
    }
}

/// Two frames of the first shard are destroyed, and whose they were nobody can say.
#[test]
fn a_shard_that_goes_on_behind_damage_of_unknown_owner_has_lost_nothing() {
    let mut rig = Rig::fresh(67);
    let shards = rig.shards(3);
    for shard in &shards {
        rig.append(*shard, b"before").unwrap();
    }
    rig.append(shards[0], b"lost").unwrap();
    rig.append(shards[0], b"lost too").unwrap();
    rig.append(shards[1], b"behind").unwrap();
    rig.append(shards[1], b"evidence").unwrap();
    let disk = rig.disk.crash(1);
    let from = 8192 + 3 * 4096;
    disk.zero_range("journal/slot-0.fsj", from..from + 2 * 4096);
    let rig = Rig::open(disk, rig.clock.clone(), 1).unwrap();
    let mut quarantined = rig.engine.status().quarantined_shards;
    quarantined.sort_unstable();
    assert_eq!(quarantined, [shards[0], shards[2]]);
    assert_eq!(rig.read_all(shards[1]).unwrap().len(), 3);
}

#[test]
fn a_journal_file_that_was_cut_short_gives_what_is_left() {
    let mut rig = Rig::fresh(68);
    let shard = rig.shards(1)[0];
    rig.append(shard, b"kept").unwrap();
    let disk = rig.disk.crash(1);
    let path = Path::new("journal/slot-0.fsj");
    let file = disk.open(path, Open::Write).unwrap();
    file.set_bytes(file.bytes().unwrap() - 100).unwrap();
    file.sync().unwrap();
    let rig = Rig::open(disk, rig.clock.clone(), 1).unwrap();
    assert_eq!(rig.read_all(shard).unwrap(), [b"kept"]);
}

#[test]
fn records_that_the_catalog_noted_are_missed_when_the_journal_has_lost_them_without_a_trace() {
    let mut rig = Rig::fresh(69);
    let shard = rig.shards(1)[0];
    rig.append(shard, b"kept").unwrap();
    rig.append(shard, b"lost").unwrap();
    // The compactor notes how far the journal is durable.
    rig.crew.compact();
    let disk = rig.disk.crash(1);
    disk.zero_range("journal/slot-0.fsj", 8192 + 4096..8192 + 8 * 4096);
    let rig = Rig::open(disk, rig.clock.clone(), 1).unwrap();
    assert_eq!(rig.engine.recovery().damages.len(), 1);
    assert_eq!(rig.engine.status().quarantined_shards, [shard]);
    assert_eq!(data(&rig.engine.read(shard, SeqNo(0), ALL).unwrap()), [b"kept"]);
}

#[test]
fn nothing_at_or_behind_a_quarantine_comes_back_with_the_journal() {
    let mut rig = Rig::fresh(70);
    let shard = rig.shards(1)[0];
    for record in 0..3u8 {
        rig.append(shard, &[record]).unwrap();
    }
    let disk = rig.disk.kill();
    let catalog = Catalog::open(Arc::clone(&disk) as Arc<dyn Disk>).unwrap();
    let mut transaction = Transaction::new();
    let row = QuarantineRow { from_seq: 1, reason: "an earlier start missed a record".into() };
    transaction.put(&QUARANTINES, &shard.0, &row);
    catalog.commit(transaction).unwrap();
    drop(catalog);
    let rig = Rig::open(disk, rig.clock, 1).unwrap();
    assert_eq!(rig.engine.watermarks(shard).unwrap().high_watermark, SeqNo(1));
    assert_eq!(data(&rig.engine.read(shard, SeqNo(0), ALL).unwrap()), [[0]]);
    assert_eq!(refused(rig.engine.read(shard, SeqNo(1), ALL)).kind(), ErrorKind::Corrupt);
}

#[test]
fn a_frame_that_claims_an_earlier_time_than_the_one_before_it_is_damage() {
    let mut rig = Rig::fresh(71);
    let shard = rig.shards(1)[0];
    for record in 0..3u8 {
        rig.append(shard, &[record]).unwrap();
    }
    let disk = rig.disk.kill();
    let path = "journal/slot-0.fsj";
    let mut frame = disk.read_raw(path).unwrap()[8192 + 4096..][..FRAME_HEADER_BYTES].to_vec();
    // The second record's arrival, and a checksum that holds for it.
    frame[56..64].fill(0);
    let checksum = crc32fast::hash(&frame[..92]);
    frame[92..].copy_from_slice(&checksum.to_le_bytes());
    let file = disk.open(Path::new(path), Open::Write).unwrap();
    file.write_all_at(&frame, 8192 + 4096).unwrap();
    file.sync().unwrap();
    let mut rig = Rig::open(disk, rig.clock.clone(), 1).unwrap();
    for start in 0..2 {
        assert_eq!(rig.engine.status().quarantined_shards, [shard]);
        assert_eq!(data(&rig.engine.read(shard, SeqNo(0), ALL).unwrap()), [[0]], "start {start}");
        assert_eq!(refused(rig.engine.read(shard, SeqNo(1), ALL)).kind(), ErrorKind::Corrupt);
        while rig.crew.seal() {}
        rig = rig.crashed(start).unwrap();
    }
    assert!(rig.disk.file_names().iter().any(|name| name.starts_with("aside/journal-1")));
}
