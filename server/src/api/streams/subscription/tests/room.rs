//! What readers hold in memory that do not read, and that they hold nobody else.

use serde_json::json;
use tokio::time::{Instant, advance};

use super::super::*;
use super::world::{World, data_of};
use crate::api::streams::fan_out::HELD_MAX;

/// A budget that one large event takes whole.
const ONE_EVENT_BYTES: usize = 1 << 20;

fn horizon() -> serde_json::Value {
    json!({"Type": "TRIM_HORIZON"})
}

#[tokio::test(start_paused = true)]
async fn nothing_is_made_until_what_was_made_before_is_sent() {
    let mut world = World::new().await;
    let mut reader = world.subscribe("LATEST").await;
    world.put(0, b"a");
    let piece = reader.piece().await.unwrap();
    world.put(0, b"b");
    assert!(reader.is_idle());
    drop(piece);
    assert_eq!(data_of(&reader.next().await.unwrap()), ["b"]);
}

#[tokio::test(start_paused = true)]
async fn a_large_event_comes_whole_in_pieces() {
    let mut world = World::new().await;
    let data = "0123456789".repeat(300_000);
    world.put(0, data.as_bytes());
    let mut reader = world.subscribe("TRIM_HORIZON").await;
    let mut pieces = 0;
    while event_stream::decode(&reader.buffer).unwrap().is_none() {
        let piece = reader.piece().await.unwrap();
        assert!(piece.len() <= PIECE_BYTES);
        reader.buffer.extend_from_slice(&piece);
        pieces += 1;
    }
    assert!(pieces > data.len() / PIECE_BYTES);
    assert_eq!(data_of(&reader.next().await.unwrap()), [data]);
    world.put(0, b"next");
    assert_eq!(data_of(&reader.next().await.unwrap()), ["next"]);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_does_not_take_its_event_gives_its_room_to_who_waits() {
    let mut world = World::with_fan_out(ONE_EVENT_BYTES).await;
    world.put(0, &vec![b'x'; 2 * ONE_EVENT_BYTES]);
    let mut stalled = world.subscribe("TRIM_HORIZON").await;
    let piece = stalled.piece().await.unwrap();
    advance(SILENCE_MAX / 5).await;
    let mut other = world.subscribe_at("0", "d", horizon()).await.unwrap();
    let began = Instant::now();
    let event = other.next().await.unwrap();
    assert_eq!(data_of(&event)[0].len(), 2 * ONE_EVENT_BYTES);
    assert!(began.elapsed() < HELD_MAX);
    // It ends short of a whole event: its reader comes back to the same place.
    drop(piece);
    assert!(stalled.piece().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_keeps_its_room_while_nobody_wants_it() {
    let mut world = World::with_fan_out(ONE_EVENT_BYTES).await;
    world.put(0, &vec![b'x'; 2 * ONE_EVENT_BYTES]);
    let mut slow = world.subscribe("TRIM_HORIZON").await;
    while event_stream::decode(&slow.buffer).unwrap().is_none() {
        let piece = slow.piece().await.unwrap();
        slow.buffer.extend_from_slice(&piece);
        advance(HELD_MAX).await;
    }
    assert_eq!(data_of(&slow.next().await.unwrap())[0].len(), 2 * ONE_EVENT_BYTES);
    // That took longer than a session.
    assert!(slow.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_room_hears_how_far_behind_that_leaves_it() {
    let mut world = World::with_fan_out(ONE_EVENT_BYTES).await;
    world.put(0, &vec![b'x'; 2 * ONE_EVENT_BYTES]);
    let mut waiting = world.subscribe_at("1", "c", json!({"Type": "LATEST"})).await.unwrap();
    assert!(waiting.is_idle());
    advance(SILENCE_MAX / 5 * 3).await;
    let mut stalled = world.subscribe("TRIM_HORIZON").await;
    let _piece = stalled.piece().await.unwrap();
    world.put(1, &vec![b'y'; 2 * ONE_EVENT_BYTES]);
    world.pass_ms(77);
    let event = waiting.next().await.unwrap();
    assert_eq!(event["Records"], json!([]));
    assert_eq!(event["MillisBehindLatest"], 77);
    assert_eq!(data_of(&waiting.next().await.unwrap())[0].len(), 2 * ONE_EVENT_BYTES);
}

#[tokio::test(start_paused = true)]
async fn small_events_pass_when_there_is_no_room_and_stay_small() {
    let mut world = World::with_fan_out(ONE_EVENT_BYTES).await;
    world.put(0, &vec![b'x'; 2 * ONE_EVENT_BYTES]);
    let mut stalled = world.subscribe("TRIM_HORIZON").await;
    let _piece = stalled.piece().await.unwrap();
    let expected: Vec<_> = (0..200).map(|number| number.to_string()).collect();
    for data in &expected {
        world.put(1, data.as_bytes());
    }
    let mut reader = world.subscribe_at("1", "c", horizon()).await.unwrap();
    let (began, mut all) = (Instant::now(), Vec::new());
    while all.len() < expected.len() {
        let piece = reader.piece().await.unwrap();
        assert!(piece.len() <= 2 * PIECE_BYTES);
        reader.buffer.extend_from_slice(&piece);
        drop(piece);
        all.extend(data_of(&reader.next().await.unwrap()));
    }
    assert_eq!(all, expected);
    assert_eq!(began.elapsed(), Duration::ZERO);
}
