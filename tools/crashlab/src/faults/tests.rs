//! The file system without a store.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;

use crate::faults::fault::{Fault, Kind};
use crate::faults::passthrough::Passthrough;

/// A mounted file system, where this machine can have one.
fn mounted() -> Option<(Passthrough, tempfile::TempDir)> {
    let folder = tempfile::TempDir::new().expect("a folder");
    match Passthrough::mount(folder.path()) {
        Ok(passthrough) => Some((passthrough, folder)),
        Err(error) => {
            eprintln!("SKIPPED: no FUSE file system: {error}");
            None
        }
    }
}

fn once(kind: Kind) -> Option<Fault> {
    Some(Fault { kind, folder: None, after: 0, times: 1 })
}

#[test]
fn files_are_made_written_read_renamed_listed_and_removed() {
    let Some((passthrough, _folder)) = mounted() else { return };
    let data = passthrough.data().expect("a folder");
    fs::write(data.join("one"), b"first").expect("written");
    fs::write(data.join("two"), b"second").expect("written");
    fs::rename(data.join("one"), data.join("two")).expect("renamed over another");
    assert_eq!(fs::read(data.join("two")).expect("read"), b"first");
    let names: Vec<_> =
        fs::read_dir(&data).expect("listed").flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(names, ["two"]);
    fs::remove_file(data.join("two")).expect("removed");
    assert_eq!(fs::read(data.join("two")).expect_err("gone").kind(), ErrorKind::NotFound);
}

#[test]
fn a_flush_that_failed_has_lost_what_was_written_and_the_next_one_succeeds() {
    let Some((passthrough, _folder)) = mounted() else { return };
    let path = passthrough.data().expect("a folder").join("file");
    let file = File::create_new(&path).expect("made");
    file.write_all_at(b"kept", 0).expect("written");
    file.sync_all().expect("flushed");
    file.write_all_at(b"lost", 0).expect("written");
    passthrough.faults.set(once(Kind::FailedFlush));
    file.sync_all().expect_err("it fails");
    file.sync_all().expect("it fails once");
    drop(file);
    assert_eq!(fs::read(&path).expect("read"), b"kept");
    assert_eq!(passthrough.faults.struck(), 1);
}

#[test]
fn it_knows_whether_the_file_whose_flush_failed_was_being_made() {
    let Some((passthrough, _folder)) = mounted() else { return };
    let path = passthrough.data().expect("a folder").join("file");
    let maker = File::create_new(&path).expect("made");
    passthrough.faults.set(once(Kind::FailedFlush));
    maker.sync_all().expect_err("it fails");
    assert!(passthrough.faults.was_new());
    let file = File::options().write(true).open(&path).expect("opened");
    passthrough.faults.set(once(Kind::FailedFlush));
    file.sync_all().expect_err("it fails");
    assert!(!passthrough.faults.was_new());
}

#[test]
fn a_full_disk_takes_nothing_and_then_something_again() {
    let Some((passthrough, _folder)) = mounted() else { return };
    let path = passthrough.data().expect("a folder").join("file");
    let file = File::create_new(&path).expect("made");
    passthrough.faults.set(once(Kind::FullDisk));
    let full = file.write_at(b"data", 0).expect_err("it is full");
    assert_eq!(full.kind(), ErrorKind::StorageFull);
    assert_eq!(file.write_at(b"data", 0).expect("there is room"), 4);
}

#[test]
fn a_page_that_cannot_be_read_never_can() {
    let Some((passthrough, _folder)) = mounted() else { return };
    let path = passthrough.data().expect("a folder").join("file");
    fs::write(&path, vec![1; 3 * 4096]).expect("written");
    passthrough.faults.set(once(Kind::UnreadablePage));
    for _ in 0..2 {
        fs::read(&path).expect_err("a page is unreadable");
    }
    let file = File::open(&path).expect("opened");
    let mut page = [0; 4096];
    file.read_exact_at(&mut page, 8192).expect("the others are read");
}
