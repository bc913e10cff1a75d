//! The local store: an open database, and what it does when a commit fails.

use std::io;
use std::ops::Bound;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use crate::catalog::backend::{CatalogFile, Fault, FaultMemory, MemoryFile};
use crate::catalog::database::{CATALOG_FILE, Database};
use crate::catalog::reserve;
use crate::catalog::store::{Row, Store};
use crate::catalog::transaction::Step;
use crate::error::{Error, ErrorKind, Result};
use crate::io::{Disk, Open};

/// The catalog's file until it is complete.
const NEW_CATALOG_FILE: &str = "catalog.redb.new";

/// A catalog in a redb file on this machine.
#[derive(Debug)]
pub(super) struct RedbStore {
    disk: Arc<dyn Disk>,
    /// Held by whoever changes the catalog; taken before `opened` is.
    writer: Mutex<()>,
    opened: RwLock<Opened>,
}

#[derive(Debug)]
enum Opened {
    /// The file takes commits.
    Live { database: Database, faults: FaultMemory, commits: u64 },
    /// Reads are of a copy in memory, until the file can be opened again.
    Full(Option<Database>),
    /// Reads are of a copy in memory, until the process starts anew.
    Poisoned(Option<Database>),
}

impl RedbStore {
    /// Opens the catalog, or makes it at the first start.
    pub(super) fn open(disk: Arc<dyn Disk>) -> Result<RedbStore> {
        if !exists(&*disk, CATALOG_FILE)? {
            create(&*disk)?;
        }
        let opened = match open_live(&*disk) {
            // Opening checks, and the check is written down: that too may find the disk full.
            Err(error) if error.kind() == ErrorKind::Full => {
                reserve::give_up(&*disk)?;
                match open_live(&*disk) {
                    Err(error) if error.kind() == ErrorKind::Full => {
                        Opened::Full(Some(open_copy(&*disk)?))
                    }
                    other => other?,
                }
            }
            other => other?,
        };
        let store = RedbStore { disk, writer: Mutex::new(()), opened: RwLock::new(opened) };
        // A disk without room for the reserve is no reason not to start.
        if let Err(error) = store.maintain() {
            tracing::warn!(%error, "the catalog has no reserve");
        }
        Ok(store)
    }

    fn hold_writer(&self) -> MutexGuard<'_, ()> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hold_opened(&self) -> RwLockReadGuard<'_, Opened> {
        self.opened.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads; when a commit's failure has just made the database useless, waits until what takes
    /// its place is there and reads again.
    fn read_with<T>(&self, read: impl Fn(&Database) -> Result<T>) -> Result<T> {
        let once = || {
            let opened = self.hold_opened();
            match &*opened {
                Opened::Live { database, .. }
                | Opened::Full(Some(database))
                | Opened::Poisoned(Some(database)) => read(database),
                Opened::Full(None) | Opened::Poisoned(None) => {
                    Err(Error::new(ErrorKind::Unavailable, "the catalog cannot be read"))
                }
            }
        };
        match once() {
            Err(error) if error.kind() == ErrorKind::Unavailable => {
                let _writer = self.hold_writer();
                once()
            }
            result => result,
        }
    }

    /// One attempt at a commit. On failure also the fault that the storage noted.
    fn attempt(&self, steps: &[Step]) -> Result<(), (Error, Option<Fault>)> {
        let mut opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
        if matches!(*opened, Opened::Full(_)) {
            drop(opened);
            self.reopen().map_err(|error| (error, Some(Fault::NoSpace)))?;
            opened = self.hold_opened();
        }
        let Opened::Live { database, faults, commits } = &*opened else {
            return Err((poisoned(), None));
        };
        let before = faults.worst();
        let number = commits + 1;
        let result = database.apply(steps, number);
        drop(opened);
        match result {
            Ok(()) => {
                self.count_commit(number);
                Ok(())
            }
            Err(error) => {
                let fault = self.fault().filter(|fault| Some(*fault) != before);
                Err((error, fault))
            }
        }
    }

    fn fault(&self) -> Option<Fault> {
        match &*self.hold_opened() {
            Opened::Live { faults, .. } => faults.worst(),
            Opened::Full(_) | Opened::Poisoned(_) => None,
        }
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
            Opened::Full(_) | Opened::Poisoned(_) => None,
        }
    }

    /// Closes the database and opens it again: after a failed write redb refuses everything. What
    /// cannot be opened for lack of space is read from a copy.
    fn reopen(&self) -> Result<()> {
        let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        // ORDER: the old database is closed before the file is opened anew.
        *opened = Opened::Full(None);
        match open_live(&*self.disk) {
            Ok(live) => {
                *opened = live;
                Ok(())
            }
            Err(error) => {
                *opened = Opened::Full(open_copy(&*self.disk).ok());
                Err(error)
            }
        }
    }

    /// No commit any more. Reads are of what the device holds.
    fn poison(&self, error: &Error) {
        tracing::error!(%error, "the catalog takes no more commits until restart");
        let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        // ORDER: redb closes its file first; the file's storage refuses to write by now.
        *opened = Opened::Poisoned(None);
        *opened = Opened::Poisoned(open_copy(&*self.disk).ok());
    }

