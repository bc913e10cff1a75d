//! What a record in flight costs.

use crate::service::queue::*;

const RECORDS: u64 = 1_000_000;

/// Bytes of state for each record in flight, at most.
const BYTES_PER_RECORD_MAX: usize = 40;

fn received(shards: u32) -> State {
    let mut state = State::new(&[], Some(6));
    for batch in 0..RECORDS / 10 {
        let shard = u32::try_from(batch).unwrap() % shards;
        let first = state.cursor(shard);
        let (received_ms, visible_ms) = (batch, batch + 30_000);
        let event =
            Event::Received { shard, horizon: 0, first, count: 10, received_ms, visible_ms };
        state.apply(&event).unwrap();
    }
    state
}

#[test]
fn a_million_records_in_flight_take_few_bytes_each() {
    let mut state = received(4);
    assert_eq!(state.in_flight(), RECORDS);
    let bytes = state.heap_bytes() / usize::try_from(RECORDS).unwrap();
    println!("{bytes} bytes of memory a record in flight");
    assert!(bytes <= BYTES_PER_RECORD_MAX, "{bytes}");
    // Two of three acknowledged: pages are worse filled.
    for shard in 0..4 {
        for seq in (0..RECORDS / 4).filter(|seq| seq % 3 != 0) {
            state.apply(&Event::Acknowledged { shard, seq }).unwrap();
        }
    }
    let bytes = state.heap_bytes() / usize::try_from(state.in_flight()).unwrap();
    println!("{bytes} bytes of memory a record in flight, one of three left");
    assert!(bytes <= 3 * BYTES_PER_RECORD_MAX, "{bytes}");
    for shard in 0..4 {
        for seq in (0..RECORDS / 4).filter(|seq| seq % 3 == 0) {
            state.apply(&Event::Acknowledged { shard, seq }).unwrap();
        }
    }
    assert_eq!((state.in_flight(), state.heap_bytes()), (0, 0));
}
