//! A disk that is full, and one whose flushes fail.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::{ANIMALS, animal, count, real_disk};
use crate::catalog::{Catalog, Transaction};
use crate::error::{ErrorKind, Result};
use crate::io::{CommitRing, DirectoryLock, Disk, Entry, File, Map, Open};

/// What a [`Faulty`] disk does wrong.
#[derive(Debug)]
struct Faults {
    /// Bytes that all files together may take.
    room: AtomicU64,
    flushes_fail: AtomicBool,
    writes_fail: AtomicBool,
    reads_fail: AtomicBool,
}

#[derive(Debug)]
struct Faulty {
    disk: Arc<dyn Disk>,
    faults: Arc<Faults>,
}

#[derive(Debug)]
struct FaultyFile {
    file: Arc<dyn File>,
    disk: Arc<dyn Disk>,
    faults: Arc<Faults>,
}

fn used(disk: &dyn Disk) -> io::Result<u64> {
    Ok(disk.list(Path::new(""))?.iter().map(|entry| entry.bytes).sum())
}

fn check(flag: &AtomicBool) -> io::Result<()> {
    if flag.load(Ordering::SeqCst) { Err(io::Error::other("planted fault")) } else { Ok(()) }
}

impl Disk for Faulty {
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(FaultyFile {
            file: self.disk.open(path, how)?,
            disk: Arc::clone(&self.disk),
            faults: Arc::clone(&self.faults),
        }))
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        self.disk.list(dir)
    }
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.create_dir(dir)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.sync_dir(dir)
    }
    fn lock(&self, path: &Path) -> io::Result<Box<dyn DirectoryLock>> {
        self.disk.lock(path)
    }
    fn free_bytes(&self) -> io::Result<u64> {
        Ok(self.faults.room.load(Ordering::SeqCst).saturating_sub(used(&*self.disk)?))
    }
    fn commit_ring(&self, depth: u32) -> io::Result<Box<dyn CommitRing>> {
        self.disk.commit_ring(depth)
    }
}

impl File for FaultyFile {
    fn bytes(&self) -> io::Result<u64> {
        self.file.bytes()
    }
    fn set_bytes(&self, bytes: u64) -> io::Result<()> {
        self.file.set_bytes(bytes)
    }
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        check(&self.faults.reads_fail)?;
        self.file.read_at(buffer, offset)
    }
    fn write_at(&self, buffer: &[u8], offset: u64) -> io::Result<usize> {
        check(&self.faults.writes_fail)?;
        let more = (offset + buffer.len() as u64).saturating_sub(self.file.bytes()?);
        if used(&*self.disk)? + more > self.faults.room.load(Ordering::SeqCst) && more > 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.write_at(buffer, offset)
    }
    fn sync(&self) -> io::Result<()> {
        check(&self.faults.flushes_fail)?;
        self.file.sync()
    }
    fn drop_cache(&self) -> io::Result<()> {
        self.file.drop_cache()
    }
    fn map(&self) -> io::Result<Map> {
        self.file.map()
    }
    fn descriptor(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        self.file.descriptor()
    }
}

fn faulty_disk() -> (tempfile::TempDir, Arc<dyn Disk>, Arc<Faults>) {
    let (directory, disk) = real_disk();
    let faults = Arc::new(Faults {
        room: AtomicU64::new(u64::MAX),
        flushes_fail: AtomicBool::new(false),
        writes_fail: AtomicBool::new(false),
        reads_fail: AtomicBool::new(false),
    });
    let disk = Arc::new(Faulty { disk, faults: Arc::clone(&faults) });
    (directory, disk, faults)
}

fn put_many(catalog: &Catalog, keys: std::ops::Range<u64>) -> Result<()> {
    let mut transaction = Transaction::new();
    for key in keys {
        transaction.put(&ANIMALS, &key, &animal(4));
    }
    catalog.commit(transaction)
}

fn remove_many(catalog: &Catalog, keys: std::ops::Range<u64>) -> Result<()> {
    let mut transaction = Transaction::new();
    for key in keys {
        transaction.remove(&ANIMALS, &key);
    }
    catalog.commit(transaction)
}

#[test]
fn a_full_disk_refuses_serves_and_recovers() {
    const STEP: u64 = 5000;
    let (_directory, disk, faults) = faulty_disk();
    let catalog = Catalog::open(Arc::clone(&disk)).unwrap();
    faults.room.store(used(&*disk).unwrap(), Ordering::SeqCst);

    let mut rows = 0;
    let error = loop {
        match put_many(&catalog, rows..rows + STEP) {
            Ok(()) => rows += STEP,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Full, "{error}");
    assert!(rows > 0);
    assert!(!disk.list(Path::new("")).unwrap().iter().any(|entry| entry.name == "reserve"));
    for _ in 0..2 {
        assert_eq!(count(&catalog) as u64, rows, "reads go on");
        let error = put_many(&catalog, rows..rows + 4 * STEP).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Full);
    }

    faults.room.store(u64::MAX, Ordering::SeqCst);
    put_many(&catalog, rows..rows + STEP).unwrap();
    assert_eq!(count(&catalog) as u64, rows + STEP);
    catalog.maintain().unwrap();
    assert!(disk.list(Path::new("")).unwrap().iter().any(|entry| entry.name == "reserve"));
    drop(catalog);
    assert_eq!(count(&Catalog::open(disk).unwrap()) as u64, rows + STEP);
}

