//! How the watermarks, the runs and the tail change.

use std::future::Future as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use super::*;
use crate::clock::{Clock, SystemClock};
use crate::error::ErrorKind;
use crate::segment::BlockCache;
use crate::shard::{Quarantine, ReadLimit};

fn marks(log: &ShardLog) -> (u64, u64, u64) {
    let marks = log.watermarks();
    assert_eq!(marks.high_watermark, log.high_watermark());
    (marks.trim_horizon.0, marks.high_watermark.0, marks.flushed.0)
}

fn new() -> ShardLog {
    ShardLog::new(SHARD, Epoch(3), 1000)
}

#[test]
fn a_new_log_is_empty_and_knows_what_it_was_told() {
    let log = new();
    assert_eq!((log.id(), log.epoch(), log.retention_ms()), (SHARD, Epoch(3), 1000));
    log.set_retention_ms(5);
    assert_eq!(log.retention_ms(), 5);
    assert_eq!(marks(&log), (0, 0, 0));
    assert_eq!(log.watermarks().newest_arrival, None);
    assert!(log.check_writable().is_ok());
    assert_eq!(log.quarantine(), None);
}

#[test]
fn what_is_published_moves_the_watermarks_and_wakes() {
    let log = new();
    let mut watch = log.subscribe();
    log.publish(frame(1, 0, 50, &[1, 1]));
    assert!(watch.has_changed().unwrap());
    assert_eq!(*watch.borrow_and_update(), SeqNo(2));
    assert_eq!(marks(&log), (0, 2, 2));
    assert_eq!(log.watermarks().newest_arrival, Some(Timestamp(50)));
    log.wake_waiters();
    assert!(watch.has_changed().unwrap());
}

#[test]
fn what_was_published_unheard_is_told_to_who_comes_later() {
    let log = new();
    log.publish(frame(1, 0, 50, &[1, 1]));
    assert_eq!(*log.subscribe().borrow(), SeqNo(2));
    log.publish(frame(1, 2, 50, &[1]));
    let mut watch = log.subscribe();
    assert_eq!(*watch.borrow_and_update(), SeqNo(3));
    drop(log.subscribe());
    assert!(!watch.has_changed().unwrap(), "one more who listens is no news to the others");
    log.publish(frame(1, 3, 50, &[1]));
    assert_eq!(*watch.borrow_and_update(), SeqNo(4));
}

struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Unpark>) {
        self.0.unpark();
    }
}

/// Waits for `is_there` of a mark that `log` tells, subscribing now; fails when nobody wakes us.
fn await_mark(log: &ShardLog, is_there: impl Fn(SeqNo) -> bool) {
    const PATIENCE: Duration = Duration::from_secs(60);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut watch = log.subscribe();
    let mut told = pin!(watch.wait_for(|mark| is_there(*mark)));
    while told.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
        let begin = SystemClock::new();
        std::thread::park_timeout(PATIENCE);
        assert!(begin.monotonic_ms() < 60_000, "a waiter sleeps for ever");
    }
}

#[test]
fn who_subscribes_while_records_are_published_misses_none() {
    for _ in 0..200 {
        let (log, together) = (new(), Barrier::new(2));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                together.wait();
                (0..4).for_each(|seq| log.publish(frame(1, seq, 50, &[1])));
            });
            together.wait();
            (0..4).for_each(|seq| await_mark(&log, |mark| mark > SeqNo(seq)));
        });
    }
}

#[test]
fn who_subscribes_while_waiters_are_woken_sees_why() {
    for _ in 0..500 {
        let (log, together, is_over) = (new(), Barrier::new(2), AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                together.wait();
                is_over.store(true, Ordering::SeqCst);
                log.wake_waiters();
            });
            together.wait();
            await_mark(&log, |_| is_over.load(Ordering::SeqCst));
        });
    }
}

#[test]
fn waiters_are_woken_though_somebody_has_panicked_in_the_log() {
    let log = new();
    let mut watch = log.subscribe();
    watch.borrow_and_update();
    let publish = || log.publish(frame(1, 7, 50, &[1]));
    catch_unwind(AssertUnwindSafe(publish)).unwrap_err();
    log.wake_waiters();
    assert!(watch.has_changed().unwrap());
}

#[test]
#[should_panic(expected = "in order")]
fn a_frame_that_does_not_follow_is_a_bug() {
    new().publish(frame(1, 1, 50, &[1]));
}

