//! The flat record layout beside rkyv: encode 500 records of 1 KiB with a checksum; validate and
//! walk them. This is what decided the layout of a payload.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use flowstone_benches::load::{KEY, data};
use flowstone_engine::frame::{BatchBuilder, Records};
use rkyv::rancor::Error;
use rkyv::util::AlignedVec;
use rkyv::{Archive, Serialize};

const RECORDS: usize = 500;
const RECORD_BYTES: usize = 1024;

#[derive(Archive, Serialize)]
struct RkyvRecord {
    key: Vec<u8>,
    data: Vec<u8>,
}

#[derive(Archive, Serialize)]
struct RkyvBatch {
    records: Vec<RkyvRecord>,
}

pub(crate) fn bench(criterion: &mut Criterion) {
    let data = data(RECORD_BYTES);
    encode(criterion, &data);
    walk(criterion, &data);
}

fn flat(data: &[u8]) -> flowstone_engine::frame::Batch {
    let mut builder = BatchBuilder::with_capacity(RECORDS * (RECORD_BYTES + 32));
    for _ in 0..RECORDS {
        builder.push(KEY, data).expect("within the limits");
    }
    builder.finish().expect("there are records")
}

/// rkyv needs the records as owned values first: that copy is part of its price, as a request's
/// bytes must go somewhere.
fn archived(data: &[u8]) -> (AlignedVec, u32) {
    let record = || RkyvRecord { key: KEY.to_vec(), data: data.to_vec() };
    let batch = RkyvBatch { records: (0..RECORDS).map(|_| record()).collect() };
    let out = AlignedVec::with_capacity(RECORDS * (RECORD_BYTES + 32));
    let bytes = rkyv::api::high::to_bytes_in::<_, Error>(&batch, out).expect("into memory");
    let checksum = crc32fast::hash(&bytes);
    (bytes, checksum)
}

fn encode(criterion: &mut Criterion, data: &[u8]) {
    let mut group = criterion.benchmark_group("layout: encode 500 x 1 KiB");
    group.throughput(Throughput::Bytes((RECORDS * RECORD_BYTES) as u64));
    group.bench_function("flat", |bencher| bencher.iter(|| flat(black_box(data))));
    group.bench_function("rkyv", |bencher| bencher.iter(|| archived(black_box(data))));
    group.bench_function("rkyv, from owned records", |bencher| {
        let record = || RkyvRecord { key: KEY.to_vec(), data: data.to_vec() };
        let batch = RkyvBatch { records: (0..RECORDS).map(|_| record()).collect() };
        bencher.iter(|| {
            let out = AlignedVec::<16>::with_capacity(RECORDS * (RECORD_BYTES + 32));
            let bytes = rkyv::api::high::to_bytes_in::<_, Error>(black_box(&batch), out)
                .expect("into memory");
            crc32fast::hash(&bytes)
        });
    });
}

fn walk(criterion: &mut Criterion, data: &[u8]) {
    let flat = flat(data);
    let (archived, _) = archived(data);
    let mut group = criterion.benchmark_group("layout: validate and walk 500 x 1 KiB");
    group.throughput(Throughput::Elements(RECORDS as u64));
    group.bench_function("flat", |bencher| {
        bencher.iter(|| {
            let mut records = Records::new(black_box(flat.payload()));
            let bytes: usize =
                records.by_ref().map(|record| record.key.len() + record.data.len()).sum();
            assert!(records.rest().is_empty(), "every byte belongs to a record");
            bytes
        });
    });
    group.bench_function("rkyv", |bencher| {
        bencher.iter(|| {
            let batch = rkyv::access::<ArchivedRkyvBatch, Error>(black_box(&archived))
                .expect("just encoded");
            batch.records.iter().map(|record| record.key.len() + record.data.len()).sum::<usize>()
        });
    });
}