    /// The second attempt, with the reserve's room. The first found the disk full.
    fn attempt_with_reserve(&self, steps: &[Step], before: Option<u64>) -> Result<()> {
        let had_reserve = reserve::give_up(&*self.disk)?;
        self.reopen()?;
        // The disk may have been found full after the point of no return, in tidying up.
        if before.is_some_and(|before| self.commits() == Some(before + 1)) {
            return Ok(());
        }
        if !had_reserve && before.is_some() {
            return Err(full());
        }
        match self.attempt(steps) {
            Err((_, Some(Fault::NoSpace))) => {
                // So that reads go on.
                self.reopen()?;
                Err(full())
            }
            Err((error, fault)) => Err(self.settle(error, fault)),
            Ok(()) => Ok(()),
        }
    }

    /// What a failed commit is answered with, once the store is fit for what comes next.
    fn settle(&self, error: Error, fault: Option<Fault>) -> Error {
        let is_refusal = matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::NotFound);
        if fault.is_none() && (is_refusal || error.kind() == ErrorKind::Poisoned) {
            return error;
        }
        self.poison(&error);
        if error.kind() == ErrorKind::Corrupt { error } else { poisoned().because(error) }
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
        let _writer = self.hold_writer();
        let before = self.commits();
        match self.attempt(steps) {
            Ok(()) => Ok(()),
            Err((_, Some(Fault::NoSpace))) => {
                self.attempt_with_reserve(steps, before).map_err(|error| match error.kind() {
                    ErrorKind::Full => full(),
                    _ => error,
                })
            }
            Err((error, fault)) => Err(self.settle(error, fault)),
        }
    }

    fn maintain(&self) -> Result<()> {
        let _writer = self.hold_writer();
        if matches!(*self.hold_opened(), Opened::Full(_)) {
            self.reopen()?;
        }
        let catalog_bytes = open(&*self.disk, CATALOG_FILE, Open::Read)?
            .bytes()
            .map_err(|error| Error::io("read the catalog's length", error))?;
        reserve::make(&*self.disk, catalog_bytes)
    }
}

/// Makes an empty catalog under its temporary name, then gives it its own.
fn create(disk: &dyn Disk) -> Result<()> {
    if exists(disk, NEW_CATALOG_FILE)? {
        disk.remove(Path::new(NEW_CATALOG_FILE)).map_err(|e| Error::io("remove a file", e))?;
    }
    let file = open(disk, NEW_CATALOG_FILE, Open::Create)?;
    Database::create(CatalogFile::new(Arc::clone(&file), FaultMemory::default()))?;
    // ORDER: complete and flushed, then named, then the name flushed.
    // CRASH: before the rename is durable there is no catalog, and the next start makes one.
    file.sync().map_err(|error| Error::io("flush the new catalog", error))?;
    disk.rename(Path::new(NEW_CATALOG_FILE), Path::new(CATALOG_FILE))
        .map_err(|error| Error::io("name the new catalog", error))?;
    disk.sync_dir(Path::new("")).map_err(|error| Error::io("flush the data directory", error))
}

fn open_live(disk: &dyn Disk) -> Result<Opened> {
    let file = open(disk, CATALOG_FILE, Open::Write)?;
    // redb would take an empty file for a new database, and forget everything.
    if file.bytes().map_err(|error| Error::io("read the catalog's length", error))? == 0 {
        return Err(Error::new(ErrorKind::Corrupt, "catalog is empty").in_file(CATALOG_FILE, 0));
    }
    let faults = FaultMemory::default();
    let opened = Database::open(CatalogFile::new(file, faults.clone()));
    let database = match (opened, faults.worst()) {
        (Err(error), Some(Fault::NoSpace)) => return Err(full().because(error)),
        (opened, _) => opened?,
    };
    let commits = database.commits()?;
    Ok(Opened::Live { database, faults, commits })
}

fn open_copy(disk: &dyn Disk) -> Result<Database> {
    let file = open(disk, CATALOG_FILE, Open::Read)?;
    let copy = MemoryFile::copy_of(&*file).map_err(|e| Error::io("copy the catalog", e))?;
    Database::open(copy)
}

fn open(disk: &dyn Disk, name: &str, how: Open) -> Result<Arc<dyn crate::io::File>> {
    disk.open(Path::new(name), how)
        .map_err(|error| Error::io("open the catalog", error).in_file(name, 0))
}

fn exists(disk: &dyn Disk, name: &str) -> Result<bool> {
    match disk.open(Path::new(name), Open::Read) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io("look for the catalog", error)),
    }
}

fn full() -> Error {
    Error::new(ErrorKind::Full, "no space for the catalog's commit").in_file(CATALOG_FILE, 0)
}

fn poisoned() -> Error {
    Error::new(ErrorKind::Poisoned, "an earlier commit to the catalog failed: restart")
        .in_file(CATALOG_FILE, 0)
}
