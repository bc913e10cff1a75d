//! Journal files: golden bytes, round trips, what is noticed, and what bad regions mean.

mod filing;
mod recovering;

use bytes::Bytes;
use proptest::prelude::*;

use super::commit::{Entry, Predecessor, commit_bytes_at_most, encode};
use super::header::{COMMITS_BEGIN, FileHeader, HeaderFault};
use super::image::ImageWriter;
use super::scan::{Item, identify, scan};
use super::slots::{Slots, Waiting};
use super::verdict::{ScannedFile, Verdict, judge};
use crate::frame::{Batch, Frame, FrameKind};
use crate::io::DIRECT_IO_BYTES;
use crate::types::{Epoch, FileSeq, JournalPosition, Salt, SeqNo, ShardId, Timestamp};

const FILE_BYTES: usize = 64 * 1024;

fn header(file: u32, previous_end: JournalPosition) -> FileHeader {
    FileHeader {
        salt: Salt(0x1122_3344_5566_7788 ^ u64::from(file)),
        file: FileSeq(file),
        file_bytes: u32::try_from(FILE_BYTES).unwrap(),
        previous_end,
        began: Timestamp(1_700_000_000_000),
    }
}

/// Records of `shard`, its first.
fn entry<'a>(shard: u64, batches: &'a [&'a Batch]) -> Entry<'a> {
    Entry {
        shard: ShardId(shard),
        first_seq: SeqNo(0),
        epoch: Epoch(1),
        arrival: Timestamp(5),
        high_watermark: SeqNo(0),
        batches,
        kind: FrameKind::Records,
    }
}

/// A journal file in the making: each commit says that all before it was durable.
struct Writer {
    header: FileHeader,
    image: ImageWriter,
    predecessor: Predecessor,
    durable: JournalPosition,
    next: [u64; 4],
    bytes: Vec<u8>,
}

impl Writer {
    fn new(header: FileHeader) -> Writer {
        let mut image = ImageWriter::new(FILE_BYTES).unwrap();
        let (begin, ()) = image.write(COMMITS_BEGIN, |out| header.encode_into(out));
        let bytes = begin.to_vec();
        let durable = JournalPosition::new(header.file, 0);
        Writer { header, image, predecessor: Predecessor::default(), durable, next: [0; 4], bytes }
    }

    fn at(&self) -> JournalPosition {
        let offset = u32::try_from(self.image.written()).unwrap();
        JournalPosition::new(self.header.file, offset)
    }

    fn commit(&mut self, shards: &[usize], data: &[u8], is_durable: bool) -> Vec<Frame> {
        let batches = [&Batch::single(b"key", data).unwrap()];
        let entries: Vec<_> = shards
            .iter()
            .map(|shard| {
                let first_seq = SeqNo(self.next[*shard]);
                self.next[*shard] += 1;
                let high_watermark = first_seq;
                Entry { first_seq, high_watermark, ..entry(*shard as u64, &batches) }
            })
            .collect();
        let encoded =
            encode(&mut self.image, &self.header, self.durable, &mut self.predecessor, &entries);
        self.bytes.extend_from_slice(&encoded.bytes);
        if is_durable {
            self.durable = self.at();
        }
        encoded.frames
    }

    /// The file as it is on disk.
    fn finish(mut self) -> Vec<u8> {
        self.bytes.resize(FILE_BYTES, 0);
        self.bytes
    }
}

fn scanned(bytes: &[u8], header: FileHeader) -> ScannedFile {
    let items = scan(&Bytes::copy_from_slice(bytes), &header).unwrap();
    ScannedFile { header, items, bytes: u32::try_from(bytes.len()).unwrap() }
}

fn judged(bytes: &[u8], header: FileHeader) -> Verdict {
    judge(&[scanned(bytes, header)], FileSeq(0), JournalPosition::default())
}

#[test]
fn the_bytes_of_a_file_header_never_change() {
    let header = header(3, JournalPosition::new(FileSeq(2), 0x4000));
    let hex: String = header.encode().iter().map(|byte| format!("{byte:02x}")).collect();
    let golden = "46534a46 0100 0000 8b77665544332211 03000000 00000100 02000000 00400000 \
                  0068e5cf8b010000 0000000000000000000000000000000000000000 97c76418";
    assert_eq!(hex, golden.replace(' ', ""));
    assert_eq!(FileHeader::decode(&header.encode()), Ok(header));
}

#[test]
fn either_copy_of_a_file_header_will_do_and_a_newer_version_is_named() {
    let header = header(1, JournalPosition::default());
    let mut bytes = vec![0; COMMITS_BEGIN];
    header.encode_into(&mut bytes);
    assert_eq!(FileHeader::decode_either(&bytes), Ok((header, true)));
    for copy in [0, DIRECT_IO_BYTES] {
        let mut damaged = bytes.clone();
        damaged[copy + 9] ^= 1;
        assert_eq!(FileHeader::decode_either(&damaged), Ok((header, false)));
    }
    let newer = super::tests::header(2, JournalPosition::default());
    let mut newer_bytes = bytes.clone();
    newer.encode_into(&mut newer_bytes);
    for (first, second) in [(&bytes, &newer_bytes), (&newer_bytes, &bytes)] {
        let torn = [&first[..DIRECT_IO_BYTES], &second[DIRECT_IO_BYTES..]].concat();
        assert_eq!(FileHeader::decode_either(&torn), Ok((newer, false)), "the newer one counts");
    }
    bytes[4] = 9;
    let checksum = crc32fast::hash(&bytes[..60]);
    bytes[60..64].copy_from_slice(&checksum.to_le_bytes());
    assert_eq!(FileHeader::decode_either(&bytes), Err(HeaderFault::NewerVersion(9)));
}

#[test]
#[cfg(target_os = "linux")]
fn an_image_that_is_gone_takes_no_addresses() {
    // So large that what other tests do meanwhile does not matter.
    const BYTES: usize = 1 << 30;
    let addresses_kib = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")).unwrap();
        size.trim().trim_end_matches(" kB").parse::<usize>().unwrap()
    };
    let image = ImageWriter::new(BYTES).unwrap();
    let held_kib = addresses_kib();
    drop(image);
    assert!(held_kib.saturating_sub(addresses_kib()) * 1024 > BYTES / 2);
}

