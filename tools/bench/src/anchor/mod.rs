//! What the machine can do: no system does better.
//!
//! | file          | owns |
//! |---------------|------|
//! | `disk.rs`     | append and flush, into a growing and into a recycled file |
//! | `loopback.rs` | a request and an answer over the loopback |
//! | `memory.rs`   | copying memory |

pub mod disk;
pub mod loopback;
pub mod memory;
