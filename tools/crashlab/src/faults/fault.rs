//! Which operation fails, and how.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::faults::nodes::Opened;

/// Bytes that are read, or not, together.
const PAGE_BYTES: u64 = 4096;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A write takes fewer bytes than it was given.
    ShortWrite,
    /// Writes find no room, a few times.
    FullDisk,
    /// A flush fails, once.
    FailedFlush,
    /// A page cannot be read, ever.
    UnreadablePage,
}

/// A fault that is waiting for its operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) kind: Kind,
    /// Only files in a folder of this name.
    pub(super) folder: Option<&'static str>,
    /// Operations of its kind that go well before.
    pub(super) after: u64,
    /// Operations that fail.
    pub(super) times: u64,
}

/// The fault of a file system, if it has one.
#[derive(Debug, Default)]
pub(super) struct Faults {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    fault: Option<Fault>,
    struck: u64,
    was_new: bool,
    bad_page: Option<(PathBuf, u64)>,
}

impl Faults {
    /// From now on, `fault` waits; none, without one.
    pub(super) fn set(&self, fault: Option<Fault>) {
        *self.state() = State { fault, ..State::default() };
    }

    /// How often it has struck.
    pub(super) fn struck(&self) -> u64 {
        self.state().struck
    }

    /// Notes which file's flush failed.
    pub(super) fn note_flush_of(&self, opened: &Opened) {
        self.state().was_new = opened.is_new;
    }

    /// Whether the flush that failed was of a file that was being made.
    pub(super) fn was_new(&self) -> bool {
        self.state().was_new
    }

    /// Whether this operation on the file `path` is one that fails.
    pub(super) fn strikes(&self, kind: Kind, path: &Path) -> bool {
        let mut state = self.state();
        let Some(fault) = state.fault.as_mut().filter(|fault| fault.is_of(kind, path)) else {
            return false;
        };
        if fault.after > 0 {
            fault.after -= 1;
            return false;
        }
        if fault.times == 0 {
            return false;
        }
        fault.times -= 1;
        state.struck += 1;
        true
    }

    /// Whether reading these bytes fails: a page does for good, once it has been chosen.
    pub(super) fn is_unreadable(&self, path: &Path, bytes: Range<u64>) -> bool {
        let bad = self.state().bad_page.clone();
        if let Some((file, page)) = bad {
            let is_bad = file == path && bytes.contains(&(page * PAGE_BYTES));
            self.state().struck += u64::from(is_bad);
            return is_bad;
        }
        let is_struck = self.strikes(Kind::UnreadablePage, path);
        if is_struck {
            self.state().bad_page = Some((path.to_owned(), bytes.start.div_ceil(PAGE_BYTES)));
        }
        is_struck
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fault {
    fn is_of(&self, kind: Kind, path: &Path) -> bool {
        let is_there = |folder| path.iter().any(|part| part == folder);
        self.kind == kind && self.folder.is_none_or(is_there)
    }
}
