//! `DescribeStream`: a stream with its shards, a page at a time.

use std::sync::Arc;

use crate::api::Answer;
use crate::api::streams::State;
use crate::api::streams::model::{
    read_address, read_start, write_head, write_settings, write_shard,
};
use crate::service::{Stream, StreamKey};
use crate::wire::{Caller, Exception, Fields, Writer};

/// Shards of a page, however many were asked for.
const PAGE_SHARDS_MAX: usize = 100;

pub(in crate::api::streams) struct Input<'a> {
    stream: StreamKey<'a>,
    limit: usize,
    start: u32,
}

impl<'a> Input<'a> {
    pub(in crate::api::streams) fn read(
        caller: &'a Caller,
        fields: Fields<'a, '_>,
    ) -> Result<Input<'a>, Exception> {
        let limit = fields.count("Limit").map_or(PAGE_SHARDS_MAX, |limit| limit as usize);
        Ok(Input {
            stream: read_address(caller, fields)?,
            limit: limit.min(PAGE_SHARDS_MAX),
            start: read_start(fields.text("ExclusiveStartShardId"))?,
        })
    }
}

pub(in crate::api::streams) struct Output {
    stream: Arc<Stream>,
    limit: usize,
    start: u32,
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input<'_>,
) -> Result<Output, Exception> {
    let stream = state.stream(input.stream)?;
    Ok(Output { stream, limit: input.limit, start: input.start })
}

impl Output {
    pub(in crate::api::streams) fn write(self, mut out: Writer) -> Answer {
        let Output { stream, limit, start } = self;
        let before = stream.row.shards.partition_point(|shard| shard.index < start);
        let shards = &stream.row.shards[before..];
        out.begin_map();
        out.begin_map_in("StreamDescription");
        write_head(&mut out, &stream);
        write_settings(&mut out, &stream);
        out.begin_list_in("Shards");
        shards.iter().take(limit).for_each(|shard| write_shard(&mut out, shard));
        out.end_list();
        out.boolean("HasMoreShards", shards.len() > limit);
        out.end_map();
        out.end_map();
        out.into()
    }
}
