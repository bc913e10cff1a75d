//! What a record in flight costs.

use crate::service::queue::*;

const RECORDS: u64 = 1_000_000;

/// Bytes of state for each record in flight, at most.
const BYTES_PER_RECORD_MAX: usize = 40;

fn received(records: u64, shards: u32) -> State {
    let mut state = State::new(&[], Some(6));
    for batch in 0..records / 10 {
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
    let mut state = received(RECORDS, 4);
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

/// Bytes that the engine adds to a log record and to an append, at most: headers.
const RECORD_BYTES: usize = 8;
const APPEND_BYTES: usize = 128;

/// A log that only counts its bytes, trimmed as the real one is.
struct Counter {
    rolling: Rolling,
    log_bytes: usize,
    since_head: usize,
    event_bytes: usize,
    part_bytes: usize,
}

impl Counter {
    fn append(&mut self, state: &mut State, events: &[Event]) {
        if let Some(part) = self.rolling.step(state) {
            let bytes = encode_events(std::slice::from_ref(part.event())).len() + RECORD_BYTES;
            match part {
                Part::Head(_) => self.since_head = 0,
                Part::Last(_) => self.log_bytes = self.since_head,
                Part::Chunk(_) => {}
            }
            self.add(bytes);
            self.part_bytes += bytes;
        }
        let bytes = encode_events(events).len() + RECORD_BYTES + APPEND_BYTES;
        self.add(bytes);
        self.event_bytes += bytes;
        events.iter().for_each(|event| state.apply(event).unwrap());
    }

    fn add(&mut self, bytes: usize) {
        self.rolling.wrote(bytes);
        self.log_bytes += bytes;
        self.since_head += bytes;
    }
}

#[test]
fn a_log_stays_a_small_multiple_of_the_state() {
    // A tenth of a million: all grows in proportion.
    const IN_FLIGHT: u64 = RECORDS / 10;
    const STATE_BYTES_PER_RECORD: usize = 28;
    let mut state = received(IN_FLIGHT, 4);
    let rolling = Rolling::new(Pace::default(), 0);
    let mut log = Counter { rolling, log_bytes: 0, since_head: 0, event_bytes: 0, part_bytes: 0 };
    let mut longest = 0;
    let mut oldest = [0; 4];
    let rounds = 40_000u32;
    for round in 0..rounds {
        // Ten are received, and the ten oldest acknowledged.
        let shard = round % 4;
        let first = state.cursor(shard);
        let (received_ms, visible_ms) = (1_000_000, 1_030_000);
        let event =
            Event::Received { shard, horizon: 0, first, count: 10, received_ms, visible_ms };
        log.append(&mut state, &[event]);
        let oldest = &mut oldest[shard as usize];
        let done = *oldest..*oldest + 10;
        *oldest = done.end;
        let events: Vec<_> = done.map(|seq| Event::Acknowledged { shard, seq }).collect();
        log.append(&mut state, &events);
        longest = longest.max(log.log_bytes);
    }
    assert_eq!(state.in_flight(), IN_FLIGHT);
    let records = rounds as usize * 10;
    let state_bytes = usize::try_from(IN_FLIGHT).unwrap() * STATE_BYTES_PER_RECORD;
    println!(
        "{} bytes of events a record received and acknowledged in tens, {} of snapshots; the log \
         at its longest {} kB, the state {} kB",
        log.event_bytes / records,
        log.part_bytes / records,
        longest / 1000,
        state_bytes / 1000
    );
    let slack = 2 * usize::try_from(limits::SNAPSHOT_AFTER_BYTES).unwrap();
    assert!(longest < 3 * state_bytes + slack, "{longest}");
}
