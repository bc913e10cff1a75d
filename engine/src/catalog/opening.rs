//! Bringing the catalog's file to where it can be read and written, and what that may leave.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::catalog::backend::{CatalogFile, Fault, FaultMemory, MemoryFile, whole_pages};
use crate::catalog::database::{CATALOG_FILE, Database};
use crate::catalog::{mark, reserve};
use crate::error::{Error, ErrorKind, Result};
use crate::io::{Disk, Open};
use crate::planted::{Bug, is_planted};

/// The catalog's file until it is complete.
const NEW_CATALOG_FILE: &str = "catalog.redb.new";

#[derive(Debug)]
pub(super) enum Opened {
    /// The file takes commits.
    Live { database: Database, faults: FaultMemory, commits: u64 },
    /// The file could not be opened again after a failure that passes: the disk was full, or a
    /// read failed. Reads are of a copy in memory until it can.
    Waiting(Option<Database>),
    /// Reads are of a copy in memory, until the process starts anew.
    Poisoned(Option<Database>),
}

/// Makes an empty catalog under its temporary name, then gives it its own. `Corrupt` where a mark
/// says that there was one.
pub(super) fn create(disk: &dyn Disk) -> Result<()> {
    mark::check(disk, 0)?;
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
pub(super) fn open_making_room(disk: &dyn Disk) -> Result<Opened> {
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
    let bytes = file.bytes().map_err(|error| Error::io("read the catalog's length", error))?;
    if bytes == 0 {
        return Err(Error::new(ErrorKind::Corrupt, "catalog is empty").in_file(CATALOG_FILE, 0));
    }
    // After a flush that failed, the page cache of this machine shows bytes that the device lacks.
    file.drop_cache().map_err(|error| Error::io("forget the catalog's cached pages", error))?;
    settle_length(&file, bytes)?;
    let faults = FaultMemory::default();
    let opened = Database::open(CatalogFile::new(file, faults.clone()));
    let database = match (opened, faults.worst()) {
        (Err(error), Some(Fault::NoSpace)) => return Err(full().because(error)),
        (Err(error), Some(Fault::Write)) => return Err(poisoned().because(error)),
        (opened, _) => opened?,
    };
    let commits = database.commits()?;
    mark::check(disk, commits)?;
    Ok(Opened::Live { database, faults, commits })
}

/// Cuts what is left of a growth that stopped within a page, and makes the length durable that the
/// catalog's file then seems to have: after a flush that failed the device may have a shorter one,
/// and redb, which lays its pages out by what it is shown, would write down pages that a loss of
/// power takes away.
fn settle_length(file: &Arc<dyn crate::io::File>, bytes: u64) -> Result<()> {
    if is_planted(Bug::TrustCatalogLength) {
        return Ok(());
    }
    file.set_bytes(whole_pages(bytes))
        .and_then(|()| file.sync())
        .map_err(|error| Error::io("flush the catalog's length", error).in_file(CATALOG_FILE, 0))
}

pub(super) fn open_copy(disk: &dyn Disk) -> Result<Database> {
    let file = open(disk, CATALOG_FILE, Open::Read)?;
    let copy = MemoryFile::copy_of(&file).map_err(|e| Error::io("copy the catalog", e))?;
    let database = Database::open(copy)?;
    mark::check(disk, database.commits()?)?;
    Ok(database)
}

pub(super) fn open(disk: &dyn Disk, name: &str, how: Open) -> Result<Arc<dyn crate::io::File>> {
    disk.open(Path::new(name), how)
        .map_err(|error| Error::io("open the catalog", error).in_file(name, 0))
}

pub(super) fn exists(disk: &dyn Disk, name: &str) -> Result<bool> {
    match disk.open(Path::new(name), Open::Read) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io("look for the catalog", error)),
    }
}

pub(super) fn full() -> Error {
    Error::new(ErrorKind::Full, "no space for the catalog's commit").in_file(CATALOG_FILE, 0)
}

pub(super) fn poisoned() -> Error {
    Error::new(ErrorKind::Poisoned, "an earlier commit to the catalog failed: restart")
        .in_file(CATALOG_FILE, 0)
}
