//! The simulated machine: names, files, ring writes in flight, and the plan of what goes wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use bytes::Bytes;

use super::content::{Content, index, is_zeros};
use super::crash::Moment;
use super::faults::{Course, Fault, Op, Plan, down, os_error};
use super::inode::{Dirty, Inode, Luck, what_reaches_device};
use super::names::{Names, Node};
use crate::entropy::SeededEntropy;
use crate::planted::{Bug, is_planted};

/// Who is shown the moments before operations.
pub(super) type Watcher = Box<dyn FnMut(&Moment<'_>) + Send>;

/// A ring write that the device has not told about yet.
#[derive(Clone)]
pub(super) struct InFlight {
    pub(super) serial: u64,
    /// `None` once its owner was told that the machine is down.
    pub(super) ring: Option<u64>,
    pub(super) token: u64,
    pub(super) inode: u64,
    pub(super) write: Dirty,
}

/// The end of a ring write.
pub(super) struct Finished {
    pub(super) serial: u64,
    pub(super) token: u64,
    pub(super) result: io::Result<()>,
}

pub(super) struct State {
    pub(super) entropy: SeededEntropy,
    pub(super) plan: Plan,
    pub(super) watcher: Option<Watcher>,
    pub(super) names: Names,
    pub(super) inodes: BTreeMap<u64, Inode>,
    pub(super) in_flight: Vec<InFlight>,
    pub(super) locks: BTreeSet<String>,
    pub(super) capacity: Option<u64>,
    /// The next inode, ring or ring write.
    serial: u64,
}

impl State {
    pub(super) fn new(seed: u64) -> State {
        State::with(seed, Names::default(), BTreeMap::new(), None)
    }

    pub(super) fn with(
        seed: u64,
        names: Names,
        inodes: BTreeMap<u64, Inode>,
        capacity: Option<u64>,
    ) -> State {
        let serial = inodes.last_key_value().map_or(0, |(inode, _)| inode + 1);
        State {
            entropy: SeededEntropy::new(seed),
            plan: Plan::default(),
            watcher: None,
            names,
            inodes,
            in_flight: Vec::new(),
            locks: BTreeSet::new(),
            capacity,
            serial,
        }
    }

    /// Counts an operation and says how it goes, after whoever watches was shown the machine
    /// before it.
    pub(super) fn begin(&mut self, op: Op) -> io::Result<Course> {
        self.plan.check_up()?;
        if let Some(mut watcher) = self.watcher.take() {
            watcher(&Moment { op: self.plan.ops, kind: op, state: self });
            self.watcher = Some(watcher);
        }
        self.plan.begin(op)
    }

    pub(super) fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial - 1
    }

    pub(super) fn inode(&mut self, inode: u64) -> &mut Inode {
        self.inodes.get_mut(&inode).expect("files that are open or named are kept")
    }

    /// Makes an empty file under a name that is free.
    pub(super) fn create(&mut self, path: String) -> u64 {
        let inode = self.next_serial();
        self.inodes.insert(inode, Inode::of(Content::default()));
        self.names.bind(path, Node::File(inode));
        inode
    }

    /// Forgets files that nobody can reach any more.
    pub(super) fn forget_unreachable(&mut self) {
        let mut kept = self.names.reachable();
        kept.extend(self.in_flight.iter().map(|write| write.inode));
        self.inodes.retain(|number, inode| kept.contains(number) || inode.is_open());
    }

    /// Bytes that can still be allocated.
    pub(super) fn free_bytes(&self) -> u64 {
        const UNLIMITED_BYTES: u64 = 1 << 40;
        let used: u64 =
            self.names.files().map(|(_, inode)| self.inodes[&inode].cache().bytes()).sum();
        self.capacity.unwrap_or(UNLIMITED_BYTES).saturating_sub(used)
    }

    /// Fails when `inode` cannot become `bytes` long.
    pub(super) fn check_room(&mut self, inode: u64, bytes: u64) -> io::Result<()> {
        let more = bytes.saturating_sub(self.inode(inode).cache().bytes());
        if self.capacity.is_some() && more > 0 && more > self.free_bytes() {
            return Err(os_error(libc::ENOSPC));
        }
        Ok(())
    }

    /// Completes writes of `ring`, chosen at random: at least one if `must`, and there is one.
    pub(super) fn complete_some(&mut self, ring: u64, must: bool) -> Vec<Finished> {
        if self.plan.is_down {
            return self.abandon(ring);
        }
        let mut finished = Vec::new();
        let mut goes_on = must || self.entropy.below(2) == 0;
        while goes_on {
            let candidates: Vec<usize> = (0..self.in_flight.len())
                .filter(|at| self.in_flight[*at].ring == Some(ring))
                .collect();
            if candidates.is_empty() {
                break;
            }
            let chosen = index(self.entropy.below(candidates.len() as u64));
            finished.extend(self.complete(candidates[chosen]));
            if self.plan.is_down {
                finished.extend(self.abandon(ring));
                break;
            }
            goes_on = (must && finished.is_empty()) || self.entropy.below(2) == 0;
        }
        finished
    }

    /// The machine is down: the owner is told so, and the writes stay where the crash finds them.
    fn abandon(&mut self, ring: u64) -> Vec<Finished> {
        let of_ring = self.in_flight.iter_mut().filter(|write| write.ring == Some(ring));
        of_ring
            .map(|write| {
                write.ring = None;
                Finished { serial: write.serial, token: write.token, result: Err(down()) }
            })
            .collect()
    }

    /// One step of the write in flight at `at`; `None` when it has to go on.
    fn complete(&mut self, at: usize) -> Option<Finished> {
        let InFlight { serial, token, inode, write, .. } = self.in_flight[at].clone();
        let finished = |result| Some(Finished { serial, token, result });
        let course = match self.begin(Op::Complete) {
            // The crash finds it in flight, and `abandon` tells the owner.
            Ok(Course::Deadly) | Err(_) => return None,
            Ok(course) => course,
        };
        if let Course::Badly(Fault::ShortWrite) = course {
            return self.complete_half(at);
        }
        self.in_flight.remove(at);
        let room = self.check_room(inode, write.offset + write.bytes.len() as u64);
        if let Err(error) = course.check().and(room) {
            // Whatever failed, nobody knows how far it got; but space was not there to write to.
            if error.kind() != io::ErrorKind::StorageFull {
                for part in what_reaches_device(&write, Luck::Mixed, &self.entropy) {
                    self.inode(inode).write_durably(&part.bytes, part.offset);
                }
            }
            return finished(Err(error));
        }
        if course == Course::Badly(Fault::SyncLies) {
            self.inode(inode).write_lies(&write.bytes, write.offset);
            return finished(Err(os_error(libc::EIO)));
        }
        self.inode(inode).write_durably(&write.bytes, write.offset);
        finished(Ok(()))
    }

    /// A short write: half is down, and a ring goes on with the rest, unless it has the bug.
    fn complete_half(&mut self, at: usize) -> Option<Finished> {
        let InFlight { serial, token, inode, write, .. } = self.in_flight[at].clone();
        let done = write.bytes.slice(..write.bytes.len() / 2);
        self.inode(inode).write_durably(&done, write.offset);
        if self.plan.short_write_counts_as_whole || is_planted(Bug::AckShortWrite) {
            self.in_flight.remove(at);
            return Some(Finished { serial, token, result: Ok(()) });
        }
        let rest = &mut self.in_flight[at].write;
        rest.bytes = rest.bytes.slice(done.len()..);
        rest.offset += done.len() as u64;
        None
    }

    /// Writes what fits the course; says how much.
    pub(super) fn write_at(&mut self, inode: u64, data: &[u8], offset: u64) -> io::Result<usize> {
        let course = self.begin(Op::Write)?;
        course.check()?;
        let is_short = course == Course::Badly(Fault::ShortWrite) && data.len() > 1;
        let data = if is_short { &data[..data.len() / 2] } else { data };
        self.check_room(inode, offset + data.len() as u64)?;
        self.inode(inode).write_at(copy_of(data), offset);
        course.end(data.len())
    }

    pub(super) fn sync(&mut self, inode: u64) -> io::Result<()> {
        let course = self.begin(Op::Sync)?;
        course.check()?;
        match course {
            Course::Badly(Fault::SyncLies) => {
                self.inode(inode).sync_lies();
                return Err(os_error(libc::EIO));
            }
            // Dying in a flush leaves what dying before it leaves.
            Course::Deadly => {}
            _ => self.inode(inode).sync(),
        }
        course.end(())
    }
}

/// A copy of `data`; for zeros, of which files are made, none is needed.
fn copy_of(data: &[u8]) -> Bytes {
    static ZEROS: [u8; 1 << 20] = [0; 1 << 20];
    match ZEROS.get(..data.len()) {
        Some(zeros) if is_zeros(data) => Bytes::from_static(zeros),
        _ => Bytes::copy_from_slice(data),
    }
}
