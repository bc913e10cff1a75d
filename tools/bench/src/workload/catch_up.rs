//! Reading from the beginning with `GetRecords`: what was just written, and, after a restart, what
//! lies in segments.

use std::io;
use std::net::SocketAddr;

use serde_json::{Value, json};

use super::batches::BATCH_BYTES;
use super::bench::Bench;
use super::{RECORD_BYTES, Round};
use crate::anchor::memory::copied_a_second;
use crate::stopwatch::Stopwatch;
use crate::system::http::Http;
use crate::system::kinesis::{STREAM, call, request};
use crate::system::{Operation, flowstone};

const NAME: &str = "catch-up";
const CONNECTIONS: usize = 4;
/// Records of one answer, as many as there may be.
const LIMIT: u64 = 10_000;

pub(super) fn run(bench: &Bench) -> io::Result<Round> {
    let mut round = Round::default();
    let copy = copied_a_second(bench.anchor_time) / 1e6;
    let host = bench.flowstone()?;
    let connections = bench.kinesis(host.address(), CONNECTIONS)?;
    let written = bench.closed(connections, Operation::Batch)?;
    let mut note = |name: &str, host: &crate::system::host::Host| {
        let before = host.processor_s()?;
        let time = Stopwatch::start();
        let bytes = bench.block_on(read_all(host.address()))?;
        let (seconds, processor_s) = (time.elapsed().as_secs_f64(), host.processor_s()? - before);
        let megabytes = bytes / 1e6;
        let what = format!("GetRecords, {name}, data");
        round.note((NAME, &what, "MB/s"), megabytes / seconds, Some(("memory copied", copy)));
        let what = format!("GetRecords, {name}, data a second of the server's processor");
        round.note((NAME, &what, "MB/s"), megabytes / processor_s.max(0.01), None);
        Ok::<_, io::Error>(bytes)
    };
    let hot = note("just written", &host)?;
    let directory = host.kill()?;
    let host = flowstone::start(&bench.cores, &bench.program, directory)?;
    let cold = note("after a restart", &host)?;
    #[expect(clippy::cast_precision_loss, reason = "a bench writes gigabytes")]
    let counted = (written.operations * BATCH_BYTES as u64) as f64;
    if hot < counted || (hot - cold).abs() > 0.5 {
        let message = format!("{counted} bytes were acknowledged, {hot} and {cold} were read");
        return Err(io::Error::other(message));
    }
    Ok(round)
}

/// Bytes of data of all records of the stream.
async fn read_all(server: SocketAddr) -> io::Result<f64> {
    let mut http = Http::open(server).await?;
    let shards = call(&mut http, "ListShards", &json!({"StreamName": STREAM})).await?;
    let mut bytes = 0.0;
    for shard in shards["Shards"].as_array().into_iter().flatten() {
        let body = json!({
            "StreamName": STREAM,
            "ShardId": shard["ShardId"],
            "ShardIteratorType": "TRIM_HORIZON",
        });
        let mut answer = call(&mut http, "GetShardIterator", &body).await?;
        let mut iterator = answer["ShardIterator"].take();
        loop {
            let body = json!({"ShardIterator": iterator, "Limit": LIMIT});
            let (records, next) = http.call(&request("GetRecords", &body), tail_of).await?;
            if records == 0 {
                break;
            }
            bytes += f64::from(records) * f64::from(u32::try_from(RECORD_BYTES).unwrap_or(0));
            iterator = next;
        }
    }
    Ok(bytes)
}

/// How many records an answer has, and the next iterator. Parsing all of it would measure the load.
fn tail_of(body: &[u8]) -> io::Result<(u32, Value)> {
    const DATA: &[u8] = b"\"Data\":\"";
    const NEXT: &[u8] = b"\"NextShardIterator\":\"";
    // Each record has RECORD_BYTES, so that most of the answer can be skipped.
    let skip = RECORD_BYTES;
    let (mut at, mut records) = (0, 0);
    while let Some(found) = find(&body[at..], DATA) {
        records += 1;
        at = (at + found + DATA.len() + skip).min(body.len());
    }
    let next = rfind(body, NEXT).map(|from| &body[from + NEXT.len()..]);
    let next = next.and_then(|rest| rest.split(|byte| *byte == b'"').next());
    let next = next.and_then(|next| std::str::from_utf8(next).ok());
    Ok((records, next.map_or(Value::Null, Value::from)))
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn rfind(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).rposition(|window| window == wanted)
}
