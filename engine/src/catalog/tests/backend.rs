//! The storage under redb: bounds, zeros, what a fault forbids, and the room kept free.

use std::io::ErrorKind::UnexpectedEof;
use std::path::Path;
use std::sync::Arc;

use redb::StorageBackend;

use crate::catalog::backend::{CatalogFile, Fault, FaultMemory, MemoryFile, write_zeros};
use crate::catalog::reserve::{RESERVE_FILE, give_up, make};
use crate::error::ErrorKind;
use crate::io::sim::{self, Access, SimDisk};
use crate::io::{Disk, File, Open};
use crate::limits::CATALOG_RESERVE_BYTES_MIN;

fn file(disk: &Arc<SimDisk>, bytes: &[u8]) -> Arc<dyn File> {
    let file = disk.open(Path::new("file"), Open::Create).unwrap();
    file.write_all_at(bytes, 0).unwrap();
    file.sync().unwrap();
    file
}

fn content(file: &Arc<dyn File>) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(file.bytes().unwrap()).unwrap()];
    file.read_exact_at(&mut bytes, 0).unwrap();
    bytes
}

#[test]
fn a_copy_in_memory_is_read_and_written_within_its_bounds_alone() {
    let mut page = vec![b'.'; 4096];
    page[..10].copy_from_slice(b"0123456789");
    page.extend_from_slice(b"a piece of a page");
    let copy = MemoryFile::copy_of(&file(&SimDisk::new(1), &page)).unwrap();
    assert_eq!(copy.len().unwrap(), 4096, "pieces of pages are left out");
    copy.set_len(10).unwrap();
    let mut four = [0; 4];
    copy.read(6, &mut four).unwrap();
    assert_eq!(&four, b"6789");
    assert_eq!(copy.read(7, &mut four).unwrap_err().kind(), UnexpectedEof);
    assert_eq!(copy.read(u64::MAX, &mut four).unwrap_err().kind(), UnexpectedEof);
    copy.write(2, b"ab").unwrap();
    copy.write(8, b"yz").unwrap();
    assert_eq!(copy.write(9, b"no").unwrap_err().kind(), UnexpectedEof);
    copy.set_len(12).unwrap();
    let mut all = [1; 12];
    copy.read(0, &mut all).unwrap();
    assert_eq!(&all, b"01ab4567yz\0\0");
    copy.set_len(3).unwrap();
    assert_eq!(copy.len().unwrap(), 3);
}

#[test]
fn zeros_are_written_where_they_are_wanted_and_nowhere_else() {
    const MIB: u64 = 1 << 20;
    for (from, to) in [(3, 3), (3, 7), (1, MIB + 1), (5, 2 * MIB + 9)] {
        let file = file(&SimDisk::new(1), &vec![7; 2 * (1 << 20) + 20]);
        write_zeros(&file, from, to).unwrap();
        let (from, to) = (usize::try_from(from).unwrap(), usize::try_from(to).unwrap());
        for (at, byte) in content(&file).into_iter().enumerate() {
            assert_eq!(byte, if (from..to).contains(&at) { 0 } else { 7 }, "{at} of {from}..{to}");
        }
    }
}

#[test]
fn a_length_is_made_of_zeros_that_take_room() {
    let disk = SimDisk::new(1);
    let file = file(&disk, b"head");
    let storage = CatalogFile::new(Arc::clone(&file), FaultMemory::default());
    storage.set_len(9).unwrap();
    assert_eq!(content(&file), b"head\0\0\0\0\0");
    storage.set_len(9).unwrap();
    storage.set_len(2).unwrap();
    assert_eq!((content(&file), storage.len().unwrap()), (b"he".to_vec(), 2));
}

#[test]
fn a_full_disk_takes_back_what_grew_and_forbids_nothing() {
    let disk = SimDisk::new(1);
    let file = file(&disk, b"head");
    disk.set_capacity(1000);
    let faults = FaultMemory::default();
    let storage = CatalogFile::new(Arc::clone(&file), faults.clone());
    storage.set_len(5000).unwrap_err();
    assert_eq!((faults.worst(), file.bytes().unwrap()), (Some(Fault::NoSpace), 4));
    storage.write(0, b"good").unwrap();
    storage.sync_data().unwrap();
    assert_eq!(content(&file), b"good");
}

#[test]
fn after_a_failed_flush_nothing_is_written_and_the_worst_fault_stays() {
    let disk = SimDisk::new(1);
    let file = file(&disk, b"head");
    let faults = FaultMemory::default();
    let storage = CatalogFile::new(Arc::clone(&file), faults.clone());
    assert_eq!(faults.worst(), None);
    storage.read(2, &mut [0; 4]).unwrap_err();
    assert_eq!(faults.worst(), Some(Fault::Read));
    storage.write(0, b"more").unwrap();
    disk.inject(disk.ops(), sim::Fault::SyncLies);
    storage.sync_data().unwrap_err();
    assert_eq!(faults.worst(), Some(Fault::Write));
    storage.write(0, b"none").unwrap_err();
    storage.set_len(9).unwrap_err();
    storage.sync_data().unwrap_err();
    storage.read(2, &mut [0; 4]).unwrap_err();
    assert_eq!((faults.worst(), file.bytes().unwrap()), (Some(Fault::Write), 4));
}

fn reserve_bytes(disk: &SimDisk) -> Option<u64> {
    disk.files().into_iter().find(|(name, _)| name == RESERVE_FILE).map(|(_, bytes)| bytes)
}

#[test]
fn the_reserve_is_as_large_as_the_catalog_and_made_where_twice_that_is_free() {
    const MIN: u64 = CATALOG_RESERVE_BYTES_MIN;
    let disk = SimDisk::new(1);
    assert!(!give_up(&*disk).unwrap(), "there is none yet");
    disk.set_capacity(2 * MIN - 1);
    make(&*disk, 10).unwrap();
    assert_eq!(reserve_bytes(&disk), None, "too little is free");
    disk.set_capacity(2 * MIN);
    make(&*disk, 10).unwrap();
    assert_eq!(reserve_bytes(&disk), Some(MIN));
    let before = disk.ops();
    make(&*disk, MIN).unwrap();
    assert_eq!(disk.ops(), before, "what is large enough stays");
    make(&*disk, MIN + 1).unwrap();
    assert_eq!(reserve_bytes(&disk), Some(MIN), "no room for a larger one");
    disk.set_capacity(2 * MIN + 2);
    make(&*disk, MIN + 1).unwrap();
    assert_eq!(reserve_bytes(&disk), Some(MIN + 1), "its own bytes count as free");
    assert!(give_up(&*disk).unwrap());
    assert_eq!(reserve_bytes(&disk), None);
}

#[test]
fn a_reserve_that_cannot_be_looked_at_or_given_up_is_said_to_be_so() {
    let disk = SimDisk::new(1);
    make(&*disk, 10).unwrap();
    disk.inject(disk.ops(), sim::Fault::Eio);
    assert_eq!(give_up(&*disk).unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(reserve_bytes(&disk).is_some());
    disk.refuse(Access::Open, RESERVE_FILE);
    let before = disk.ops();
    assert_eq!(make(&*disk, 10).unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(disk.ops(), before, "what may be there is not made again");
}
