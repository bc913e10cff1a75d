//! The mark: commits that are lost are missed, and a mark that is lost is not.

use std::path::Path;
use std::sync::Arc;

use super::{ANIMALS, animal, count};
use crate::catalog::{Catalog, Transaction};
use crate::error::ErrorKind;
use crate::io::sim::{Access, SimDisk};
use crate::io::{Disk, Open};

fn put(catalog: &Catalog, key: u64) {
    let mut transaction = Transaction::new();
    transaction.put(&ANIMALS, &key, &animal(4));
    catalog.commit(transaction).unwrap();
}

fn open(disk: &Arc<SimDisk>) -> crate::error::Result<Catalog> {
    Catalog::open(Arc::clone(disk) as Arc<dyn Disk>)
}

/// A disk whose power failed after two commits, and its catalog's bytes when there was one.
fn two_commits() -> (Arc<SimDisk>, Vec<u8>) {
    let disk = SimDisk::new(1);
    let catalog = open(&disk).unwrap();
    put(&catalog, 1);
    let one = disk.kill().crash(0).read_raw("catalog.redb").unwrap();
    put(&catalog, 2);
    catalog.maintain().unwrap();
    (disk.crash(0), one)
}

#[test]
fn a_commit_that_rots_is_missed() {
    let (disk, _) = two_commits();
    assert_eq!(count(&open(&disk.kill()).unwrap()), 2);
    let bytes = disk.read_raw("catalog.redb").unwrap();
    let mut refused = 0;
    for byte in (0..bytes.len()).step_by(13).filter(|byte| bytes[*byte] != 0) {
        let rotten = disk.kill();
        rotten.flip_bit("catalog.redb", byte as u64, 3);
        match open(&rotten) {
            Ok(catalog) => assert_eq!(count(&catalog), 2, "byte {byte}"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Corrupt, "byte {byte}: {error}");
                refused += 1;
            }
        }
    }
    assert!(refused > 0, "no damage was noticed");
}

#[test]
fn an_older_copy_is_refused() {
    let (disk, one) = two_commits();
    disk.overwrite("catalog.redb", &one, 0);
    let error = open(&disk).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.message().contains("has lost commits has=`1` had=`2`"), "{error}");
    assert_eq!(error.place().file.as_deref(), Some("catalog.redb"));
}

#[test]
fn a_catalog_that_is_gone_is_missed() {
    let (disk, _) = two_commits();
    disk.remove(Path::new("catalog.redb")).unwrap();
    assert_eq!(open(&disk).unwrap_err().kind(), ErrorKind::Corrupt);
    disk.remove(Path::new("catalog.mark")).unwrap();
    assert_eq!(count(&open(&disk).unwrap()), 0, "without a mark it is a first start");
}

#[test]
fn a_mark_that_is_damaged_or_gone_is_made_anew() {
    let (disk, one) = two_commits();
    for byte in 0..20 {
        let rotten = disk.kill();
        rotten.flip_bit("catalog.mark", byte, 5);
        assert_eq!(count(&open(&rotten).unwrap()), 2);
        rotten.overwrite("catalog.redb", &one, 0);
        assert_eq!(open(&rotten).unwrap_err().kind(), ErrorKind::Corrupt, "byte {byte}");
    }
    disk.remove(Path::new("catalog.mark")).unwrap();
    assert_eq!(count(&open(&disk).unwrap()), 2);
    assert_eq!(disk.read_raw("catalog.mark").unwrap().len(), 20);
}

#[test]
fn the_bytes_of_a_mark_never_change() {
    let (disk, _) = two_commits();
    let bytes = disk.read_raw("catalog.mark").unwrap();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(&hex[..32], "4653434d010000000200000000000000");
    assert_eq!(bytes[16..], crc32fast::hash(&bytes[..16]).to_le_bytes());
}

#[test]
fn a_mark_of_a_newer_version_is_refused() {
    let (disk, _) = two_commits();
    let mut bytes = disk.read_raw("catalog.mark").unwrap();
    bytes[4] = 2;
    let checksum = crc32fast::hash(&bytes[..16]);
    bytes[16..].copy_from_slice(&checksum.to_le_bytes());
    let file = disk.open(Path::new("catalog.mark"), Open::Write).unwrap();
    file.write_all_at(&bytes, 0).unwrap();
    let error = open(&disk).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("use the newer binary"), "{error}");
}

#[test]
fn a_mark_that_cannot_be_read_lets_no_catalog_pass() {
    for access in [Access::Open, Access::Read] {
        let (disk, one) = two_commits();
        disk.overwrite("catalog.redb", &one, 0);
        disk.refuse(access, "catalog.mark");
        assert_eq!(open(&disk).unwrap_err().kind(), ErrorKind::Unavailable, "{access:?}");
    }
}

#[test]
fn a_catalog_that_cannot_be_opened_is_not_taken_for_a_missing_one() {
    let (disk, _) = two_commits();
    disk.refuse(Access::Open, "catalog.redb");
    assert_eq!(open(&disk).unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(count(&open(&disk.kill()).unwrap()), 2, "nothing was made in its place");
}

#[test]
fn a_catalog_that_is_closed_has_a_mark_that_power_loss_leaves() {
    let disk = SimDisk::new(1);
    let catalog = open(&disk).unwrap();
    put(&catalog, 1);
    drop(catalog);
    let mark = disk.snapshot().read_raw("catalog.mark").unwrap();
    assert_eq!(mark[8..16], 1u64.to_le_bytes());
}
