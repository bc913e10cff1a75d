//! Retention by time: exact, and not fooled by clocks.

use super::*;
use crate::catalog::Transaction;
use crate::clock::Clock;
use crate::engine::sealer::put_end;
use crate::error::ErrorKind;

/// Fills the active journal file so that it is sealed, on another shard.
fn roll(rig: &mut Rig, filler: ShardId) {
    for _ in 0..12 {
        rig.append(filler, &[7; 12_000]).unwrap();
    }
    while rig.crew.seal() {}
}

#[test]
fn the_trim_horizon_is_exact_in_tail_and_segments() {
    for is_sealed in [false, true] {
        let mut rig = Rig::fresh(31);
        let shards = rig.shards(2);
        for hour in 0..30u8 {
            rig.append(shards[0], &[hour]).unwrap();
            rig.clock.pass_ms(DAY_MS / 24);
        }
        if is_sealed {
            roll(&mut rig, shards[1]);
        }
        // 30 hours have passed since the first one; those of the last 24 are alive.
        let horizon = rig.engine.resolve(shards[0], ReadFrom::TrimHorizon).unwrap();
        assert_eq!(horizon, SeqNo(6), "sealed: {is_sealed}");
        assert_eq!(rig.read_all(shards[0]).unwrap()[0], [6]);
        let limit = ReadLimit { records: 10, bytes: 1000 };
        let error = rig.engine.read(shards[0], SeqNo(5), limit).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Trimmed);
        let error = rig.engine.resolve(shards[0], ReadFrom::At(SeqNo(3))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Trimmed);
    }
}

#[test]
fn what_has_expired_before_it_is_sealed_goes_into_no_segment() {
    let mut rig = Rig::fresh(38);
    let shards = rig.shards(2);
    for _ in 0..3 {
        rig.append(shards[0], b"expires").unwrap();
    }
    rig.clock.pass_ms(DAY_MS + 1);
    roll(&mut rig, shards[1]);
    let segments = rig.crew.shared.known_segments();
    let runs = segments.iter().flat_map(|(_, known)| known.row.runs.clone());
    assert_eq!(runs.map(|run| run.shard).collect::<Vec<_>>(), [shards[1].0]);
    let mut rig = rig.crashed(1).unwrap();
    assert_eq!(rig.append(shards[0], b"next").unwrap().first_seq, SeqNo(3));
}

#[test]
fn where_a_log_ended_is_only_ever_noted_further_on() {
    let rig = Rig::fresh(37);
    let shard = rig.shards(1)[0];
    for (end, is_noted) in [(9, true), (5, false), (9, false), (10, true)] {
        let mut transaction = Transaction::new();
        put_end(&rig.crew.shared, &mut transaction, shard, (SeqNo(end), START)).unwrap();
        assert_eq!(!transaction.is_empty(), is_noted, "{end}");
        rig.engine.catalog().commit(transaction).unwrap();
    }
}

#[test]
fn a_log_whose_records_have_all_expired_goes_on_where_it_ended() {
    let mut rig = Rig::fresh(32);
    let shards = rig.shards(2);
    rig.append(shards[0], b"one").unwrap();
    rig.append(shards[0], b"two").unwrap();
    roll(&mut rig, shards[1]);
    rig.clock.pass_ms(DAY_MS + 1);
    while rig.crew.compact() {}
    assert_eq!(rig.read_all(shards[0]).unwrap(), Vec::<Vec<u8>>::new());
    let mut rig = rig.crashed(2).unwrap();
    assert_eq!(rig.append(shards[0], b"three").unwrap().first_seq, SeqNo(2));
    assert_eq!(rig.read_all(shards[0]).unwrap(), [b"three".to_vec()]);
}

#[test]
fn a_log_whose_records_have_all_expired_twice_gives_out_no_number_again() {
    let mut rig = Rig::fresh(39);
    let shards = rig.shards(2);
    for _ in 0..2 {
        rig.append(shards[0], b"one").unwrap();
        rig.append(shards[0], b"two").unwrap();
        roll(&mut rig, shards[1]);
        rig.clock.pass_ms(DAY_MS + 1);
        while rig.crew.compact() {}
    }
    let mut rig = rig.crashed(2).unwrap();
    assert_eq!(rig.append(shards[0], b"five").unwrap().first_seq, SeqNo(4));
}

#[test]
fn an_hour_that_nobody_watched_is_believed_and_no_more() {
    const HOUR_MS: u64 = 60 * 60 * 1000;
    let mut rig = Rig::fresh(40);
    rig.crew.compact();
    for (passed_ms, believed_ms) in [(HOUR_MS, HOUR_MS), (HOUR_MS + 1, HOUR_MS)] {
        rig.clock.set_wall(Timestamp(START.0 + passed_ms));
        let later = Rig::open(rig.disk.kill(), rig.clock.clone(), 1).unwrap();
        assert_eq!(later.engine.retention_now().0 - START.0, believed_ms);
    }
}

