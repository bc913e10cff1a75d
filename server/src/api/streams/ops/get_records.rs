//! `GetRecords`: records behind an iterator, written straight from the engine's memory.

use std::sync::Arc;

use flowstone_engine::shard::{Read, ReadLimit};
use tokio::sync::OwnedSemaphorePermit;

use crate::api::Answer;
use crate::api::streams::State;
use crate::api::streams::constraints::GET_RECORDS_MAX;
use crate::api::streams::error::{dry_run, expired_iterator, shard_not_found, stream_not_found};
use crate::api::streams::model::optional_address;
use crate::api::streams::ops::get_shard_iterator::seal;
use crate::api::streams::records::{behind_ms, write_children, write_records};
use crate::service::{
    ITERATOR_LIFE_MS, Opened, ShardIterator, ShardRow, Stream, StreamKey, shard_name,
};
use crate::wire::{Caller, Exception, Fields, Writer};

/// Bytes of keys and data in one answer.
const ANSWER_BYTES_MAX: usize = 10 * 1024 * 1024;

/// Bytes that a record takes beyond its base64: names, sequence number, time.
const RECORD_FRAME_BYTES: usize = 192;

/// Bytes of an answer beyond its records: the next iterator above all.
const ANSWER_FRAME_BYTES: usize = 1024;

pub(in crate::api::streams) struct Input<'a> {
    account: &'a str,
    iterator: &'a str,
    limit: usize,
    stream: Option<StreamKey<'a>>,
    is_dry_run: bool,
}

impl<'a> Input<'a> {
    pub(in crate::api::streams) fn read(
        caller: &'a Caller,
        fields: Fields<'a, '_>,
    ) -> Result<Input<'a>, Exception> {
        let limit_default = usize::try_from(GET_RECORDS_MAX).unwrap_or(usize::MAX);
        Ok(Input {
            account: &caller.account,
            iterator: fields.text("ShardIterator").unwrap_or_default(),
            limit: fields.count("Limit").map_or(limit_default, |limit| limit as usize),
            stream: optional_address(caller, fields)?,
            is_dry_run: fields.is_true("DryRun"),
        })
    }
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input<'_>,
) -> Result<Output, Exception> {
    let now = state.now();
    let invalid = || Exception::invalid_argument("Invalid ShardIterator.");
    let Opened { created, content: iterator } =
        state.tokens.open_iterator(input.iterator).ok_or_else(invalid)?;
    if now.minus_ms(ITERATOR_LIFE_MS) > created {
        return Err(expired_iterator(created, now));
    }
    let stream = find_stream(state, &input, &iterator)?;
    let shard = stream.shard(iterator.shard_index).ok_or_else(|| {
        shard_not_found(&shard_name(iterator.shard_index), &stream.row.name, &stream.row.account)
    })?;
    if input.is_dry_run {
        return Err(dry_run());
    }
    state.admit_read(&stream, shard)?;
    let limit = ReadLimit { records: input.limit, bytes: ANSWER_BYTES_MAX };
    let read = state.read(shard.log(), iterator.position, limit).await?;
    state.count_read(&stream, shard, read.bytes());
    let count = usize::try_from(read.count()).unwrap_or(usize::MAX);
    let answer_bytes = read.bytes().div_ceil(3) * 4
        + count.saturating_mul(RECORD_FRAME_BYTES)
        + ANSWER_FRAME_BYTES;
    let hold = state.answer_room(answer_bytes).await;
    let is_at_end = read.next() >= read.watermarks().high_watermark;
    let goes_on = shard.closed_ms.is_none() || !is_at_end;
    let next = goes_on.then(|| seal(state, now, &stream, shard.index, read.next()));
    let behind_ms = behind_ms(&read, now, is_at_end);
    let shard = shard.clone();
    Ok(Output { stream, shard, read, next, behind_ms, answer_bytes, hold })
}

pub(in crate::api::streams) struct Output {
    stream: Arc<Stream>,
    shard: ShardRow,
    read: Read,
    /// Where to go on; none at the end of a closed shard.
    next: Option<String>,
    behind_ms: u64,
    answer_bytes: usize,
    hold: OwnedSemaphorePermit,
}

impl Output {
    pub(in crate::api::streams) fn write(self, mut out: Writer) -> Answer {
        out.reserve(self.answer_bytes);
        out.begin_map();
        write_records(&mut out, &self.stream, &self.shard, &self.read);
        match &self.next {
            Some(next) => out.text("NextShardIterator", next),
            None => write_children(&mut out, &self.stream, &self.shard),
        }
        out.integer("MillisBehindLatest", self.behind_ms);
        out.end_map();
        Answer { hold: Some(self.hold), ..out.into() }
    }
}

fn find_stream(
    state: &State,
    input: &Input<'_>,
    iterator: &ShardIterator,
) -> Result<Arc<Stream>, Exception> {
    let stream = state
        .streams
        .find_id(iterator.stream)
        .ok_or_else(|| stream_not_found(&iterator.stream_name, input.account))?;
    let row = &stream.row;
    match input.stream {
        Some(key)
            if (key.account, key.region, key.name) != (&row.account, &row.region, &row.name) =>
        {
            Err(Exception::invalid_argument("ShardIterator is not one of the stream in StreamARN."))
        }
        _ => Ok(stream),
    }
}
