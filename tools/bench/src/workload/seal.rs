//! Sealing log lines into a compressed segment: how small, how quickly on one core.

use std::io;
use std::sync::Arc;

use flowstone_engine::frame::{Batch, Frame, FrameKind};
use flowstone_engine::io::{Backend, Disk, RealDisk};
use flowstone_engine::journal::commit::{Entry, Predecessor, encode};
use flowstone_engine::journal::header::{COMMITS_BEGIN, FileHeader};
use flowstone_engine::journal::image::ImageWriter;
use flowstone_engine::limits::BLOCK_BYTES;
use flowstone_engine::segment::{Compression, SegmentWriter, prepare_dir};
use flowstone_engine::types::{
    Epoch, FileSeq, JournalPosition, Salt, SegmentId, SeqNo, ShardId, Timestamp,
};

use super::Round;
use super::bench::Bench;
use super::engine::{batch, failed};
use crate::payload::Payload;
use crate::stopwatch::Stopwatch;

const NAME: &str = "seal";
/// Records of a frame, and frames of the segment: 32 MiB.
const FRAME_RECORDS: usize = 64;
const FRAMES: u64 = 512;

pub(super) fn run(bench: &Bench) -> io::Result<Round> {
    let mut round = Round::default();
    let directory = bench.directory()?;
    let frames = frames()?;
    let raw: usize = frames.iter().map(|frame| frame.bytes().len()).sum();
    #[expect(clippy::cast_precision_loss, reason = "32 MiB")]
    let raw = raw as f64;
    let (seconds, sealed_bytes) = bench.on_server_core(|| {
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(directory.path(), Backend::Auto)?);
        prepare_dir(&*disk).map_err(failed)?;
        let time = Stopwatch::start();
        let writer = SegmentWriter::create(disk, SegmentId(1), Compression::Zstd, BLOCK_BYTES);
        let mut writer = writer.map_err(failed)?;
        frames.iter().try_for_each(|frame| writer.push(frame)).map_err(failed)?;
        let summary = writer.finish().map_err(failed)?;
        Ok((time.elapsed().as_secs_f64(), summary.bytes))
    })?;
    #[expect(clippy::cast_precision_loss, reason = "below 32 MiB")]
    let sealed = sealed_bytes as f64;
    round.note((NAME, "log lines, written and flushed", "MB/s"), raw / 1e6 / seconds, None);
    round.note((NAME, "log lines become smaller", "times"), raw / sealed, None);
    Ok(round)
}

/// Consecutive frames of one shard.
fn frames() -> io::Result<Vec<Frame>> {
    let mut payload = Payload::new(9);
    let first = batch(FRAME_RECORDS, &mut payload)?;
    let file_bytes = 2 * (first.payload().len() + 8192);
    let file = FileHeader {
        salt: Salt(7),
        file: FileSeq(1),
        file_bytes: u32::try_from(file_bytes).map_err(io::Error::other)?,
        previous_end: JournalPosition::default(),
        began: Timestamp(0),
    };
    (0..FRAMES)
        .map(|number| {
            // Fresh data for each frame, or it would be found again by compression.
            let batch = batch(FRAME_RECORDS, &mut payload)?;
            frame(&file, &batch, SeqNo(number * FRAME_RECORDS as u64))
        })
        .collect()
}

fn frame(file: &FileHeader, batch: &Batch, first_seq: SeqNo) -> io::Result<Frame> {
    let bytes = usize::try_from(file.file_bytes).map_err(io::Error::other)?;
    let mut image = ImageWriter::new(bytes)?;
    image.write(COMMITS_BEGIN, |bytes| file.encode_into(bytes));
    let entry = Entry {
        shard: ShardId(0),
        first_seq,
        epoch: Epoch(1),
        arrival: Timestamp(1_700_000_000_000),
        high_watermark: first_seq,
        batches: &[batch],
        kind: FrameKind::Records,
    };
    let start = JournalPosition::default();
    let encoded = encode(&mut image, file, start, &mut Predecessor::default(), &[entry]);
    Frame::check(&encoded.bytes).map_err(|error| io::Error::other(format!("{error:?}")))
}
