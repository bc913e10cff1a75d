//! The file's bytes: golden, of a newer version, and in the hands of the stock `zstd`.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use bytes::Bytes;

use super::{ID, file_bytes, log_of, sim, small_log, write};
use crate::error::ErrorKind;
use crate::io::{Backend, Disk, Map, RealDisk};
use crate::segment::{Compression, Segment, SegmentWriter, prepare_dir, seek_table, segment_path};

#[test]
fn the_bytes_of_a_segment_never_change() {
    let disk = sim();
    let frames = log_of(&vec![(41, vec![(1, 5)])]);
    write(&disk, ID, &frames, Compression::Stored, 4096);
    let file = file_bytes(&*disk, ID);
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|b| format!("{b:02x}")).collect() };
    // The block: zstd magic, descriptor, content size, one last raw block, the frame.
    assert_eq!(hex(&file[..12]), "28b52ffd a0 72000000 910300".replace(' ', ""));
    assert_eq!(file[12..12 + frames[0].bytes().len()], frames[0].bytes()[..]);
    let tail = &file[12 + frames[0].bytes().len()..];
    assert_eq!(hex(tail), GOLDEN_TAIL.replace([' ', '\n'], ""));
}

/// By line: head and padding, run (2), block (2), root (2), trailer, seek table (2).
const GOLDEN_TAIL: &str = "5d2a4d18da000000 00000000000000000000 \
     0100000000000000 2900000000000000 2a00000000000000 8205000000000000 \
     8205000000000000 7200000000000000 0100000000000000 0000000000000000 \
     0000000000000000 7e000000 d73a1b69 7200000000000000 \
     0100000000000000 2900000000000000 8205000000000000 \
     bc0a000000000000720000000000000001000000000000008205000000000000 \
     82050000000000000000000064ffffff010000009cffffff0100000000000000 \
     46535345474d4e54 01000000 2e4dde5a b000000000000000 00000000 149d5bb7 \
     5e2a4d18190000007e00000072000000e200000000000000 \
     0200000000b1ea928f";

#[test]
fn a_file_ends_with_a_seek_table_only_when_descriptor_and_magic_say_so() {
    let disk = sim();
    write(&disk, ID, &small_log(), Compression::Zstd, 200);
    let file = file_bytes(&*disk, ID);
    assert!(seek_table::locate(&file).is_some());
    for behind in [1, 5] {
        let mut other = file.clone();
        other[file.len() - behind] ^= 1;
        assert_eq!(seek_table::locate(&other), None, "byte {behind} from the end");
    }
}

#[test]
fn a_segment_of_a_newer_version_is_refused() {
    let disk = sim();
    write(&disk, ID, &small_log(), Compression::Zstd, 200);
    let mut file = file_bytes(&*disk, ID);
    let trailer = file.windows(8).rposition(|bytes| bytes == b"FSSEGMNT").unwrap();
    file[trailer + 8] += 1;
    let checksum = crc32fast::hash(&file[trailer..trailer + 28]);
    file[trailer + 28..trailer + 32].copy_from_slice(&checksum.to_le_bytes());
    let error = Segment::of_map(ID, Map::from_bytes(Bytes::from(file))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("version 2, this binary reads 1"), "{error}");
}

#[test]
fn the_stock_zstd_decompresses_a_segment() {
    if Command::new("zstd").arg("--version").output().is_err() {
        eprintln!("SKIPPED: there is no zstd program here, the format was not checked against it");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> =
        Arc::new(RealDisk::open(directory.path(), Backend::Portable).unwrap());
    prepare_dir(&*disk).unwrap();
    let frames = log_of(&vec![(5, vec![(20, 3000); 20]), (0, vec![(1, 300_000), (2, 9)])]);
    let log: Vec<u8> = frames.iter().flat_map(|frame| frame.bytes().to_vec()).collect();
    for compression in [Compression::Stored, Compression::Zstd] {
        let mut writer =
            SegmentWriter::create(Arc::clone(&disk), ID, compression, 64 * 1024).unwrap();
        frames.iter().for_each(|frame| writer.push(frame).unwrap());
        let summary = writer.finish().unwrap();
        assert_eq!(summary.raw_bytes, log.len() as u64);
        let file = directory.path().join(segment_path(ID));
        assert_eq!(zstd(&["-dc", "--no-progress"], &file), log, "{compression:?}");
        zstd(&["-t", "-q"], &file);
        println!("{compression:?}: {} -> {} bytes", summary.raw_bytes, summary.bytes);
    }
}

fn zstd(arguments: &[&str], file: &Path) -> Vec<u8> {
    // By standard input: the program wants file names that end in .zst.
    let input = std::fs::File::open(file).unwrap();
    let output = Command::new("zstd").args(arguments).stdin(input).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
