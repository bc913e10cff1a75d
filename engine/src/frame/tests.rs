//! Frames: round trips, golden bytes, and every single-bit flip noticed.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::types::{Epoch, JournalPosition, Salt, SeqNo, ShardId, Timestamp};

fn frame_of(batch: &Batch) -> Vec<u8> {
    let header = FrameHeader {
        kind: FrameKind::Records,
        is_last_of_commit: true,
        salt: Salt(0x0123_4567_89ab_cdef),
        position: JournalPosition::from_raw(0x0000_0003_0000_2000),
        durable_upto: JournalPosition::from_raw(0x0000_0003_0000_1000),
        shard: ShardId(7),
        first_seq: SeqNo(41),
        epoch: Epoch(2),
        count: batch.count(),
        arrival: Timestamp(1_700_000_000_123),
        payload_bytes: u32::try_from(batch.payload().len()).unwrap(),
        payload_checksum: batch.checksum(),
        previous_shard: ShardId(5),
        high_watermark: SeqNo(40),
        previous_bytes: 128,
    };
    let mut bytes = header.encode().to_vec();
    bytes.extend_from_slice(batch.payload());
    bytes
}

#[test]
fn the_bytes_of_a_frame_never_change() {
    let batch = Batch::single(b"key", b"data!").unwrap();
    let golden = "46534652010101 00efcdab8967452301 0020000003000000 0010000003000000 \
                  0700000000000000 2900000000000000 02000000 01000000 7b68e5cf8b010000 \
                  10000000 ca0c0115 0500000000000000 2800000000000000 80000000 ba027311 \
                  05000000 0300 0000 6b6579 6461746121";
    let hex: String = frame_of(&batch).iter().map(|byte| format!("{byte:02x}")).collect();
    let expected: String = golden.replace(' ', "");
    assert_eq!(hex, expected);
}

#[test]
fn a_frame_of_a_newer_version_is_named_as_such() {
    let mut bytes = frame_of(&Batch::single(b"k", b"d").unwrap());
    bytes[4] = FRAME_VERSION + 1;
    let checksum = crc32fast::hash(&bytes[..92]);
    bytes[92..96].copy_from_slice(&checksum.to_le_bytes());
    let fault = Frame::check(&Bytes::from(bytes)).unwrap_err();
    assert_eq!(fault, FrameFault::NewerVersion(FRAME_VERSION + 1));
}

/// The header of a good frame with `change` made to it, and a checksum that holds.
fn forged(change: impl FnOnce(&mut [u8])) -> Result<FrameHeader, FrameFault> {
    let mut bytes = frame_of(&Batch::single(b"k", b"d").unwrap());
    change(&mut bytes);
    let checksum = crc32fast::hash(&bytes[..92]);
    bytes[92..96].copy_from_slice(&checksum.to_le_bytes());
    FrameHeader::decode(&bytes)
}

#[test]
fn a_header_that_no_writer_writes_is_refused_whatever_its_checksum() {
    assert!(forged(|_| ()).is_ok());
    let refused = |change: fn(&mut [u8])| assert_eq!(forged(change), Err(FrameFault::BadHeader));
    refused(|bytes| bytes[4] = 0);
    refused(|bytes| bytes[6] |= 2);
    refused(|bytes| bytes[7] |= 0x80);
    refused(|bytes| bytes[5] = 99);
    // Records without a record, records of the journal itself, a marker with records.
    refused(|bytes| bytes[52..56].fill(0));
    refused(|bytes| bytes[32..40].copy_from_slice(&ShardId::JOURNAL.0.to_le_bytes()));
    refused(|bytes| bytes[5] = 2);
    // Sequence numbers that pass the last one.
    refused(|bytes| bytes[40..48].fill(0xff));
    assert_eq!(forged(|bytes| bytes[0] = 0), Err(FrameFault::NoMagic));
}

#[test]
fn a_payload_whose_lengths_lie_is_refused_although_its_checksum_holds() {
    let good = frame_of(&Batch::single(b"k", b"data").unwrap());
    assert!(Frame::check(&Bytes::from(good.clone())).is_ok());
    for (at, value) in [(0, 5), (0, 3), (4, 0), (6, 1), (7, 1)] {
        let mut bytes = good.clone();
        bytes[FRAME_HEADER_BYTES + at] = value;
        let checksum = crc32fast::hash(&bytes[FRAME_HEADER_BYTES..]);
        bytes[68..72].copy_from_slice(&checksum.to_le_bytes());
        let checksum = crc32fast::hash(&bytes[..92]);
        bytes[92..96].copy_from_slice(&checksum.to_le_bytes());
        let fault = Frame::check(&Bytes::from(bytes)).unwrap_err();
        assert_eq!(fault, FrameFault::BadPayload, "byte {at} is {value}");
    }
}

