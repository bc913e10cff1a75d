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
//! | `constraints/`       | each operation's input as a [`Shape`](crate::wire::Shape) |
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

use std::fmt;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::Stream;
use http::{HeaderMap, StatusCode};
use tokio::sync::OwnedSemaphorePermit;

pub use door::Door;

use crate::wire::BodyHash;

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
    /// SHA-256 of the body, where the headers say what it should be.
    pub body_hash: Option<BodyHash>,
}

/// What an answer carries.
pub enum Body {
    /// One piece.
    Whole(Vec<u8>),
    /// Frames of an event stream, sent one at a time as they come. The stream is asked for the
    /// next one when there is room to send it, and dropped when the client is gone.
    Events(Events),
}

/// Frames, in their order.
pub type Events = Pin<Box<dyn Stream<Item = Bytes> + Send>>;

impl Default for Body {
    fn default() -> Body {
        Body::Whole(Vec::new())
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Body {
        Body::Whole(bytes)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Body::Whole(bytes) => f.debug_tuple("Whole").field(&bytes.len()).finish(),
            Body::Events(_) => f.write_str("Events"),
        }
    }
}

/// An answer with its status.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The content type, where there is one.
    pub content_type: Option<&'static str>,
    /// The body.
    pub body: Body,
    /// Memory that the body is accounted under, given back when it is sent.
    pub hold: Option<OwnedSemaphorePermit>,
}

impl Reply {
    /// A short answer.
    #[must_use]
    pub fn new(status: StatusCode, content_type: Option<&'static str>, body: Vec<u8>) -> Reply {
        Reply { status, content_type, body: Body::Whole(body), hold: None }
    }

    /// What the service answers when nothing says which operation is meant.
    pub(crate) fn access_denied() -> Reply {
        let body = "<AccessDeniedException>\n  <Message>Unable to determine service/operation name \
                    to be authorized</Message>\n</AccessDeniedException>\n";
        Reply::new(StatusCode::FORBIDDEN, None, body.into())
    }
}

/// What an operation answers when all went well.
#[derive(Debug, Default)]
pub struct Answer {
    /// The document, empty for operations without output; or the events.
    pub body: Body,
    /// Memory that it is accounted under.
    pub hold: Option<OwnedSemaphorePermit>,
}

impl Answer {
    /// An answer that goes on: frames made by [`event_stream`](crate::wire::event_stream).
    pub fn events(events: impl Stream<Item = Bytes> + Send + 'static) -> Answer {
        Answer { body: Body::Events(Box::pin(events)), hold: None }
    }
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
        Answer { body: document.finish().into(), hold: None }
    }
}
