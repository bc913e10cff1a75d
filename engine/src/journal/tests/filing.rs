//! Making journal files and giving them out.

use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::error::ErrorKind;
use crate::io::sim::SimDisk;
use crate::io::{Disk, Open};
use crate::journal::slots::slot_path;
use crate::journal::{ASIDE_DIR, JOURNAL_DIR};

fn slots(disk: &Arc<SimDisk>, file_bytes: usize) -> Slots {
    disk.create_dir(Path::new(JOURNAL_DIR)).unwrap();
    Slots::new(Arc::clone(disk) as Arc<dyn Disk>, file_bytes, 4, Vec::new(), Vec::new())
}

#[test]
fn a_file_that_found_no_room_is_made_once_there_is_some_and_no_other_is_lost() {
    let disk = SimDisk::new(1);
    let slots = slots(&disk, FILE_BYTES);
    assert!(slots.prepare().unwrap());
    let first = slots.take_spare().unwrap();
    disk.set_capacity(disk.used_bytes() + 100);
    assert_eq!(slots.prepare().unwrap_err().kind(), ErrorKind::Full);
    disk.set_capacity(u64::MAX);
    assert!(slots.prepare().unwrap());
    assert_eq!((first.slot, slots.take_spare().unwrap().slot), (0, 1));
    assert_eq!(disk.files().len(), 2);
}

#[test]
fn a_file_is_as_long_as_it_was_asked_to_be() {
    // More than is written at once, and not a multiple of that.
    const BYTES: usize = (1 << 20) + FILE_BYTES;
    let disk = SimDisk::new(1);
    assert!(slots(&disk, BYTES).prepare().unwrap());
    assert_eq!(disk.files(), [("journal/slot-0.fsj".to_owned(), BYTES as u64)]);
}

#[test]
fn a_free_file_is_used_as_it_is_or_made_anew_when_it_has_another_length() {
    for (bytes, is_kept) in [(FILE_BYTES, true), (FILE_BYTES - 1, false), (FILE_BYTES + 1, false)] {
        let disk = SimDisk::new(1);
        disk.create_dir(Path::new(JOURNAL_DIR)).unwrap();
        let file = disk.open(&slot_path(7), Open::Create).unwrap();
        file.write_all_at(&vec![5; bytes], 0).unwrap();
        let dir: Arc<dyn Disk> = disk.clone();
        let slots = Slots::new(dir, FILE_BYTES, 4, vec![7], Vec::new());
        assert!(slots.prepare().unwrap());
        assert_eq!(slots.take_spare().unwrap().slot, 7);
        let mut byte = [9];
        disk.open(&slot_path(7), Open::Read)
            .unwrap()
            .read_exact_at(&mut byte, COMMITS_BEGIN as u64)
            .unwrap();
        assert_eq!(byte, [if is_kept { 5 } else { 0 }], "of {bytes} bytes");
        assert_eq!(disk.files(), [("journal/slot-7.fsj".to_owned(), FILE_BYTES as u64)]);
    }
}

#[test]
fn the_image_of_a_file_of_another_length_is_not_used_again() {
    for image_bytes in [FILE_BYTES, FILE_BYTES - DIRECT_IO_BYTES] {
        let disk = SimDisk::new(1);
        let slots = slots(&disk, FILE_BYTES);
        assert!(slots.prepare().unwrap());
        let spare = slots.take_spare().unwrap();
        let waiting = Waiting {
            slot: spare.slot,
            file: FileSeq(1),
            image: ImageWriter::new(image_bytes).unwrap(),
            shards: Vec::new(),
            is_damaged: false,
        };
        slots.push_waiting(waiting, 0);
        slots.release_oldest().unwrap();
        assert!(slots.prepare().unwrap());
        assert_eq!(slots.take_spare().unwrap().image.remaining(), FILE_BYTES, "{image_bytes}");
    }
}

#[test]
fn a_burst_is_files_that_fill_up_fast_while_half_of_them_are_free() {
    let disk = SimDisk::new(1);
    let slots = slots(&disk, FILE_BYTES);
    let full = |slot: u32| Waiting {
        slot,
        file: FileSeq(slot + 1),
        image: ImageWriter::new(FILE_BYTES).unwrap(),
        shards: Vec::new(),
        is_damaged: false,
    };
    assert!(!slots.is_burst(0), "nothing was ever full");
    slots.push_waiting(full(0), 100);
    assert!(slots.is_burst(100) && slots.is_burst(1_099));
    assert!(!slots.is_burst(1_100), "a second is over");
    slots.push_waiting(full(1), 1_200);
    assert!(!slots.is_burst(1_200), "half of the files wait");
}

#[test]
fn the_name_of_a_file_that_was_moved_aside_is_used_again_and_no_other() {
    let disk = SimDisk::new(1);
    let slots = slots(&disk, FILE_BYTES);
    disk.create_dir(Path::new(ASIDE_DIR)).unwrap();
    for slot in 0..2 {
        assert!(slots.prepare().unwrap());
        let spare = slots.take_spare().unwrap();
        assert_eq!(spare.slot, slot);
        let waiting = Waiting {
            slot,
            file: FileSeq(slot + 1),
            image: spare.image,
            shards: Vec::new(),
            is_damaged: slot == 0,
        };
        slots.push_waiting(waiting, 0);
    }
    slots.release_oldest().unwrap();
    assert_eq!(disk.read_raw(&slot_path(0).to_string_lossy()), None);
    for slot in [0, 2] {
        assert!(slots.prepare().unwrap());
        assert_eq!(slots.take_spare().unwrap().slot, slot);
    }
    assert_eq!(disk.files().len(), 4);
}
