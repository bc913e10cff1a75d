//! Commits in flight: what several on one file bring, with 64 appends always outstanding.

use criterion::{Criterion, Throughput};
use flowstone_benches::load::batch;
use flowstone_benches::opened::Opened;
use flowstone_engine::Options;

/// Appends of one round.
const APPENDS: usize = 512;
/// Appends outstanding.
const WINDOW: usize = 64;

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("in flight, 512 x 1 KiB, 64 outstanding");
    group.sample_size(20);
    group.throughput(Throughput::Elements(APPENDS as u64));
    for depth in [1, 2, 4, 8, 16] {
        let options = Options {
            journal_file_bytes: 32 << 20,
            commits_in_flight_max: depth,
            ..Options::default()
        };
        let opened = Opened::fresh(1, options).expect("a scratch directory takes an engine");
        let batch = batch(1, 1024);
        let shard = opened.shards()[0];
        group.bench_function(format!("{depth} commits"), |bencher| {
            bencher.iter(|| {
                opened.append_window(shard, &batch, APPENDS, WINDOW).expect("the disk takes it");
            });
        });
        opened.close().expect("an engine that worked can close");
    }
}
