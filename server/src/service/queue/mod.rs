//! Queues: records of a stream delivered to many consumers, each until it is acknowledged.
mod entry;
mod event;
pub mod limits;
mod page;
mod receipt;
mod snapshot;
mod state;

#[cfg(test)]
mod tests;

pub use entry::{Entry, Lane};
pub use event::{Event, decode as decode_events, encode as encode_events};
pub use receipt::{Receipt, Refusal, Wish, decide};
pub use snapshot::{Pace, Part, Rolling};
pub use state::{Impossible, Place, State};
