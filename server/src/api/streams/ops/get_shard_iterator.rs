//! `GetShardIterator`: where to begin reading a shard.

use std::sync::Arc;

use flowstone_engine::types::{SeqNo, Timestamp};

use crate::api::Answer;
use crate::api::streams::State;
use crate::api::streams::error::dry_run;
use crate::api::streams::model::{find_shard, read_address};
use crate::api::streams::position::{Start, find_position, read_start_at};
use crate::service::{ShardIterator, Stream, StreamKey};
use crate::wire::{Caller, Exception, Fields, Writer};

pub(in crate::api::streams) struct Input<'a> {
    stream: StreamKey<'a>,
    shard: &'a str,
    start: Start<'a>,
    is_dry_run: bool,
}

impl<'a> Input<'a> {
    pub(in crate::api::streams) fn read(
        caller: &'a Caller,
        fields: Fields<'a, '_>,
    ) -> Result<Input<'a>, Exception> {
        let start = read_start_at(
            fields.text("ShardIteratorType").unwrap_or_default(),
            fields.text("StartingSequenceNumber"),
            fields.timestamp_ms("Timestamp"),
        )?;
        Ok(Input {
            stream: read_address(caller, fields)?,
            shard: fields.text("ShardId").unwrap_or_default(),
            start,
            is_dry_run: fields.is_true("DryRun"),
        })
    }
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
    let now = state.now();
    let position = find_position(state, &stream, shard, input.start, "GetShardIterator").await?;
    if input.is_dry_run {
        return Err(dry_run());
    }
    Ok(Output { iterator: seal(state, now, &stream, shard.index, position) })
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
