//! The engine on a simulated disk that is crashed at every operation.
//!
//! ```text
//!   seed -> Shape --append, seal, compact, expire, reopen--> Rig (engine + crew + SimDisk)
//!              |                                                |
//!              |          before each operation of the disk: Moment (machine, what was told)
//!              v                                                |
//!           Client (History: issued, acknowledged, seen) <--check-- power lost, process killed:
//!                                                               recovered Rig, some of them twice
//! ```
//!
//! A workload is run once and its machine copied before each operation, which costs microseconds;
//! each copy is crashed in several ways. A fault changes what comes after it: there the workload
//! is run again for each.
//!
//! | file          | owns |
//! |---------------|------|
//! | `rig.rs`      | an engine on a simulated disk, driven turn by turn |
//! | `history.rs`  | what was issued, acknowledged and seen, and what must hold after a crash |
//! | `client.rs`   | the client: its history, and what it waits for |
//! | `shapes.rs`   | the workloads |
//! | `workload.rs` | scripted work that follows from a seed; the moments of a run |
//! | `changes.rs`  | changes of shards in a workload |
//! | `beside.rs`   | a table of the caller's own, changed together with shards |
//! | `recover.rs`  | recovering a machine, and checking it lightly or to the bottom |
//! | `files.rs`    | files held against the catalog |
//! | `sweep.rs`    | a crash or a fault at every operation of a workload |
//! | `rot.rs`      | bits that rot, blocks that are stale or misdirected |
//! | `backend.rs`  | crashes and faults as back ends of the lab |
//! | `planted.rs`  | planted bugs, each with the sweep that catches it |
//! | `queue/`      | the same for a queue of the server |
//! | `reshard.rs`  | a stream that is split and merged at random while it is used |
//! | `lineage.rs`  | reading it, parents before children, and what must hold of what is read |
//!
//! **Invariant** one seed gives one run, byte for byte.

pub mod backend;
mod beside;
mod changes;
pub mod client;
mod files;
pub mod history;
pub mod lineage;
pub mod planted;
pub mod queue;
pub mod recover;
pub mod reshard;
pub mod rig;
pub mod rot;
pub mod shapes;
pub mod sweep;
pub mod workload;
