//! `kill -9` of the store, under load.
//!
//! Any store is killed over the line protocol. Flowstone's own server is killed under several
//! concurrent clients of its API: load, SIGKILL at a random moment, restart, read everything back,
//! check.
//!
//! ```text
//!   Load (writers) -------put--> server            server --get--> readback
//!   Resharder -split, merge---->   |                                  |
//!        |                         +--receive--> Consumers            v
//!        v                      <-acknowledge----'   |              check -> findings
//!      Ledger: what was sent, what was answered ---- | ------------>  ^
//!                                                    +-> Deliveries --+
//! ```
//!
//! | file          | owns |
//! |---------------|------|
//! | `backend.rs`  | the back end: which store, and how often |
//! | `store.rs`    | any store, over the line protocol |
//! | `server.rs`   | Flowstone's server: rounds as units |
//! | `record.rs`   | records that say who wrote them, and whose bytes can be checked |
//! | `ledger.rs`   | what was sent and what was acknowledged |
//! | `progress.rs` | how far a round's writers are |
//! | `load.rs`     | the writers |
//! | `reshard.rs`  | one who splits, merges and scales a stream |
//! | `consume.rs`  | the consumers of a queue |
//! | `deliveries.rs` | what the queue delivered, and the verdict on it |
//! | `readback.rs` | all records of all shards, as the server gives them |
//! | `check.rs`    | the verdict: lost, doubled, out of order, wrong |
//! | `plant.rs`    | destroying acknowledged records on disk, to see that it is noticed |
//! | `rounds.rs`   | one round after the other |
//!
//! **Invariant** no record is ever sent twice: a writer that does not get an answer goes on with
//! another number. So a number that is read twice was doubled by the server.
//! **Invariant** what was not answered may have happened or not: it is never held against the server.

mod backend;
pub mod check;
pub mod consume;
pub mod deliveries;
pub mod ledger;
pub mod load;
pub mod plant;
pub mod progress;
pub mod readback;
pub mod record;
pub mod reshard;
pub mod rounds;
mod server;
mod store;

#[cfg(test)]
mod tests;

pub use backend::Settings;
