//! Tests of buckets against a model that counts every millisecond, and of what is built of them.

use std::sync::Arc;

use flowstone_engine::clock::ManualClock;
use flowstone_engine::types::{ShardId, Timestamp};
use proptest::prelude::*;

use super::*;

const MIB: usize = 1024 * 1024;

fn rate(per_s: u64) -> Rate {
    Rate::new(per_s).expect("a rate")
}

fn aws() -> Rates {
    Rates {
        shard_write_bytes: Rate::new(MIB as u64),
        shard_write_records: Rate::new(1000),
        shard_read_bytes: Rate::new(2 * MIB as u64),
        shard_reads: Rate::new(5),
        consumer_bytes: Rate::new(2 * MIB as u64),
    }
}

fn throttle(rates: Rates) -> (Throttle, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(Timestamp(7)));
    (Throttle::new(rates, clock.clone()), clock)
}

proptest! {
    #[test]
    fn a_bucket_is_one_that_is_filled_every_millisecond(
        per_s in 1..5000u64,
        steps in prop::collection::vec((0..1500u64, 0..8000u64, any::<bool>()), 1..60),
    ) {
        let rate = rate(per_s);
        let full = i128::from(per_s) * 1000;
        let (mut now_ms, mut level) = (3, full);
        let mut bucket = Bucket::full(rate, now_ms);
        for (pass_ms, count, gives_back) in steps {
            now_ms += pass_ms;
            for _ in 0..pass_ms {
                level = full.min(level + i128::from(per_s));
            }
            let cost = i128::from(count) * 1000;
            let has = level >= cost.min(full);
            prop_assert_eq!(bucket.take(rate, now_ms, count), has);
            if has {
                level -= cost;
                if gives_back {
                    bucket.give_back(rate, count);
                    level += cost;
                }
            }
            prop_assert_eq!(bucket.has_some(rate, now_ms), level > 0);
            prop_assert_eq!(bucket.is_full(rate, now_ms), level == full);
            let ready = bucket.ready_in_ms(rate, now_ms);
            let after = |ms: u64| level + i128::from(per_s) * i128::from(ms);
            prop_assert!(after(ready) > 0 && (ready == 0 || after(ready - 1) <= 0));
        }
    }

    #[test]
    fn no_span_of_time_holds_more_than_its_worth_and_one_second_and_one_record(
        per_s in 1..5000u64,
        steps in prop::collection::vec((0..300u64, 0..8000u64), 1..80),
        from in 0..80usize,
    ) {
        let rate = rate(per_s);
        let mut now_ms = 0;
        let mut bucket = Bucket::full(rate, now_ms);
        let mut taken = Vec::new();
        for (pass_ms, count) in steps {
            now_ms += pass_ms;
            if bucket.take(rate, now_ms, count) {
                taken.push((now_ms, count));
            }
        }
        let span = taken.get(from..).unwrap_or_default();
        if let (Some((first_ms, _)), Some((last_ms, last))) = (span.first(), span.last()) {
            let sum: u64 = span.iter().map(|(_, count)| count).sum();
            let worth = per_s + per_s * (last_ms - first_ms) / 1000 + 1;
            prop_assert!(sum <= worth + last, "{sum} > {worth} + {last}");
        }
    }

    #[test]
    fn any_numbers_are_counted_without_a_panic(
        per_s in 1..=RATE_MAX, counts in prop::collection::vec(any::<u64>(), 1..10),
        now_ms in any::<u64>(),
    ) {
        let rate = rate(per_s);
        let mut bucket = Bucket::full(rate, 0);
        for count in counts {
            bucket.spend_all(rate, count);
            let _ = bucket.take(rate, now_ms, count);
            let _ = bucket.ready_in_ms(rate, now_ms);
            bucket.give_back(rate, count);
        }
        prop_assert!(bucket.ready_in_ms(rate, u64::MAX) <= u64::MAX / 2);
    }
}

