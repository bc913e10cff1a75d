//! Tests of the bytes of events.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::service::queue::*;

pub(super) fn entries() -> impl Strategy<Value = Entry> {
    (0..u64::MAX, any::<u64>(), 0..9u32, any::<bool>()).prop_map(|(visible, first, more, dead)| {
        let entry = Entry::first_received(first, visible).restored(visible);
        let received = (0..more).fold(entry, |entry, _| entry.received(Lane::Normal, 1, visible));
        if dead { received.dead() } else { received }
    })
}

fn events() -> impl Strategy<Value = Event> {
    let seq = 0..u64::MAX;
    prop_oneof![
        (any::<u32>(), any::<u64>(), 0..1u64 << 60, 1..=10u16, 0..u64::MAX, 0..u64::MAX).prop_map(
            |(shard, horizon, first, count, received_ms, visible_ms)| Event::Received {
                shard,
                horizon,
                first,
                count,
                received_ms,
                visible_ms
            }
        ),
        (any::<u32>(), seq.clone(), entries()).prop_map(|(shard, seq, entry)| Event::Assigned {
            shard,
            seq,
            entry
        }),
        (any::<u32>(), seq).prop_map(|(shard, seq)| Event::Acknowledged { shard, seq }),
        (any::<u32>(), any::<u64>()).prop_map(|(shard, below)| Event::Expired { shard, below }),
        (any::<u32>(), 0..u64::MAX)
            .prop_map(|(receive_count, at_ms)| Event::Buried { receive_count, at_ms }),
        proptest::collection::btree_map(any::<u32>(), any::<u64>(), 0..5)
            .prop_map(|cursors| Event::Head { cursors: cursors.into_iter().collect() }),
        (any::<u32>(), 0..1u64 << 60, proptest::collection::btree_map(0..5000u32, entries(), 0..9))
            .prop_map(|(shard, from, entries)| {
                let end = from + 5000;
                Event::Chunk { shard, from, end, entries: entries.into_iter().collect() }
            }),
    ]
}

proptest! {
    #[test]
    fn events_survive_their_bytes(events in vec(events(), 0..6)) {
        prop_assert_eq!(decode_events(&encode_events(&events)), Some(events));
    }

    #[test]
    fn any_bytes_decode_or_are_refused(bytes in vec(any::<u8>(), 0..200)) {
        if let Some(events) = decode_events(&bytes) {
            prop_assert_eq!(encode_events(&events), bytes);
        }
    }

    #[test]
    fn a_cut_record_is_refused_or_says_less(events in vec(events(), 1..4), cut in 1..60usize) {
        let bytes = encode_events(&events);
        let cut = &bytes[..bytes.len().saturating_sub(cut)];
        if let Some(fewer) = decode_events(cut) {
            prop_assert!(fewer.len() < events.len());
        }
    }
}

#[test]
fn a_record_that_is_never_visible_is_refused() {
    let never = Entry::first_received(0, u64::MAX);
    for event in [
        Event::Assigned { shard: 0, seq: 1, entry: never },
        Event::Chunk { shard: 0, from: 0, end: 9, entries: vec![(1, never)] },
        Event::Buried { receive_count: 1, at_ms: u64::MAX },
        Event::Received {
            shard: 0,
            horizon: 0,
            first: 0,
            count: 1,
            received_ms: 0,
            visible_ms: u64::MAX,
        },
    ] {
        assert!(decode_events(&encode_events(std::slice::from_ref(&event))).is_none(), "{event:?}");
    }
}

#[test]
fn the_bytes_are_those_of_the_table() {
    let entry = Entry::first_received(0x0102, 0x0304).dead();
    let events = [
        Event::Received { shard: 1, horizon: 2, first: 3, count: 4, received_ms: 5, visible_ms: 6 },
        Event::Assigned { shard: 1, seq: 7, entry },
        Event::Acknowledged { shard: 1, seq: 7 },
        Event::Expired { shard: 1, below: 9 },
        Event::Buried { receive_count: 6, at_ms: 10 },
        Event::Head { cursors: vec![(0, 8), (2, 11)] },
        Event::Chunk { shard: 1, from: 256, end: u64::MAX, entries: vec![(5, entry)] },
    ];
    let hex: String = encode_events(&events).iter().map(|byte| format!("{byte:02x}")).collect();
    let golden = concat!(
        "01",
        "01010000000200000000000000030000000000000004000500000000000000",
        "0600000000000000",
        "02010000000700000000000000",
        "0403000000000000020100000000000001000000",
        "00000080",
        "03010000000700000000000000",
        "04010000000900000000000000",
        "05060000000a00000000000000",
        "0602000000000000000800000000000000020000000b00000000000000",
        "07010000000001000000000000ffffffffffffffff01000000",
        "05000000",
        "0403000000000000020100000000000001000000",
        "00000080",
    );
    assert_eq!(hex, golden);
}
