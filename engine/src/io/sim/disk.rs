//! The simulated disk: the seam's side of it, and the knobs that tests turn.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::crash::Moment;
use super::faults::{Access, Course, Fault, Op, os_error};
use super::file::SimFile;
use super::names::{Node, key};
use super::ring::SimRing;
use super::state::State;
use crate::io::path::check_name;
use crate::io::{CommitRing, DirectoryLock, Disk, Entry, File, Open};

/// A machine's state, shared by its disk, files, locks and rings.
pub(super) struct Machine(Mutex<State>);

impl Machine {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // A test that panicked has failed already.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A disk in memory whose machine can be made to fail. See the module's documentation.
pub struct SimDisk {
    pub(super) machine: Arc<Machine>,
}

impl SimDisk {
    /// An empty disk whose every random choice follows from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Arc<SimDisk> {
        SimDisk::of(State::new(seed))
    }

    pub(super) fn of(state: State) -> Arc<SimDisk> {
        Arc::new(SimDisk { machine: Arc::new(Machine(Mutex::new(state))) })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.machine.state()
    }

    /// How many operations that change something there were.
    #[must_use]
    pub fn ops(&self) -> u64 {
        self.state().plan.ops
    }

    /// Lets the machine die in the middle of operation `op`, counted from 0. It takes effect as
    /// far as something unflushed does; everything after it fails.
    pub fn set_crash_at(&self, op: u64) {
        self.state().plan.crash_at = Some(op);
    }

    /// Shows `watcher` the moment before each operation that changes something. It must not use
    /// the disk itself, which is in the middle of something.
    pub fn watch(&self, watcher: impl FnMut(&Moment<'_>) + Send + 'static) {
        self.state().watcher = Some(Box::new(watcher));
    }

    /// Lets the machine die between two operations: everything after fails.
    pub fn power_off(&self) {
        self.state().plan.is_down = true;
    }

    /// Whether the machine has died.
    #[must_use]
    pub fn is_crashed(&self) -> bool {
        self.state().plan.is_down
    }

    /// Lets `fault` happen once: at operation `op`, or the first after it that it fits.
    pub fn inject(&self, op: u64, fault: Fault) {
        self.state().plan.inject(op, fault);
    }

    /// Lets every `access` to the file of name `path` fail with an input/output error from now on.
    pub fn refuse(&self, access: Access, path: &str) {
        self.state().plan.refuse(access, path);
    }

    /// Limits the sum of the lengths of all files.
    pub fn set_capacity(&self, bytes: u64) {
        self.state().capacity = Some(bytes);
    }

    /// Whether the sum of the lengths of all files is limited.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        self.state().capacity.is_some_and(|bytes| bytes != u64::MAX)
    }

    /// The sum of the lengths of all files.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        self.files().iter().map(|(_, bytes)| bytes).sum()
    }

    /// Plants the bug of a ring that takes a short write for a whole one.
    pub fn plant_short_write_bug(&self) {
        self.state().plan.short_write_counts_as_whole = true;
    }

    /// Every file's path and length, sorted.
    #[must_use]
    pub fn files(&self) -> Vec<(String, u64)> {
        let state = self.state();
        let bytes = |inode| state.inodes[&inode].cache().bytes();
        state.names.files().map(|(path, inode)| (path.to_owned(), bytes(inode))).collect()
    }

    /// Every file's path, sorted.
    #[must_use]
    pub fn file_names(&self) -> Vec<String> {
        self.state().names.files().map(|(path, _)| path.to_owned()).collect()
    }
}

impl fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("SimDisk")
            .field("ops", &state.plan.ops)
            .field("is_crashed", &state.plan.is_down)
            .field("files", &state.inodes.len())
            .field("in_flight", &state.in_flight.len())
            .finish_non_exhaustive()
    }
}

impl Disk for SimDisk {
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>> {
        check_name(path)?;
        let path = key(path)?;
        let mut state = self.state();
        state.plan.check_access(Access::Open, &path)?;
        let inode = if how == Open::Create {
            let course = state.begin(Op::Name)?;
            course.check()?;
            state.names.check_free(&path)?;
            let inode = state.create(path.clone());
            course.end(inode)?
        } else {
            state.names.file(&path)?
        };
        let open = Arc::clone(&state.inode(inode).handle);
        Ok(Arc::new(SimFile { machine: Arc::clone(&self.machine), inode, path, how, _open: open }))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        let dir = key(dir)?;
        let state = self.state();
        state.plan.check_up()?;
        state.names.dir(&dir)?;
        let entries = state.names.list(&dir).map(|(name, node)| Entry {
            name: name.to_owned(),
            is_dir: node == Node::Dir,
            bytes: match node {
                Node::Dir => 0,
                Node::File(inode) => state.inodes[&inode].cache().bytes(),
            },
        });
        Ok(entries.collect())
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        check_name(dir)?;
        let dir = key(dir)?;
        let mut state = self.state();
        let course = state.begin(Op::Name)?;
        course.check()?;
        if state.names.dir(&dir).is_err() {
            state.names.check_free(&dir)?;
            state.names.bind(dir, Node::Dir);
        }
        course.end(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        check_name(from)?;
        check_name(to)?;
        let (from, to) = (key(from)?, key(to)?);
        let mut state = self.state();
        let course = state.begin(Op::Name)?;
        course.check()?;
        let inode = state.names.file(&from)?;
        match state.names.check_free(&to) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            Err(_) => drop(state.names.file(&to)?),
            Ok(()) => {}
        }
        state.names.rename(from, to, Node::File(inode));
        course.end(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        check_name(path)?;
        let path = key(path)?;
        let mut state = self.state();
        let course = state.begin(Op::Name)?;
        course.check()?;
        state.names.file(&path)?;
        state.names.unbind(path);
        course.end(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let dir = key(dir)?;
        let mut state = self.state();
        let course = state.begin(Op::SyncDir)?;
        course.check()?;
        state.names.dir(&dir)?;
        if course != Course::Deadly {
            state.names.sync(&dir);
            state.forget_unreachable();
        }
        course.end(())
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn DirectoryLock>> {
        check_name(path)?;
        let path = key(path)?;
        let mut state = self.state();
        state.plan.check_up()?;
        if state.names.node(&path).is_none() {
            let course = state.begin(Op::Name)?;
            course.check()?;
            state.names.check_free(&path)?;
            state.create(path.clone());
            course.end(())?;
        }
        if !state.locks.insert(path.clone()) {
            return Err(os_error(libc::EWOULDBLOCK));
        }
        Ok(Box::new(SimLock { machine: Arc::clone(&self.machine), path }))
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let state = self.state();
        state.plan.check_up()?;
        Ok(state.free_bytes())
    }

    fn commit_ring(&self, depth: u32) -> io::Result<Box<dyn CommitRing>> {
        Ok(Box::new(SimRing::new(Arc::clone(&self.machine), depth)?))
    }
}

struct SimLock {
    machine: Arc<Machine>,
    path: String,
}

impl DirectoryLock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.machine.state().locks.remove(&self.path);
    }
}
