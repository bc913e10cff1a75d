//! `GetShardIterator`: where to begin reading a shard.

use std::sync::Arc;

use flowstone_engine::shard::ReadFrom;
use flowstone_engine::types::{SeqNo, Timestamp};

use crate::api::Answer;
use crate::api::streams::State;
use crate::api::streams::error::dry_run;
use crate::api::streams::model::{find_shard, read_address};
use crate::service::{
    Parsed, SequenceNumber, ShardIterator, ShardRow, Stream, StreamKey, shard_name,
};
use crate::wire::{Caller, Exception, Fields, Writer};

pub(in crate::api::streams) struct Input<'a> {
    stream: StreamKey<'a>,
    shard: &'a str,
    start: Start<'a>,
    is_dry_run: bool,
}

#[derive(Clone, Copy)]
enum Start<'a> {
    TrimHorizon,
    Latest,
    AtTime(i64),
    At(&'a str),
    After(&'a str),
}

impl<'a> Input<'a> {
    pub(in crate::api::streams) fn read(
        caller: &'a Caller,
        fields: Fields<'a, '_>,
    ) -> Result<Input<'a>, Exception> {
        let kind = fields.text("ShardIteratorType").unwrap_or_default();
        let number = fields.text("StartingSequenceNumber");
        let start = match (kind, number) {
            ("AT_SEQUENCE_NUMBER", Some(number)) => Start::At(number),
            ("AFTER_SEQUENCE_NUMBER", Some(number)) => Start::After(number),
            ("TRIM_HORIZON", None) => Start::TrimHorizon,
            ("LATEST", None) => Start::Latest,
            ("AT_TIMESTAMP", None) => match fields.timestamp_ms("Timestamp") {
                Some(ms) => Start::AtTime(ms),
                None => {
                    return Err(Exception::invalid_argument(
                        "Must specify timestampInMillis parameter for iterator of type \
                         AT_TIMESTAMP. Current request has no timestamp parameter.",
                    ));
                }
            },
            _ => return Err(wrong_start(kind, number)),
        };
        Ok(Input {
            stream: read_address(caller, fields)?,
            shard: fields.text("ShardId").unwrap_or_default(),
            start,
            is_dry_run: fields.is_true("DryRun"),
        })
    }
}

fn wrong_start(kind: &str, number: Option<&str>) -> Exception {
    let with = match number {
        Some(number) => format!("also a StartingSequenceNumber {number}"),
        None => "no StartingSequenceNumber".to_owned(),
    };
    Exception::invalid_argument(format!(
        "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and \
         StartingSequenceNumber or (2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. \
         Request specified {kind} and {with}."
    ))
}

pub(in crate::api::streams) struct Output {
    iterator: String,
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input<'_>,
) -> Result<Output, Exception> {
    let stream = state.active_stream(input.stream)?;
    let shard = find_shard(&stream, input.shard)?;
    let log = shard.log();
    let now = state.now();
    let position = match input.start {
        Start::TrimHorizon => state.engine.watermarks(log)?.trim_horizon,
        Start::Latest => state.engine.watermarks(log)?.high_watermark,
        Start::AtTime(ms) => {
            let now_ms = i64::try_from(now.0).unwrap_or(i64::MAX);
            if ms > now_ms {
                return Err(Exception::invalid_argument(format!(
                    "The timestampInMillis parameter cannot be greater than the \
                     currentTimestampInMillis. timestampInMillis: {ms}, \
                     currentTimestampInMillis: {now_ms}"
                )));
            }
            let from = ReadFrom::AtTime(Timestamp(u64::try_from(ms).unwrap_or(0)));
            state.on_disk(move |engine| engine.resolve(log, from)).await?
        }
        Start::At(text) => numbered(state, &stream, shard, text)?.at(),
        Start::After(text) => numbered(state, &stream, shard, text)?.after(),
    };
    if input.is_dry_run {
        return Err(dry_run());
    }
    Ok(Output { iterator: seal(state, now, &stream, shard.index, position) })
}

/// The number that `text` stands for, which must be one of `shard`'s.
fn numbered(
    state: &State,
    stream: &Stream,
    shard: &ShardRow,
    text: &str,
) -> Result<SequenceNumber, Exception> {
    let invalid = |because: &str| {
        Exception::invalid_argument(format!(
            "StartingSequenceNumber {text} used in GetShardIterator on shard {} in stream {} under \
             account {} is invalid{because}.",
            shard.name(),
            stream.row.name,
            stream.row.account
        ))
    };
    let parsed = SequenceNumber::parse(text).ok_or_else(|| invalid(""))?;
    let (Parsed::Older { shard_index } | Parsed::Current(SequenceNumber { shard_index, .. })) =
        parsed;
    if shard_index != shard.index {
        return Err(Exception::invalid_argument(format!(
            "Invalid StartingSequenceNumber. It encodes {}, while it was used in a call to a shard \
             with {}",
            shard_name(shard_index),
            shard.name()
        )));
    }
    match parsed {
        Parsed::Current(number) if number.shard_created_s == shard.created_s() => {
            let tail = state.engine.watermarks(shard.log())?.tail;
            let is_ending = Some(number) == shard.ending_sequence();
            if number.counter <= tail.0 || is_ending {
                let counter = number.counter.min(tail.0.saturating_add(u64::from(is_ending)));
                Ok(SequenceNumber { counter, ..number })
            } else {
                Err(invalid(""))
            }
        }
        _ => Err(invalid(" because it did not come from this stream")),
    }
}

/// An iterator, as `GetRecords` takes it.
pub(super) fn seal(
    state: &State,
    now: Timestamp,
    stream: &Stream,
    shard_index: u32,
    position: SeqNo,
) -> String {
    let stream_name = stream.row.name.clone();
    let iterator = ShardIterator { stream: stream.row.id, shard_index, position, stream_name };
    state.tokens.seal_iterator(now, &iterator)
}

impl Output {
    pub(in crate::api::streams) fn write(self, mut out: Writer) -> Answer {
        out.begin_map();
        out.text("ShardIterator", &self.iterator);
        out.end_map();
        out.into()
    }
}
