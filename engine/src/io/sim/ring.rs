//! The simulated commit ring: writes complete in any order, when the owner waits.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::disk::Machine;
use super::faults::{Op, os_error};
use super::file::is_aligned;
use super::inode::Dirty;
use super::state::InFlight;
use crate::io::{CommitRing, Completion, DurableWrite, File, Wake};

/// A commit ring of a [`SimDisk`](super::SimDisk).
///
/// A wait that may block and was not woken completes at least one write; any other completes
/// some or none.
pub struct SimRing {
    machine: Arc<Machine>,
    id: u64,
    depth: usize,
    /// The files of the writes in flight, kept open as a real ring keeps them.
    files: BTreeMap<u64, Arc<dyn File>>,
    refused: Vec<Completion>,
    woken: Arc<SimWake>,
}

impl SimRing {
    pub(super) fn new(machine: Arc<Machine>, depth: u32) -> io::Result<SimRing> {
        assert!(depth > 0, "a commit ring holds at least one write");
        let mut state = machine.state();
        state.plan.check_up()?;
        let id = state.next_serial();
        drop(state);
        Ok(SimRing {
            machine,
            id,
            depth: depth as usize,
            files: BTreeMap::new(),
            refused: Vec::new(),
            woken: Arc::new(SimWake(AtomicBool::new(false))),
        })
    }

    fn start(&mut self, write: DurableWrite) -> io::Result<()> {
        let inode = write.file.simulated().ok_or(io::ErrorKind::Unsupported)?;
        if !is_aligned(&write.bytes, write.offset) {
            return Err(os_error(libc::EINVAL));
        }
        let mut state = self.machine.state();
        // Dying here leaves the write in flight, like dying just after.
        state.begin(Op::Submit)?;
        let serial = state.next_serial();
        state.in_flight.push(InFlight {
            serial,
            ring: Some(self.id),
            token: write.token,
            inode,
            write: Dirty { offset: write.offset, bytes: write.bytes },
        });
        self.files.insert(serial, write.file);
        Ok(())
    }

    fn complete_some(&mut self, must: bool, completions: &mut Vec<Completion>) {
        let finished = self.machine.state().complete_some(self.id, must);
        for write in finished {
            self.files.remove(&write.serial);
            completions.push(Completion { token: write.token, result: write.result });
        }
    }
}

impl CommitRing for SimRing {
    fn kind(&self) -> &'static str {
        "simulated"
    }

    fn submit(&mut self, write: DurableWrite) {
        assert!(self.files.len() < self.depth, "more writes in flight than the ring is deep");
        let token = write.token;
        if let Err(error) = self.start(write) {
            self.refused.push(Completion { token, result: Err(error) });
        }
    }

    fn wait(&mut self, timeout: Option<Duration>, completions: &mut Vec<Completion>) {
        let is_woken = self.woken.0.swap(false, Ordering::SeqCst);
        completions.append(&mut self.refused);
        let must = timeout != Some(Duration::ZERO) && !is_woken && completions.is_empty();
        self.complete_some(must, completions);
    }

    fn waker(&self) -> Arc<dyn Wake> {
        Arc::clone(&self.woken) as Arc<dyn Wake>
    }
}

impl Drop for SimRing {
    /// Waits for what is in flight, as a real ring does.
    fn drop(&mut self) {
        while !self.files.is_empty() {
            self.complete_some(true, &mut Vec::new());
        }
    }
}

struct SimWake(AtomicBool);

impl Wake for SimWake {
    fn wake(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
