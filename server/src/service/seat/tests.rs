//! Tests of who reads a shard as a consumer.

use std::sync::Arc;

use super::*;

#[test]
fn a_place_is_taken_over_after_its_time_and_not_before() {
    let seats = Arc::new(Seats::default());
    let mut first = seats.take(3, 100).unwrap();
    assert!(seats.take(3, 100 + TAKE_OVER_AFTER_MS - 1).is_none());
    assert_eq!(first.is_ended(), None);
    let mut second = seats.take(3, 100 + TAKE_OVER_AFTER_MS).unwrap();
    assert_eq!(first.is_ended(), Some(Ended::TakenOver));
    assert_eq!(second.is_ended(), None);
    // The time counts from who sits there now.
    assert!(seats.take(3, 100 + 2 * TAKE_OVER_AFTER_MS - 1).is_none());
}

#[test]
fn shards_have_places_of_their_own() {
    let seats = Arc::new(Seats::default());
    let mut first = seats.take(0, 0).unwrap();
    let _second = seats.take(1, 0).unwrap();
    assert_eq!(first.is_ended(), None);
}

#[test]
fn who_leaves_gives_the_place_back_but_not_that_of_a_successor() {
    let seats = Arc::new(Seats::default());
    drop(seats.take(0, 0).unwrap());
    let first = seats.take(0, 1).unwrap();
    let mut second = seats.take(0, 1 + TAKE_OVER_AFTER_MS).unwrap();
    drop(first);
    assert_eq!(second.is_ended(), None);
    assert!(seats.take(0, 2 + TAKE_OVER_AFTER_MS).is_none(), "the second still sits there");
}

#[test]
fn deregistration_sends_away_who_is_there_and_who_comes() {
    let seats = Arc::new(Seats::default());
    let mut first = seats.take(0, 0).unwrap();
    seats.end_all();
    assert_eq!(first.is_ended(), Some(Ended::Deregistered));
    let mut late = seats.take(0, 0).unwrap();
    assert_eq!(late.is_ended(), Some(Ended::Deregistered));
    drop((first, late));
    assert_eq!(seats.take(0, 0).unwrap().is_ended(), Some(Ended::Deregistered));
}
