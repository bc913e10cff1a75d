//! The local store: an open database, and what it does when a commit fails.

use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use crate::catalog::backend::Fault;
use crate::catalog::database::{CATALOG_FILE, Database};
use crate::catalog::mark::Mark;
use crate::catalog::opening::{
    Opened, create, exists, full, open, open_copy, open_making_room, poisoned,
};
use crate::catalog::reserve;
use crate::catalog::store::{Row, Store};
use crate::catalog::transaction::Step;
use crate::error::{Error, ErrorKind, Result};
use crate::io::{Disk, Open};

/// A catalog in a redb file on this machine.
#[derive(Debug)]
pub(super) struct RedbStore {
    disk: Arc<dyn Disk>,
    /// Held by whoever changes the catalog; taken before `opened` is.
    writer: Mutex<Mark>,
    opened: RwLock<Opened>,
}

impl RedbStore {
    /// Opens the catalog, or makes it at the first start.
    pub(super) fn open(disk: Arc<dyn Disk>) -> Result<RedbStore> {
        if !exists(&*disk, CATALOG_FILE)? {
            create(&*disk)?;
        }
        let opened = match open_making_room(&*disk) {
            Err(error) if error.kind() == ErrorKind::Full => {
                Opened::Waiting(Some(open_copy(&*disk)?))
            }
            opened => opened?,
        };
        let mark = match &opened {
            Opened::Live { commits, .. } => Mark::open(&*disk, *commits),
            Opened::Waiting(_) | Opened::Poisoned(_) => Mark::default(),
        };
        let store = RedbStore { disk, writer: Mutex::new(mark), opened: RwLock::new(opened) };
        // A disk without room for the reserve is no reason not to start.
        if let Err(error) = store.maintain() {
            tracing::warn!(%error, "the catalog has no reserve");
        }
        Ok(store)
    }

    fn hold_writer(&self) -> MutexGuard<'_, Mark> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hold_opened(&self) -> RwLockReadGuard<'_, Opened> {
        self.opened.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads; when an earlier failure has made the database useless, waits until what takes its
    /// place is there, or puts it there, and reads again.
    fn read_with<T>(&self, read: impl Fn(&Database) -> Result<T>) -> Result<T> {
        let once = || {
            let opened = self.hold_opened();
            match &*opened {
                Opened::Live { database, .. }
                | Opened::Waiting(Some(database))
                | Opened::Poisoned(Some(database)) => read(database),
                Opened::Waiting(None) | Opened::Poisoned(None) => {
                    Err(Error::new(ErrorKind::Unavailable, "the catalog cannot be read"))
                }
            }
        };
        match once() {
            Err(error) if error.kind() == ErrorKind::Unavailable => {
                let _writer = self.hold_writer();
                if self.is_waiting() || self.fault() == Some(Fault::Read) {
                    self.reopen()?;
                }
                once()
            }
            result => result,
        }
    }

    /// One attempt at a commit. On failure also the worst fault that the storage noted.
    fn attempt(&self, steps: &[Step]) -> Result<(), (Error, Option<Fault>)> {
        let opened = self.hold_opened();
        let Opened::Live { database, faults, commits } = &*opened else {
            return Err((poisoned(), None));
        };
        let number = commits + 1;
        let result = database.apply(steps, number);
        let fault = faults.worst();
        drop(opened);
        result.map_err(|error| (error, fault))?;
        self.count_commit(number);
        Ok(())
    }

    fn fault(&self) -> Option<Fault> {
        match &*self.hold_opened() {
            Opened::Live { faults, .. } => faults.worst(),
            Opened::Waiting(_) | Opened::Poisoned(_) => None,
        }
    }

    fn is_waiting(&self) -> bool {
        matches!(*self.hold_opened(), Opened::Waiting(_))
    }

    fn count_commit(&self, number: u64) {
        let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        if let Opened::Live { commits, .. } = &mut *opened {
            *commits = number;
        }
    }

    fn commits(&self) -> Option<u64> {
        match &*self.hold_opened() {
            Opened::Live { commits, .. } => Some(*commits),
            Opened::Waiting(_) | Opened::Poisoned(_) => None,
        }
    }

    /// Closes the database and opens it again: after a failure redb refuses everything. While it
    /// cannot be opened, reads are of a copy.
    fn reopen(&self) -> Result<()> {
        let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        // ORDER: the old database is closed before the file is opened anew.
        *opened = Opened::Waiting(None);
        let (next, result) = match open_making_room(&*self.disk) {
            Ok(live) => (live, Ok(())),
            Err(error) => {
                let copy = open_copy(&*self.disk).ok();
                let is_lasting = matches!(error.kind(), ErrorKind::Poisoned | ErrorKind::Corrupt);
                let next = if is_lasting { Opened::Poisoned(copy) } else { Opened::Waiting(copy) };
                (next, Err(error))
            }
        };
        *opened = next;
        result
    }

    /// No commit any more. Reads are of what the device holds.
    fn poison(&self, error: &Error) {
        tracing::error!(%error, "the catalog takes no more commits until restart");
        let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        // ORDER: redb closes its file first; the file's storage refuses to write by now.
        *opened = Opened::Poisoned(None);
        *opened = Opened::Poisoned(open_copy(&*self.disk).ok());
    }

    /// Makes the store fit for a second attempt, after the first failed with `fault`. True when
    /// the first attempt turns out to have succeeded: it may have failed in tidying up.
    fn prepare_again(&self, fault: Fault, before: Option<u64>) -> Result<bool> {
        if fault == Fault::NoSpace {
            reserve::give_up(&*self.disk)?;
        }
        self.reopen()?;
        Ok(self.has_landed(before))
    }

    /// Whether a commit is there that was not when `before` was counted.
    fn has_landed(&self, before: Option<u64>) -> bool {
        before.is_some_and(|before| self.commits() != Some(before))
    }

    /// What a failed commit is answered with, once the store is fit for what comes next. It may
    /// have succeeded all the same, and failed in tidying up: `before` is the count before it.
    fn settle(&self, error: Error, fault: Option<Fault>, before: Option<u64>) -> Result<()> {
        match (fault, error.kind()) {
            // The database itself is well.
            (None, ErrorKind::AlreadyExists | ErrorKind::NotFound | ErrorKind::Poisoned) => {
                Err(error)
            }
            (Some(Fault::NoSpace), _) => match self.reopen() {
                Ok(()) if self.has_landed(before) => Ok(()),
                Ok(()) => Err(full()),
                Err(error) if error.kind() == ErrorKind::Full => Err(full()),
                Err(error) => Err(error),
            },
            (_, kind) => {
                self.poison(&error);
                Err(if kind == ErrorKind::Corrupt { error } else { poisoned().because(error) })
            }
        }
    }
}

impl Store for RedbStore {
    fn read(&self, table: &str, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.read_with(|database| database.read(table, key))
    }