#[test]
fn nothing_is_published_into_a_deleted_log() {
    let log = new();
    let mut watch = log.subscribe();
    watch.borrow_and_update();
    log.delete();
    assert!(watch.has_changed().unwrap(), "who waits is told");
    log.publish(frame(1, 0, 50, &[1]));
    assert_eq!(marks(&log), (0, 0, 0));
    assert_eq!(log.check_writable().unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn the_lowest_quarantine_stays() {
    let log = new();
    let at = |from| Quarantine { from: SeqNo(from), reason: format!("from {from}") };
    log.set_quarantine(at(5));
    log.set_quarantine(Quarantine { reason: "again".into(), ..at(5) });
    log.set_quarantine(at(8));
    assert_eq!(log.quarantine(), Some(at(5)));
    log.set_quarantine(at(3));
    assert_eq!(log.quarantine(), Some(at(3)));
    assert_eq!(log.check_writable().unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn recovery_goes_on_where_the_last_record_is() {
    let disk = disk();
    let log = new();
    restore(&log, run(&disk, 1, &[frame(1, 4, 70, &[1, 1])]));
    assert_eq!(marks(&log), (4, 6, 6), "what came before the first run has expired");
    restore(&log, run(&disk, 2, &[frame(1, 6, 60, &[1])]));
    assert_eq!(marks(&log), (4, 7, 7));
    assert_eq!(log.watermarks().newest_arrival, Some(Timestamp(70)));
    restore(&log, run(&disk, 3, &[frame(1, 9, 80, &[1])]));
    assert_eq!(marks(&log), (9, 10, 10), "a gap: all before it has expired");
    log.finish_recovery();
    let watch = log.subscribe();
    let head = *log.head();
    assert_eq!((head.next_seq, head.arrival), (SeqNo(10), Timestamp(80)));
    assert_eq!(*watch.borrow(), SeqNo(10));
    assert_eq!(log.watermarks().tail, SeqNo(10));
}

#[test]
fn what_the_catalog_says_has_expired_has() {
    let log = new();
    log.restore_expired(SeqNo(9), Timestamp(40));
    log.restore_expired(SeqNo(5), Timestamp(30));
    assert_eq!(marks(&log), (9, 9, 9));
    assert_eq!(log.watermarks().newest_arrival, Some(Timestamp(40)));
}

#[test]
fn the_horizon_moves_up_alone_and_not_past_what_is_readable() {
    let log = new();
    log.publish(frame(1, 0, 50, &[1; 6]));
    log.trim_to(SeqNo(4));
    log.trim_to(SeqNo(2));
    assert_eq!(marks(&log).0, 4);
    log.trim_to(SeqNo(9));
    assert_eq!(marks(&log).0, 6);
}

#[test]
fn sealing_moves_the_oldest_files_frames_alone() {
    let disk = disk();
    let log = new();
    let frames = [frame(1, 0, 1, &[1, 1]), frame(1, 2, 2, &[1]), frame(2, 3, 3, &[1])];
    frames.iter().for_each(|frame| log.publish(frame.clone()));
    assert_eq!(log.tail_in(FileSeq(1)).len(), 2);
    assert_eq!(log.tail_in(FileSeq(2)).len(), 0, "not the oldest yet");
    log.replace_tail(FileSeq(1), Some(run(&disk, 1, &frames[..2])));
    assert_eq!(marks(&log), (0, 4, 4), "nothing has expired");
    assert_eq!(log.tail_in(FileSeq(2)).len(), 1);
    assert!(!log.is_resident(SeqNo(2)) && log.is_resident(SeqNo(3)));
    let limit = ReadLimit { records: 10, bytes: 1000 };
    let read = log.read(SeqNo(0), limit, Timestamp(0), &BlockCache::new(1000)).unwrap();
    assert_eq!(read.count(), 4);
}

#[test]
fn what_sealing_leaves_out_has_expired() {
    let disk = disk();
    for (id, kept, horizon) in [(1, 0, 0), (2, 1, 2), (3, 2, 3)] {
        let log = new();
        let frames = [frame(1, 0, 1, &[1, 1]), frame(1, 2, 2, &[1]), frame(2, 3, 3, &[1])];
        frames.iter().for_each(|frame| log.publish(frame.clone()));
        let kept_run = (kept < 2).then(|| run(&disk, id, &frames[kept..2]));
        log.replace_tail(FileSeq(1), kept_run);
        assert_eq!(marks(&log), (horizon, 4, 4), "{kept} left out");
    }
    let log = new();
    log.publish(frame(2, 0, 1, &[1, 1]));
    log.replace_tail(FileSeq(1), None);
    assert_eq!(marks(&log), (0, 2, 2), "no frame of that file: none expired");
}

#[test]
fn sealing_a_deleted_log_adds_nothing_to_it() {
    let disk = disk();
    let frames = [frame(1, 0, 1, &[1, 1])];
    let log = new();
    log.publish(frames[0].clone());
    log.delete();
    log.replace_tail(FileSeq(1), Some(run(&disk, 1, &frames)));
    log.replace_runs(&[], vec![run(&disk, 2, &frames)]);
    assert!(log.state().runs.is_empty());
}

/// A log of three runs: 0..2, 2..4, 4..6, in segments 1, 2, 3.
fn three_runs(disk: &Arc<dyn Disk>) -> (ShardLog, Vec<Frame>) {
    let frames: Vec<_> = (0..3).map(|n| frame(1, 2 * n, 10 + n, &[1, 1])).collect();
    let log = new();
    for (id, frame) in (1..).zip(&frames) {
        restore(&log, run(disk, id, std::slice::from_ref(frame)));
    }
    (log, frames)
}

fn segments(log: &ShardLog) -> Vec<u64> {
    log.state().runs.iter().map(|run| run.id.0).collect()
}

#[test]
fn merged_runs_take_the_place_of_theirs() {
    let disk = disk();
    let (log, frames) = three_runs(&disk);
    log.replace_runs(&[SegmentId(1), SegmentId(2)], vec![run(&disk, 9, &frames[..2])]);
    assert_eq!((segments(&log), marks(&log).0), (vec![9, 3], 0));
    log.replace_runs(&[SegmentId(77)], Vec::new());
    assert_eq!((segments(&log), marks(&log).0), (vec![9, 3], 0), "none of ours");
}

#[test]
fn what_a_merge_leaves_out_has_expired_and_all_before_it() {
    let disk = disk();
    let (log, frames) = three_runs(&disk);
    log.replace_runs(&[SegmentId(1), SegmentId(2)], vec![run(&disk, 9, &frames[1..2])]);
    assert_eq!((segments(&log), marks(&log).0), (vec![9, 3], 2));
    log.replace_runs(&[SegmentId(9)], Vec::new());
    assert_eq!((segments(&log), marks(&log).0), (vec![3], 4));
}
