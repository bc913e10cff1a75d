//! The core against a model of plain vectors, and the log against the memory.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::service::queue::*;

const SHARDS: u32 = 3;
const QUEUE: u64 = 77;

#[derive(Clone, Debug)]
enum Step {
    /// New records are received from a shard.
    Receive {
        shard: u32,
        count: u16,
        timeout_ms: u64,
    },
    /// Visible records of a lane are received again.
    Again {
        lane: Lane,
        limit: usize,
        timeout_ms: u64,
    },
    /// A delivery of the past is wished something about.
    Wish {
        lane: Lane,
        picks: Vec<(prop::sample::Index, Wish)>,
    },
    Pass {
        ms: u64,
    },
    Expire {
        shard: u32,
        records: u64,
    },
    SetMax {
        max: Option<u32>,
    },
}

fn steps() -> impl Strategy<Value = Step> {
    let lane = prop_oneof![3 => Just(Lane::Normal), 2 => Just(Lane::Dead)];
    let wish = prop_oneof![
        3 => Just(Wish::Acknowledge),
        2 => (0..60u64).prop_map(Wish::Reappear),
        1 => Just(Wish::Restore),
    ];
    let picks = vec((any::<prop::sample::Index>(), wish), 1..4);
    prop_oneof![
        4 => (0..SHARDS, 1..=10u16, 0..50u64).prop_map(|(shard, count, timeout_ms)| {
            Step::Receive { shard, count, timeout_ms }
        }),
        4 => (lane.clone(), 1..9usize, 0..50u64)
            .prop_map(|(lane, limit, timeout_ms)| Step::Again { lane, limit, timeout_ms }),
        6 => (lane, picks).prop_map(|(lane, picks)| Step::Wish { lane, picks }),
        2 => (0..80u64).prop_map(|ms| Step::Pass { ms }),
        1 => (0..SHARDS, 0..30u64).prop_map(|(shard, records)| Step::Expire { shard, records }),
        1 => prop::option::of(1..4u32).prop_map(|max| Step::SetMax { max }),
    ]
}

/// What the model knows of a record that was ever received.
#[derive(Clone, Debug)]
struct Known {
    place: Place,
    visible_ms: u64,
    first_ms: u64,
    receive_count: u32,
    is_dead: bool,
    is_done: bool,
    delivery: u32,
}

#[derive(Default)]
struct Model {
    records: Vec<Known>,
    horizons: [u64; SHARDS as usize],
    /// Receipts of all deliveries, with whether the record was restored since.
    receipts: Vec<(Receipt, bool)>,
}

impl Model {
    fn find(&mut self, place: Place) -> &mut Known {
        self.records.iter_mut().find(|known| known.place == place).unwrap()
    }

    fn is_dead(known: &Known, max: Option<u32>, now: u64) -> bool {
        known.is_dead
            || known.visible_ms <= now && max.is_some_and(|max| known.receive_count >= max)
    }

    fn deliver(&mut self, place: Place, lane: Lane) {
        let known = self.find(place);
        known.receive_count += 1;
        known.delivery += 1;
        known.is_dead |= lane == Lane::Dead;
        let receipt = Receipt { queue: QUEUE, place, delivery: known.delivery, lane };
        self.receipts.push((receipt, false));
    }

    /// Whether the wish is granted, which is made true.
    fn wish(&mut self, index: usize, lane: Lane, wish: Wish, max: Option<u32>, now: u64) -> bool {
        let (receipt, was_restored) = self.receipts[index];
        if receipt.lane != lane {
            return false;
        }
        let known = self.find(receipt.place);
        if known.is_done {
            return wish == Wish::Acknowledge;
        }
        if known.delivery != receipt.delivery {
            return false;
        }
        if was_restored {
            return wish == Wish::Restore;
        }
        let is_dead_letter = Model::is_dead(known, max, now);
        match wish {
            Wish::Acknowledge => known.is_done = true,
            Wish::Reappear(_) if lane == Lane::Normal && is_dead_letter => return false,
            Wish::Reappear(ms) => known.visible_ms = now + ms,
            Wish::Restore if lane == Lane::Normal => return false,
            Wish::Restore => {
                known.is_dead = false;
                known.receive_count = 0;
                known.visible_ms = now;
                for (other, was_restored) in &mut self.receipts {
                    *was_restored |= *other == receipt;
                }
            }
        }
        true
    }
}

