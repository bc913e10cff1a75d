//! The kill -9 loop: load from several writers, SIGKILL at a random moment, restart, read
//! everything back, check.
//!
//! ```text
//!   Load (writers) --put--> server            server --get--> readback
//!        |                                                        |
//!        v                                                        v
//!      Ledger: what was sent, what was acknowledged ----------> check -> findings
//! ```
//!
//! | file          | owns |
//! |---------------|------|
//! | `record.rs`   | records that say who wrote them, and whose bytes can be checked |
//! | `ledger.rs`   | what was sent and what was acknowledged |
//! | `load.rs`     | the writers |
//! | `readback.rs` | all records of all shards, as the server gives them |
//! | `check.rs`    | the verdict: lost, doubled, out of order, wrong |
//! | `plant.rs`    | destroying acknowledged records on disk, to see that it is noticed |
//! | `rounds.rs`   | one round after the other |
//!
//! **Invariant** no record is ever sent twice: a writer that does not get an answer goes on with
//! another number. So a number that is read twice was doubled by the server.

pub mod check;
pub mod ledger;
pub mod load;
pub mod plant;
pub mod readback;
pub mod record;
pub mod rounds;

#[cfg(test)]
mod tests;
