//! How long operations took, to three digits, from a microsecond to an hour.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// The longest that is told apart from longer ones, in nanoseconds.
const LONGEST_NS: u64 = 3_600_000_000_000;

/// Digits that are kept.
const DIGITS: u8 = 3;

/// Latencies in nanoseconds.
#[derive(Clone, Debug)]
pub struct Latencies(Histogram<u64>);

/// Some percentiles, in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Percentiles {
    /// Half were as quick.
    pub p50_ms: f64,
    /// Ninety of a hundred were.
    pub p90_ms: f64,
    /// Ninety-nine of a hundred were.
    pub p99_ms: f64,
    /// All but one of a thousand were.
    pub p999_ms: f64,
    /// The slowest.
    pub max_ms: f64,
}

impl Default for Latencies {
    fn default() -> Latencies {
        let histogram = Histogram::new_with_bounds(1000, LONGEST_NS, DIGITS);
        Latencies(histogram.expect("these bounds are in order"))
    }
}

impl Latencies {
    /// Notes one.
    pub fn note(&mut self, latency: Duration) {
        let ns = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.0.saturating_record(ns);
    }

    /// Adds those of `other`.
    pub fn add(&mut self, other: &Latencies) {
        self.0.add(&other.0).expect("all have the same bounds");
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// `quantile` of them, from 0 to 1, were as quick as this many milliseconds.
    #[must_use]
    pub fn at_ms(&self, quantile: f64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "an hour is below 2^52 nanoseconds")]
        let ns = self.0.value_at_quantile(quantile) as f64;
        ns / 1e6
    }

    /// The percentiles that are reported.
    #[must_use]
    pub fn percentiles(&self) -> Percentiles {
        Percentiles {
            p50_ms: self.at_ms(0.5),
            p90_ms: self.at_ms(0.9),
            p99_ms: self.at_ms(0.99),
            p999_ms: self.at_ms(0.999),
            max_ms: self.at_ms(1.0),
        }
    }
}
