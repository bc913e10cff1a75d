//! The front-ends: one folder an AWS service, all of the same inner shape.
//!
//! ```text
//!   http --Arrived--> door --Call--> <service>::dispatch --> ops/<operation> --> service, engine
//!        <---Reply---      <--------------- bytes or Exception
//! ```
//!
//! | file       | owns |
//! |------------|------|
//! | `door.rs`  | the order of checks that all JSON services share, before any operation runs |
//! | `faults.rs`| the table from engine errors to AWS codes |
//! | `streams/` | Kinesis Data Streams, `Kinesis_20131202` |
//!
//! The contract of a front-end's folder:
//!
//! | file                | owns |
//! |---------------------|------|
//! | `mod.rs`            | the operations table: operation, file, engine verb, divergence; dispatch |
//! | `constraints.rs`    | each operation's input as a [`Shape`](crate::wire::Shape) |
//! | `model.rs`          | what operations share of requests and responses |
//! | `error.rs`          | this service's exceptions |
//! | `state.rs`          | what its operations work on |
//! | `ops/<operation>.rs`| `Input` (parsed: after `Input::read` it is right by type), `run` and its `Output`, whose `write` is the answer |
//! | `tests.rs`          | its tests |
//!
//! **Invariant** siblings never import siblings.
//! **Invariant** an operation sees no header and no socket: what it needs of them is in [`Caller`].

mod door;
mod faults;
pub mod streams;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use tokio::sync::OwnedSemaphorePermit;

pub use door::Door;

#[cfg(doc)]
use crate::wire::Caller;

/// A request, complete.
#[derive(Debug)]
pub struct Arrived {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its query string.
    pub query: Option<String>,
    /// Its body.
    pub body: Bytes,
}

/// An answer, complete.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The content type, where there is one.
    pub content_type: Option<&'static str>,
    /// The body.
    pub body: Bytes,
    /// Memory that the body is accounted under, given back when it is sent.
    pub hold: Option<OwnedSemaphorePermit>,
}

impl Reply {
    /// A short answer.
    #[must_use]
    pub fn new(status: StatusCode, content_type: Option<&'static str>, body: Vec<u8>) -> Reply {
        Reply { status, content_type, body: body.into(), hold: None }
    }
}

/// What an operation answers when all went well.
#[derive(Debug, Default)]
pub struct Answer {
    /// The document; empty for operations without output.
    pub body: Vec<u8>,
    /// Memory that it is accounted under.
    pub hold: Option<OwnedSemaphorePermit>,
}

/// What operations without output answer: an empty body.
#[derive(Clone, Copy, Debug)]
pub struct Done;

impl Done {
    /// Writes nothing.
    #[must_use]
    pub fn write(self, _: crate::wire::Writer) -> Answer {
        Answer::default()
    }
}

impl From<crate::wire::Writer> for Answer {
    fn from(document: crate::wire::Writer) -> Answer {
        Answer { body: document.finish(), hold: None }
    }
}
