//! `PutRecords`: up to 500 records, each to the shard of its key.
//!
//! Two walks over the parsed entries: the first routes and measures, the second decodes base64
//! straight into one exactly sized batch a shard. Nothing is appended before every entry was
//! decoded, so that a malformed request leaves no trace.

use std::collections::HashMap;
use std::sync::Arc;

use flowstone_engine::Appended;
use flowstone_engine::error::Result as EngineResult;
use flowstone_engine::frame::{Batch, BatchBuilder, RECORD_HEADER_BYTES};
use futures_util::future::join_all;

use crate::api::Answer;
use crate::api::streams::State;
use crate::api::streams::constraints::PUT_RECORDS_REQUEST_ENTRY;
use crate::api::streams::error::dry_run;
use crate::api::streams::model::read_address;
use crate::api::streams::placement::Target;
use crate::service::{SequenceNumber, ShardRow, Stream, StreamKey, shard_name};
use crate::wire::{Blob, Caller, Exception, Fields, Writer, decode_blob, decoded_bytes};

/// Bytes of keys and data in one request.
const REQUEST_BYTES_MAX: usize = 10 * 1024 * 1024;

/// Bytes of one record's outcome.
const OUTCOME_BYTES: usize = 128;

pub(in crate::api::streams) struct Input<'a> {
    stream: StreamKey<'a>,
    records: Vec<Entry<'a>>,
    is_dry_run: bool,
}

struct Entry<'a> {
    target: Target<'a>,
    data: &'a Blob<'a>,
}

impl<'a> Input<'a> {
    pub(in crate::api::streams) fn read(
        caller: &'a Caller,
        fields: Fields<'a, 'a>,
    ) -> Result<Input<'a>, Exception> {
        let entries = fields.structures("Records", &PUT_RECORDS_REQUEST_ENTRY);
        let mut records = Vec::with_capacity(entries.len());
        for (index, entry) in entries.enumerate() {
            let target = Target {
                key: entry.text("PartitionKey"),
                explicit: entry.text("ExplicitHashKey"),
                index: Some(index),
            };
            let data = entry.blob("Data").expect("the shape requires it");
            records.push(Entry { target, data });
        }
        let stream = read_address(caller, fields)?;
        Ok(Input { stream, records, is_dry_run: fields.is_true("DryRun") })
    }
}

/// What of a request goes to one shard.
struct Part<'s> {
    shard: &'s ShardRow,
    bytes: usize,
}

/// Where a record went: its part, and its place in it.
struct Placed {
    part: usize,
    place: u64,
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input<'_>,
) -> Result<Output, Exception> {
    let stream = state.active_stream(input.stream)?;
    let (parts, placed) = route(&stream, &input.records)?;
    let batches = decode(&parts, &placed, &input.records)?;
    if input.is_dry_run {
        return Err(dry_run());
    }
    let appends =
        parts.iter().zip(batches).map(|(part, batch)| state.engine.append(part.shard.log(), batch));
    let results = join_all(appends).await;
    Ok(output(&parts, placed, results, stream.is_encrypted()))
}

fn route<'s>(
    stream: &'s Stream,
    records: &[Entry<'_>],
) -> Result<(Vec<Part<'s>>, Vec<Placed>), Exception> {
    let mut parts: Vec<Part<'s>> = Vec::new();
    let mut part_of = HashMap::new();
    let mut placed = Vec::with_capacity(records.len());
    let mut counts: Vec<u64> = Vec::new();
    let mut request_bytes = 0;
    for Entry { target, data } in records {
        let data_bytes = decoded_bytes(data);
        target.check_size(stream, data_bytes)?;
        let key_bytes = target.kept_key().len();
        request_bytes += key_bytes + data_bytes;
        let hash = target.hash(stream)?;
        let shard = stream.shard_for(hash).expect("an active stream covers the hash space");
        let part = *part_of.entry(shard.index).or_insert_with(|| {
            parts.push(Part { shard, bytes: 0 });
            counts.push(0);
            parts.len() - 1
        });
        parts[part].bytes += RECORD_HEADER_BYTES + key_bytes + data_bytes;
        placed.push(Placed { part, place: counts[part] });
        counts[part] += 1;
    }
    if request_bytes > REQUEST_BYTES_MAX {
        return Err(Exception::invalid_argument("Records size exceeds 10 MB limit"));
    }
    Ok((parts, placed))
}

fn decode(
    parts: &[Part<'_>],
    placed: &[Placed],
    records: &[Entry<'_>],
) -> Result<Vec<Batch>, Exception> {
    let mut builders: Vec<_> =
        parts.iter().map(|part| BatchBuilder::with_capacity(part.bytes)).collect();
    for (record, Placed { part, .. }) in records.iter().zip(placed) {
        let data_bytes = decoded_bytes(record.data);
        builders[*part].push_with(record.target.kept_key().as_bytes(), data_bytes, |out| {
            decode_blob(record.data, out)
        })?;
    }
    builders.into_iter().map(|builder| builder.finish().map_err(Exception::from)).collect()
}

pub(in crate::api::streams) struct Output {
    outcomes: Vec<(String, Outcome)>,
    placed: Vec<Placed>,
    is_encrypted: bool,
}

/// What became of a part; the outcome of its records follows from their places.
enum Outcome {
    Kept(SequenceNumber),
    Failed(&'static str, String),
}

fn output(
    parts: &[Part<'_>],
    placed: Vec<Placed>,
    results: Vec<EngineResult<Appended>>,
    is_encrypted: bool,
) -> Output {
    let outcome = |(part, result): (&Part<'_>, EngineResult<Appended>)| {
        let shard = part.shard;
        let outcome = match result {
            Ok(appended) => Outcome::Kept(SequenceNumber::of_record(
                shard.created_s(),
                shard.index,
                appended.first_seq,
                appended.arrival.0 / 1000,
            )),
            Err(error) => {
                let exception = Exception::from(error);
                let message = exception.message.unwrap_or("Internal service failure.".into());
                // The model knows two codes for a record; whatever is no throttling is a failure.
                let code = match exception.code {
                    code @ "ProvisionedThroughputExceededException" => code,
                    _ => "InternalFailure",
                };
                Outcome::Failed(code, message.into_owned())
            }
        };
        (shard_name(shard.index), outcome)
    };
    let outcomes = parts.iter().zip(results).map(outcome).collect();
    Output { outcomes, placed, is_encrypted }
}

impl Output {
    pub(in crate::api::streams) fn write(self, mut out: Writer) -> Answer {
        let Output { outcomes, placed, is_encrypted } = self;
        let is_failed = |part: usize| matches!(outcomes[part].1, Outcome::Failed(..));
        let failed = placed.iter().filter(|placed| is_failed(placed.part)).count();
        out.reserve(64 + placed.len() * OUTCOME_BYTES);
        out.begin_map();
        out.integer("FailedRecordCount", failed as u64);
        out.begin_list_in("Records");
        for Placed { part, place } in &placed {
            let (shard, outcome) = &outcomes[*part];
            out.begin_map();
            match outcome {
                Outcome::Kept(first) => {
                    let number = SequenceNumber { counter: first.counter + place, ..*first };
                    out.text("SequenceNumber", number.digits().as_str());
                    out.text("ShardId", shard);
                }
                Outcome::Failed(code, message) => {
                    out.text("ErrorCode", code);
                    out.text("ErrorMessage", message);
                }
            }
            out.end_map();
        }
        out.end_list();
        if is_encrypted {
            out.text("EncryptionType", "KMS");
        }
        out.end_map();
        out.into()
    }
}
