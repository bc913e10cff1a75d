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
    /// The file could not be opened again after a failure that passes: the disk was full, or a
    /// read failed. Reads are of a copy in memory until it can.
    Waiting(Option<Database>),
    /// Reads are of a copy in memory, until the process starts anew.
    Poisoned(Option<Database>),
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
        Ok(before.is_some_and(|before| self.commits() != Some(before)))
    }

    /// What a failed commit is answered with, once the store is fit for what comes next.
    fn settle(&self, error: Error, fault: Option<Fault>) -> Error {
        match (fault, error.kind()) {
            // The database itself is well.
            (None, ErrorKind::AlreadyExists | ErrorKind::NotFound | ErrorKind::Poisoned) => error,
            (Some(Fault::NoSpace), _) => match self.reopen() {
                Ok(()) => full(),
                Err(error) if error.kind() == ErrorKind::Full => full(),
                Err(error) => error,
            },
            (_, kind) => {
                self.poison(&error);
                if kind == ErrorKind::Corrupt { error } else { poisoned().because(error) }
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
        let _writer = self.hold_writer();
        let before = self.commits();
        let first = match self.is_waiting() {
            true => Err((full(), Some(Fault::Read))),
            false => self.attempt(steps),
        };
        let fault = match first {
            Err((_, Some(fault @ (Fault::NoSpace | Fault::Read)))) => fault,
            result => return result.map_err(|(error, fault)| self.settle(error, fault)),
        };
        if self.prepare_again(fault, before)? {
            return Ok(());
        }
        self.attempt(steps).map_err(|(error, fault)| self.settle(error, fault))
    }

    fn maintain(&self) -> Result<()> {
        let _writer = self.hold_writer();
        if self.is_waiting() {
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

/// Opens the catalog to write. Opening checks, and the check is written down: that too may find
/// the disk full, and the reserve is there for it.
fn open_making_room(disk: &dyn Disk) -> Result<Opened> {
    match open_live(disk) {
        Err(error) if error.kind() == ErrorKind::Full => {
            reserve::give_up(disk)?;
            open_live(disk)
        }
        opened => opened,
    }
}

fn open_live(disk: &dyn Disk) -> Result<Opened> {
    let file = open(disk, CATALOG_FILE, Open::Write)?;
    // redb would take an empty file for a new database, and forget everything.
    if file.bytes().map_err(|error| Error::io("read the catalog's length", error))? == 0 {
        return Err(Error::new(ErrorKind::Corrupt, "catalog is empty").in_file(CATALOG_FILE, 0));
    }
    // After a flush that failed, the page cache of this machine shows bytes that the device lacks.
    file.drop_cache().map_err(|error| Error::io("forget the catalog's cached pages", error))?;
    let faults = FaultMemory::default();
    let opened = Database::open(CatalogFile::new(file, faults.clone()));
    let database = match (opened, faults.worst()) {
        (Err(error), Some(Fault::NoSpace)) => return Err(full().because(error)),
        (Err(error), Some(Fault::Write)) => return Err(poisoned().because(error)),
        (opened, _) => opened?,
    };
    let commits = database.commits()?;
    Ok(Opened::Live { database, faults, commits })
}

fn open_copy(disk: &dyn Disk) -> Result<Database> {
    let file = open(disk, CATALOG_FILE, Open::Read)?;
    let copy = MemoryFile::copy_of(&file).map_err(|e| Error::io("copy the catalog", e))?;
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
