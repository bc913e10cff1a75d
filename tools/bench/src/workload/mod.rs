//! What is asked of systems: each workload measures itself and its anchors once a round.
//!
//! | file           | owns |
//! |----------------|------|
//! | `bench.rs`     | what all workloads share: cores, scratch space, the server's program, spans |
//! | `engine.rs`    | the engine without a server: batches; one shard and ten thousand |
//! | `batches.rs`   | durable batch puts over HTTP, and the processor time that they take |
//! | `singles.rs`   | single puts over 1, 16 and 64 connections |
//! | `fixed_rate.rs`| single puts at a fixed rate |
//! | `consume.rs`   | from a put to a reader that has it: by subscription, by polling |
//! | `catch_up.rs`  | reading from the beginning, before and after a restart |
//! | `seal.rs`      | log lines into a compressed segment |
//! | `recovery.rs`  | starting on what a killed server left |
//! | `shapes.rs`    | single puts over a thousand connections, and of a megabyte |
//! | `soak.rs`      | single puts at 70 % of the most, for minutes |
//! | `peers.rs`     | the same batches and single puts, to other systems |

pub mod bench;

mod batches;
mod catch_up;
mod consume;
mod engine;
mod fixed_rate;
mod peers;
mod recovery;
mod seal;
mod shapes;
mod singles;
mod soak;

use std::io;

use serde::Serialize;

use crate::figure::Sample;
use crate::load::Percentiles;
use bench::Bench;

/// Bytes of a record.
pub const RECORD_BYTES: usize = 1024;

/// A workload.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// Its name.
    pub name: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
    /// When it runs.
    pub when: When,
    run: fn(&Bench) -> io::Result<Round>,
}

/// When a workload runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// In every round, unless others are asked for.
    Always,
    /// In every round, when it is asked for by name.
    ByName,
    /// The same, in the first round alone: it takes minutes.
    ByNameOnce,
}

/// What one round of a workload says.
#[derive(Clone, Debug, Default)]
pub struct Round {
    /// Of each quantity.
    pub samples: Vec<Sample>,
    /// Loads, for the plots.
    pub loads: Vec<Load>,
    /// What could not be measured, and why.
    pub missing: Vec<String>,
}

/// A load of a round: how much went through, and how long each operation took.
#[derive(Clone, Debug, Serialize)]
pub struct Load {
    /// What it was.
    pub name: String,
    /// Records a second.
    pub records_a_second: f64,
    /// How long operations took.
    pub latency: Percentiles,
}

impl Workload {
    /// Runs it once.
    pub fn round(&self, bench: &Bench) -> io::Result<Round> {
        (self.run)(bench)
    }
}

/// All workloads.
pub const ALL: &[Workload] = &[
    Workload {
        name: "engine",
        about: "the engine alone: 500 x 1 KiB appends; commits over 1 and 10,000 shards",
        when: When::Always,
        run: engine::run,
    },
    Workload {
        name: "batches",
        about: "PutRecords of 500 x 1 KiB over 4 connections, durable",
        when: When::Always,
        run: batches::run,
    },
    Workload {
        name: "singles",
        about: "PutRecord of 1 KiB over 1, 16 and 64 connections, durable",
        when: When::Always,
        run: singles::run,
    },
    Workload {
        name: "shapes",
        about: "PutRecord of 1 KiB over 1,000 connections, and of 1 MB over 4",
        when: When::Always,
        run: shapes::run,
    },
    Workload {
        name: "fixed-rate",
        about: "PutRecord of 1 KiB, 2,000 a second whatever happens",
        when: When::Always,
        run: fixed_rate::run,
    },
    Workload {
        name: "consume",
        about: "PutRecord 500 times a second, and when a subscription has each, and a reader that polls",
        when: When::Always,
        run: consume::run,
    },
    Workload {
        name: "catch-up",
        about: "GetRecords from the beginning: what was just written, and after a restart",
        when: When::Always,
        run: catch_up::run,
    },
    Workload {
        name: "seal",
        about: "32 MiB of log lines into a compressed segment, on one core",
        when: When::Always,
        run: seal::run,
    },
    Workload {
        name: "recovery",
        about: "kill -9, then the time until the server listens",
        when: When::Always,
        run: recovery::run,
    },
    Workload {
        name: "peers",
        about: "the same batches and single puts to Redis and NATS, as they come and flushing each",
        when: When::Always,
        run: peers::run,
    },
    Workload {
        name: "peers-slow",
        about: "the same to Kafka, emulators of Kinesis and an endpoint, by name alone: they need a while",
        when: When::ByName,
        run: peers::run_slow,
    },
    Workload {
        name: "recovery-sealed",
        about: "the same with 10 GB of records sealed, by name alone",
        when: When::ByNameOnce,
        run: recovery::run_sealed,
    },
    Workload {
        name: "soak",
        about: "PutRecord at 70 % of the most for ten minutes (--quick: one), by name alone",
        when: When::ByNameOnce,
        run: soak::run,
    },
];
