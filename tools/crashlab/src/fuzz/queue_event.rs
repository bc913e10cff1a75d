//! Records of delivery logs: what is accepted encodes to what it was, and does to a state what it
//! does twice.

#[cfg(test)]
mod tests;

use flowstone_server::service::queue::{Entry, Event, Lane, State, decode_events, encode_events};

use crate::fuzz::edit::edit;
use crate::fuzz::input::Input;

/// Decodes `data` as it is, and a log record of ours that was edited by it.
pub fn body(data: &[u8]) {
    check(data);
    let mut input = Input::new(data);
    let mut record = encode_events(&some_events());
    edit(&mut record, &mut input);
    check(&record);
}

fn check(record: &[u8]) {
    let Some(events) = decode_events(record) else { return };
    assert_eq!(encode_events(&events), record, "events encode to what they were");
    let mut state = State::new(&[(0, 5)], Some(3));
    let have_happened = events.iter().all(|event| state.apply(event).is_ok());
    let all = State::visible(&state, Lane::Normal, u64::MAX, usize::MAX).len()
        + State::visible(&state, Lane::Dead, u64::MAX, usize::MAX).len();
    assert_eq!(all as u64, state.in_flight(), "every record in flight is in one lane");
    // After an impossible event a state is of no use: part of it may have happened.
    if let Some(event) = events.last().filter(|_| have_happened) {
        let mut twice = state.clone();
        assert!(twice.apply(event).is_ok());
        assert!(twice == state, "an event twice is as once: {event:?}");
    }
}

fn some_events() -> Vec<Event> {
    let entry = Entry::first_received(10, 20).received(Lane::Normal, 30, 40);
    vec![
        Event::Received { shard: 0, horizon: 2, first: 5, count: 9, received_ms: 7, visible_ms: 8 },
        Event::Assigned { shard: 0, seq: 6, entry: entry.dead() },
        Event::Acknowledged { shard: 0, seq: 7 },
        Event::Expired { shard: 0, below: 6 },
        Event::Buried { receive_count: 2, at_ms: 45 },
        Event::Head { cursors: vec![(0, 14), (1, 3)] },
        Event::Chunk { shard: 0, from: 8, end: 300, entries: vec![(1, entry), (9, entry)] },
    ]
}

/// Each event alone, all together, and one that is impossible behind one that it undoes.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let events = some_events();
    let entry = Entry::first_received(10, 20);
    let undone = [
        Event::Assigned { shard: 0, seq: 6, entry },
        Event::Received {
            shard: 0,
            horizon: 8,
            first: u64::MAX - 9,
            count: 9,
            received_ms: 7,
            visible_ms: 8,
        },
    ];
    let alone = events.iter().map(|event| encode_events(std::slice::from_ref(event)));
    alone.chain([encode_events(&events), encode_events(&[]), encode_events(&undone)]).collect()
}
