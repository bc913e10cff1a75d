//! Fuzzing: every decoder that bytes from the wire or from the disk reach.
//!
//! ```text
//!   tests/fuzz (cargo-fuzz, nightly) --\
//!                                       +--> Target { body, seeds } --> a decoder, and its oracle
//!   tests/tests/fuzz.rs --> runner ----/
//! ```
//!
//! | file                | decoder | asserted beyond "no panic" |
//! |---------------------|---------|----------------------------|
//! | `frame.rs`          | frames, headers, records | what decodes encodes to the same bytes |
//! | `journal_header.rs` | journal file headers | round trip; the choice comes from a copy |
//! | `journal_file.rs`   | scan, identify, verdict | items follow one another; damage lies in the file |
//! | `segment.rs`        | segments | damage is noticed; no frame is made up; verify sees all |
//! | `catalog_file.rs`   | the catalog's file | a commit that succeeds is read back |
//! | `catalog_rows.rs`   | catalog values, and opening on them | round trip |
//! | `recovery.rs`       | a whole data directory | no record is made up; opens again |
//! | `request.rs`        | requests of every operation | no 5xx; every answer is a document |
//! | `cbor.rs`           | CBOR inputs of every operation | the same document in JSON is read alike |
//! | `event_stream.rs`   | event-stream frames | round trip; no frame is made up |
//! | `value.rs`          | documents and constraints | bounded memory; what passes is in bounds |
//! | `blob.rs`           | base64 | against an encoder of our own |
//! | `credentials.rs`    | SigV4 header and query | account and region are well-formed |
//! | `token.rs`          | iterators, listing tokens | what was touched is refused |
//! | `queue_event.rs`    | delivery logs of queues | round trip; an event twice is as once |
//! | `number.rs`         | sequence numbers, shard ids, hash keys | round trip |
//! | `config.rs`         | the configuration file | what is settled can be run with |
//!
//! As a back end of the lab: `backend.rs`. What carries all of them: `input.rs` (bytes taken apart), `edit.rs` (edits to valid bytes),
//! `forge.rs` (checksums made good again), `world.rs` (a server over a simulated disk),
//! `mutate.rs` and `runner.rs` (fuzzing without a fuzzer, the same for the same seed).

mod backend;
pub mod blob;
pub mod catalog_file;
pub mod catalog_rows;
pub mod cbor;
pub mod config;
pub mod credentials;
pub mod edit;
pub mod event_stream;
pub mod forge;
pub mod frame;
pub mod input;
pub mod journal_file;
pub mod journal_header;
pub mod mutate;
pub mod number;
pub mod queue_event;
pub mod recovery;
pub mod request;
pub mod runner;
pub mod segment;
pub mod token;
pub mod value;
pub mod world;

pub use backend::Settings;

/// A decoder under fuzz.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, also that of its binary in `tests/fuzz`.
    pub name: &'static str,
    /// Feeds it bytes; panics when a promise is broken.
    pub body: fn(&[u8]),
    /// Inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Of a thousand executions of all targets, how many are this one's.
    pub share: u32,
}

macro_rules! targets {
    ($($name:ident $share:literal,)*) => {
        /// All targets.
        pub const TARGETS: &[Target] = &[$(Target {
            name: stringify!($name),
            body: $name::body,
            seeds: $name::seeds,
            share: $share,
        },)*];
    };
}

targets! {
    frame 120,
    journal_header 120,
    journal_file 20,
    segment 20,
    catalog_file 2,
    catalog_rows 1,
    recovery 1,
    request 20,
    cbor 110,
    event_stream 110,
    value 120,
    blob 120,
    credentials 110,
    token 30,
    queue_event 4,
    number 52,
    config 40,
}

/// The target called `name`.
#[must_use]
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
