//! Frames and records: what is accepted is what a writer wrote.

use bytes::Bytes;
use flowstone_engine::frame::{
    Batch, BatchBuilder, FRAME_HEADER_BYTES, Frame, FrameHeader, FrameKind, Records,
};
use flowstone_engine::types::{Epoch, JournalPosition, Salt, SeqNo, ShardId, Timestamp};

use crate::fuzz::forge;

/// Decodes `data` as it is, and with its checksums made good.
pub fn body(data: &[u8]) {
    check(data);
    let mut forged = data.to_vec();
    forge::frame(&mut forged);
    check(&forged);
}

fn check(data: &[u8]) {
    let mut records = Records::new(data);
    let walked: usize = records.by_ref().map(|record| record.encoded_bytes()).sum();
    assert_eq!(walked + records.rest().len(), data.len(), "records are walked without gaps");

    if let Ok(header) = FrameHeader::decode(data) {
        assert_eq!(header.encode(), data[..FRAME_HEADER_BYTES], "a header encodes to what it was");
    }
    let Ok(frame) = Frame::check(&Bytes::copy_from_slice(data)) else { return };
    assert_eq!(frame.bytes().as_ref(), &data[..frame.header().frame_bytes()]);
    if frame.header().kind != FrameKind::Records {
        return;
    }
    assert_eq!(frame.records().count(), frame.header().count as usize);
    let mut builder = BatchBuilder::default();
    if frame.records().all(|record| builder.push(record.key, record.data).is_ok()) {
        let batch = builder.finish().expect("a frame of records has one");
        assert_eq!(batch.payload(), frame.payload(), "records encode to what they were");
        assert_eq!(batch.checksum(), frame.header().payload_checksum);
    }
}

/// The bytes of a frame.
#[must_use]
pub fn encode(shard: u64, first_seq: u64, batch: &Batch) -> Vec<u8> {
    let header = FrameHeader {
        kind: FrameKind::Records,
        is_last_of_commit: true,
        salt: Salt(7),
        position: JournalPosition::from_raw(8192),
        durable_upto: JournalPosition::default(),
        shard: ShardId(shard),
        first_seq: SeqNo(first_seq),
        epoch: Epoch(1),
        count: batch.count(),
        arrival: Timestamp(1000 + first_seq),
        payload_bytes: u32::try_from(batch.payload().len()).expect("small"),
        payload_checksum: batch.checksum(),
        previous_shard: ShardId(0),
        high_watermark: SeqNo(0),
        previous_bytes: 0,
    };
    let mut bytes = header.encode().to_vec();
    bytes.extend_from_slice(batch.payload());
    bytes
}

/// A batch of `count` records.
#[must_use]
pub fn batch(count: u64) -> Batch {
    let mut builder = BatchBuilder::default();
    for index in 0..count {
        let data = index.to_le_bytes().repeat(usize::try_from(index).expect("small"));
        builder.push(b"key", &data).expect("a small record");
    }
    builder.finish().expect("a record at least")
}

/// Frames of one and of several records, and a marker.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let mut marker = encode(u64::MAX, 0, &batch(1));
    marker.truncate(FRAME_HEADER_BYTES);
    marker[5] = 2;
    marker[52..56].fill(0);
    marker[64..68].fill(0);
    forge::frame(&mut marker);
    vec![encode(1, 0, &batch(1)), encode(2, 50, &batch(9)), marker]
}
