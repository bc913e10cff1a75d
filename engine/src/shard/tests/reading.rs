//! Reads against a model: every start, many limits, every time.

use super::*;
use crate::error::ErrorKind;
use crate::segment::BlockCache;
use crate::shard::{Quarantine, ReadFrom, ReadLimit};

const NEVER: Timestamp = Timestamp(0);
const ALL: ReadLimit = ReadLimit { records: 1000, bytes: 1_000_000 };

fn cache() -> BlockCache {
    BlockCache::new(1 << 20)
}

/// Two runs, then a tail in two journal files.
fn frames() -> Vec<Frame> {
    vec![
        frame(1, 10, 1000, &[5]),
        frame(1, 11, 1010, &[3, 9, 1]),
        frame(2, 14, 1020, &[40, 2]),
        frame(2, 16, 1030, &[1, 1, 1, 1]),
        frame(3, 20, 1040, &[7, 20]),
        frame(3, 22, 1050, &[30]),
        frame(3, 23, 1060, &[2, 2, 2]),
        frame(4, 26, 1070, &[6, 5, 4, 3, 60]),
        frame(4, 31, 1080, &[1]),
    ]
}

const FIRST: u64 = 10;
const SEALED: u64 = 20;
const END: u64 = 32;

fn log_of(frames: &[Frame]) -> ShardLog {
    let disk = disk();
    let log = ShardLog::new(SHARD, Epoch(1), 1000);
    restore(&log, run(&disk, 1, &frames[..2]));
    restore(&log, run(&disk, 2, &frames[2..4]));
    frames[4..].iter().for_each(|frame| log.publish(frame.clone()));
    log
}

/// Sequence number, arrival and bytes of each record.
fn model(frames: &[Frame]) -> Vec<(u64, u64, usize)> {
    let records = frames.iter().flat_map(|frame| {
        let arrival = frame.header().arrival.0;
        (frame.header().first_seq.0..)
            .zip(frame.records())
            .map(move |(seq, record)| (seq, arrival, record.key.len() + record.data.len()))
    });
    records.collect()
}

#[test]
fn a_read_takes_all_that_its_limits_allow_and_no_more() {
    let frames = frames();
    let (log, model, cache) = (log_of(&frames), model(&frames), cache());
    for from in FIRST..END + 3 {
        for records in [0, 1, 2, 3, 4, 6, 9, 100] {
            for bytes in (0..160).chain([1000]) {
                let mut sum = 0;
                let fits = |(index, record): &(usize, &(u64, u64, usize))| {
                    sum += record.2;
                    *index < records && (*index == 0 || sum <= bytes)
                };
                let wanted: Vec<_> = model
                    .iter()
                    .filter(|record| record.0 >= from)
                    .enumerate()
                    .take_while(fits)
                    .map(|(_, record)| *record)
                    .collect();
                let limit = ReadLimit { records, bytes };
                let read = log.read(SeqNo(from), limit, NEVER, &cache).unwrap();
                let found: Vec<_> = read
                    .records()
                    .map(|r| (r.seq.0, r.arrival.0, r.record.key.len() + r.record.data.len()))
                    .collect();
                // A read may end where a run does, and goes on there.
                let context = format!("from {from}: {limit:?}");
                assert_eq!(found, wanted, "{context}");
                assert_eq!(read.count(), wanted.len() as u64, "{context}");
                assert_eq!(read.next().0, from + wanted.len() as u64, "{context}");
                assert_eq!(read.bytes(), wanted.iter().map(|r| r.2).sum::<usize>(), "{context}");
                let last = wanted.last().map(|record| Timestamp(record.1));
                assert_eq!(read.last_arrival(), last, "{context}");
                assert_eq!(read.watermarks().high_watermark, SeqNo(END), "{context}");
            }
        }
    }
}

#[test]
fn a_read_holds_no_more_frames_than_it_needs() {
    let frames = frames();
    let (log, cache) = (log_of(&frames), cache());
    for (from, limit, needed) in [
        (20, ReadLimit { records: 1, ..ALL }, 1),
        (20, ReadLimit { records: 3, ..ALL }, 2),
        (21, ReadLimit { records: 2, ..ALL }, 2),
        (20, ReadLimit { bytes: 29 + KEY_BYTES, ..ALL }, 1),
        (20, ALL, 5),
    ] {
        let read = log.read(SeqNo(from), limit, NEVER, &cache).unwrap();
        assert_eq!(read.frames.len(), needed, "from {from}: {limit:?}");
    }
}

#[test]
fn a_read_that_has_what_it_wants_reads_no_further_from_disk() {
    let frames = frames();
    let (log, cache) = (log_of(&frames), cache());
    let first_run = model(&frames[..2]);
    let bytes = first_run.iter().map(|record| record.2).sum();
    for limit in [ReadLimit { records: first_run.len(), ..ALL }, ReadLimit { bytes, ..ALL }] {
        let read = log.read(SeqNo(FIRST), limit, NEVER, &cache).unwrap();
        assert_eq!(read.count(), first_run.len() as u64);
        let in_memory = frames[..2].iter().map(|frame| frame.bytes().len() as u64).sum::<u64>();
        assert_eq!(cache.bytes(), in_memory, "{limit:?}");
    }
}

