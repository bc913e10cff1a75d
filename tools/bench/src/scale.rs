//! How much is measured.

use std::time::Duration;

use crate::load::Span;

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Next to nothing: does it run at all?
    Tiny,
    /// Ends within two minutes.
    Quick,
    /// Rounds that are long enough for figures to be told to others. Still less than a gigabyte
    /// a load: the disks of rented machines have an allowance.
    Full,
}

impl Scale {
    /// Rounds of each workload.
    #[must_use]
    pub const fn rounds(self) -> usize {
        match self {
            Scale::Tiny | Scale::Quick => 1,
            Scale::Full => 5,
        }
    }

    /// How long a load runs.
    #[must_use]
    pub const fn span(self) -> Span {
        let (warm_up, counted) = match self {
            Scale::Tiny => (10, 50),
            Scale::Quick => (300, 1000),
            Scale::Full => (500, 2000),
        };
        Span { warm_up: Duration::from_millis(warm_up), counted: Duration::from_millis(counted) }
    }

    /// How long a system that compiles while it runs is loaded before it is measured. A broker of
    /// Kafka on one core puts a sixth of its records in the first second.
    #[must_use]
    pub const fn compile_time(self) -> Duration {
        Duration::from_millis(match self {
            Scale::Tiny => 10,
            Scale::Quick => 6_000,
            Scale::Full => 12_000,
        })
    }

    /// How long an anchor is measured.
    #[must_use]
    pub const fn anchor_time(self) -> Duration {
        Duration::from_millis(match self {
            Scale::Tiny => 20,
            Scale::Quick => 300,
            Scale::Full => 800,
        })
    }

    /// Stretches of a soak, and how long each is.
    #[must_use]
    pub const fn soak(self) -> (usize, Duration) {
        match self {
            Scale::Tiny => (2, Duration::from_millis(50)),
            Scale::Quick => (6, Duration::from_secs(10)),
            Scale::Full => (10, Duration::from_secs(60)),
        }
    }

    /// Bytes that a server is given before anything is measured: its journal files have all been
    /// made by then, and are used again from now on.
    #[must_use]
    pub const fn settle_bytes(self) -> u64 {
        match self {
            Scale::Tiny => 0,
            Scale::Quick | Scale::Full => 1_100 << 20,
        }
    }

    /// Bytes of records that are sealed before a start is measured; told of after each of so many.
    #[must_use]
    pub const fn sealed_bytes(self) -> (u64, u64) {
        const GB: u64 = 1_000_000_000;
        match self {
            Scale::Tiny => (1, 1),
            Scale::Quick | Scale::Full => (10 * GB, GB),
        }
    }
}