/// A log of the events, in memory, trimmed as the real one is.
struct Log {
    records: Vec<Vec<Event>>,
    rolling: Rolling,
    head: Option<usize>,
    start: Vec<(u32, u64)>,
}

impl Log {
    fn append(&mut self, state: &mut State, events: Vec<Event>) {
        if events.is_empty() {
            return;
        }
        match self.rolling.step(state) {
            Some(Part::Head(event)) => {
                self.head = Some(self.records.len());
                self.records.push(vec![event]);
            }
            Some(Part::Chunk(event)) => self.records.push(vec![event]),
            Some(Part::Last(event)) => {
                self.records.push(vec![event]);
                self.records.drain(..self.head.take().expect("a snapshot has a head"));
            }
            None => {}
        }
        self.rolling.wrote(encode_events(&events).len());
        events.iter().for_each(|event| state.apply(event).unwrap());
        self.records.push(events);
        assert_eq!(self.replay(state.receive_count_max()), *state, "replay is memory");
    }

    fn replay(&self, max: Option<u32>) -> State {
        let mut state = State::new(&self.start, max);
        let mut events = self.records.iter().flatten().peekable();
        if let Some(Event::Head { cursors }) = events.peek() {
            state.begin(cursors);
        }
        let bytes = events.map(|event| encode_events(std::slice::from_ref(event)));
        for event in bytes.flat_map(|bytes| decode_events(&bytes).unwrap()) {
            state.apply(&event).unwrap();
        }
        state
    }
}

fn check(state: &State, model: &Model, now: u64) {
    let max = state.receive_count_max();
    let live: Vec<_> = model.records.iter().filter(|known| !known.is_done).collect();
    assert_eq!(state.in_flight(), live.len() as u64);
    for known in &live {
        let entry = state.entry(known.place).expect("what is not acknowledged is in flight");
        assert_eq!(entry.receive_count(), known.receive_count);
        assert_eq!((entry.visible_ms, entry.first_ms), (known.visible_ms, known.first_ms));
    }
    for lane in Lane::ALL {
        let mut expected: Vec<_> = live
            .iter()
            .filter(|known| known.visible_ms <= now)
            .filter(|known| Model::is_dead(known, max, now) == (lane == Lane::Dead))
            .map(|known| known.place)
            .collect();
        let visible = state.visible(lane, now, usize::MAX);
        let mut visible: Vec<_> = visible.into_iter().map(|(place, _)| place).collect();
        let few = state.visible(lane, now, 2);
        assert_eq!(few.iter().map(|few| few.0).collect::<Vec<_>>(), visible[..few.len()]);
        visible.sort();
        expected.sort();
        assert_eq!(visible, expected, "what is visible in {lane:?}");
        assert_eq!(few.len(), expected.len().min(2));
    }
}

