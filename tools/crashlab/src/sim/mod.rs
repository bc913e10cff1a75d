//! The engine on a simulated disk that is crashed at every operation.
//!
//! ```text
//!   seed -> Workload --append, seal, compact, expire, reopen--> Rig (engine + crew + SimDisk)
//!                |                                                 | crash at operation n
//!                +--> History (issued, acknowledged, seen) <--check-- recovered Rig, twice
//! ```
//!
//! | file          | owns |
//! |---------------|------|
//! | `rig.rs`      | an engine on a simulated disk, driven turn by turn |
//! | `history.rs`  | what was issued, acknowledged and seen, and what must hold after a crash |
//! | `workload.rs` | scripted work that follows from a seed |
//! | `queue/`      | the same for a queue of the server |
//! | `changes.rs`  | changes of shards in a workload |
//! | `sweep.rs`    | a crash or a fault at every operation of a workload |
//! | `reshard.rs`  | a stream that is split and merged at random while it is used |
//! | `lineage.rs`  | reading it, parents before children, and what must hold of what is read |
//!
//! **Invariant** one seed gives one run, byte for byte.

mod changes;
pub mod history;
pub mod lineage;
pub mod queue;
pub mod reshard;
pub mod rig;
pub mod sweep;
pub mod workload;
