//! The machine at one moment, and what is left of it after power loss, or after the death of the
//! process alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::content::{fold, mix};
use super::disk::SimDisk;
use super::faults::{Fault, Op};
use super::inode::{Dirty, Inode, Luck};
use super::names::{Names, Node};
use super::state::{InFlight, State};
use crate::entropy::{Entropy, SeededEntropy};

/// A simulated machine as it was at one moment. Cheap: bytes are shared with the machine until one
/// of them writes.
#[derive(Clone)]
pub struct Snapshot {
    names: Names,
    inodes: BTreeMap<u64, Inode>,
    in_flight: Vec<InFlight>,
    capacity: Option<u64>,
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").field("files", &self.inodes.len()).finish_non_exhaustive()
    }
}

/// The moment before an operation, as whoever watches a disk is shown it.
pub struct Moment<'a> {
    /// The operation's number.
    pub op: u64,
    pub(super) kind: Op,
    pub(super) state: &'a State,
}

impl std::fmt::Debug for Moment<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Moment").field("op", &self.op).finish_non_exhaustive()
    }
}

impl Moment<'_> {
    /// The machine before the operation.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(self.state)
    }

    /// Whether `fault` can happen to the operation.
    #[must_use]
    pub fn fits(&self, fault: Fault) -> bool {
        fault.fits(self.kind)
    }
}

impl Snapshot {
    pub(super) fn of(state: &State) -> Snapshot {
        let inodes = state.inodes.iter().map(|(number, inode)| (*number, inode.for_next_process()));
        Snapshot {
            names: state.names.clone(),
            inodes: inodes.collect(),
            in_flight: state.in_flight.clone(),
            capacity: state.capacity,
        }
    }

    /// The disk as the machine finds it after power loss, wholly durable, unlocked and without
    /// faults. `seed` decides the fate of each thing that was not flushed, and seeds the new disk.
    /// One moment can be crashed in many ways.
    #[must_use]
    pub fn crash(&self, seed: u64) -> Arc<SimDisk> {
        let entropy = SeededEntropy::new(seed);
        // Cases that many independent choices would hardly ever make.
        let luck = match entropy.below(8) {
            0 => Luck::Bad,
            1 => Luck::Good,
            _ => Luck::Mixed,
        };
        let names = self.names.after_power_loss(&entropy);
        let reachable = names.reachable();
        let mut inodes = BTreeMap::new();
        for (number, inode) in &self.inodes {
            let left = inode.after_power_loss(&self.in_flight(*number), luck, &entropy);
            if reachable.contains(number) {
                inodes.insert(*number, left);
            }
        }
        SimDisk::of(State::with(entropy.bits(), names, inodes, self.capacity))
    }

    /// The disk as the next process finds it when this one is killed: everything it wrote is
    /// there and not flushed; `seed` decides whether each ring write in flight is. No locks, no
    /// faults.
    #[must_use]
    pub fn kill(&self, seed: u64) -> Arc<SimDisk> {
        let entropy = SeededEntropy::new(seed);
        let mut inodes: BTreeMap<u64, Inode> = BTreeMap::new();
        for (number, inode) in &self.inodes {
            let mut inode = inode.for_next_process();
            for write in self.in_flight(*number) {
                if entropy.below(2) == 0 {
                    inode.write_at(write.bytes, write.offset);
                }
            }
            inodes.insert(*number, inode);
        }
        SimDisk::of(State::with(entropy.bits(), self.names.clone(), inodes, self.capacity))
    }

    /// What the device holds of file `path`; `None` when there is no such file.
    #[must_use]
    pub fn read_raw(&self, path: &str) -> Option<Vec<u8>> {
        let inode = self.names.file_ever(path)?;
        Some(self.inodes.get(&inode)?.durable().to_vec())
    }

    fn in_flight(&self, inode: u64) -> Vec<Dirty> {
        let of_inode = self.in_flight.iter().filter(|write| write.inode == inode);
        of_inode.map(|write| write.write.clone()).collect()
    }
}

impl SimDisk {
    /// The machine as it is now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(&self.state())
    }

    /// What a power loss now leaves; see [`Snapshot::crash`]. This disk is left as it is.
    #[must_use]
    pub fn crash(&self, seed: u64) -> Arc<SimDisk> {
        self.snapshot().crash(seed)
    }

    /// What the death of the process now leaves; see [`Snapshot::kill`].
    #[must_use]
    pub fn kill(&self) -> Arc<SimDisk> {
        let seed = self.state().entropy.bits();
        self.snapshot().kill(seed)
    }

    /// What the names and bytes of all files hash to, as readers see them: tells states apart.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let state = self.state();
        state.names.nodes().fold(0, |all, (path, node)| {
            let content = match node {
                Node::Dir => 1,
                Node::File(inode) => state.inodes[&inode].cache().digest(),
            };
            mix(mix(all, fold(path.as_bytes())), content)
        })
    }
}
