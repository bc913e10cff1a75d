//! What is counted: the paths that every record takes.

use std::hint::black_box;

use base64_simd::STANDARD;
use flowstone_benches::load::{KEY, batch, commit, data, file_header, fresh_image};
use flowstone_engine::journal::commit::Predecessor;
use flowstone_engine::journal::scan::scan;
use flowstone_server::api::streams::Operation;
use flowstone_server::wire::{Fields, Format, Kind, check, decode_blob, decoded_bytes, read};

const RECORDS: usize = 500;
const RECORD_BYTES: usize = 1024;
const SCANNED_BYTES: usize = 2 << 20;
/// Room for the commits of the longest walk.
const IMAGE_BYTES: usize = 8 << 20;

/// A path, and how to walk it some times.
pub(crate) struct Path {
    pub(crate) name: &'static str,
    pub(crate) walk: fn(usize),
}

pub(crate) const ALL: &[Path] = &[
    Path { name: "encode a commit of 500 x 1 KiB", walk: encode },
    Path { name: "scan 2 MiB of frames of 1 KiB", walk: scan_file },
    Path { name: "decode PutRecords of 500 x 1 KiB", walk: decode },
];

fn encode(times: usize) {
    let batch = batch(RECORDS, RECORD_BYTES);
    let file = file_header(IMAGE_BYTES);
    let (mut image, mut predecessor) = (fresh_image(IMAGE_BYTES), Predecessor::default());
    for _ in 0..times {
        black_box(commit(&mut image, &file, &mut predecessor, 0, 1, &batch));
    }
}

fn scan_file(times: usize) {
    let file = file_header(SCANNED_BYTES);
    let small = batch(1, RECORD_BYTES);
    let (mut image, mut predecessor) = (fresh_image(SCANNED_BYTES), Predecessor::default());
    let mut seq = 0;
    while image.remaining() > 256 << 10 {
        commit(&mut image, &file, &mut predecessor, seq, 100, &small);
        seq += 1;
    }
    let mut image = image.recycle().expect("nobody holds a part of the image");
    let (whole, ()) = image.write(SCANNED_BYTES, |_| ());
    for _ in 0..times {
        let items = scan(black_box(&whole), &file).expect("a version that is known");
        assert!(items.len() > 1000, "all frames are found");
    }
}

fn decode(times: usize) {
    let key = String::from_utf8_lossy(KEY).into_owned();
    let records = data(RECORDS * RECORD_BYTES);
    let records = records.chunks(RECORD_BYTES).map(|record| {
        format!(r#"{{"Data":"{}","PartitionKey":"{key}"}}"#, STANDARD.encode_to_string(record))
    });
    let records = records.collect::<Vec<_>>().join(",");
    let body = format!(r#"{{"StreamName":"demo","Records":[{records}]}}"#);
    let shape = Operation::parse("PutRecords").and_then(Operation::input).expect("it has an input");
    let entry = shape.members.iter().find_map(|member| match member.kind {
        Kind::Structures(_, entry) => Some(entry),
        _ => None,
    });
    let entry = entry.expect("records are structures");
    let mut out = vec![0; RECORD_BYTES];
    for _ in 0..times {
        let values = read(Format::Json, shape, black_box(body.as_bytes())).expect("well-formed");
        check(shape, &values).expect("within the bounds");
        for record in Fields::new(shape, &values).structures("Records", entry) {
            let blob = record.blob("Data").expect("it is there");
            decode_blob(blob, &mut out[..decoded_bytes(blob)]).expect("base64");
            black_box(record.text("PartitionKey"));
        }
    }
}