    fn scan(&self, table: &str, start: Bound<&[u8]>, limit: usize) -> Result<Vec<Row>> {
        self.read_with(|database| database.scan(table, start, limit))
    }

    fn apply(&self, steps: &[Step]) -> Result<()> {
        let mut mark = self.hold_writer();
        self.commit(steps)?;
        // ORDER: a commit is durable before the mark counts it.
        if let Some(commits) = self.commits() {
            mark.note(commits);
        }
        Ok(())
    }

    fn check_durable(&self) -> Result<()> {
        match &*self.hold_opened() {
            Opened::Live { .. } => Ok(()),
            Opened::Waiting(_) => Err(full()),
            Opened::Poisoned(_) => Err(poisoned()),
        }
    }

    fn maintain(&self) -> Result<()> {
        let mut mark = self.hold_writer();
        if self.is_waiting() {
            self.reopen()?;
        }
        mark.flush();
        let catalog_bytes = open(&*self.disk, CATALOG_FILE, Open::Read)?
            .bytes()
            .map_err(|error| Error::io("read the catalog's length", error))?;
        reserve::make(&*self.disk, catalog_bytes)
    }
}

impl RedbStore {
    /// A commit, and a second attempt at it where that may help.
    fn commit(&self, steps: &[Step]) -> Result<()> {
        let before = self.commits();
        let first = match self.is_waiting() {
            true => Err((full(), Some(Fault::Read))),
            false => self.attempt(steps),
        };
        let fault = match first {
            Err((_, Some(fault @ (Fault::NoSpace | Fault::Read)))) => fault,
            result => {
                return result.or_else(|(error, fault)| self.settle(error, fault, before));
            }
        };
        if self.prepare_again(fault, before)? {
            return Ok(());
        }
        let before = self.commits();
        self.attempt(steps).or_else(|(error, fault)| self.settle(error, fault, before))
    }
}

impl Drop for RedbStore {
    fn drop(&mut self) {
        self.hold_writer().flush();
    }
}
