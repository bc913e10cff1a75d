//! The AWS wire formats, without any one service's words: shapes, values, texts, credentials.
//!
//! ```text
//!   bytes --read (directed by a Shape)--> Value --constraints (the same Shape)--> an operation's Input
//!   an operation's Output --write--> bytes                 Exception --write--> bytes
//! ```
//!
//! | file             | owns |
//! |------------------|------|
//! | `shape.rs`       | tables that describe an operation's input: members, kinds, bounds |
//! | `pattern.rs`     | the model's regular expressions as functions |
//! | `value.rs`       | what a request holds, borrowed from its body, and typed access to it |
//! | `format.rs`      | the two formats that documents come and go in |
//! | `cbor/`          | CBOR: heads of items, and a parser beside serde_json's |
//! | `read.rs`        | from bytes to values in one pass, directed by a shape |
//! | `constraints.rs` | a shape's bounds held against values, in the service's words |
//! | `echo.rs`        | values as violations repeat them |
//! | `blob.rs`        | base64 in requests: its length, its decoding, what is wrong with it |
//! | `write.rs`       | responses, written straight into one buffer |
//! | `event_stream/`  | answers that go on, in frames |
//! | `exception.rs`   | an error answer: code, status, message |
//! | `credentials.rs` | who calls: region and account from a signature's credential scope |
//! | `body_hash.rs`   | the SHA-256 that a request says its body has |
//!
//! **Invariant** memory for a parsed request is bounded by its shape: lists stop being stored one
//! element past their bound, members that the shape does not name are skipped.
//!
//! **API boundary** reading goes through serde: JSON and CBOR differ in their deserializers alone.

mod blob;
mod body_hash;
mod cbor;
mod constraints;
mod credentials;
mod echo;
pub mod event_stream;
mod exception;
mod format;
mod pattern;
mod read;
mod shape;
mod value;
mod write;

#[cfg(test)]
mod tests;

pub use blob::{decode_blob, decoded_bytes};
pub use body_hash::{BodyHash, Declared, check_hash, declared_hash};
pub use constraints::check;
pub use credentials::{Caller, Defaults, read_caller};
pub use exception::Exception;
pub use format::Format;
pub use pattern::{
    CONSUMER_ARN, HASH_KEY, Pattern, QUEUE_ARN, RESOURCE_ARN, SEQUENCE_NUMBER, STREAM_ARN,
    STREAM_ID, WORD,
};
pub use read::{is_document, read};
pub use shape::{Bounds, Kind, Member, Shape, Text};
pub use value::{Blob, Fields, Value};
pub use write::Writer;