#[test]
fn a_forward_jump_of_the_wall_clock_expires_nothing() {
    let mut rig = Rig::fresh(33);
    let shard = rig.shards(1)[0];
    rig.append(shard, b"yesterday's").unwrap();
    rig.clock.set_wall(Timestamp(START.0 + 30 * DAY_MS));
    rig.crew.compact();
    assert_eq!(rig.read_all(shard).unwrap().len(), 1);
    let rig = rig.killed(3).unwrap();
    assert_eq!(rig.read_all(shard).unwrap().len(), 1, "nor after a restart");
}

#[test]
fn arrival_times_do_not_step_back_with_the_clock() {
    let mut rig = Rig::fresh(34);
    let shard = rig.shards(1)[0];
    let first = rig.append(shard, b"1").unwrap().arrival;
    rig.clock.set_wall(Timestamp(START.0 - DAY_MS));
    assert_eq!(rig.append(shard, b"2").unwrap().arrival, first);
    rig.clock.set_wall(Timestamp(START.0 + 5));
    assert_eq!(rig.append(shard, b"3").unwrap().arrival, rig.clock.wall());
}

#[test]
fn a_record_that_arrives_while_the_clock_is_wrong_lives_as_long_as_any_other() {
    let mut rig = Rig::fresh(36);
    let shards = rig.shards(2);
    rig.append(shards[0], b"old log").unwrap();
    rig.clock.set_wall(Timestamp(START.0 - 30 * DAY_MS));
    rig.clock.pass_ms(2 * DAY_MS);
    for shard in &shards {
        rig.append(*shard, b"under a clock that is behind").unwrap();
    }
    let set_right = Timestamp(START.0 + 2 * DAY_MS);
    rig.clock.set_wall(set_right);
    let count =
        |rig: &Rig| -> usize { shards.iter().map(|s| rig.read_all(*s).unwrap().len()).sum() };
    assert_eq!(count(&rig), 2, "of three, one is older than a day");
    rig.crew.compact();
    let rig = rig.killed(3).unwrap();
    assert_eq!(count(&rig), 2, "also after a restart");
    rig.clock.pass_ms(DAY_MS + 1);
    assert_eq!(count(&rig), 0);
}

#[test]
fn an_engine_that_starts_while_the_clock_is_behind_loses_nothing_when_it_is_set_right() {
    for (seed, is_first_start) in [(37, true), (38, false)] {
        let behind = Timestamp(START.0 - 30 * DAY_MS);
        let began = if is_first_start { behind } else { START };
        let clock = Arc::new(ManualClock::at(began));
        let rig = Rig::open(SimDisk::new(seed), clock, seed).unwrap();
        rig.clock.set_wall(behind);
        let mut rig = if is_first_start { rig } else { rig.killed(seed).unwrap() };
        let shard = rig.shards(1)[0];
        rig.append(shard, b"kept").unwrap();
        rig.clock.set_wall(START);
        let rig = rig.killed(seed).unwrap();
        assert_eq!(rig.read_all(shard).unwrap(), [b"kept".to_vec()]);
    }
}

#[test]
fn a_longer_retention_does_not_bring_back_what_has_expired() {
    let mut rig = Rig::fresh(35);
    let shard = rig.shards(1)[0];
    rig.append(shard, b"old").unwrap();
    rig.clock.pass_ms(DAY_MS + 1);
    rig.append(shard, b"new").unwrap();
    rig.engine.set_retention(&[shard], 7 * DAY_MS, Transaction::new()).unwrap();
    assert_eq!(rig.read_all(shard).unwrap(), [b"new".to_vec()]);
    let rig = rig.crashed(1).unwrap();
    assert_eq!(rig.read_all(shard).unwrap(), [b"new".to_vec()], "nor does a restart");
}

#[test]
fn a_retention_that_was_set_holds_after_a_restart() {
    let mut rig = Rig::fresh(36);
    let shard = rig.shards(1)[0];
    rig.append(shard, b"kept").unwrap();
    rig.engine.set_retention(&[shard], 7 * DAY_MS, Transaction::new()).unwrap();
    let rig = rig.crashed(1).unwrap();
    rig.clock.pass_ms(6 * DAY_MS);
    assert_eq!(rig.read_all(shard).unwrap(), [b"kept"]);
    rig.clock.pass_ms(DAY_MS + 1);
    assert!(rig.read_all(shard).unwrap().is_empty());
}