#[test]
fn a_rate_of_nothing_is_no_limit() {
    assert_eq!(Rate::new(0), None);
    assert_eq!(Rate::new(RATE_MAX + 1), None);
    let (throttle, _) = throttle(Rates::default());
    for _ in 0..10_000 {
        assert!(throttle.admit_write(ShardId(1), 10 * MIB) && throttle.admit_read(ShardId(1)));
        throttle.count_read(ShardId(1), 10 * MIB);
    }
    assert_eq!(throttle.remembered(), 0, "what is not limited is not remembered");
    assert_eq!(throttle.pace(true).ready_in_ms(0), 0);
}

#[test]
fn a_shard_takes_a_thousand_records_and_a_mebibyte_a_second() {
    let (throttle, clock) = throttle(aws());
    let shard = ShardId(1);
    let taken = || (0..2000).filter(|_| throttle.admit_write(shard, 1)).count();
    assert_eq!((taken(), taken()), (1000, 0));
    assert!(throttle.admit_write(ShardId(2), 1), "shards are limited by themselves");
    clock.pass_ms(100);
    assert_eq!(taken(), 100);
    clock.pass_ms(1000);
    assert!(throttle.admit_write(shard, MIB));
    assert!(!throttle.admit_write(shard, 1));
    clock.set_wall(Timestamp(1 << 40));
    assert!(!throttle.admit_write(shard, 1), "the wall clock does not matter");
}

#[test]
fn a_record_of_many_seconds_passes_a_rested_shard_and_is_paid_for() {
    let (throttle, clock) = throttle(aws());
    let shard = ShardId(1);
    assert!(throttle.admit_write(shard, 10 * MIB));
    clock.pass_ms(9000);
    assert!(!throttle.admit_write(shard, 1));
    clock.pass_ms(1);
    assert!(throttle.admit_write(shard, 1));
}

#[test]
fn records_that_were_not_kept_take_nothing() {
    let (throttle, _) = throttle(aws());
    let shard = ShardId(1);
    for _ in 0..5 {
        assert_eq!((0..1000).filter(|_| throttle.admit_write(shard, 100)).count(), 1000);
        throttle.give_back_write(shard, 1000, 100_000);
    }
}

#[test]
fn a_shard_is_read_five_times_a_second_and_rests_five_seconds_after_ten_mebibytes() {
    let (throttle, clock) = throttle(aws());
    let shard = ShardId(1);
    assert_eq!((0..10).filter(|_| throttle.admit_read(shard)).count(), 5);
    clock.pass_ms(1000);
    assert!(throttle.admit_read(shard));
    throttle.count_read(shard, 10 * MIB);
    clock.pass_ms(5000);
    assert!(!throttle.admit_read(shard), "within the next five seconds");
    clock.pass_ms(1);
    assert!(throttle.admit_read(shard));
    throttle.count_read(shard, 400 * 1024);
    assert!(!throttle.admit_read(shard), "what was saved up is spent");
}

#[test]
fn calls_are_counted_by_their_key() {
    let (throttle, clock) = throttle(Rates::default());
    let call = |key: &str| throttle.admit_call(rate(2), key.to_owned());
    assert_eq!([call("a"), call("a"), call("a"), call("b")], [true, true, false, true]);
    clock.pass_ms(500);
    assert_eq!([call("a"), call("a")], [true, false]);
}

#[test]
fn shards_and_calls_that_are_idle_are_forgotten() {
    let (throttle, clock) = throttle(aws());
    for round in 0..20 {
        for id in 0..5000u64 {
            assert!(throttle.admit_write(ShardId(round * 5000 + id), 1));
            assert!(throttle.admit_call(rate(5), format!("{round}/{id}")));
        }
        clock.pass_ms(2000);
    }
    assert!(throttle.remembered() < 40_000, "{}", throttle.remembered());
}

#[test]
fn a_subscription_waits_for_what_it_was_pushed_too_fast() {
    let mut pace = Pace::new(Rate::new(2 * MIB as u64), 0);
    assert_eq!(pace.ready_in_ms(0), 0);
    pace.count(6 * MIB as u64);
    let wait_ms = pace.ready_in_ms(0);
    assert_eq!(wait_ms, 2001);
    assert!(pace.ready_in_ms(wait_ms - 1) > 0);
    assert_eq!(pace.ready_in_ms(wait_ms), 0);
}
