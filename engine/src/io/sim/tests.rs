//! Tests of the simulated disk: what survives, what does not, and that a seed replays.

use std::path::Path;
use std::sync::Arc;

use super::{Fault, SimDisk};
use crate::entropy::SeededEntropy;
use crate::io::{AlignedBuffer, Completion, Disk, DurableWrite, File, Open};

const SEEDS: u64 = 64;

fn durable_file(disk: &SimDisk, name: &str, contents: &[u8]) -> Arc<dyn File> {
    let file = disk.open(Path::new(name), Open::Create).unwrap();
    file.write_all_at(contents, 0).unwrap();
    file.sync().unwrap();
    disk.sync_dir(Path::new("")).unwrap();
    file
}

fn submit(disk: &SimDisk, name: &str, fill: u8, offset: u64) -> Vec<Completion> {
    let mut ring = disk.commit_ring(1).unwrap();
    let file = disk.open(Path::new(name), Open::WriteDirect).unwrap();
    let bytes = AlignedBuffer::copy_of(&[fill; 4096]).freeze();
    ring.submit(DurableWrite { token: 7, file, offset, bytes });
    let mut completions = Vec::new();
    while completions.is_empty() {
        ring.wait(None, &mut completions);
    }
    completions
}

#[test]
fn unflushed_data_is_lost_kept_or_torn_at_sectors() {
    let disk = SimDisk::new(1);
    let file = durable_file(&disk, "a", &[1; 4096]);
    file.write_all_at(&[2; 4096], 0).unwrap();
    let (mut lost, mut kept, mut torn) = (0, 0, 0);
    for seed in 0..SEEDS {
        let left = disk.crash(seed).read_raw("a").unwrap();
        for sector in left.chunks(512) {
            assert!(sector.iter().all(|byte| *byte == sector[0]), "torn inside a sector");
        }
        match left.iter().filter(|byte| **byte == 2).count() {
            0 => lost += 1,
            4096 => kept += 1,
            _ => torn += 1,
        }
    }
    assert!(lost > 0 && kept > 0 && torn > 0, "lost {lost} kept {kept} torn {torn}");
}

#[test]
fn flushed_data_is_kept_and_an_unflushed_length_is_cut() {
    let disk = SimDisk::new(1);
    let file = durable_file(&disk, "a", &[1; 100]);
    file.write_all_at(&[2; 100], 100).unwrap();
    let mut lengths = std::collections::BTreeSet::new();
    for seed in 0..SEEDS {
        let left = disk.crash(seed).read_raw("a").unwrap();
        assert_eq!(left[..100], [1; 100]);
        lengths.insert(left.len());
    }
    assert_eq!(lengths.into_iter().collect::<Vec<_>>(), [100, 200]);
}

#[test]
fn a_name_that_was_not_flushed_can_vanish() {
    let disk = SimDisk::new(1);
    let file = disk.open(Path::new("a"), Open::Create).unwrap();
    file.write_all_at(b"data", 0).unwrap();
    file.sync().unwrap();
    let there = (0..SEEDS).filter(|seed| disk.crash(*seed).read_raw("a").is_some()).count();
    assert!(there > 0 && there < 64, "there in {there} of {SEEDS}");
    disk.sync_dir(Path::new("")).unwrap();
    assert!((0..SEEDS).all(|seed| disk.crash(seed).read_raw("a").unwrap() == b"data"));
}

#[test]
fn a_rename_is_atomic() {
    let disk = SimDisk::new(1);
    durable_file(&disk, "old", b"new contents");
    durable_file(&disk, "target", b"target");
    disk.rename(Path::new("old"), Path::new("target")).unwrap();
    durable_file_without_names(&disk, "old");
    for seed in 0..SEEDS {
        let left = disk.crash(seed);
        let target = left.read_raw("target").unwrap();
        if target == b"target" {
            assert_eq!(left.read_raw("old").unwrap(), b"new contents");
        } else {
            assert_eq!(target, b"new contents");
        }
    }
}

fn durable_file_without_names(disk: &SimDisk, name: &str) {
    disk.open(Path::new(name), Open::Create).unwrap().sync().unwrap();
}

