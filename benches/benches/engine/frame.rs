//! Building a batch, encoding a commit, scanning a journal file.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput};
use flowstone_benches::load::{KEY, batch, commit, data, file_header, fresh_image};
use flowstone_engine::frame::{BatchBuilder, Frame};
use flowstone_engine::journal::commit::Predecessor;
use flowstone_engine::journal::scan::scan;

const RECORDS: usize = 500;
const RECORD_BYTES: usize = 1024;
const FILE_BYTES: usize = 16 << 20;

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("frame");
    group.throughput(Throughput::Bytes((RECORDS * RECORD_BYTES) as u64));
    let data = data(RECORD_BYTES);
    group.bench_function("build a batch of 500 x 1 KiB", |bencher| {
        bencher.iter(|| {
            let mut builder = BatchBuilder::with_capacity(RECORDS * (RECORD_BYTES + 32));
            for _ in 0..RECORDS {
                builder.push(KEY, black_box(&data)).expect("within the limits");
            }
            builder.finish().expect("there are records")
        });
    });

    let batch = batch(RECORDS, RECORD_BYTES);
    let file = file_header(FILE_BYTES);
    group.bench_function("encode a commit of one shard", |bencher| {
        bencher.iter_batched(
            || fresh_image(2 << 20),
            |mut image| commit(&mut image, &file, &mut Predecessor::default(), 0, 1, &batch),
            BatchSize::LargeInput,
        );
    });

    let mut image = fresh_image(2 << 20);
    let encoded = commit(&mut image, &file, &mut Predecessor::default(), 0, 1, &batch);
    group.bench_function("check a frame of 500 x 1 KiB", |bencher| {
        bencher.iter(|| Frame::check(black_box(&encoded.bytes)).expect("just encoded"));
    });
    drop(group);
    bench_scan(criterion);
}

fn bench_scan(criterion: &mut Criterion) {
    let file = file_header(FILE_BYTES);
    let small = batch(1, RECORD_BYTES);
    let mut image = fresh_image(FILE_BYTES);
    let mut predecessor = Predecessor::default();
    let mut seq = 0;
    while image.remaining() > 256 << 10 {
        commit(&mut image, &file, &mut predecessor, seq, 100, &small);
        seq += 1;
    }
    let whole = image.recycle().map_or_else(
        || unreachable!("nobody holds a part of the image"),
        |mut image| image.write(FILE_BYTES, |_| ()).0,
    );
    let mut group = criterion.benchmark_group("journal");
    group.throughput(Throughput::Bytes(FILE_BYTES as u64));
    group.bench_function("scan 16 MiB of frames of 1 KiB", |bencher| {
        bencher.iter(|| scan(black_box(&whole), &file).expect("a version that is known").len());
    });
}
