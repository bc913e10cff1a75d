//! `ListShards`: a stream's shards, filtered, a page at a time.

use std::sync::Arc;

use crate::api::Answer;
use crate::api::streams::State;
use crate::api::streams::constraints::SHARD_FILTER;
use crate::api::streams::error::{expired_token, not_with_token, stream_not_found};
use crate::api::streams::model::{optional_address, read_start, write_shard};
use crate::service::{ITERATOR_LIFE_MS, Purpose, ShardRow, Stream, StreamKey};
use crate::wire::{Caller, Exception, Fields, Value, Writer};

/// Shards of a page, however many were asked for.
const PAGE_SHARDS_MAX: usize = 1000;

/// What a listing's token says, so that nothing else may.
const SAID_BY_TOKEN: [&str; 6] = [
    "StreamName",
    "StreamARN",
    "StreamId",
    "ExclusiveStartShardId",
    "StreamCreationTimestamp",
    "ShardFilter",
];

pub(in crate::api::streams) struct Input<'a> {
    from: Origin<'a>,
    created_ms: Option<i64>,
    limit: usize,
}

enum Origin<'a> {
    Stream(StreamKey<'a>, Listing),
    Token(&'a str),
}

/// What a listing shows, and from where on: the whole content of its token, after the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Listing {
    start: u32,
    filter: Filter,
}

/// Which shards a listing shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filter {
    /// All that are not past retention.
    Kept,
    /// Those that take records.
    Open,
    /// Those that took records then.
    At(u64),
    /// Those that took records then or later.
    Since(u64),
}

impl<'a> Input<'a> {
    pub(in crate::api::streams) fn read(
        caller: &'a Caller,
        fields: Fields<'a, '_>,
    ) -> Result<Input<'a>, Exception> {
        let from = match fields.text("NextToken") {
            Some(token) => {
                // The token says all of it.
                let mut others = SAID_BY_TOKEN.into_iter();
                if let Some(other) = others.find(|name| *fields.value(name) != Value::Null) {
                    return Err(not_with_token(other));
                }
                Origin::Token(token)
            }
            None => match optional_address(caller, fields)? {
                Some(stream) => Origin::Stream(stream, read_listing(fields)?),
                None => {
                    return Err(Exception::invalid_argument(
                        "Either NextToken or StreamName should be provided.",
                    ));
                }
            },
        };
        let limit = fields.count("MaxResults").map_or(PAGE_SHARDS_MAX, |limit| limit as usize);
        let created_ms = fields.timestamp_ms("StreamCreationTimestamp");
        Ok(Input { from, created_ms, limit: limit.min(PAGE_SHARDS_MAX) })
    }
}

fn read_listing(fields: Fields<'_, '_>) -> Result<Listing, Exception> {
    let start = read_start(fields.text("ExclusiveStartShardId"))?;
    let Some(filter) = fields.structure("ShardFilter", &SHARD_FILTER) else {
        return Ok(Listing { start, filter: Filter::Kept });
    };
    let kind = filter.text("Type").unwrap_or_default();
    let time = || match filter.timestamp_ms("Timestamp") {
        Some(ms) => Ok(u64::try_from(ms).unwrap_or(0)),
        None => Err(Exception::invalid_argument(format!(
            "Timestamp must be provided for a ShardFilter of type {kind}."
        ))),
    };
    let (start, filter) = match kind {
        "AT_LATEST" => (start, Filter::Open),
        "AT_TIMESTAMP" => (start, Filter::At(time()?)),
        "FROM_TIMESTAMP" => (start, Filter::Since(time()?)),
        "AFTER_SHARD_ID" => match filter.text("ShardId") {
            Some(shard) => (read_start(Some(shard))?.max(start), Filter::Kept),
            None => {
                return Err(Exception::invalid_argument(
                    "ShardId must be provided for a ShardFilter of type AFTER_SHARD_ID.",
                ));
            }
        },
        "AT_TRIM_HORIZON" => (start, Filter::At(0)),
        // Every shard that a row still has may hold records from the trim horizon on.
        _ => (start, Filter::Kept),
    };
    Ok(Listing { start, filter })
}

