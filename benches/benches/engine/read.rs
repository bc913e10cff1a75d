//! Reading the hot tail: what is not sealed yet and lives in memory.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use flowstone_benches::load::batch;
use flowstone_benches::opened::Opened;
use flowstone_engine::Options;
use flowstone_engine::shard::{ReadFrom, ReadLimit};

const RECORD_BYTES: usize = 1024;
const BATCHES: usize = 100;
const BATCH_RECORDS: usize = 100;

pub(crate) fn bench(criterion: &mut Criterion) {
    let options = Options { journal_file_bytes: 32 << 20, ..Options::default() };
    let opened = Opened::fresh(1, options).expect("a scratch directory takes an engine");
    let shard = opened.shards()[0];
    let batch = batch(BATCH_RECORDS, RECORD_BYTES);
    for _ in 0..BATCHES {
        opened.append_each(&[shard], &batch).expect("the disk takes it");
    }
    let engine = opened.engine();
    let start = engine.resolve(shard, ReadFrom::TrimHorizon).expect("the shard exists");

    let mut group = criterion.benchmark_group("read");
    group.throughput(Throughput::Bytes((1000 * RECORD_BYTES) as u64));
    group.bench_function("hot tail, 1,000 records of 1 KiB", |bencher| {
        let limit = ReadLimit { records: 1000, bytes: 16 << 20 };
        bencher.iter(|| {
            let read = engine.read(shard, start, limit).expect("nothing is sealed");
            read.records().map(|record| black_box(record.record.data).len()).sum::<usize>()
        });
    });
    group.throughput(Throughput::Elements(1));
    group.bench_function("hot tail, the newest record", |bencher| {
        let limit = ReadLimit { records: 1, bytes: 1 << 20 };
        let newest = engine.watermarks(shard).expect("the shard exists").high_watermark.0 - 1;
        bencher.iter(|| {
            let from = flowstone_engine::types::SeqNo(newest);
            engine.read(shard, from, limit).expect("nothing is sealed").count()
        });
    });
    drop(group);
    opened.close().expect("an engine that worked can close");
}
