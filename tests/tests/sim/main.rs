//! The engine on a simulated disk: crashes, faults, rot, and planted bugs that must be caught.
#![allow(clippy::print_stdout, reason = "what was swept is part of the result")]

mod crash;
mod faults;
mod planted;
mod queue;
mod reshard;

/// Recovering thousands of disks is mostly asking for memory and giving it back.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The seed of this run: `FLOWSTONE_SEED`, or 1. Printed with every result, so that it replays.
fn seed() -> u64 {
    std::env::var("FLOWSTONE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1)
}
