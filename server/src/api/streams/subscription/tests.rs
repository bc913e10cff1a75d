//! Subscriptions over an engine on a simulated disk, in time that passes when the tests say so.

mod ends;
mod room;
mod world;

use flowstone_engine::types::Timestamp;
use serde_json::json;

use super::*;
use crate::api::streams::Limits;
use crate::service::limits::{Rate, Rates};
use world::{BEGAN_MS, World, data_of};

#[tokio::test(start_paused = true)]
async fn a_fast_shard_is_pushed_at_the_pace_but_never_silent_for_longer_than_it_may_be() {
    let consumer_bytes = Rate::new(1000);
    let rates = Rates { consumer_bytes, ..Rates::default() };
    let mut world = World::with(|limits| Limits { rates, ..limits }).await;
    let mut events = world.subscribe("LATEST").await;
    let clock = Arc::clone(&world.clock);
    let mut push = async |data: &[u8]| {
        let _appended = world.enqueue(0, data);
        world.commit();
        let began = Instant::now();
        let event = events.next().await.unwrap();
        assert_eq!(event["Records"].as_array().unwrap().len(), 1);
        began.elapsed()
    };
    assert_eq!(push(&[0; 9000]).await, Duration::ZERO);
    // The clock of the pace stands still: only the silence lets this one out.
    assert_eq!(push(b"a").await, SILENCE_MAX);
    clock.pass_ms(9000);
    assert_eq!(push(b"b").await, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn an_idle_reader_has_an_event_every_five_seconds_for_five_minutes() {
    let world = World::new().await;
    let mut events = world.subscribe("LATEST").await;
    let began = Instant::now();
    let (mut count, mut continued) = (0, String::new());
    while let Some(event) = events.next().await {
        count += 1;
        assert_eq!(began.elapsed(), SILENCE_MAX * count);
        assert_eq!(event["Records"], json!([]));
        assert_eq!(event["MillisBehindLatest"], 0);
        let next = event["ContinuationSequenceNumber"].as_str().unwrap();
        assert!(next > continued.as_str(), "idle, it goes on with the time");
        continued = next.to_owned();
        world.pass_ms(1000);
    }
    assert_eq!(began.elapsed(), LIFE);
    // The last one would come when the time is up.
    assert_eq!(u64::from(count), LIFE.as_secs() / SILENCE_MAX.as_secs() - 1);
}

#[tokio::test(start_paused = true)]
async fn a_record_is_pushed_when_it_is_durable_and_not_before() {
    let mut world = World::new().await;
    let mut events = world.subscribe("LATEST").await;
    let began = Instant::now();
    let written = world.enqueue(0, b"a");
    assert!(events.is_idle(), "nothing is durable yet");
    world.commit();
    assert!(written.await.unwrap().is_ok());
    let event = events.next().await.unwrap();
    assert_eq!(data_of(&event), ["a"]);
    assert_eq!(event["Records"][0]["ApproximateArrivalTimestamp"], BEGAN_MS as f64 / 1000.0);
    assert_eq!(began.elapsed(), Duration::ZERO, "pushed, not found by looking again");
    // Silence counts from the event on.
    world.pass_ms(1);
    events.next().await.unwrap();
    assert_eq!(began.elapsed(), SILENCE_MAX);
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_behind_the_continuation_misses_nothing_and_sees_nothing_twice() {
    let mut world = World::new().await;
    world.put(0, b"before");
    let mut events = world.subscribe("LATEST").await;
    world.put(0, b"a");
    world.put(0, b"b");
    let event = events.next().await.unwrap();
    assert_eq!(data_of(&event), ["a", "b"]);
    let behind = event["ContinuationSequenceNumber"].clone();
    let last = &event["Records"][1]["SequenceNumber"];
    assert!(behind.as_str() >= last.as_str());
    drop(events);
    world.put(0, b"c");
    let after = json!({"Type": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": behind});
    let mut events = world.subscribe_at("0", "c", after).await.unwrap();
    assert_eq!(data_of(&events.next().await.unwrap()), ["c"]);
    // Also behind an event without records, and with the clock set back meanwhile.
    world.clock.set_wall(Timestamp(BEGAN_MS - 60_000));
    let idle = events.next().await.unwrap();
    assert_eq!(idle["Records"], json!([]));
    let behind_idle = idle["ContinuationSequenceNumber"].clone();
    assert!(behind_idle.as_str() > behind.as_str());
    drop(events);
    world.put(0, b"d");
    let after = json!({"Type": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": behind_idle});
    let mut events = world.subscribe_at("0", "c", after).await.unwrap();
    assert_eq!(data_of(&events.next().await.unwrap()), ["d"]);
}

#[tokio::test(start_paused = true)]
async fn a_position_that_retention_has_passed_goes_on_at_the_horizon_without_spinning() {
    const DAY_MS: u64 = 24 * 3_600_000;
    let mut world = World::new().await;
    world.put(0, b"old");
    let mut events = world.subscribe("TRIM_HORIZON").await;
    let first = events.next().await.unwrap();
    drop(events);
    world.put(0, b"also old");
    world.pass_ms(DAY_MS + 1);
    let at = first["Records"][0]["SequenceNumber"].clone();
    let at = json!({"Type": "AT_SEQUENCE_NUMBER", "SequenceNumber": at});
    let mut events = world.subscribe_at("0", "c", at).await.unwrap();
    assert!(events.is_idle(), "it waits, and is not woken");
    world.put(0, b"new");
    assert_eq!(data_of(&events.next().await.unwrap()), ["new"]);
}

#[tokio::test(start_paused = true)]
async fn how_far_a_reader_is_behind_is_told_until_it_has_all() {
    let mut world = World::new().await;
    world.put(0, &vec![b'x'; LARGE.bytes]);
    world.pass_ms(1500);
    world.put(0, b"y");
    let mut events = world.subscribe("TRIM_HORIZON").await;
    let event = events.next().await.unwrap();
    assert_eq!(data_of(&event).len(), 1);
    assert_eq!(event["MillisBehindLatest"], 1500);
    let event = events.next().await.unwrap();
    assert_eq!(data_of(&event), ["y"]);
    assert_eq!(event["MillisBehindLatest"], 0);
}