fn run(steps: Vec<Step>, pace: Pace) {
    let start = vec![(0, 0), (1, 1000)];
    let mut state = State::new(&start, Some(3));
    let mut log = Log { records: Vec::new(), rolling: Rolling::new(pace, 0), head: None, start };
    let mut model = Model { horizons: [0, 1000, 0], ..Model::default() };
    let mut now = 1_000_000;
    for step in steps {
        match step {
            Step::Pass { ms } => now += ms,
            Step::Receive { shard, count, timeout_ms } => {
                let horizon = model.horizons[shard as usize];
                let first = state.cursor(shard).max(horizon);
                let (received_ms, visible_ms) = (now, now + timeout_ms);
                let event =
                    Event::Received { shard, horizon, first, count, received_ms, visible_ms };
                for seq in first..first + u64::from(count) {
                    let place = Place { shard, seq };
                    model.records.push(Known {
                        place,
                        visible_ms,
                        first_ms: now,
                        receive_count: 0,
                        is_dead: false,
                        is_done: false,
                        delivery: 0,
                    });
                    model.deliver(place, Lane::Normal);
                }
                log.append(&mut state, vec![event]);
            }
            Step::Again { lane, limit, timeout_ms } => {
                let mut events = Vec::new();
                for (Place { shard, seq }, entry) in state.visible(lane, now, limit) {
                    let entry = entry.received(lane, now, now + timeout_ms);
                    events.push(Event::Assigned { shard, seq, entry });
                    model.deliver(Place { shard, seq }, lane);
                    model.find(Place { shard, seq }).visible_ms = now + timeout_ms;
                }
                log.append(&mut state, events);
            }
            Step::Wish { lane, picks } => {
                if model.receipts.is_empty() {
                    continue;
                }
                let picks: Vec<_> = picks
                    .into_iter()
                    .map(|(pick, wish)| (pick.index(model.receipts.len()), wish))
                    .collect();
                let wishes: Vec<_> =
                    picks.iter().map(|(pick, wish)| (model.receipts[*pick].0, *wish)).collect();
                let (events, verdicts) = decide(&state, now, lane, &wishes);
                for ((pick, wish), verdict) in picks.into_iter().zip(verdicts) {
                    let max = state.receive_count_max();
                    let granted = model.wish(pick, lane, wish, max, now);
                    assert_eq!(granted, verdict.is_ok(), "{wish:?} {verdict:?}");
                }
                log.append(&mut state, events);
            }
            Step::Expire { shard, records } => {
                let below = model.horizons[shard as usize] + records;
                model.horizons[shard as usize] = below;
                for known in &mut model.records {
                    known.is_done |= known.place.shard == shard && known.place.seq < below;
                }
                log.append(&mut state, vec![Event::Expired { shard, below }]);
            }
            Step::SetMax { max } => {
                if let Some(receive_count) = state.receive_count_max() {
                    for known in &mut model.records {
                        known.is_dead = Model::is_dead(known, Some(receive_count), now);
                    }
                    log.append(&mut state, vec![Event::Buried { receive_count, at_ms: now }]);
                }
                state.set_receive_count_max(max);
            }
        }
        check(&state, &model, now);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_core_does_as_the_model_and_every_prefix_of_the_log_replays_to_the_state(
        steps in vec(steps(), 1..60),
        snapshot_after_bytes in 0..600u64,
        chunk_after_bytes in 0..100u64,
        chunk_records_max in 1..9usize,
    ) {
        run(steps, Pace { snapshot_after_bytes, chunk_after_bytes, chunk_records_max });
    }
}

#[test]
fn records_of_a_log_record_that_was_lost_are_not_taken_for_acknowledged() {
    let received = |first| Event::Received {
        shard: 0,
        horizon: 0,
        first,
        count: 5,
        received_ms: 10,
        visible_ms: 20,
    };
    let after = [
        received(5),
        Event::Acknowledged { shard: 0, seq: 7 },
        Event::Assigned { shard: 0, seq: 7, entry: Entry::first_received(1, 1) },
        Event::Head { cursors: vec![(0, 5)] },
        Event::Chunk {
            shard: 0,
            from: 5,
            end: u64::MAX,
            entries: vec![(1, Entry::first_received(1, 1))],
        },
    ];
    for event in after {
        // The record that told of 0..5 is missing.
        let mut state = State::new(&[], None);
        state.apply(&event).unwrap();
        for seq in 0..5 {
            let entry = state.entry(Place { shard: 0, seq });
            assert_eq!(entry, Some(Entry::NEVER_RECEIVED), "{seq} after {event:?}");
        }
    }
}

#[test]
fn a_gap_too_large_to_be_true_is_refused() {
    let mut state = State::new(&[], None);
    let event = Event::Acknowledged { shard: 0, seq: 1 << 50 };
    assert_eq!(state.apply(&event), Err(Impossible));
}
