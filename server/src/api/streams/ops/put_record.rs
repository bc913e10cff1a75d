//! `PutRecord`: one record to the shard of its key.

use std::sync::Arc;

use flowstone_engine::frame::{BatchBuilder, RECORD_HEADER_BYTES};

use crate::api::Answer;
use crate::api::streams::State;
use crate::api::streams::admission::Admission;
use crate::api::streams::error::{dry_run, not_put, shard_rate_exceeded};
use crate::api::streams::model::read_address;
use crate::api::streams::placement::Target;
use crate::service::{Parsed, SequenceNumber, StreamKey, shard_name};
use crate::wire::{Blob, Caller, Exception, Fields, Writer, decode_blob, decoded_bytes};

pub(in crate::api::streams) struct Input<'a> {
    stream: StreamKey<'a>,
    data: &'a Blob<'a>,
    target: Target<'a>,
    ordering: Option<&'a str>,
    is_dry_run: bool,
}

impl<'a> Input<'a> {
    pub(in crate::api::streams) fn read(
        caller: &'a Caller,
        fields: Fields<'a, 'a>,
    ) -> Result<Input<'a>, Exception> {
        let target = Target {
            key: fields.text("PartitionKey"),
            explicit: fields.text("ExplicitHashKey"),
            index: None,
        };
        Ok(Input {
            stream: read_address(caller, fields)?,
            data: fields.blob("Data").expect("the shape requires it"),
            target,
            ordering: fields.text("SequenceNumberForOrdering"),
            is_dry_run: fields.is_true("DryRun"),
        })
    }
}

pub(in crate::api::streams) struct Output {
    shard_index: u32,
    number: SequenceNumber,
    is_encrypted: bool,
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input<'_>,
) -> Result<Output, Exception> {
    let Input { stream: key, data, target, .. } = input;
    let data_bytes = decoded_bytes(data);
    let kept_key = target.kept_key().as_bytes();
    let capacity = RECORD_HEADER_BYTES + kept_key.len() + data_bytes;
    let batch = || {
        let mut builder = BatchBuilder::with_capacity(capacity);
        builder.push_with(kept_key, data_bytes, |out| decode_blob(data, out))?;
        builder.finish().map_err(Exception::from)
    };
    let mut first = Some(batch()?);
    let stream = state.active_stream(key)?;
    target.check_size(&stream, data_bytes)?;
    let hash = target.hash(&stream)?;
    let is_encrypted = stream.is_encrypted();
    if let Some(text) = input.ordering {
        let now_s = state.now().0 / 1000;
        let is_valid = match SequenceNumber::parse(text) {
            Some(Parsed::Current(number)) => number.record_s <= now_s,
            // Older than any record here, so that every number is behind it.
            Some(Parsed::Older { .. }) => true,
            None => false,
        };
        if !is_valid {
            return Err(Exception::invalid_argument(format!(
                "ExclusiveMinimumSequenceNumber {text} used in PutRecord on stream {} under \
                 account {} is invalid.",
                key.name, key.account
            )));
        }
    }
    if input.is_dry_run {
        return Err(dry_run());
    }
    let bytes = kept_key.len() + data_bytes;
    let admission = Admission::of(state, &stream, &[hash], |_| bytes);
    if let Some(shard) = admission.as_ref().and_then(Admission::first_refused) {
        return Err(shard_rate_exceeded(&shard_name(shard), key));
    }
    // Made anew only when a split or merge sends it to another shard.
    let batch_of = || first.take().map_or_else(batch, Ok);
    let put = state.streams.put_one(&state.engine, stream, hash, batch_of).await;
    let is_kept = put.as_ref().is_ok_and(|part| part.result.is_ok());
    if let Some(admission) = admission.filter(|_| !is_kept) {
        admission.give_back(state, |_| true);
    }
    let part = put.map_err(|error| not_put(key, error))?;
    let appended = part.result?;
    let number = SequenceNumber::of_record(
        part.shard_created_s,
        part.shard_index,
        appended.first_seq,
        appended.arrival.0 / 1000,
    );
    Ok(Output { shard_index: part.shard_index, number, is_encrypted })
}

impl Output {
    pub(in crate::api::streams) fn write(self, mut out: Writer) -> Answer {
        out.reserve(160);
        out.begin_map();
        out.text("ShardId", &shard_name(self.shard_index));
        out.text("SequenceNumber", self.number.digits().as_str());
        if self.is_encrypted {
            out.text("EncryptionType", "KMS");
        }
        out.end_map();
        out.into()
    }
}