pub(in crate::api::streams) struct Output {
    stream: Arc<Stream>,
    shards: Vec<u32>,
    next_token: Option<String>,
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input<'_>,
) -> Result<Output, Exception> {
    let now = state.now();
    let (stream, listing) = match input.from {
        Origin::Stream(key, listing) => {
            let stream = state.stream(key)?;
            if input.created_ms.is_some_and(|ms| !stream.was_created_at(ms)) {
                return Err(stream_not_found(key.name, key.account));
            }
            // Times before the trim horizon count as the trim horizon. The token carries the time
            // on, so that all pages are of one moment.
            let horizon_ms = now.minus_ms(stream.row.retention_ms()).0.max(stream.row.created_ms);
            let filter = listing.filter.not_before(horizon_ms);
            (stream, Listing { filter, ..listing })
        }
        Origin::Token(token) => {
            let invalid = || Exception::invalid_argument("Invalid NextToken.");
            let opened = state.tokens.open(Purpose::ListShards, token).ok_or_else(invalid)?;
            if now.minus_ms(ITERATOR_LIFE_MS) > opened.created {
                return Err(expired_token());
            }
            let (id, listing) = Listing::decode(&opened.content).ok_or_else(invalid)?;
            (state.streams.find_id(id).ok_or_else(invalid)?, listing)
        }
    };
    let shown = stream.row.shards.iter().filter(|shard| shard.index >= listing.start);
    let mut shards: Vec<u32> = shown
        .filter(|shard| listing.filter.shows(&stream, shard))
        .map(|shard| shard.index)
        .take(input.limit + 1)
        .collect();
    let next = shards.get(input.limit).map(|index| Listing { start: *index, ..listing });
    shards.truncate(input.limit);
    let seal =
        |next: Listing| state.tokens.seal(Purpose::ListShards, now, &next.encode(stream.row.id));
    let next_token = next.map(seal);
    Ok(Output { shards, next_token, stream })
}

impl Filter {
    fn not_before(self, horizon_ms: u64) -> Filter {
        match self {
            Filter::At(ms) => Filter::At(ms.max(horizon_ms)),
            other => other,
        }
    }

    fn shows(self, stream: &Stream, shard: &ShardRow) -> bool {
        match self {
            Filter::Kept => true,
            Filter::Open => shard.closed_ms.is_none(),
            Filter::At(ms) => stream.was_open_at(shard, ms),
            Filter::Since(ms) => shard.closed_ms.is_none_or(|closed_ms| closed_ms >= ms),
        }
    }
}

impl Listing {
    fn encode(self, stream: u64) -> Vec<u8> {
        let (kind, ms) = match self.filter {
            Filter::Kept => (0, 0),
            Filter::Open => (1, 0),
            Filter::At(ms) => (2, ms),
            Filter::Since(ms) => (3, ms),
        };
        let mut bytes = stream.to_le_bytes().to_vec();
        bytes.extend_from_slice(&self.start.to_le_bytes());
        bytes.push(kind);
        bytes.extend_from_slice(&u64::to_le_bytes(ms));
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<(u64, Listing)> {
        let (stream, rest) = bytes.split_first_chunk()?;
        let (start, rest) = rest.split_first_chunk()?;
        let (kind, ms) = rest.split_first()?;
        let ms = u64::from_le_bytes(ms.try_into().ok()?);
        let filter = match kind {
            0 => Filter::Kept,
            1 => Filter::Open,
            2 => Filter::At(ms),
            3 => Filter::Since(ms),
            _ => return None,
        };
        Some((u64::from_le_bytes(*stream), Listing { start: u32::from_le_bytes(*start), filter }))
    }
}

impl Output {
    pub(in crate::api::streams) fn write(self, mut out: Writer) -> Answer {
        out.begin_map();
        out.begin_list_in("Shards");
        for shard in self.shards.iter().filter_map(|index| self.stream.shard(*index)) {
            write_shard(&mut out, shard);
        }
        out.end_list();
        if let Some(token) = &self.next_token {
            out.text("NextToken", token);
        }
        out.end_map();
        out.into()
    }
}