#[test]
fn deletes_work_with_zero_bytes_free() {
    let (_directory, disk, faults) = faulty_disk();
    let catalog = Catalog::open(Arc::clone(&disk)).unwrap();
    put_many(&catalog, 0..20_000).unwrap();
    catalog.maintain().unwrap();
    faults.room.store(used(&*disk).unwrap(), Ordering::SeqCst);
    for start in (0..20_000).step_by(500) {
        remove_many(&catalog, start..start + 500).unwrap();
    }
    assert_eq!(count(&catalog), 0);
}

#[test]
fn a_catalog_opens_on_a_full_disk() {
    let (_directory, disk, faults) = faulty_disk();
    let catalog = Catalog::open(Arc::clone(&disk)).unwrap();
    put_many(&catalog, 0..3000).unwrap();
    drop(catalog);
    let _ = disk.remove(Path::new("reserve"));
    faults.room.store(used(&*disk).unwrap(), Ordering::SeqCst);
    assert_eq!(count(&Catalog::open(disk).unwrap()), 3000);
}

#[test]
fn a_catalog_that_is_damaged_costs_no_reserve() {
    let (_directory, disk, _) = faulty_disk();
    drop(Catalog::open(Arc::clone(&disk)).unwrap());
    disk.open(Path::new("catalog.redb"), Open::Write).unwrap().set_bytes(0).unwrap();
    assert_eq!(Catalog::open(Arc::clone(&disk)).unwrap_err().kind(), ErrorKind::Corrupt);
    assert!(disk.list(Path::new("")).unwrap().iter().any(|entry| entry.name == "reserve"));
}

#[test]
fn a_failed_flush_poisons_and_reads_go_on() {
    let (_directory, disk, faults) = faulty_disk();
    let catalog = Catalog::open(Arc::clone(&disk)).unwrap();
    put_many(&catalog, 0..10).unwrap();
    faults.flushes_fail.store(true, Ordering::SeqCst);
    assert_eq!(put_many(&catalog, 10..20).unwrap_err().kind(), ErrorKind::Poisoned);
    faults.flushes_fail.store(false, Ordering::SeqCst);
    assert_eq!(put_many(&catalog, 10..20).unwrap_err().kind(), ErrorKind::Poisoned);
    let nothing = catalog.commit(Transaction::new()).unwrap_err();
    assert_eq!(nothing.kind(), ErrorKind::Poisoned, "what reads show may not be durable");
    assert_eq!(catalog.load(&ANIMALS, &3).unwrap(), Some(animal(4)));
    let rows = count(&catalog);
    assert!(rows == 10 || rows == 20, "a transaction is whole or absent, not {rows} rows");
    drop(catalog);
    let catalog = Catalog::open(disk).unwrap();
    let rows = count(&catalog);
    assert!(rows == 10 || rows == 20, "a transaction is whole or absent, not {rows} rows");
    put_many(&catalog, 10..20).unwrap();
}

#[test]
fn a_growth_that_stopped_within_a_page_is_cut() {
    let (_directory, disk, _) = faulty_disk();
    let catalog = Catalog::open(Arc::clone(&disk)).unwrap();
    put_many(&catalog, 0..10).unwrap();
    drop(catalog);
    let file = disk.open(Path::new("catalog.redb"), Open::Write).unwrap();
    for more in [1, 2048, 4095, 4096 + 512] {
        file.set_bytes(file.bytes().unwrap() + more).unwrap();
        assert_eq!(count(&Catalog::open(Arc::clone(&disk)).unwrap()), 10, "{more} bytes more");
    }
}

#[test]
fn a_failed_write_poisons() {
    let (_directory, disk, faults) = faulty_disk();
    let catalog = Catalog::open(Arc::clone(&disk)).unwrap();
    put_many(&catalog, 0..10).unwrap();
    faults.writes_fail.store(true, Ordering::SeqCst);
    assert_eq!(put_many(&catalog, 10..20).unwrap_err().kind(), ErrorKind::Poisoned);
    faults.writes_fail.store(false, Ordering::SeqCst);
    assert_eq!(put_many(&catalog, 10..20).unwrap_err().kind(), ErrorKind::Poisoned);
    assert_eq!(count(&catalog), 10);
    drop(catalog);
    assert_eq!(count(&Catalog::open(disk).unwrap()), 10);
}

#[test]
fn a_read_that_fails_once_is_forgotten() {
    let (_directory, disk, faults) = faulty_disk();
    let catalog = Catalog::open(Arc::clone(&disk)).unwrap();
    // More than the pages that redb keeps in memory, so that reads reach the disk.
    let mut transaction = Transaction::new();
    for key in 0..3u64 {
        let name = "x".repeat(8 << 20);
        transaction.put(&ANIMALS, &key, &super::Animal { legs: 1, name });
    }
    catalog.commit(transaction).unwrap();
    faults.reads_fail.store(true, Ordering::SeqCst);
    let failed = (0..3u64).filter(|key| catalog.load(&ANIMALS, key).is_err()).count();
    assert!(failed > 0, "all came from memory");
    faults.reads_fail.store(false, Ordering::SeqCst);
    for key in 0..3u64 {
        assert!(catalog.load(&ANIMALS, &key).unwrap().is_some());
    }
    put_many(&catalog, 10..20).unwrap();
}
