//! Whole journal files: scan, identify, verdict.

use std::sync::OnceLock;

use bytes::Bytes;
use flowstone_engine::frame::{Frame, FrameKind};
use flowstone_engine::journal::commit::{Entry, Predecessor, encode};
use flowstone_engine::journal::header::{COMMITS_BEGIN, FileHeader};
use flowstone_engine::journal::image::ImageWriter;
use flowstone_engine::journal::scan::{Item, identify, scan};
use flowstone_engine::journal::verdict::{ScannedFile, judge};
use flowstone_engine::types::{Epoch, FileSeq, JournalPosition, Salt, SeqNo, ShardId, Timestamp};

use crate::fuzz::edit::edit;
use crate::fuzz::forge;
use crate::fuzz::frame::batch;
use crate::fuzz::input::Input;

const FILE_BYTES: usize = 64 * 1024;

/// Reads two files: one edited or made of arbitrary commits, the other as it was written.
pub fn body(data: &[u8]) {
    let mut input = Input::new(data);
    let mode = input.byte();
    let files = written();
    let mut edited = files[usize::from(mode & 1)].clone();
    if mode & 2 != 0 {
        let commits = input.rest();
        edited.truncate(COMMITS_BEGIN);
        edited.extend_from_slice(&commits[..commits.len().min(FILE_BYTES)]);
    }
    edit(&mut edited, &mut input);
    if mode & 4 != 0 {
        forge::frames(&mut edited);
        forge::file_headers(&mut edited);
    }
    let other = files[usize::from(!mode & 1)].clone();
    let sealed_upto = FileSeq(u32::from(mode >> 4 & 1));
    let mut scanned: Vec<_> =
        [edited, other].into_iter().filter_map(|bytes| read(bytes.into(), sealed_upto)).collect();
    scanned.sort_by_key(|file| file.header.file);
    let verdict = judge(&scanned, sealed_upto, JournalPosition::default());
    for pair in verdict.frames.windows(2) {
        let order = pair[0].header().position <= pair[1].header().position;
        assert!(order, "frames come in the order of the journal");
    }
    for damage in &verdict.damages {
        assert!(damage.start <= damage.end, "damage ends behind its start: {damage:?}");
    }
}

/// As recovery reads a file.
fn read(bytes: Bytes, sealed_upto: FileSeq) -> Option<ScannedFile> {
    let header = match FileHeader::decode_either(&bytes) {
        Ok((header, _)) => header,
        Err(_) => {
            let (salt, file) = identify(&bytes, sealed_upto)?;
            let previous_end = JournalPosition::default();
            FileHeader { salt, file, file_bytes: 0, previous_end, began: Timestamp(0) }
        }
    };
    let items = scan(&bytes, &header).ok()?;
    let mut at = COMMITS_BEGIN;
    for item in &items {
        match item {
            Item::Good(frame) => {
                let position = frame.header().position;
                assert_eq!(position, JournalPosition::new(header.file, offset(at)));
                let again = Frame::check(&bytes.slice(at..)).expect("it was good before");
                assert_eq!(again.header(), frame.header());
                at = flowstone_engine::journal::scan::end_offset(frame.header()) as usize;
            }
            Item::Bad(region) => {
                assert_eq!(region.start, offset(at), "items follow one another");
                assert!(region.start < region.end && region.end as usize <= bytes.len());
                at = region.end as usize;
            }
        }
    }
    Some(ScannedFile { header, items, bytes: offset(bytes.len()) })
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).expect("files are small")
}

/// Two journal files that follow one another, as the committer writes them.
fn written() -> &'static [Vec<u8>; 2] {
    static FILES: OnceLock<[Vec<u8>; 2]> = OnceLock::new();
    FILES.get_or_init(|| {
        let (first, end) = write(1, JournalPosition::default());
        [first, write(2, end).0]
    })
}

fn write(file: u32, previous_end: JournalPosition) -> (Vec<u8>, JournalPosition) {
    let header = FileHeader {
        salt: Salt(0x5A17 + u64::from(file)),
        file: FileSeq(file),
        file_bytes: offset(FILE_BYTES),
        previous_end,
        began: Timestamp(1_700_000_000_000),
    };
    let mut image = ImageWriter::new(FILE_BYTES).expect("a small image");
    let mut predecessor = Predecessor::default();
    let (begin, ()) = image.write(COMMITS_BEGIN, |out| header.encode_into(out));
    let mut bytes = begin.to_vec();
    let mut durable = JournalPosition::new(header.file, 0);
    for commit in 0..4u64 {
        let batches = [&batch(1 + commit)];
        let entry = |shard: u64, kind: FrameKind| Entry {
            shard: if kind == FrameKind::Records { ShardId(shard) } else { ShardId::JOURNAL },
            first_seq: SeqNo((u64::from(file) * 4 + commit) * 10),
            epoch: Epoch(1),
            arrival: Timestamp(5),
            high_watermark: SeqNo(0),
            batches: if kind == FrameKind::Records { &batches } else { &[] },
            kind,
        };
        let entries = match commit {
            3 => vec![entry(0, FrameKind::IdleMarker)],
            commit => (0..=commit).map(|shard| entry(shard, FrameKind::Records)).collect(),
        };
        let encoded = encode(&mut image, &header, durable, &mut predecessor, &entries);
        bytes.extend_from_slice(&encoded.bytes);
        durable = JournalPosition::new(header.file, offset(image.written()));
    }
    let end = durable;
    bytes.resize(bytes.len() + 4096, 0);
    (bytes, end)
}

/// Each mode without edits, and one with commits of the other file.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = (0..8).map(|mode| vec![mode]).collect();
    let mut commits = vec![2 | 4];
    commits.extend_from_slice(&written()[0][COMMITS_BEGIN..]);
    seeds.push(commits);
    // A frame that says it is longer than any file, with a good checksum.
    seeds.push(vec![4, 24 + 2, 64, 32, 0, 8]);
    seeds
}
