//! Segments: round trips, golden bytes, damage, crashes, merging.

mod damage;
mod format;
mod liar;
mod merging;
mod reading;
mod writing;

use std::sync::Arc;

use bytes::Bytes;

use super::{Compression, Segment, SegmentWriter, prepare_dir, segment_path};
use crate::frame::{BatchBuilder, Frame, FrameHeader, FrameKind};
use crate::io::sim::SimDisk;
use crate::io::{Disk, Open};
use crate::types::{Epoch, JournalPosition, Salt, SegmentId, SeqNo, ShardId, Timestamp};

const ID: SegmentId = SegmentId(0xABC);

/// A frame of `count` records, each with `data_bytes` bytes that depend on shard and place.
fn frame(shard: u64, first_seq: u64, count: u64, arrival: u64, data_bytes: usize) -> Frame {
    let mut batch = BatchBuilder::default();
    for seq in first_seq..first_seq + count {
        let data: Vec<u8> = (0..data_bytes as u64)
            .map(|i| (shard * 31 + seq * 7 + i / 3).to_le_bytes()[0])
            .collect();
        batch.push(format!("key{seq}").as_bytes(), &data).unwrap();
    }
    let batch = batch.finish().unwrap();
    let header = FrameHeader {
        kind: FrameKind::Records,
        is_last_of_commit: true,
        salt: Salt(shard ^ first_seq),
        position: JournalPosition::from_raw(first_seq * 100),
        durable_upto: JournalPosition::default(),
        shard: ShardId(shard),
        first_seq: SeqNo(first_seq),
        epoch: Epoch(1),
        count: batch.count(),
        arrival: Timestamp(arrival),
        payload_bytes: u32::try_from(batch.payload().len()).unwrap(),
        payload_checksum: batch.checksum(),
        previous_shard: ShardId(0),
        high_watermark: SeqNo(0),
        previous_bytes: 0,
    };
    let mut bytes = header.encode().to_vec();
    bytes.extend_from_slice(batch.payload());
    Frame::check(&Bytes::from(bytes)).unwrap()
}

/// Frames of some shards: for each the first record, then (records, bytes of each) of each frame.
type Shards = Vec<(u64, Vec<(u64, usize)>)>;

/// The frames of `shards`; shard number `i` has identity `3 * i + 1`, records arrive 10 ms apart.
fn log_of(shards: &Shards) -> Vec<Frame> {
    let mut frames = Vec::new();
    for (index, (first, sizes)) in shards.iter().enumerate() {
        let mut seq = *first;
        for (count, data_bytes) in sizes {
            frames.push(frame(3 * index as u64 + 1, seq, *count, 1000 + seq * 10, *data_bytes));
            seq += count;
        }
    }
    frames
}

fn small_log() -> Vec<Frame> {
    log_of(&vec![(5, vec![(2, 30), (1, 10), (3, 50)]), (0, vec![(1, 4); 6])])
}

fn sim() -> Arc<SimDisk> {
    let disk = SimDisk::new(7);
    prepare_dir(&*disk).unwrap();
    disk
}

fn write(
    disk: &Arc<SimDisk>,
    id: SegmentId,
    frames: &[Frame],
    compression: Compression,
    block_bytes: usize,
) -> Arc<Segment> {
    let disk: Arc<dyn Disk> = Arc::clone(disk) as _;
    let mut writer =
        SegmentWriter::create(Arc::clone(&disk), id, compression, block_bytes).unwrap();
    frames.iter().for_each(|frame| writer.push(frame).unwrap());
    let summary = writer.finish().unwrap();
    let segment = Segment::open(&*disk, id).unwrap();
    assert_eq!(segment.summary().unwrap(), summary);
    Arc::new(segment)
}

/// The bytes of the file of segment `id`.
fn file_bytes(disk: &dyn Disk, id: SegmentId) -> Vec<u8> {
    let file = disk.open(&segment_path(id), Open::Read).unwrap();
    let mut bytes = vec![0; usize::try_from(file.bytes().unwrap()).unwrap()];
    file.read_exact_at(&mut bytes, 0).unwrap();
    bytes
}

fn bytes_of<'a>(frames: impl IntoIterator<Item = &'a Frame>) -> Vec<Bytes> {
    frames.into_iter().map(|frame| frame.bytes().clone()).collect()
}
