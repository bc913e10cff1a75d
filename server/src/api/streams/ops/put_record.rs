//! `PutRecord`: one record to the shard of its key.

use std::sync::Arc;

use flowstone_engine::frame::{BatchBuilder, RECORD_HEADER_BYTES};

use crate::api::Answer;
use crate::api::streams::State;
use crate::api::streams::error::{dry_run, not_put};
use crate::api::streams::model::read_address;
use crate::api::streams::ops::put_records::{check_size, read_hash};
use crate::service::{Parsed, SequenceNumber, StreamKey, shard_name};
use crate::wire::{Blob, Caller, Exception, Fields, Writer, decode_blob, decoded_bytes};

pub(in crate::api::streams) struct Input<'a> {
    stream: StreamKey<'a>,
    data: &'a Blob<'a>,
    key: &'a str,
    hash: u128,
    ordering: Option<&'a str>,
    is_dry_run: bool,
}

impl<'a> Input<'a> {
    pub(in crate::api::streams) fn read(
        caller: &'a Caller,
        fields: Fields<'a, 'a>,
    ) -> Result<Input<'a>, Exception> {
        let key = fields.text("PartitionKey").unwrap_or_default();
        Ok(Input {
            stream: read_address(caller, fields)?,
            data: fields.blob("Data").expect("the shape requires it"),
            key,
            hash: read_hash(key, fields.text("ExplicitHashKey"))?,
            ordering: fields.text("SequenceNumberForOrdering"),
            is_dry_run: fields.is_true("DryRun"),
        })
    }
}

pub(in crate::api::streams) struct Output {
    shard_index: u32,
    number: SequenceNumber,
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input<'_>,
) -> Result<Output, Exception> {
    let Input { stream: key, data, .. } = input;
    let data_bytes = decoded_bytes(data);
    let capacity = RECORD_HEADER_BYTES + input.key.len() + data_bytes;
    let batch = || {
        let mut builder = BatchBuilder::with_capacity(capacity);
        builder.push_with(input.key.as_bytes(), data_bytes, |out| decode_blob(data, out))?;
        builder.finish().map_err(Exception::from)
    };
    let mut first = Some(batch()?);
    let stream = state.active_stream(key)?;
    check_size(&stream, data_bytes, None)?;
    if let Some(text) = input.ordering {
        let now_s = state.now().0 / 1000;
        let is_valid = matches!(
            SequenceNumber::parse(text),
            Some(Parsed::Current(number)) if number.record_s <= now_s
        );
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
    // Made anew only when a split or merge sends it to another shard.
    let batch_of = || first.take().map_or_else(batch, Ok);
    let put = state.streams.put_one(&state.engine, stream, input.hash, batch_of).await;
    let part = put.map_err(|error| not_put(key, error))?;
    let appended = part.result?;
    let number = SequenceNumber::of_record(
        part.shard_created_s,
        part.shard_index,
        appended.first_seq,
        appended.arrival.0 / 1000,
    );
    Ok(Output { shard_index: part.shard_index, number })
}

impl Output {
    pub(in crate::api::streams) fn write(self, mut out: Writer) -> Answer {
        out.reserve(160);
        out.begin_map();
        out.text("ShardId", &shard_name(self.shard_index));
        out.text("SequenceNumber", self.number.digits().as_str());
        out.end_map();
        out.into()
    }
}
