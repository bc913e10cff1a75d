//! Where reading of a shard begins: by type, number or time.

use flowstone_engine::shard::ReadFrom;
use flowstone_engine::types::{SeqNo, Timestamp};

use crate::api::streams::State;
use crate::service::{Parsed, SequenceNumber, ShardRow, Stream, shard_name};
use crate::wire::Exception;

/// Where to begin.
#[derive(Clone, Copy, Debug)]
pub(super) enum Start<'a> {
    /// At the oldest record.
    TrimHorizon,
    /// Behind the newest record.
    Latest,
    /// At the first record that did not arrive before, in milliseconds since 1970.
    AtTime(i64),
    /// At the record with this number.
    At(&'a str),
    /// At the record behind the one with this number.
    After(&'a str),
}

/// Reads where to begin; `kind` is one of the model's.
pub(super) fn read_start_at<'a>(
    kind: &str,
    number: Option<&'a str>,
    time_ms: Option<i64>,
) -> Result<Start<'a>, Exception> {
    match (kind, number) {
        ("AT_SEQUENCE_NUMBER", Some(number)) => Ok(Start::At(number)),
        ("AFTER_SEQUENCE_NUMBER", Some(number)) => Ok(Start::After(number)),
        ("TRIM_HORIZON", None) => Ok(Start::TrimHorizon),
        ("LATEST", None) => Ok(Start::Latest),
        ("AT_TIMESTAMP", None) => time_ms.map(Start::AtTime).ok_or_else(|| {
            Exception::invalid_argument(
                "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. \
                 Current request has no timestamp parameter.",
            )
        }),
        _ => {
            let with = match number {
                Some(number) => format!("also a StartingSequenceNumber {number}"),
                None => "no StartingSequenceNumber".to_owned(),
            };
            Err(Exception::invalid_argument(format!(
                "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and \
                 StartingSequenceNumber or (2) TRIM_HORIZON or LATEST and no \
                 StartingSequenceNumber. Request specified {kind} and {with}."
            )))
        }
    }
}

/// The position that `start` means now; `operation` is the one that asks, for messages.
pub(super) async fn find_position(
    state: &State,
    stream: &Stream,
    shard: &ShardRow,
    start: Start<'_>,
    operation: &str,
) -> Result<SeqNo, Exception> {
    let log = shard.log();
    match start {
        Start::TrimHorizon => Ok(state.engine.watermarks(log)?.trim_horizon),
        Start::Latest => Ok(state.engine.watermarks(log)?.high_watermark),
        Start::AtTime(ms) => {
            let now_ms = i64::try_from(state.now().0).unwrap_or(i64::MAX);
            if ms > now_ms {
                return Err(Exception::invalid_argument(format!(
                    "The timestampInMillis parameter cannot be greater than the \
                     currentTimestampInMillis. timestampInMillis: {ms}, \
                     currentTimestampInMillis: {now_ms}"
                )));
            }
            let from = ReadFrom::AtTime(Timestamp(u64::try_from(ms).unwrap_or(0)));
            Ok(state.on_disk(move |engine| engine.resolve(log, from)).await?)
        }
        Start::At(text) => Ok(numbered(state, stream, shard, text, operation)?.at()),
        Start::After(text) => Ok(numbered(state, stream, shard, text, operation)?.after()),
    }
}

/// The number that `text` stands for, which must be one of `shard`'s.
fn numbered(
    state: &State,
    stream: &Stream,
    shard: &ShardRow,
    text: &str,
    operation: &str,
) -> Result<SequenceNumber, Exception> {
    let invalid = |because: &str| {
        Exception::invalid_argument(format!(
            "StartingSequenceNumber {text} used in {operation} on shard {} in stream {} under \
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