#[test]
fn an_image_is_not_recycled_while_somebody_reads_it() {
    let mut image = ImageWriter::new(DIRECT_IO_BYTES).unwrap();
    let (slice, ()) = image.write(8, |out| out.copy_from_slice(b"durable!"));
    assert_eq!(image.written(), 8);
    let held = slice.slice(2..4);
    drop(slice);
    assert!(image.recycle().is_none());
    assert_eq!(&held[..], b"ra");
}

#[test]
fn what_another_incarnation_left_is_no_frame() {
    let mut writer = Writer::new(header(1, JournalPosition::default()));
    writer.commit(&[0, 1], b"old", true);
    let bytes = writer.finish();
    let other_salt = FileHeader { salt: Salt(1), ..header(1, JournalPosition::default()) };
    assert!(judged(&bytes, other_salt).frames.is_empty());
    assert!(!judged(&bytes, other_salt).has_torn_tail);
    let next = FileHeader { file: FileSeq(2), ..header(1, JournalPosition::default()) };
    assert!(judged(&bytes, next).frames.is_empty());
    let found = identify(&Bytes::from(bytes.clone()), FileSeq(0));
    assert_eq!(found, Some((header(1, JournalPosition::default()).salt, FileSeq(1))));
    assert_eq!(identify(&Bytes::from(bytes), FileSeq(1)), None);
}

#[test]
fn a_bad_frame_below_the_evidence_is_corruption_and_names_its_shard() {
    let head = header(1, JournalPosition::default());
    let mut writer = Writer::new(head);
    writer.commit(&[0], b"kept", true);
    let at = writer.at();
    writer.commit(&[1], b"lost", true);
    writer.commit(&[2], b"evidence", true);
    let bytes = writer.finish();
    // In the payload: the header still says whose it is. In the header: the next frame does.
    for offset in [100, 20] {
        let mut damaged = bytes.clone();
        damaged[at.offset() as usize + offset] ^= 0x10;
        let verdict = judged(&damaged, head);
        assert_eq!(verdict.damages.len(), 1, "{verdict:?}");
        assert_eq!(verdict.damages[0].start, at.offset());
        assert_eq!(verdict.damages[0].shard, Some(ShardId(1)));
        assert!(!verdict.has_torn_tail);
        assert_eq!(verdict.frames.len(), 2);
    }
}

#[test]
fn a_bad_frame_of_a_closed_file_names_its_shard_too() {
    let head = header(1, JournalPosition::default());
    let mut writer = Writer::new(head);
    writer.commit(&[0], b"kept", true);
    let at = writer.at();
    writer.commit(&[1], b"lost", true);
    writer.commit(&[2], b"behind", true);
    let next = header(2, writer.at());
    let mut bytes = writer.finish();
    bytes[at.offset() as usize + 20] ^= 0x10;
    let files = [scanned(&bytes, head), scanned(&Writer::new(next).finish(), next)];
    let verdict = judge(&files, FileSeq(0), JournalPosition::default());
    assert_eq!(verdict.damages.len(), 1, "{verdict:?}");
    assert_eq!(verdict.damages[0].shard, Some(ShardId(1)), "the frame behind says so");
}

