//! Reading journal files back from a disk: which of them count, and what each of them says.

use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::error::ErrorKind;
use crate::io::sim::{Access, SimDisk};
use crate::io::{Disk, Open};
use crate::journal::recover::{Recovered, file_in, recover};
use crate::journal::slots::slot_path;
use crate::journal::{ASIDE_DIR, JOURNAL_DIR};
use crate::limits::JOURNAL_FILE_BYTES_MAX;

/// A disk with `files` in slots 0, 1, 2 and so on.
fn disk_with(files: &[&[u8]]) -> Arc<dyn Disk> {
    let disk = SimDisk::new(1);
    for dir in [JOURNAL_DIR, ASIDE_DIR] {
        disk.create_dir(Path::new(dir)).unwrap();
    }
    for (slot, bytes) in (0..).zip(files) {
        let file = disk.open(&slot_path(slot), Open::Create).unwrap();
        file.write_all_at(bytes, 0).unwrap();
        file.sync().unwrap();
    }
    disk
}

fn recovered(disk: &Arc<dyn Disk>) -> Recovered {
    recover(disk, FileSeq(0), JournalPosition::default()).unwrap()
}

/// Two files of two commits each; the second's first says that the header was durable.
fn two_files() -> [Vec<u8>; 2] {
    let mut first = Writer::new(header(1, JournalPosition::default()));
    first.commit(&[0], b"one", true);
    first.commit(&[0], b"two", true);
    let mut second = Writer::new(header(2, first.at()));
    second.durable = second.at();
    second.commit(&[1], b"three", true);
    second.commit(&[1], b"four", true);
    [first.finish(), second.finish()]
}

#[test]
fn all_bytes_of_files_that_count_are_said_to_be_read() {
    let [first, second] = two_files();
    let recovered = recovered(&disk_with(&[&first, &second]));
    assert_eq!(recovered.bytes, 2 * FILE_BYTES as u64);
    assert_eq!((recovered.verdict.frames.len(), recovered.newest_file), (4, FileSeq(2)));
}

