//! Reading a journal back: the seconds per GiB that a restart takes.

use std::path::Path;
use std::sync::Arc;

use criterion::{Criterion, Throughput};
use flowstone_benches::load::batch;
use flowstone_benches::opened::Opened;
use flowstone_engine::Options;
use flowstone_engine::io::{Backend, Disk, RealDisk};
use flowstone_engine::journal::recover::recover;
use flowstone_engine::types::{FileSeq, JournalPosition};

const FILE_BYTES: usize = 32 << 20;

pub(crate) fn bench(criterion: &mut Criterion) {
    for (name, shards, records) in
        [("one shard, 100 x 1 KiB a frame", 1, 100), ("100 shards, 1 KiB a frame", 100, 1)]
    {
        let directory = filled(shards, records);
        let disk = disk(directory.path());
        let bytes = recover(&disk, FileSeq(0), JournalPosition::from_raw(0))
            .expect("it was closed in order")
            .bytes;
        let mut group = criterion.benchmark_group("recover");
        group.sample_size(10);
        group.throughput(Throughput::Bytes(bytes));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let recovered = recover(&disk, FileSeq(0), JournalPosition::from_raw(0))
                    .expect("it was closed in order");
                assert!(recovered.verdict.damages.is_empty(), "nobody damaged it");
                recovered.verdict.frames.len()
            });
        });
    }
}

/// A closed engine's directory with one journal file nearly full.
fn filled(shards: usize, records: usize) -> tempfile::TempDir {
    let options = Options { journal_file_bytes: FILE_BYTES, ..Options::default() };
    let opened = Opened::fresh(shards, options).expect("a scratch directory takes an engine");
    let batch = batch(records, 1024);
    let round_bytes = shards * (batch.payload().len() + 96) + 4096;
    for _ in 0..FILE_BYTES * 9 / 10 / round_bytes {
        opened.append_each(opened.shards(), &batch).expect("the disk takes it");
    }
    opened.close().expect("an engine that worked can close")
}

fn disk(directory: &Path) -> Arc<dyn Disk> {
    Arc::new(RealDisk::open(directory, Backend::Auto).expect("the directory is there"))
}
