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
//! | `sweep.rs`    | a crash or a fault at every operation of a workload |
//!
//! **Invariant** one seed gives one run, byte for byte.

pub mod history;
pub mod queue;
pub mod rig;
pub mod sweep;
pub mod workload;
