//! Apache Kafka: produce requests that every replica acknowledges, over its protocol.
//!
//! | file           | owns |
//! |----------------|------|
//! | `broker.rs`    | starting a broker that is its own controller |
//! | `request.rs`   | the bytes of requests |
//! | `batch.rs`     | the bytes of a record batch, and its checksum |
//! | `connection.rs`| sending requests, and what the broker says of them |
//!
//! Two requests are spoken, in the oldest versions that brokers still take: `Metadata` v1, which makes
//! the topic, and `Produce` v3. Records lie in batches of the same format as in newer versions.

mod batch;
mod broker;
mod connection;
mod request;
#[cfg(test)]
mod tests;

pub use broker::{Flush, start, version};
pub use connection::{Connection, create_topic};
pub use request::Requests;

/// Partitions of the topic: as many as there are shards elsewhere.
const PARTITIONS: usize = 4;