#[test]
fn a_directory_that_is_lost_takes_its_files_along() {
    let disk = SimDisk::new(1);
    disk.create_dir(Path::new("d")).unwrap();
    disk.open(Path::new("d/a"), Open::Create).unwrap();
    disk.sync_dir(Path::new("d")).unwrap();
    let there = (0..SEEDS).filter(|seed| !disk.crash(*seed).file_names().is_empty()).count();
    assert!(there > 0 && there < 64, "there in {there} of {SEEDS}");
}

#[test]
fn a_completed_ring_write_is_durable_and_nothing_else_of_its_file() {
    let disk = SimDisk::new(1);
    let file = durable_file(&disk, "a", &[0; 8192]);
    file.write_all_at(&[1; 8192], 0).unwrap();
    submit(&disk, "a", 2, 0).pop().unwrap().result.unwrap();
    let mut rest = std::collections::BTreeSet::new();
    for seed in 0..SEEDS {
        let left = disk.crash(seed).read_raw("a").unwrap();
        assert_eq!(left[..4096], [2; 4096]);
        rest.insert(left[4096..].to_vec());
    }
    assert!(rest.len() > 1, "the other half was not flushed");
    file.sync().unwrap();
    assert_eq!(disk.read_raw("a").unwrap(), [[2; 4096], [1; 4096]].concat());
}

#[test]
fn a_failed_flush_is_never_made_good() {
    let disk = SimDisk::new(1);
    let file = durable_file(&disk, "a", &[1; 4096]);
    file.write_all_at(&[2; 4096], 0).unwrap();
    disk.inject(disk.ops(), Fault::SyncLies);
    assert_eq!(file.sync().unwrap_err().raw_os_error(), Some(libc::EIO));
    file.sync().unwrap();
    let mut seen = AlignedBuffer::zeroed(4096);
    file.read_exact_at(&mut seen, 0).unwrap();
    assert_eq!(seen[..], [2; 4096], "the cache shows it");
    let direct = disk.open(Path::new("a"), Open::ReadDirect).unwrap();
    direct.read_exact_at(&mut seen, 0).unwrap();
    assert_eq!(seen[..], [1; 4096], "the device does not have it");
    assert!((0..SEEDS).all(|seed| disk.crash(seed).read_raw("a").unwrap() == [1; 4096]));
    assert_eq!(disk.kill().read_raw("a").unwrap(), [1; 4096]);
    file.drop_cache().unwrap();
    file.read_exact_at(&mut seen, 0).unwrap();
    assert_eq!(seen[..], [1; 4096]);
    file.write_all_at(&[3; 4096], 0).unwrap();
    file.sync().unwrap();
    assert_eq!(disk.read_raw("a").unwrap(), [3; 4096]);
}

