//! Systems under load: how each is started, and the bytes that its clients send.
//!
//! | file or folder | owns |
//! |----------------|------|
//! | `host.rs`      | a server as a child process: its core, its directory, its processor time |
//! | `flowstone.rs` | starting Flowstone |
//! | `redis.rs`     | starting Redis; `XADD` over its protocol |
//! | `kafka/`       | starting Kafka; produce requests over its protocol |
//! | `nats.rs`      | starting NATS; acknowledged publishing to JetStream over its protocol |
//! | `kinesis.rs`   | `PutRecord` and `PutRecords` over HTTP, for every server that speaks Kinesis |
//! | `events.rs`    | `SubscribeToShard` and its events |
//! | `poller.rs`    | `GetRecords` again and again |
//! | `http.rs`      | HTTP/1.1 over one connection |
//! | `emulators.rs` | starting Kinesalite, kinesis-local and moto |
//! | `process.rs`   | a process's processor time, and waiting until it takes none |
//!
//! Requests are made before the clock starts: a client that encodes while it is timed measures
//! itself. Each connection sends a few different ones in turn.

pub mod emulators;
pub mod events;
pub mod flowstone;
pub mod host;
pub mod http;
pub mod kafka;
pub mod kinesis;
pub mod nats;
pub mod poller;
pub mod process;
pub mod redis;

use std::io;

/// Records of a batch.
pub const BATCH_RECORDS: usize = 500;

/// What a client does once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// One record, acknowledged.
    Single,
    /// [`BATCH_RECORDS`] records, all acknowledged.
    Batch,
}

impl Operation {
    /// Records that it puts.
    #[must_use]
    pub const fn records(self) -> usize {
        match self {
            Operation::Single => 1,
            Operation::Batch => BATCH_RECORDS,
        }
    }
}

/// A client's connection to a system, with the requests that it sends in turn.
#[derive(Debug)]
pub enum Connection {
    /// To a server that speaks Kinesis.
    Kinesis(kinesis::Connection),
    /// To Redis.
    Redis(redis::Connection),
    /// To NATS.
    Nats(nats::Connection),
    /// To Kafka.
    Kafka(kafka::Connection),
}

impl Connection {
    /// Puts what `operation` says, and waits until all of it is acknowledged.
    pub async fn run(&mut self, operation: Operation) -> io::Result<()> {
        match self {
            Connection::Kinesis(connection) => connection.run(operation).await,
            Connection::Redis(connection) => connection.run(operation).await,
            Connection::Nats(connection) => connection.run(operation).await,
            Connection::Kafka(connection) => connection.run(operation).await,
        }
    }
}