#[test]
fn a_journal_without_a_file_ended_in_order() {
    assert!(judge(&[], FileSeq(0), JournalPosition::default()).is_clean);
}

#[test]
fn a_file_is_known_by_its_first_good_frame_though_another_stands_before() {
    let head = header(1, JournalPosition::default());
    let mut writer = Writer::new(head);
    writer.commit(&[0], b"bad", true);
    writer.commit(&[1], b"good", true);
    let mut bytes = writer.finish();
    bytes[COMMITS_BEGIN + 20] ^= 1;
    assert_eq!(identify(&Bytes::from(bytes), FileSeq(0)), Some((head.salt, FileSeq(1))));
}

#[test]
fn batches_of_one_shard_make_one_frame_whose_checksum_holds() {
    let batches = [&b"one"[..], b"", b"three"].map(|data| Batch::single(b"key", data).unwrap());
    for count in 1..=batches.len() {
        let mut image = ImageWriter::new(FILE_BYTES).unwrap();
        let batches: Vec<_> = batches[..count].iter().collect();
        let entry = entry(0, &batches);
        let head = header(1, JournalPosition::default());
        let durable = JournalPosition::default();
        let mut predecessor = Predecessor::default();
        let encoded = encode(&mut image, &head, durable, &mut predecessor, &[entry]);
        let frame = Frame::check(&encoded.bytes).unwrap();
        assert_eq!(frame.records().count(), count);
    }
}

#[test]
fn a_commit_is_not_larger_than_it_may_become() {
    // Each frame is one byte longer than what needs no padding.
    let batch = Batch::single(b"key", &[0; 6]).unwrap();
    assert_eq!(batch.payload().len() % crate::frame::FRAME_ALIGN_BYTES, 1);
    for frames in [1, 2, 40, 1000] {
        let mut image = ImageWriter::new(256 * 1024).unwrap();
        let batches = [&batch];
        let entries: Vec<_> = (0..frames).map(|shard| entry(shard, &batches)).collect();
        let head = header(1, JournalPosition::default());
        let durable = JournalPosition::default();
        let mut predecessor = Predecessor::default();
        let encoded = encode(&mut image, &head, durable, &mut predecessor, &entries);
        let bound = commit_bytes_at_most(entries.len(), entries.len() * batch.payload().len());
        assert!(encoded.bytes.len() <= bound, "{frames}: {} > {bound}", encoded.bytes.len());
    }
}

#[test]
fn a_bad_frame_past_the_evidence_is_a_torn_tail_whatever_comes_behind() {
    let head = header(1, JournalPosition::default());
    let mut writer = Writer::new(head);
    writer.commit(&[0], b"kept", true);
    let at = writer.at();
    writer.commit(&[1], b"in flight", false);
    writer.commit(&[2], b"in flight too", false);
    let mut bytes = writer.finish();
    bytes[at.offset() as usize + 100] ^= 0x10;
    let verdict = judged(&bytes, head);
    assert!(verdict.damages.is_empty(), "{verdict:?}");
    assert!(verdict.has_torn_tail);
    assert_eq!(verdict.end, at);
    assert_eq!(verdict.frames.len(), 1);
}

#[test]
fn a_torn_tail_is_said_to_be_one_for_either_reason() {
    let head = header(1, JournalPosition::default());
    let file = |in_flight: &[&[usize]]| {
        let mut writer = Writer::new(head);
        writer.commit(&[0], b"kept", true);
        let at = writer.at();
        in_flight.iter().for_each(|shards| drop(writer.commit(shards, b"in flight", false)));
        (writer.finish(), at.offset() as usize)
    };
    // No header, but frames behind.
    let (mut bytes, at) = file(&[&[1], &[2]]);
    bytes[at + 20] ^= 1;
    assert!(judged(&bytes, head).has_torn_tail);
    // A header, and the file ends with its frame.
    let (mut bytes, at) = file(&[&[1]]);
    bytes[at + 100] ^= 1;
    bytes.truncate(at + DIRECT_IO_BYTES);
    assert!(judged(&bytes, head).has_torn_tail);
    // Neither: what stands behind the end is nobody's.
    let (mut bytes, at) = file(&[&[1]]);
    bytes[at + 20] ^= 1;
    assert!(!judged(&bytes, head).has_torn_tail);
    assert!(!judged(&bytes, head).is_clean, "nobody said that this was the end");
}

