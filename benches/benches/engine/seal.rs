//! Sealing: frames into a segment, stored and compressed, flushed, read back and named; and reading
//! records from it.

use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput};
use flowstone_benches::load::{batch, commit, file_header, fresh_image};
use flowstone_benches::scratch::scratch;
use flowstone_engine::frame::Frame;
use flowstone_engine::io::{Backend, Disk, RealDisk};
use flowstone_engine::journal::commit::Predecessor;
use flowstone_engine::limits::{BLOCK_BYTES, BLOCK_CACHE_BYTES};
use flowstone_engine::segment::{
    BlockCache, Compression, Segment, SegmentWriter, prepare_dir, segment_path,
};
use flowstone_engine::types::{SegmentId, SeqNo, ShardId};

const SEGMENT_PAYLOAD_BYTES: usize = 8 << 20;
const FRAME_RECORDS: usize = 64;

pub(crate) fn bench(criterion: &mut Criterion) {
    let directory = scratch().expect("there is a disk");
    let disk: Arc<dyn Disk> =
        Arc::new(RealDisk::open(directory.path(), Backend::Auto).expect("there is a disk"));
    prepare_dir(&*disk).expect("the directory is ours");
    let frames = frames();
    let raw: usize = frames.iter().map(|frame| frame.bytes().len()).sum();

    let mut group = criterion.benchmark_group("seal");
    group.sample_size(10);
    group.throughput(Throughput::Bytes(raw as u64));
    let mut next = 1;
    for (name, compression) in
        [("8 MiB stored", Compression::Stored), ("8 MiB compressed", Compression::Zstd)]
    {
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || {
                    next += 1;
                    SegmentId(next)
                },
                |id| {
                    write(&disk, id, compression, &frames);
                    disk.remove(&segment_path(id)).expect("it was just written");
                },
                BatchSize::PerIteration,
            );
        });
    }
    drop(group);
    bench_read(criterion, &disk, &frames, raw);
}

fn bench_read(criterion: &mut Criterion, disk: &Arc<dyn Disk>, frames: &[Frame], raw: usize) {
    let id = SegmentId(0);
    write(disk, id, Compression::Zstd, frames);
    let segment = Segment::open(&**disk, id).expect("it was just written");
    let mut group = criterion.benchmark_group("read");
    group.throughput(Throughput::Bytes(raw as u64));
    group.bench_function("sealed, catching up past the cache", |bencher| {
        bencher.iter(|| {
            let cache = BlockCache::new(1);
            let read = segment.frames(ShardId(0), SeqNo(0), usize::MAX, &cache);
            black_box(read.expect("it was just written")).len()
        });
    });
    let cache = BlockCache::new(BLOCK_CACHE_BYTES);
    group.bench_function("sealed, from the cache", |bencher| {
        bencher.iter(|| {
            let read = segment.frames(ShardId(0), SeqNo(0), usize::MAX, &cache);
            black_box(read.expect("it was just written")).len()
        });
    });
}

/// Consecutive frames of one shard.
fn frames() -> Vec<Frame> {
    let bytes = SEGMENT_PAYLOAD_BYTES * 3 / 2;
    let (mut image, file) = (fresh_image(bytes), file_header(bytes));
    let mut predecessor = Predecessor::default();
    let count = SEGMENT_PAYLOAD_BYTES / (FRAME_RECORDS * 1024);
    (0..count as u64)
        .flat_map(|index| {
            // Fresh data for each frame, or zstd would find the last one's again.
            let batch = batch(FRAME_RECORDS, 1024);
            let seq = index * FRAME_RECORDS as u64;
            let encoded = commit(&mut image, &file, &mut predecessor, seq, 1, &batch);
            let bytes: Bytes = encoded.bytes;
            Frame::check(&bytes).ok()
        })
        .collect()
}

fn write(disk: &Arc<dyn Disk>, id: SegmentId, compression: Compression, frames: &[Frame]) {
    let mut writer = SegmentWriter::create(Arc::clone(disk), id, compression, BLOCK_BYTES)
        .expect("there is room");
    for frame in frames {
        writer.push(frame).expect("there is room");
    }
    writer.finish().expect("there is room");
}
