//! `PutRecords`: up to 500 records, each to the shard of its key.
//!
//! Two walks over the parsed entries: the first measures, the second decodes base64 straight into
//! one exactly sized batch a shard. Nothing is appended before every entry was decoded, so that a
//! malformed request leaves no trace.

use std::collections::HashMap;
use std::sync::Arc;

use flowstone_engine::frame::{Batch, BatchBuilder, RECORD_HEADER_BYTES};

use crate::api::Answer;
use crate::api::streams::State;
use crate::api::streams::admission::{Admission, Refused};
use crate::api::streams::constraints::PUT_RECORDS_REQUEST_ENTRY;
use crate::api::streams::error::{THROUGHPUT_EXCEEDED, dry_run, not_put, shard_rate_text};
use crate::api::streams::model::read_address;
use crate::api::streams::placement::Target;
use crate::service::{Placed, Put, PutPart, SequenceNumber, Stream, StreamKey, shard_name};
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

impl Entry<'_> {
    /// Bytes of key and data.
    fn bytes(&self) -> usize {
        self.target.kept_key().len() + decoded_bytes(self.data)
    }
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

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input<'_>,
) -> Result<Output, Exception> {
    let Input { stream: key, records, is_dry_run } = input;
    let stream = state.active_stream(key)?;
    let hashes = place(&stream, &records)?;
    let is_encrypted = stream.is_encrypted();
    if is_dry_run {
        let all: Vec<_> = (0..records.len()).collect();
        decode(&records, &all)?;
        return Err(dry_run());
    }
    let bytes_of = |record: usize| records[record].bytes();
    let Some(admission) = Admission::of(state, &stream, &hashes, bytes_of) else {
        let batch_of = |indexes: &[usize]| decode(&records, indexes);
        let put = state.streams.put(&state.engine, stream, &hashes, batch_of).await;
        return put.map(|put| output(put, is_encrypted)).map_err(|error| not_put(key, error));
    };
    let admitted: Vec<_> = admission.admitted().collect();
    let hashes: Vec<_> = admitted.iter().map(|record| hashes[*record]).collect();
    let batch_of = |places: &[usize]| {
        let indexes: Vec<_> = places.iter().map(|place| admitted[*place]).collect();
        decode(&records, &indexes)
    };
    let put = state.streams.put(&state.engine, stream, &hashes, batch_of).await;
    match put {
        Ok(put) => {
            admission.give_back(state, |place| put.parts[put.placed[place].part].result.is_err());
            Ok(output(put, is_encrypted).with_refused(&admission, key))
        }
        Err(error) => {
            admission.give_back(state, |_| true);
            Err(not_put(key, error))
        }
    }
}

/// Where the records go in the hash space, once they are known to be small enough.
fn place(stream: &Stream, records: &[Entry<'_>]) -> Result<Vec<u128>, Exception> {
    let mut request_bytes = 0;
    let mut hashes = Vec::with_capacity(records.len());
    for Entry { target, data } in records {
        let data_bytes = decoded_bytes(data);
        target.check_size(stream, data_bytes)?;
        request_bytes += target.kept_key().len() + data_bytes;
        hashes.push(target.hash(stream)?);
    }
    if request_bytes > REQUEST_BYTES_MAX {
        return Err(Exception::invalid_argument("Records size exceeds 10 MB limit"));
    }
    Ok(hashes)
}

/// The batch of those of `records` that have these indexes.
fn decode(records: &[Entry<'_>], indexes: &[usize]) -> Result<Batch, Exception> {
    let chosen = || indexes.iter().map(|index| &records[*index]);
    let bytes_of = |record: &Entry<'_>| RECORD_HEADER_BYTES + record.bytes();
    let mut builder = BatchBuilder::with_capacity(chosen().map(bytes_of).sum());
    for Entry { target, data } in chosen() {
        let key = target.kept_key().as_bytes();
        builder.push_with(key, decoded_bytes(data), |out| decode_blob(data, out))?;
    }
    builder.finish().map_err(Exception::from)
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

fn output(put: Put, is_encrypted: bool) -> Output {
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
                    code @ THROUGHPUT_EXCEEDED => code,
                    _ => "InternalFailure",
                };
                Outcome::Failed(code, message.into_owned())
            }
        };
        (shard_name(part.shard_index), outcome)
    };
    let outcomes = put.parts.into_iter().map(outcome).collect();
    Output { outcomes, placed: put.placed, is_encrypted }
}

impl Output {
    /// The outcome of all records, when this is that of those which were admitted: each shard that
    /// refused some has a part of its own.
    fn with_refused(mut self, admission: &Admission, stream: StreamKey<'_>) -> Output {
        let count = self.placed.len() + admission.refused().len();
        let mut placed = vec![Placed::default(); count];
        for (record, place) in admission.admitted().zip(self.placed) {
            placed[record] = place;
        }
        let mut part_of = HashMap::new();
        for Refused { record, shard_index } in admission.refused() {
            let part = *part_of.entry(*shard_index).or_insert_with(|| {
                let shard = shard_name(*shard_index);
                let text = shard_rate_text(&shard, stream);
                self.outcomes.push((shard, Outcome::Failed(THROUGHPUT_EXCEEDED, text)));
                self.outcomes.len() - 1
            });
            placed[*record] = Placed { part, place: 0 };
        }
        Output { placed, ..self }
    }

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
