//! Queues: records of a stream delivered to many consumers, each until it is acknowledged.
//!
//! ```text
//!   receive --> select (visible again, then new) --\
//!   acknowledge, reappear, restore --> decide ------+--events--> delivery log (engine) --> answer
//!                                                   |                ^ snapshot, part by part
//!                                                   +--events--> State (memory)
//! ```
//!
//! | file          | owns |
//! |---------------|------|
//! | `limits.rs`   | every bound |
//! | `entry.rs`    | one record in flight |
//! | `page.rs`     | the records in flight among 256 neighbours |
//! | `state.rs`    | cursors and records in flight; what an event does to them |
//! | `event.rs`    | events, and their bytes |
//! | `snapshot.rs` | when which part of a snapshot is written |
//! | `receipt.rs`  | receipts, and what is granted for them |
//! | `settling.rs` | appends under way, and whether one failed |
//! | `log.rs`      | the delivery log: appending, replaying, trimming |
//! | `live.rs`     | state and log together |
//! | `select.rs`   | which records a receive delivers |
//! | `queue.rs`    | one queue, for one caller at a time |
//! | `wait.rs`     | receives that wait |
//! | `row.rs`      | a queue's row in the catalog |
//! | `queues.rs`   | which queues there are |
//! | `offload.rs`  | where calls run that wait for the disk |
//!
//! A record below its shard's cursor and not in flight was acknowledged, or has expired: nothing is
//! kept of it. So memory and log grow with what is received and not acknowledged, and with nothing
//! else.
//!
//! A queue never sees its stream split or merged: a stream that has a queue is on demand and stays
//! so, and the shards of one on demand cannot be changed. But it may have been split before it went
//! on demand: a queue that begins before that delivers the records of closed shards, too.
//!
//! **Invariant** nothing is answered before it is durable: neither a record that was received, nor
//! an acknowledgement.
//! **Invariant** a record that was not acknowledged is in flight, or at or behind the cursor, until
//! it expires; a failed append or a crash never takes it for acknowledged.
//! **Invariant** an acknowledgement that was answered is never forgotten.

mod entry;
mod event;
pub mod limits;
mod live;
mod log;
mod offload;
mod page;
#[expect(clippy::module_inception, reason = "the file is about one queue, the folder about all")]
mod queue;
mod queues;
mod receipt;
mod row;
mod select;
mod settling;
mod snapshot;
mod state;
mod wait;

#[cfg(test)]
mod tests;

pub use entry::{Entry, Lane};
pub use event::{Event, decode as decode_events, encode as encode_events};
pub use offload::Offload;
pub use queue::{Context, Queue, QueueState, Received};
pub use queues::{CreateQueue, CreateQueueError, Queues, Unchanging};
pub use receipt::{Receipt, Refusal, Wish, decide};
pub use row::{QueueRow, QueueStart};
pub use select::{Ask, Run};
pub use snapshot::{Pace, Part, Rolling};
pub use state::{Impossible, Place, State};
