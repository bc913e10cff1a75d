//! Durable appends: one writer that waits for each flush, many writers that share one.

use criterion::{Criterion, Throughput};
use flowstone_benches::load::batch;
use flowstone_benches::opened::Opened;
use flowstone_engine::Options;
use flowstone_engine::types::ShardId;

pub(crate) fn bench(criterion: &mut Criterion) {
    let options = Options { journal_file_bytes: 32 << 20, ..Options::default() };
    let opened = Opened::fresh(100, options).expect("a scratch directory takes an engine");
    let mut group = criterion.benchmark_group("commit");
    group.sample_size(20);
    let cases: [(&str, usize, usize, usize); 4] = [
        ("one writer, 1 KiB", 1, 1, 1024),
        ("64 writers to one shard, 1 KiB each", 64, 1, 1024),
        ("100 writers to 100 shards, 1 KiB each", 100, 100, 1024),
        ("one writer, 500 x 1 KiB", 1, 1, 500 * 1024),
    ];
    for (name, writers, shards, bytes) in cases {
        let records = if bytes > 1024 { bytes / 1024 } else { 1 };
        let batch = batch(records, bytes / records);
        let targets: Vec<ShardId> =
            (0..writers).map(|writer| opened.shards()[writer % shards]).collect();
        group.throughput(Throughput::Bytes((writers * bytes) as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| opened.append_each(&targets, &batch).expect("the disk takes it"));
        });
    }
    drop(group);
    opened.close().expect("an engine that worked can close");
}
