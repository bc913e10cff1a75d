//! HTTP: from sockets to complete requests, and back.
//!
//! ```text
//!   listener --bounded connections--> sniff --> connection --head--> router --POST--> body --> api::Door
//!                                                                       |---GET /health
//! ```
//!
//! | file             | owns |
//! |------------------|------|
//! | `listener.rs`    | accepting, the bound on connections, the graceful stop |
//! | `sniff.rs`       | which protocol a connection speaks, told by its first bytes |
//! | `connection.rs`  | one connection's protocol: the only place that names HTTP/1 and HTTP/2 |
//! | `patience.rs`    | how long an HTTP/2 connection may go on |
//! | `stall.rs`       | a socket that gives up on a peer that takes no bytes |
//! | `router.rs`      | method and path to an answer; CORS |
//! | `body.rs`        | a request's body into one buffer, within bounds of size, time and memory |
//! | `respond.rs`     | an answer with its headers |
//! | `request_id.rs`  | the identities that go with each answer |
//!
//! **Invariant** every wait for a peer has an end, and every buffer for one has a bound.

mod body;
mod connection;
mod listener;
mod patience;
mod request_id;
mod respond;
mod router;
mod sniff;
mod stall;

#[cfg(test)]
mod tests;

use std::time::Duration;

pub use listener::{Listener, Stopped};
pub use router::{Health, Router};

/// Bounds of the HTTP side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once; more wait to be accepted.
    pub connections_max: usize,
    /// Bytes of one request's body.
    pub request_bytes_max: usize,
    /// Bytes of all requests' bodies at once; more wait to be read.
    pub body_bytes_in_flight_max: usize,
    /// To send a request's head, and to begin the next one on a connection kept alive.
    pub head_timeout: Duration,
    /// Between two pieces of a body, and for the peer to take a piece of an answer.
    pub idle_timeout: Duration,
    /// To send a whole body; over HTTP/2, to take a whole answer.
    pub body_timeout: Duration,
    /// To finish what is in flight when the server stops.
    pub stop_timeout: Duration,
}
