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
//! | `address.rs`  | a stream's name with whose and where it is |
//! | `bounds.rs`   | what an account may have, and what it has |
//! | `registry.rs` | which streams there are; making and deleting them |
//! | `planned.rs`  | streams that should exist at the start |
//! | `lineage.rs`  | how shards come from one another |
//! | `reshard.rs`  | splitting and merging while the stream is used; removing expired shards |
//! | `put.rs`      | records on their way in, also across a reshard |
//! | `consumers.rs`| registered consumers |
//! | `seat.rs`     | who reads a shard as a consumer: one at a time |
//! | `routing.rs`  | hash keys and ranges |
//! | `sequence.rs` | sequence numbers, both ways |
//! | `iterator.rs` | opaque tokens |
//! | `tags.rs`     | which tags are allowed; adding and removing them |
//! | `account.rs`  | an account's settings |
//! | `queue/`      | queues: delivery to many consumers, each record until it is acknowledged |
//! | `limits/`     | what clients may ask for in a second |
//! | `date.rs`     | dates as the service's messages print them |
//!
//! **Invariant** a stream is in the registry as ACTIVE only while its row and its shard logs are
//! durable.
//! **API boundary** nothing here names HTTP, JSON or an exception of AWS.

mod account;
mod address;
mod bounds;
mod consumers;
mod date;
mod iterator;
pub mod limits;
mod lineage;
mod planned;
mod put;
pub mod queue;
mod registry;
mod reshard;
mod routing;
mod row;
mod seat;
mod sequence;
mod stream;
mod tags;

#[cfg(test)]
mod tests;

pub use account::{ACCOUNTS_MAX, AccountError, Accounts, Commitment};
pub use address::{StreamKey, StreamPath};
pub use bounds::{StreamLimits, Usage};
pub use consumers::{Consumer, ConsumerRow, Consumers, RegisterError};
pub use date::java_date;
pub use iterator::{ITERATOR_LIFE_MS, Opened, Purpose, ShardIterator, TOKEN_CHARS_MAX, Tokens};
pub use lineage::{Child, Generation, LineageError, merge, split, toward};
pub use planned::{Planned, PlannedStream};
pub use put::{Placed, Put, PutError, PutPart};
pub use registry::{ChangeError, CreateError, CreateStream, Streams};
pub use reshard::{Reshard, ReshardError, Resharded};
pub use routing::{Routes, even_ranges, hash_of, parse_hash_key};
pub use row::{Distribution, Mode, ShardRow, StreamRow};
pub use seat::{Ended, Seat, Seats, TAKE_OVER_AFTER_MS};
pub use sequence::{COUNTER_MAX, Digits, Parsed, SequenceNumber};
pub use stream::{State, Stream, parse_shard_name, shard_name};
pub use tags::{TAGS_MAX, TagError, Tags, add_tags, check_tag_texts, new_tags, remove_tags};
