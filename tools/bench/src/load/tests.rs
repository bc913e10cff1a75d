//! Schedules and percentiles.

use std::time::Duration;

use super::open::Schedule;
use super::{Latencies, Measured};

#[test]
fn connections_share_a_schedule_evenly() {
    let interval = Duration::from_millis(1);
    let of_one = |first| {
        let schedule = Schedule { first, stride: 3, interval };
        (0..4).map(move |number| schedule.due(number))
    };
    let mut due: Vec<_> = (0..3).flat_map(of_one).collect();
    due.sort_unstable();
    assert_eq!(due, (0..12).map(Duration::from_millis).collect::<Vec<_>>());
}

#[test]
fn percentiles_are_those_of_what_was_noted() {
    let mut latencies = Latencies::default();
    for ms in 1..=1000 {
        latencies.note(Duration::from_millis(ms));
    }
    let is_near = |quantile, ms: f64| (latencies.at_ms(quantile) / ms - 1.0).abs() < 0.002;
    assert!(is_near(0.5, 500.0) && is_near(0.99, 990.0) && is_near(1.0, 1000.0));
}

#[test]
fn a_rate_is_operations_over_the_counted_time() {
    let measured = Measured { latencies: Latencies::default(), operations: 300, seconds: 1.5 };
    assert!((measured.rate() - 200.0).abs() < 1e-9);
}
