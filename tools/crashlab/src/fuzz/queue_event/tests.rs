//! What is fuzzed from must be what it says.

use super::*;

#[test]
fn every_seed_is_a_log_record_and_the_last_ends_in_what_cannot_have_happened() {
    let seeds = seeds();
    let decoded: Vec<_> = seeds.iter().map(|seed| decode_events(seed).unwrap()).collect();
    let last = decoded.last().unwrap();
    let mut state = State::new(&[(0, 5)], Some(3));
    let outcomes: Vec<_> = last.iter().map(|event| state.apply(event).is_ok()).collect();
    assert_eq!(outcomes, [true, false]);
    assert_eq!(state.in_flight(), 0, "part of it has happened");
    seeds.iter().for_each(|seed| body(seed));
}