#[test]
fn a_file_as_large_as_options_allow_is_read_and_a_larger_one_refused() {
    let mut never_begun = vec![0; COMMITS_BEGIN];
    let max = u32::try_from(JOURNAL_FILE_BYTES_MAX).unwrap();
    let head = FileHeader { file_bytes: max, ..header(0, JournalPosition::default()) };
    head.encode_into(&mut never_begun);
    let disk = disk_with(&[&never_begun]);
    let file = disk.open(&slot_path(0), Open::Write).unwrap();
    file.set_bytes(u64::from(max)).unwrap();
    file.sync().unwrap();
    assert_eq!(recovered(&disk).free, [0]);
    file.set_bytes(u64::from(max) + 1).unwrap();
    file.sync().unwrap();
    let error = recover(&disk, FileSeq(0), JournalPosition::default()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

#[test]
fn a_file_cut_down_to_its_header_is_still_the_file_that_the_header_names() {
    let [first, _] = two_files();
    let recovered = recovered(&disk_with(&[&first[..COMMITS_BEGIN]]));
    assert_eq!((recovered.newest_file, recovered.free.len()), (FileSeq(1), 0));
}

#[test]
fn a_file_whose_header_was_destroyed_is_read_where_its_frames_say_that_there_was_one() {
    let [first, mut second] = two_files();
    second[..COMMITS_BEGIN].fill(0);
    let Recovered { verdict, free, .. } = recovered(&disk_with(&[&first, &second]));
    assert_eq!((verdict.frames.len(), free.len()), (4, 0));
    assert_eq!(verdict.damages.len(), 1, "the header alone: {:?}", verdict.damages);
    assert_eq!((verdict.damages[0].file, verdict.damages[0].start), (FileSeq(2), 0));
}

#[test]
fn a_file_whose_header_was_never_durable_does_not_count() {
    let mut writer = Writer::new(header(1, JournalPosition::default()));
    writer.commit(&[0], b"written together with the header", false);
    let mut bytes = writer.finish();
    bytes[..COMMITS_BEGIN].fill(0);
    let Recovered { verdict, free, .. } = recovered(&disk_with(&[&bytes]));
    assert_eq!((verdict.frames.len(), verdict.damages.len(), free), (0, 0, vec![0]));
}

#[test]
fn a_header_in_the_wrong_file_takes_nothing_from_the_file_that_it_belongs_to() {
    let [first, second] = two_files();
    let mut empty = vec![0; FILE_BYTES];
    empty[..COMMITS_BEGIN].copy_from_slice(&first[..COMMITS_BEGIN]);
    for (slot, files) in [(0, [&empty, &first, &second]), (1, [&first, &empty, &second])] {
        let Recovered { verdict, free, newest_file, .. } =
            recovered(&disk_with(&files.map(|f| &f[..])));
        assert_eq!((verdict.frames.len(), verdict.damages.len()), (4, 0), "{:?}", verdict.damages);
        assert_eq!((free, newest_file), (vec![slot], FileSeq(2)));
    }
}

#[test]
fn a_copy_of_a_header_in_the_wrong_file_does_not_hide_the_frames_of_the_other_copy() {
    let [first, second] = two_files();
    let (mut stranger, mut copy) = (Vec::new(), vec![0; COMMITS_BEGIN]);
    header(9, JournalPosition::default()).encode_into(&mut copy);
    for at in [0, DIRECT_IO_BYTES] {
        stranger.clone_from(&first);
        stranger[at..at + DIRECT_IO_BYTES].copy_from_slice(&copy[..DIRECT_IO_BYTES]);
        let Recovered { verdict, .. } = recovered(&disk_with(&[&stranger, &second]));
        assert_eq!(verdict.frames.len(), 4, "copy at {at}");
    }
}

#[test]
fn of_two_files_with_one_number_none_is_recycled_while_both_have_frames() {
    let [first, second] = two_files();
    let Recovered { verdict, free, .. } = recovered(&disk_with(&[&first, &first, &second]));
    assert!(free.is_empty(), "{free:?}");
    assert_eq!(verdict.damages, [], "the engine knows which records it has already");
}

#[test]
fn a_torn_commit_is_cut_and_kept_aside() {
    let [first, mut second] = two_files();
    let end =
        second.chunks(DIRECT_IO_BYTES).rposition(|block| block.iter().any(|b| *b != 0)).unwrap();
    let torn = end * DIRECT_IO_BYTES;
    second[torn + 100] ^= 1;
    let disk = disk_with(&[&first, &second]);
    let Recovered { verdict, .. } = recovered(&disk);
    assert_eq!((verdict.frames.len(), verdict.has_torn_tail), (3, true));
    let aside = disk.list(Path::new(ASIDE_DIR)).unwrap();
    assert_eq!(aside.len(), 1);
    assert_eq!(aside[0].name, format!("journal-2-{torn}.cut"));
    let kept = disk.open(&Path::new(ASIDE_DIR).join(&aside[0].name), Open::Read).unwrap();
    let mut bytes = vec![0; usize::try_from(kept.bytes().unwrap()).unwrap()];
    kept.read_exact_at(&mut bytes, 0).unwrap();
    assert!(!bytes.is_empty() && second[torn..].starts_with(&bytes));
    recovered(&disk);
    assert_eq!(disk.list(Path::new(ASIDE_DIR)).unwrap().len(), 1, "once");
}

#[test]
fn a_header_that_was_torn_before_any_frame_names_the_newer_incarnation() {
    let mut bytes = vec![0; FILE_BYTES];
    let (older, newer) =
        (header(1, JournalPosition::default()), header(2, JournalPosition::default()));
    older.encode_into(&mut bytes[..COMMITS_BEGIN]);
    let mut other = vec![0; COMMITS_BEGIN];
    newer.encode_into(&mut other);
    bytes[..DIRECT_IO_BYTES].copy_from_slice(&other[..DIRECT_IO_BYTES]);
    assert_eq!(recovered(&disk_with(&[&bytes])).newest_file, FileSeq(2));
}

#[test]
fn a_file_that_cannot_be_read_is_not_taken_for_an_empty_one() {
    let [first, _] = two_files();
    assert_eq!(file_in(&disk_with(&[&first]), 0).unwrap(), Some(FileSeq(1)));
    assert_eq!(file_in(&disk_with(&[b"half made"]), 0).unwrap(), None);
    let disk = SimDisk::new(1);
    disk.create_dir(Path::new(JOURNAL_DIR)).unwrap();
    disk.open(&slot_path(0), Open::Create).unwrap().write_all_at(&first, 0).unwrap();
    disk.refuse(Access::Read, "journal/slot-0.fsj");
    let disk: Arc<dyn Disk> = disk;
    assert_eq!(file_in(&disk, 0).unwrap_err().kind(), ErrorKind::Unavailable);
}
