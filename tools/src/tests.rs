//! What the tools say of directories that are whole, and of those that are not.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use flowstone_engine::clock::SystemClock;
use flowstone_engine::entropy::SystemEntropy;
use flowstone_engine::frame::Batch;
use flowstone_engine::io::{Backend, RealDisk};
use flowstone_engine::types::{SeqNo, ShardId};
use flowstone_engine::{Engine, Options, ShardSpec};
use tempfile::TempDir;

use crate::directory::Directory;
use crate::dump::{Selection, dump};
use crate::list::list;
use crate::verify::{Report, verify};

const FILE_BYTES: usize = 128 * 1024;

fn data(number: u32) -> Vec<u8> {
    let mut data = number.to_le_bytes().to_vec();
    data.extend(std::iter::repeat_n(0xA5, 1000));
    data
}

/// A closed engine's directory with `records` records in each of two shards.
fn filled(records: u32) -> (TempDir, Vec<ShardId>) {
    let directory = TempDir::new().unwrap();
    let disk = Arc::new(RealDisk::open(directory.path(), Backend::Auto).unwrap());
    let options = Options {
        journal_file_bytes: FILE_BYTES,
        commit_bytes_max: 16 * 1024,
        block_bytes: 4096,
        ..Options::default()
    };
    let engine =
        Engine::open(disk, Arc::new(SystemClock::new()), Arc::new(SystemEntropy), options).unwrap();
    let shards =
        engine.create_shards(&[ShardSpec { retention_ms: 86_400_000 }; 2], |_, _| ()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for number in 0..records {
        for shard in &shards {
            let batch = Batch::single(b"key", &data(number)).unwrap();
            runtime.block_on(engine.append(*shard, batch)).unwrap();
        }
    }
    wait_for_sealing(&engine, records);
    engine.close().unwrap();
    (directory, shards)
}

/// When there is enough for several files, some are sealed soon.
#[expect(clippy::disallowed_methods, reason = "a deadline for threads of the real engine")]
fn wait_for_sealing(engine: &Engine, records: u32) {
    let started = Instant::now();
    while records as usize * 2000 > 2 * FILE_BYTES && engine.status().segments == 0 {
        assert!(started.elapsed() < Duration::from_secs(60), "nothing is sealed");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

fn look(directory: &TempDir) -> Report {
    verify(&Directory::open(directory.path()).unwrap()).unwrap()
}

fn lines(directory: &TempDir, selection: &Selection) -> Vec<serde_json::Value> {
    let mut out = Vec::new();
    dump(&Directory::open(directory.path()).unwrap(), selection, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn files(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for folder in ["", "journal", "segments", "aside"] {
        for entry in std::fs::read_dir(directory.join(folder)).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_file() {
                found.push((path.clone(), std::fs::read(path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

fn flip(path: &Path, offset: u64) {
    let file = File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).unwrap();
    byte[0] ^= 1;
    file.write_all_at(&byte, offset).unwrap();
}

#[test]
fn a_whole_directory_is_clean_and_stays_as_it_is() {
    let (directory, shards) = filled(400);
    let before = files(directory.path());
    let report = look(&directory);
    assert_eq!(report.damages, []);
    assert!(report.segments > 0, "{report:?}");
    let selection =
        Selection { shard: shards[1], from: SeqNo(0), limit: 1000, frames: false, text: false };
    lines(&directory, &selection);
    list(&Directory::open(directory.path()).unwrap(), false, &mut Vec::new()).unwrap();
    assert!(before == files(directory.path()), "looking changed the directory");
}

#[test]
fn every_record_is_dumped_once_in_order_from_segments_and_journal() {
    let (directory, shards) = filled(400);
    let all =
        Selection { shard: shards[1], from: SeqNo(0), limit: 1000, frames: false, text: false };
    let records = lines(&directory, &all);
    assert_eq!(records.len(), 400);
    for (number, line) in records.iter().enumerate() {
        assert_eq!(line["seq"], number);
        assert_eq!(line["key"], "key");
        let expected = base64_simd::STANDARD.encode_to_string(data(number.try_into().unwrap()));
        assert_eq!(line["data"], expected);
    }
    let sources = |part: &str| {
        records.iter().filter(|line| line["source"].as_str().unwrap().starts_with(part)).count()
    };
    assert_eq!(sources("segments/") + sources("journal/"), 400);
    assert!(sources("segments/") > 0);
    let some = lines(&directory, &Selection { from: SeqNo(150), limit: 7, ..all });
    let seqs: Vec<_> = some.iter().map(|line| line["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, [150, 151, 152, 153, 154, 155, 156]);
}

#[test]
fn one_byte_in_the_journal_is_found_with_its_place_and_shard() {
    let (directory, shards) = filled(8);
    let frames =
        Selection { shard: shards[0], from: SeqNo(5), limit: 1, frames: true, text: false };
    let frame = &lines(&directory, &frames)[0];
    let position = frame["position"].as_str().unwrap();
    let offset: u64 = position.split_once(':').unwrap().1.parse().unwrap();
    let file = frame["source"].as_str().unwrap().to_owned();
    flip(&directory.path().join(&file), offset + 300);
    let report = look(&directory);
    let [damage] = &report.damages[..] else { panic!("{report:?}") };
    assert_eq!((damage.file.as_str(), damage.offset), (file.as_str(), offset));
    assert_eq!((damage.shard, damage.seq), (Some(shards[0].0), Some(5)));
}

#[test]
fn one_byte_in_a_segment_is_found_in_its_block() {
    let (directory, _) = filled(400);
    let mut segments = files(&directory.path().join("segments"));
    let (path, _) = segments.remove(0);
    flip(&path, 20);
    let report = look(&directory);
    let [damage] = &report.damages[..] else { panic!("{report:?}") };
    assert!(path.ends_with(&damage.file), "{damage:?}");
    assert_eq!(damage.offset, 0, "the first block");
}

#[test]
fn a_directory_that_was_closed_in_order_says_so() {
    let (directory, _) = filled(3);
    assert!(look(&directory).is_clean_shutdown);
}

#[test]
fn a_missing_segment_is_damage() {
    let (directory, _) = filled(400);
    let (path, _) = files(&directory.path().join("segments")).remove(0);
    std::fs::remove_file(path).unwrap();
    let report = look(&directory);
    assert_eq!(report.damages.len(), 1, "{report:?}");
    assert_eq!(report.damages[0].what, "the file is missing");
}

#[test]
fn a_directory_without_a_catalog_cannot_be_looked_at() {
    let directory = TempDir::new().unwrap();
    assert!(Directory::open(directory.path()).is_err());
    assert_eq!(files(directory.path()), []);
    assert!(Directory::open(&directory.path().join("nowhere")).is_err());
}
