//! Damage at rest: bits that rot, zeros, blocks in the wrong place, blocks of the past.
//!
//! ```text
//!   Scene (a disk, what is on it) --copy--> Damage --> engine opens it and reads everything
//!                                                          |  (now and then: appends, seals,
//!   Tally <-- harmless | noticed | reported | refused <----+   compacts, loses power, again)
//!         <-- wrong bytes, undetected, phantom, unusable, false alarm
//! ```
//!
//! | file         | owns |
//! |--------------|------|
//! | `scene.rs`   | disks that are ready to be damaged |
//! | `known.rs`   | what must be served from them |
//! | `damage.rs`  | what is done to them |
//! | `state.rs`   | one damaged disk, and the verdict on it |
//! | `quiet.rs`   | keeping panics from being printed that are counted |
//! | `backend.rs` | which damages a run goes through, unit by unit |
//! | `planted.rs` | bugs that are planted, and what catches them |
//!
//! **Invariant** a record or a row is served as it was acknowledged, or its reader is told that
//! something is damaged.
//! **Invariant** damage that touches nothing anybody needs is noticed by nobody.

pub mod backend;
pub mod damage;
pub mod known;
pub mod planted;
mod quiet;
pub mod scene;
pub mod state;

#[cfg(test)]
mod tests;

pub use backend::{Flips, Settings};