#[test]
fn a_place_is_what_its_name_says() {
    let frames = frames();
    let (log, model, cache) = (log_of(&frames), model(&frames), cache());
    let resolve = |from| log.resolve(from, NEVER, &cache);
    assert_eq!(resolve(ReadFrom::TrimHorizon).unwrap(), SeqNo(FIRST));
    assert_eq!(resolve(ReadFrom::Latest).unwrap(), SeqNo(END));
    assert_eq!(resolve(ReadFrom::At(SeqNo(FIRST))).unwrap(), SeqNo(FIRST));
    assert_eq!(resolve(ReadFrom::At(SeqNo(15))).unwrap(), SeqNo(15));
    assert_eq!(resolve(ReadFrom::After(SeqNo(15))).unwrap(), SeqNo(16));
    assert_eq!(resolve(ReadFrom::After(SeqNo(FIRST - 1))).unwrap(), SeqNo(FIRST));
    for gone in [ReadFrom::At(SeqNo(FIRST - 1)), ReadFrom::After(SeqNo(FIRST - 2))] {
        assert_eq!(resolve(gone).unwrap_err().kind(), ErrorKind::Trimmed);
    }
    for time in 990..1090 {
        let first = model.iter().find(|record| record.1 >= time).map_or(END, |record| record.0);
        assert_eq!(resolve(ReadFrom::AtTime(Timestamp(time))).unwrap(), SeqNo(first), "{time}");
    }
}

#[test]
fn what_arrived_before_retention_is_gone_at_every_moment() {
    let (frames, cache) = (frames(), cache());
    let model = model(&frames);
    for expired_before in 990..1090 {
        let alive =
            model.iter().find(|record| record.1 >= expired_before).map_or(END, |record| record.0);
        let time = Timestamp(expired_before);
        let log = log_of(&frames);
        for from in FIRST..END {
            let read = log.read(SeqNo(from), ALL, time, &cache);
            if from < alive {
                assert_eq!(read.unwrap_err().kind(), ErrorKind::Trimmed, "{from} at {time:?}");
            } else {
                assert_eq!(read.unwrap().count(), END - from);
            }
        }
        let log = log_of(&frames);
        let resolve = |from| log.resolve(from, time, &cache);
        assert_eq!(resolve(ReadFrom::TrimHorizon).unwrap(), SeqNo(alive), "{time:?}");
        assert_eq!(log.watermarks().trim_horizon, SeqNo(alive));
        assert_eq!(resolve(ReadFrom::AtTime(Timestamp(1))).unwrap(), SeqNo(alive));
        assert_eq!(resolve(ReadFrom::At(SeqNo(alive))).unwrap(), SeqNo(alive));
        assert!(alive == FIRST || resolve(ReadFrom::At(SeqNo(alive - 1))).is_err());
    }
}

#[test]
fn the_tail_is_in_memory_and_the_runs_are_not() {
    let log = log_of(&frames());
    for from in FIRST..END + 2 {
        assert_eq!(log.is_resident(SeqNo(from)), from >= SEALED, "{from}");
    }
    let empty = ShardLog::new(SHARD, Epoch(1), 1000);
    assert!(empty.is_resident(SeqNo(0)));
}

#[test]
fn a_read_ends_where_damage_begins() {
    let (frames, cache) = (frames(), cache());
    for damaged in [12, 15, 20, 21, 26, END] {
        let log = log_of(&frames);
        log.set_quarantine(Quarantine { from: SeqNo(damaged), reason: "a test".into() });
        for from in FIRST..END + 2 {
            let read = log.read(SeqNo(from), ALL, NEVER, &cache);
            match read {
                Ok(read) => assert!(from < damaged && read.count() > 0, "{from} of {damaged}"),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Corrupt);
                    assert!(from >= damaged, "{from} of {damaged}");
                }
            }
        }
    }
}

#[test]
fn a_gap_between_runs_is_missed_and_not_passed_over() {
    let (frames, disk, cache) = (frames(), disk(), cache());
    let log = ShardLog::new(SHARD, Epoch(1), 1000);
    restore(&log, run(&disk, 1, &frames[..1]));
    log.restore_sealed(SeqNo(11), SeqNo(14), Timestamp(1010), None);
    restore(&log, run(&disk, 2, &frames[2..4]));
    let read = log.read(SeqNo(10), ALL, NEVER, &cache).unwrap();
    assert_eq!(read.next(), SeqNo(11));
    for lost in 11..14 {
        let error = log.read(SeqNo(lost), ALL, NEVER, &cache).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
    }
    assert_eq!(log.read(SeqNo(14), ALL, NEVER, &cache).unwrap().count(), 6);
    let at = |time| log.resolve(ReadFrom::AtTime(Timestamp(time)), NEVER, &cache).unwrap();
    assert_eq!(at(1000), SeqNo(10));
    assert_eq!(at(1001), SeqNo(11));
    assert_eq!(at(1010), SeqNo(11));
    assert_eq!(at(1011), SeqNo(14));
}

#[test]
fn a_deleted_log_is_not_found() {
    let (log, cache) = (log_of(&frames()), cache());
    assert!(!log.is_deleted());
    log.delete();
    assert!(log.is_deleted());
    let read = log.read(SeqNo(15), ALL, NEVER, &cache);
    assert_eq!(read.unwrap_err().kind(), ErrorKind::NotFound);
    let place = log.resolve(ReadFrom::Latest, NEVER, &cache);
    assert_eq!(place.unwrap_err().kind(), ErrorKind::NotFound);
}
