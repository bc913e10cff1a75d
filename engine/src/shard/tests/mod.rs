//! One shard log without an engine: reads against a model, watermarks, the gate.

mod gate;
mod log;
mod reading;

use std::sync::Arc;

use bytes::Bytes;

use super::{Run, ShardLog};
use crate::frame::{BatchBuilder, Frame, FrameHeader, FrameKind};
use crate::io::Disk;
use crate::io::sim::SimDisk;
use crate::segment::{Compression, Segment, SegmentWriter, prepare_dir};
use crate::types::{Epoch, FileSeq, JournalPosition, Salt, SegmentId, SeqNo, ShardId, Timestamp};

const SHARD: ShardId = ShardId(7);
/// Bytes of the key of every record here.
const KEY_BYTES: usize = 1;

/// A frame in journal file `file`: a record for each of `sizes`, with that many bytes of data.
fn frame(file: u32, first_seq: u64, arrival: u64, sizes: &[usize]) -> Frame {
    let mut batch = BatchBuilder::default();
    for (seq, data_bytes) in (first_seq..).zip(sizes) {
        batch.push(b"k", &vec![seq.to_le_bytes()[0]; *data_bytes]).unwrap();
    }
    let batch = batch.finish().unwrap();
    let header = FrameHeader {
        kind: FrameKind::Records,
        is_last_of_commit: true,
        salt: Salt(1),
        position: JournalPosition::new(FileSeq(file), 8192),
        durable_upto: JournalPosition::default(),
        shard: SHARD,
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

/// A disk for [`run`].
fn disk() -> Arc<dyn Disk> {
    let disk = SimDisk::new(1);
    prepare_dir(&*disk).unwrap();
    disk
}

/// The run of `frames` in a segment of their own.
fn run(disk: &Arc<dyn Disk>, id: u64, frames: &[Frame]) -> Run {
    let id = SegmentId(id);
    let mut writer = SegmentWriter::create(Arc::clone(disk), id, Compression::Stored, 64).unwrap();
    frames.iter().for_each(|frame| writer.push(frame).unwrap());
    writer.finish().unwrap();
    let (first, last) = (frames[0].header(), frames[frames.len() - 1].header());
    Run {
        segment: Arc::new(Segment::open(&**disk, id).unwrap()),
        id,
        first_seq: first.first_seq,
        end_seq: last.end_seq(),
        last_arrival: last.arrival,
    }
}

/// Adds `run` to `log` as recovery does.
fn restore(log: &ShardLog, run: Run) {
    log.restore_sealed(run.first_seq, run.end_seq, run.last_arrival, Some(run));
}