#[test]
fn the_next_file_says_where_this_one_ends() {
    let first = header(1, JournalPosition::default());
    let mut writer = Writer::new(first);
    writer.commit(&[0], b"one", true);
    let at = writer.at();
    writer.commit(&[0], b"two", false);
    let end = writer.at();
    let mut bytes = writer.finish();
    let cut = scanned(&Writer::new(header(2, at)).finish(), header(2, at));
    let verdict = judge(&[scanned(&bytes, first), cut], FileSeq(0), JournalPosition::default());
    assert_eq!((verdict.frames.len(), verdict.damages.len()), (1, 0), "what was cut stays cut");

    bytes[at.offset() as usize] ^= 1;
    let whole = scanned(&Writer::new(header(2, end)).finish(), header(2, end));
    let verdict = judge(&[scanned(&bytes, first), whole], FileSeq(0), JournalPosition::default());
    assert_eq!(verdict.damages.len(), 1, "what was durable is missed: {verdict:?}");
    assert_eq!(verdict.damages[0].start, at.offset());
}

#[test]
fn a_missing_file_is_missed() {
    let third = header(3, JournalPosition::new(FileSeq(2), 8192));
    let file = || scanned(&Writer::new(third).finish(), third);
    assert_eq!(judge(&[file()], FileSeq(1), JournalPosition::default()).damages.len(), 1);
    assert_eq!(judge(&[file()], FileSeq(2), JournalPosition::default()).damages.len(), 0);
}

#[test]
fn records_that_were_noted_are_missed_with_all_evidence_behind_them() {
    let first = header(1, JournalPosition::default());
    let mut writer = Writer::new(first);
    writer.commit(&[0], b"one", true);
    let wiped = writer.at().offset() as usize;
    writer.commit(&[0], b"two", true);
    let noted = writer.at();
    let mut bytes = writer.finish();
    bytes[wiped..].fill(0);
    let file = || scanned(&bytes, first);
    let believed = judge(&[file()], FileSeq(0), JournalPosition::default());
    assert_eq!((believed.frames.len(), believed.damages.len()), (1, 0));
    let missed = judge(&[file()], FileSeq(0), noted);
    assert_eq!((missed.frames.len(), missed.damages.len()), (1, 1), "{missed:?}");
    assert_eq!(missed.damages[0].start as usize, wiped);

    let gone = judge(&[], FileSeq(0), noted);
    assert_eq!((gone.damages.len(), gone.end), (1, noted), "{gone:?}");
    assert!(!gone.is_clean);
    assert!(judge(&[], FileSeq(1), noted).damages.is_empty(), "what is sealed is not missed");
}

proptest! {
    #[test]
    fn what_is_committed_is_scanned(
        commits in prop::collection::vec(
            (prop::collection::vec(0usize..4, 1..4), prop::collection::vec(any::<u8>(), 0..900)),
            1..8,
        )
    ) {
        let head = header(1, JournalPosition::default());
        let mut writer = Writer::new(head);
        let mut frames = Vec::new();
        for (shards, data) in &commits {
            frames.extend(writer.commit(shards, data, true).iter().map(|f| *f.header()));
        }
        let end = writer.at();
        let verdict = judged(&writer.finish(), head);
        let back: Vec<_> = verdict.frames.iter().map(|frame| *frame.header()).collect();
        prop_assert_eq!(back, frames);
        prop_assert_eq!(verdict.end, end);
        prop_assert!(verdict.damages.is_empty() && !verdict.has_torn_tail);
    }

    #[test]
    fn no_flipped_bit_makes_another_frame(
        place in COMMITS_BEGIN..COMMITS_BEGIN + 3 * DIRECT_IO_BYTES, bit in 0u8..8
    ) {
        let head = header(1, JournalPosition::default());
        let mut writer = Writer::new(head);
        let mut frames = Vec::new();
        for round in 0..3u8 {
            frames.extend(writer.commit(&[0, 1, 2], &[round; 50], true));
        }
        let mut bytes = writer.finish();
        bytes[place] ^= 1 << bit;
        let items = scan(&Bytes::from(bytes), &head).unwrap();
        for item in &items {
            if let Item::Good(frame) = item {
                prop_assert!(frames.iter().any(|f| f.bytes() == frame.bytes()));
            }
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        noise in prop::collection::vec(any::<u8>(), 0..6000), at in 0usize..FILE_BYTES,
        take in any::<bool>(),
    ) {
        let head = header(1, JournalPosition::default());
        let mut writer = Writer::new(head);
        writer.commit(&[0, 1], b"something", true);
        let mut bytes = if take { writer.finish() } else { vec![0; FILE_BYTES] };
        let end = (at + noise.len()).min(FILE_BYTES);
        bytes[at..end].copy_from_slice(&noise[..end - at]);
        let _ = FileHeader::decode_either(&bytes);
        let _ = identify(&Bytes::from(bytes.clone()), FileSeq(0));
        let _ = judged(&bytes, head);
    }
}
