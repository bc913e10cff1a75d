//! What streams are, whoever asks: the registry, routing, sequence numbers, iterators.
//!
//! ```text
//!   api::* -> Streams (registry) -> Engine::create_shards / delete_shards, catalog rows
//!          -> Stream (one immutable snapshot): routes, shards -> Engine::append / read
//! ```
//!
//! | file          | owns |
//! |---------------|------|
//! | `row.rs`      | a stream's row in the catalog |
//! | `stream.rs`   | a stream as it is now: state, shards, routes |
//! | `registry.rs` | which streams there are; making and deleting them |
//! | `routing.rs`  | hash keys and ranges |
//! | `sequence.rs` | sequence numbers, both ways |
//! | `iterator.rs` | opaque tokens |
//! | `queue/`      | queues: delivery to many consumers, each record until it is acknowledged |
//! | `date.rs`     | dates as the service's messages print them |
//!
//! **Invariant** a stream is in the registry as ACTIVE only while its row and its shard logs are
//! durable.
//! **API boundary** nothing here names HTTP, JSON or an exception of AWS.

mod date;
mod iterator;
pub mod queue;
mod registry;
mod routing;
mod row;
mod sequence;
mod stream;

#[cfg(test)]
mod tests;

pub use date::java_date;
pub use iterator::{ITERATOR_LIFE_MS, Opened, Purpose, ShardIterator, TOKEN_CHARS_MAX, Tokens};
pub use registry::{
    ChangeError, CreateError, CreateStream, StreamKey, StreamLimits, StreamPath, Streams,
};
pub use routing::{Routes, even_ranges, hash_of, parse_hash_key};
pub use row::{Distribution, Mode, ShardRow, StreamRow};
pub use sequence::{COUNTER_MAX, Digits, Parsed, SequenceNumber};
pub use stream::{State, Stream, parse_shard_name, shard_name};
