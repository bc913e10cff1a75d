//! A queue of a server on a simulated disk: several consumers, crashes, faults.
//!
//! ```text
//!   seed -> Workload --receive, acknowledge, reappear, restore, put, reopen--> Shop (queue + Rig)
//!                |                                                               | crash
//!                +--> History (put, delivered, acknowledged) <--drain-- recovered Shop
//! ```
//!
//! | file          | owns |
//! |---------------|------|
//! | `shop.rs`     | a stream with a queue over an engine that is driven turn by turn |
//! | `history.rs`  | what was delivered and acknowledged, and what must hold |
//! | `workload.rs` | scripted work that follows from a seed |
//! | `sweep.rs`    | a crash or a fault at many operations of a workload |
//!
//! **Invariant** one seed gives one run.

pub mod history;
pub mod shop;
pub mod sweep;
pub mod workload;
