//! `PutRecords`: up to 500 records, each to the shard of its key.
//!
//! Two walks over the parsed entries: the first measures, the second decodes base64 straight into
//! one exactly sized batch a shard. Nothing is appended before every entry was decoded, so that a
//! malformed request leaves no trace.

use std::sync::Arc;

use flowstone_engine::frame::{Batch, BatchBuilder, RECORD_HEADER_BYTES};

use crate::api::Answer;
use crate::api::streams::State;
use crate::api::streams::constraints::PUT_RECORDS_REQUEST_ENTRY;
use crate::api::streams::error::{dry_run, not_put};
use crate::api::streams::model::read_address;
use crate::service::{
    Placed, Put, PutPart, SequenceNumber, Stream, StreamKey, hash_of, parse_hash_key, shard_name,
};
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
    key: &'a str,
    hash: u128,
    data: &'a Blob<'a>,
}

impl<'a> Input<'a> {
    pub(in crate::api::streams) fn read(
        caller: &'a Caller,
        fields: Fields<'a, 'a>,
    ) -> Result<Input<'a>, Exception> {
        let entries = fields.structures("Records", &PUT_RECORDS_REQUEST_ENTRY);
        let mut records = Vec::with_capacity(entries.len());
        for entry in entries {
            let key = entry.text("PartitionKey").unwrap_or_default();
            let hash = read_hash(key, entry.text("ExplicitHashKey"))?;
            let data = entry.blob("Data").expect("the shape requires it");
            records.push(Entry { key, hash, data });
        }
        let stream = read_address(caller, fields)?;
        Ok(Input { stream, records, is_dry_run: fields.is_true("DryRun") })
    }
}

/// Where a record goes in the hash space.
pub(super) fn read_hash(key: &str, explicit: Option<&str>) -> Result<u128, Exception> {
    match explicit {
        None => Ok(hash_of(key)),
        Some(text) => parse_hash_key(text).ok_or_else(|| {
            Exception::invalid_argument(format!(
                "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. \
                 Specified value was {text}"
            ))
        }),
    }
}

/// Holds a record against what its stream allows; `index` is its place in a `PutRecords`.
pub(super) fn check_size(
    stream: &Stream,
    data_bytes: usize,
    index: Option<usize>,
) -> Result<(), Exception> {
    let max = stream.record_bytes_max();
    if data_bytes <= max {
        return Ok(());
    }
    let at = index.map_or("data".to_owned(), |index| format!("records.{}.member.data", index + 1));
    Err(Exception::validation(format!(
        "1 validation error detected: Value 'java.nio.HeapByteBuffer[pos=0 lim={data_bytes} \
         cap={data_bytes}]' at '{at}' failed to satisfy constraint: Member must have length less \
         than or equal to {max}"
    )))
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input<'_>,
) -> Result<Output, Exception> {
    let Input { stream: key, records, is_dry_run } = input;
    let stream = state.active_stream(key)?;
    measure(&stream, &records)?;
    if is_dry_run {
        let all: Vec<_> = (0..records.len()).collect();
        decode(&records, &all)?;
        return Err(dry_run());
    }
    let hashes: Vec<_> = records.iter().map(|record| record.hash).collect();
    let batch_of = |indexes: &[usize]| decode(&records, indexes);
    let put = state.streams.put(&state.engine, stream, &hashes, batch_of).await;
    put.map(output).map_err(|error| not_put(key, error))
}

fn measure(stream: &Stream, records: &[Entry<'_>]) -> Result<(), Exception> {
    let mut request_bytes = 0;
    for (index, record) in records.iter().enumerate() {
        let data_bytes = decoded_bytes(record.data);
        check_size(stream, data_bytes, Some(index))?;
        request_bytes += record.key.len() + data_bytes;
    }
    if request_bytes > REQUEST_BYTES_MAX {
        return Err(Exception::invalid_argument("Records size exceeds 10 MB limit"));
    }
    Ok(())
}

/// The batch of those of `records` that have these indexes.
fn decode(records: &[Entry<'_>], indexes: &[usize]) -> Result<Batch, Exception> {
    let chosen = || indexes.iter().map(|index| &records[*index]);
    let bytes_of =
        |record: &Entry<'_>| RECORD_HEADER_BYTES + record.key.len() + decoded_bytes(record.data);
    let mut builder = BatchBuilder::with_capacity(chosen().map(bytes_of).sum());
    for record in chosen() {
        let data_bytes = decoded_bytes(record.data);
        builder
            .push_with(record.key.as_bytes(), data_bytes, |out| decode_blob(record.data, out))?;
    }
    builder.finish().map_err(Exception::from)
}

pub(in crate::api::streams) struct Output {
    outcomes: Vec<(String, Outcome)>,
    placed: Vec<Placed>,
}

/// What became of a part; the outcome of its records follows from their places.
enum Outcome {
    Kept(SequenceNumber),
    Failed(&'static str, String),
}

fn output(put: Put) -> Output {
    let outcome = |part: PutPart| {
        let outcome = match part.result {
            Ok(appended) => Outcome::Kept(SequenceNumber::of_record(
                part.shard_created_s,
                part.shard_index,
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
        (shard_name(part.shard_index), outcome)
    };
    Output { outcomes: put.parts.into_iter().map(outcome).collect(), placed: put.placed }
}

impl Output {
    pub(in crate::api::streams) fn write(self, mut out: Writer) -> Answer {
        let Output { outcomes, placed } = self;
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
        out.end_map();
        out.into()
    }
}
