//! What is left after power loss, and after the death of the process alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::disk::SimDisk;
use super::inode::{Dirty, Inode, Luck};
use super::state::State;
use crate::entropy::{Entropy, SeededEntropy};

impl SimDisk {
    /// The disk as the machine finds it after power loss, wholly durable, unlocked and without
    /// faults. `seed` decides the fate of each thing that was not flushed, and seeds the new disk.
    /// This disk is left as it is: one moment can be crashed in many ways.
    #[must_use]
    pub fn crash(&self, seed: u64) -> Arc<SimDisk> {
        let entropy = SeededEntropy::new(seed);
        // Cases that many independent choices would hardly ever make.
        let luck = match entropy.below(8) {
            0 => Luck::Bad,
            1 => Luck::Good,
            _ => Luck::Mixed,
        };
        let state = self.state();
        let names = state.names.after_power_loss(&entropy);
        let reachable = names.reachable();
        let mut inodes = BTreeMap::new();
        for (number, inode) in &state.inodes {
            let left = inode.after_power_loss(&in_flight(&state, *number), luck, &entropy);
            if reachable.contains(number) {
                inodes.insert(*number, left);
            }
        }
        SimDisk::of(State::with(entropy.bits(), names, inodes, state.capacity))
    }

    /// The disk as the next process finds it when this one is killed: everything it wrote is
    /// there and not flushed; each ring write in flight is there or not. No locks, no faults.
    #[must_use]
    pub fn kill(&self) -> Arc<SimDisk> {
        let state = self.state();
        let mut inodes: BTreeMap<u64, Inode> = BTreeMap::new();
        for (number, inode) in &state.inodes {
            let mut inode = inode.for_next_process();
            for write in in_flight(&state, *number) {
                if state.entropy.below(2) == 0 {
                    inode.write_at(write.bytes, write.offset);
                }
            }
            inodes.insert(*number, inode);
        }
        let seed = state.entropy.bits();
        SimDisk::of(State::with(seed, state.names.clone(), inodes, state.capacity))
    }
}

fn in_flight(state: &State, inode: u64) -> Vec<Dirty> {
    let of_inode = state.in_flight.iter().filter(|write| write.inode == inode);
    of_inode.map(|write| write.write.clone()).collect()
}