#[test]
fn a_full_disk_refuses_growth_and_takes_overwrites() {
    let disk = SimDisk::new(1);
    let file = durable_file(&disk, "a", &[1; 8192]);
    disk.set_capacity(10_000);
    assert_eq!(disk.free_bytes().unwrap(), 1808);
    let full = |result: std::io::Result<()>| {
        assert_eq!(result.unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    };
    full(file.write_all_at(&[2; 4096], 8192));
    full(file.set_bytes(10_001));
    full(submit(&disk, "a", 2, 8192).pop().unwrap().result);
    file.write_all_at(&[3; 8192], 0).unwrap();
    disk.remove(Path::new("a")).unwrap();
    assert_eq!(disk.free_bytes().unwrap(), 10_000);
}

#[test]
fn a_ring_continues_a_short_write_unless_it_has_the_bug() {
    for has_bug in [false, true] {
        let disk = SimDisk::new(1);
        durable_file(&disk, "a", &[0; 4096]);
        disk.inject(0, Fault::ShortWrite);
        if has_bug {
            disk.plant_short_write_bug();
        }
        submit(&disk, "a", 2, 0).pop().unwrap().result.unwrap();
        let is_whole = disk.read_raw("a").unwrap() == [2; 4096];
        assert_eq!(is_whole, !has_bug);
    }
}

#[test]
fn a_killed_process_leaves_its_writes_unflushed_and_its_locks_open() {
    let disk = SimDisk::new(1);
    let _lock = disk.lock(Path::new("LOCK")).unwrap();
    let file = durable_file(&disk, "a", &[1; 512]);
    file.write_all_at(&[2; 512], 0).unwrap();
    let killed = disk.kill();
    let _lock = killed.lock(Path::new("LOCK")).unwrap();
    let seen = killed.open(Path::new("a"), Open::Read).unwrap().map().unwrap();
    assert_eq!(seen[..], [2; 512]);
    assert!((0..SEEDS).any(|seed| killed.crash(seed).read_raw("a").unwrap() == [1; 512]));
}

#[test]
fn everything_fails_after_the_crash_point() {
    for op in 0..6 {
        let disk = SimDisk::new(1);
        disk.set_crash_at(op);
        let died = (|| {
            let file = disk.open(Path::new("a"), Open::Create)?;
            file.write_all_at(&[1; 4096], 0)?;
            file.sync()?;
            disk.sync_dir(Path::new(""))?;
            submit(&disk, "a", 2, 0).pop().unwrap().result
        })();
        assert!(died.is_err() && disk.is_crashed(), "still up after op {op}");
        assert!(disk.list(Path::new("")).is_err());
        assert_eq!(disk.ops(), op + 1);
        if op >= 4 {
            let left = disk.crash(op).read_raw("a").unwrap();
            assert!(left.iter().all(|byte| [1, 2].contains(byte)));
        }
    }
}

#[test]
fn removed_files_are_forgotten_once_closed() {
    let disk = SimDisk::new(1);
    let file = durable_file(&disk, "a", b"x");
    disk.remove(Path::new("a")).unwrap();
    disk.sync_dir(Path::new("")).unwrap();
    assert_eq!(file.bytes().unwrap(), 1);
    drop(file);
    disk.sync_dir(Path::new("")).unwrap();
    assert!(disk.state().inodes.is_empty());
}

#[test]
fn damage_shows_in_what_is_read() {
    let disk = SimDisk::new(1);
    let file = durable_file(&disk, "a", &[0xFF; 1024]);
    disk.flip_bit("a", 3, 0);
    disk.zero_range("a", 512..1024);
    disk.copy_range("a", 0..8, "a", 1020);
    let seen = file.map().unwrap();
    assert_eq!(seen[..5], [0xFF, 0xFF, 0xFF, 0xFE, 0xFF]);
    assert_eq!(seen[1018..], [0, 0, 0xFF, 0xFF, 0xFF, 0xFE]);
    assert_eq!(disk.read_raw("a").unwrap(), seen[..]);
}

/// A life with everything in it, to its last byte.
fn life(seed: u64) -> Vec<(String, Vec<u8>)> {
    let disk = SimDisk::new(seed);
    let file = durable_file(&disk, "a", &[0; 65536]);
    let direct = disk.open(Path::new("a"), Open::WriteDirect).unwrap();
    let mut ring = disk.commit_ring(4).unwrap();
    let mut completions = Vec::new();
    disk.inject(12, Fault::Eio);
    for token in 0..16 {
        let fill = u8::try_from(token).unwrap() + 1;
        let bytes = AlignedBuffer::copy_of(&[fill; 4096]).freeze();
        let target = Arc::clone(&direct);
        ring.submit(DurableWrite { token, file: target, offset: token * 4096, bytes });
        while token >= completions.len() as u64 + 3 {
            ring.wait(None, &mut completions);
        }
        let _ = file.write_all_at(&[fill; 700], token * 1000);
        let _ = disk.open(Path::new(&format!("f{token}")), Open::Create);
    }
    let order = completions.iter().map(|done| u8::try_from(done.token).unwrap()).collect();
    let left = disk.crash(seed);
    let files = left.file_names().into_iter().map(|name| {
        let bytes = left.read_raw(&name).unwrap();
        (name, bytes)
    });
    files.chain([("order".to_owned(), order)]).collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let lives: Vec<_> = (0..8).map(life).collect();
    assert_eq!(lives, (0..8).map(life).collect::<Vec<_>>());
    assert!(lives.windows(2).all(|pair| pair[0] != pair[1]));
    let orders = lives.iter().map(|life| &life.last().unwrap().1);
    assert!(orders.into_iter().any(|order| !order.is_sorted()), "never out of order");
}

/// Random operations against a `Vec`: readers see the model, and a flush makes it durable.
#[test]
fn a_file_behaves_like_a_vec() {
    for seed in 0..SEEDS {
        let random = SeededEntropy::new(seed);
        let disk = SimDisk::new(seed);
        let file = durable_file(&disk, "a", b"");
        let mut model: Vec<u8> = Vec::new();
        for _ in 0..100 {
            let offset = random.below(20_000);
            let fill = u8::try_from(random.below(255)).unwrap() + 1;
            match random.below(8) {
                0 => {
                    file.set_bytes(offset).unwrap();
                    model.resize(usize::try_from(offset).unwrap(), 0);
                }
                1 => {
                    file.sync().unwrap();
                    assert_eq!(disk.read_raw("a").unwrap(), model, "seed {seed}");
                }
                2 => {
                    let unit = offset / 4096 * 4096;
                    submit(&disk, "a", fill, unit).pop().unwrap().result.unwrap();
                    put(&mut model, &[fill; 4096], unit);
                }
                _ => {
                    let data = vec![fill; usize::try_from(random.below(9_000)).unwrap()];
                    file.write_all_at(&data, offset).unwrap();
                    put(&mut model, &data, offset);
                }
            }
            assert_eq!(file.map().unwrap()[..], model, "seed {seed}");
        }
        file.sync().unwrap();
        disk.sync_dir(Path::new("")).unwrap();
        assert_eq!(disk.crash(seed).read_raw("a").unwrap(), model, "seed {seed}");
    }
}

fn put(model: &mut Vec<u8>, data: &[u8], offset: u64) {
    let offset = usize::try_from(offset).unwrap();
    if data.is_empty() {
        return;
    }
    model.resize(model.len().max(offset + data.len()), 0);
    model[offset..offset + data.len()].copy_from_slice(data);
}

#[test]
fn a_snapshot_is_the_machine_before_the_operation_whatever_comes_after() {
    let disk = SimDisk::new(1);
    let (sender, moments) = std::sync::mpsc::channel();
    disk.watch(move |moment| drop(sender.send((moment.op, moment.snapshot()))));
    let file = durable_file(&disk, "a", &[1; 5000]);
    file.write_all_at(&[2; 5000], 0).unwrap();
    file.sync().unwrap();
    let moments: Vec<_> = moments.try_iter().collect();
    let ops: Vec<_> = moments.iter().map(|(op, _)| *op).collect();
    assert_eq!(ops, (0..disk.ops()).collect::<Vec<_>>(), "one for each operation");
    // Create, write, sync, sync_dir, write: before the last flush the second write may be lost.
    let left: std::collections::BTreeSet<_> =
        (0..SEEDS).map(|seed| moments[5].1.crash(seed).read_raw("a").unwrap()).collect();
    assert!(left.contains(&vec![1; 5000]) && left.contains(&vec![2; 5000]) && left.len() > 2);
    assert_eq!(moments[5].1.kill(7).read_raw("a").unwrap(), [1; 5000], "killed: not flushed");
    assert_eq!(disk.crash(7).read_raw("a").unwrap(), [2; 5000]);
}

#[test]
fn equal_disks_have_equal_digests_and_a_bit_makes_another() {
    let make = || {
        let disk = SimDisk::new(1);
        durable_file(&disk, "a", &[1; 5000]);
        durable_file(&disk, "b", &[0; 9000]);
        disk
    };
    let (one, other) = (make(), make());
    assert_eq!(one.digest(), other.digest());
    other.flip_bit("a", 4097, 3);
    assert_ne!(one.digest(), other.digest());
    other.flip_bit("a", 4097, 3);
    assert_eq!(one.digest(), other.digest());
}
