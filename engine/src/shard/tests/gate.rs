//! The gate: open, closing, closed, locked.

use super::*;
use crate::error::{Error, ErrorKind};

fn new() -> Arc<ShardLog> {
    Arc::new(ShardLog::new(SHARD, Epoch(1), 1000))
}

#[test]
fn closing_waits_for_all_that_came_in() {
    let log = new();
    let (first, second) = (log.enter().unwrap(), log.enter().unwrap());
    assert!(!log.is_drained(), "an open log is not drained");
    let mut drained = log.begin_closing().unwrap();
    assert_eq!(log.check_open().unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(log.enter().unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(log.begin_closing().unwrap_err().kind(), ErrorKind::Closed);
    drop(first);
    assert!(drained.try_recv().is_err() && !log.is_drained());
    drop(second);
    assert!(drained.try_recv().is_ok() && log.is_drained());
    assert!(!log.is_closed() && !log.is_over());
    let mut watch = log.subscribe();
    watch.borrow_and_update();
    log.finish_closing();
    assert!(log.is_closed() && log.is_over());
    assert!(watch.has_changed().unwrap(), "who waits behind the end is told");
}

#[test]
fn closing_an_idle_log_waits_for_nothing() {
    let log = new();
    assert!(!log.is_drained() && !log.is_over());
    assert!(log.begin_closing().unwrap().try_recv().is_ok());
    assert!(log.is_drained());
}

#[test]
fn a_reopened_log_takes_appends_again() {
    let log = new();
    let _drained = log.begin_closing().unwrap();
    log.reopen();
    assert!(log.check_open().is_ok() && log.enter().is_ok() && !log.is_drained());
}

#[test]
fn a_locked_log_says_why() {
    let log = new();
    log.lock(Error::new(ErrorKind::Poisoned, "a test"));
    assert_eq!(log.enter().unwrap_err().kind(), ErrorKind::Poisoned);
    assert_eq!(log.check_open().unwrap_err().kind(), ErrorKind::Poisoned);
    assert!(!log.is_closed());
}

#[test]
#[should_panic(expected = "settled")]
fn closing_before_all_are_through_is_a_bug() {
    let log = new();
    // Never settled, not even while the panic unwinds.
    std::mem::forget(log.enter().unwrap());
    let _drained = log.begin_closing().unwrap();
    log.finish_closing();
}

#[test]
fn a_deleted_log_is_over_and_takes_nothing() {
    let log = new();
    log.delete();
    assert!(log.is_over() && !log.is_closed());
    assert_eq!(log.enter().unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(log.begin_closing().unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(log.check_open().unwrap_err().kind(), ErrorKind::NotFound);
}