#[test]
fn what_just_fits_the_limits_is_taken() {
    use crate::limits::{KEY_BYTES_MAX, PAYLOAD_BYTES_MAX};
    let mut builder = BatchBuilder::default();
    let key = vec![0; KEY_BYTES_MAX];
    let data = vec![0; PAYLOAD_BYTES_MAX - RECORD_HEADER_BYTES - KEY_BYTES_MAX];
    builder.push(&key, &data).unwrap();
    assert!(builder.push(b"", b"").is_err(), "not a byte more");
    assert_eq!(builder.finish().unwrap().payload().len(), PAYLOAD_BYTES_MAX);
}

#[test]
fn every_single_bit_flip_is_noticed() {
    let bytes = frame_of(&Batch::single(b"partition", b"some data").unwrap());
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(Frame::check(&Bytes::from(flipped)).is_err(), "bit {bit} went unnoticed");
    }
}

#[test]
fn a_record_that_fails_to_fill_leaves_the_batch_as_it_was() {
    let mut builder = BatchBuilder::default();
    builder.push(b"a", b"1").unwrap();
    let refused: Result<(), crate::error::Error> = builder.push_with(b"b", 100, |_| {
        Err(crate::error::Error::new(crate::error::ErrorKind::Invalid, "no"))
    });
    assert!(refused.is_err());
    builder.push(b"c", b"3").unwrap();
    let batch = builder.finish().unwrap();
    let keys: Vec<_> = batch.records().map(|record| record.key.to_vec()).collect();
    assert_eq!(keys, [b"a".to_vec(), b"c".to_vec()]);
}

#[test]
fn a_record_that_is_filled_in_place_is_as_one_that_is_copied() {
    let (mut copied, mut filled) = (BatchBuilder::default(), BatchBuilder::with_capacity(100));
    for (key, data) in [(&b"a"[..], &b"one"[..]), (b"key", b""), (b"", b"three")] {
        copied.push(key, data).unwrap();
        let filling = filled.push_with(key, data.len(), |out| {
            out.copy_from_slice(data);
            Ok::<(), crate::error::Error>(())
        });
        filling.unwrap();
        assert_eq!((filled.bytes(), filled.count()), (copied.bytes(), copied.count()));
    }
    assert_eq!(filled.count(), 3);
    let bytes = filled.bytes();
    let (copied, filled) = (copied.finish().unwrap(), filled.finish().unwrap());
    assert_eq!(filled.payload(), copied.payload());
    assert_eq!(bytes, filled.payload().len());
}

#[test]
fn the_bytes_of_records_are_those_of_their_payload() {
    let mut builder = BatchBuilder::default();
    builder.push(b"key", b"data!").unwrap();
    builder.push(b"", b"").unwrap();
    let batch = builder.finish().unwrap();
    let mut records = batch.records();
    let mut walked = 0;
    while let Some(record) = records.next() {
        walked += record.encoded_bytes();
        assert_eq!(records.rest(), &batch.payload()[walked..]);
    }
    assert_eq!(walked, batch.payload().len());
}

#[test]
fn a_frame_holds_its_records_and_no_other() {
    let mut builder = BatchBuilder::default();
    builder.push(b"a", b"1").unwrap();
    builder.push(b"b", b"2").unwrap();
    let batch = builder.finish().unwrap();
    let frame = Frame::check(&Bytes::from(frame_of(&batch))).unwrap();
    let held: Vec<_> = (39..46).filter(|seq| frame.holds(SeqNo(*seq))).collect();
    assert_eq!(held, [41, 42]);
}

#[test]
fn limits_are_checked_at_the_door() {
    let mut builder = BatchBuilder::default();
    assert!(builder.push(&vec![0; crate::limits::KEY_BYTES_MAX + 1], b"").is_err());
    assert!(builder.push(b"", &vec![0; crate::limits::PAYLOAD_BYTES_MAX]).is_err());
    assert!(builder.is_empty());
    assert!(builder.finish().is_err());
}

proptest! {
    #[test]
    fn what_goes_into_a_frame_comes_out(
        records in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..40),
                                          prop::collection::vec(any::<u8>(), 0..300)), 1..20)
    ) {
        let mut builder = BatchBuilder::default();
        for (key, data) in &records {
            builder.push(key, data).unwrap();
        }
        let batch = builder.finish().unwrap();
        let frame = Frame::check(&Bytes::from(frame_of(&batch))).unwrap();
        let back: Vec<_> =
            frame.records().map(|r| (r.key.to_vec(), r.data.to_vec())).collect();
        prop_assert_eq!(back, records);
        prop_assert_eq!(FrameHeader::decode(frame.bytes()).unwrap(), *frame.header());
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Frame::check(&Bytes::from(bytes.clone()));
        let mut with_magic = bytes;
        with_magic.splice(0..0, FRAME_MAGIC);
        let _ = Frame::check(&Bytes::from(with_magic));
    }

    #[test]
    fn lengths_that_lie_are_refused(
        mut payload in prop::collection::vec(any::<u8>(), 0..64), count in 0u32..5
    ) {
        // A checksum that holds does not make a payload well formed.
        if payload.len() > 8 { payload[6] = 0; payload[7] = 0; }
        let walked = Records::new(&payload).count();
        let ok = record::is_well_formed(&payload, count);
        if ok { prop_assert_eq!(walked, count as usize); }
    }
}
