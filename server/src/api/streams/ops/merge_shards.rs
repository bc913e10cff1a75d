//! `MergeShards`: two adjacent shards become one.

use std::sync::Arc;

use crate::api::Done;
use crate::api::streams::State;
use crate::api::streams::model::read_address;
use crate::api::streams::resharding::{read_index, reshard};
use crate::service::{Reshard, StreamPath};
use crate::wire::{Caller, Exception, Fields};

pub(in crate::api::streams) struct Input<'a> {
    path: StreamPath,
    shard: &'a str,
    adjacent: &'a str,
}

impl<'a> Input<'a> {
    pub(in crate::api::streams) fn read(
        caller: &'a Caller,
        fields: Fields<'a, '_>,
    ) -> Result<Input<'a>, Exception> {
        Ok(Input {
            path: read_address(caller, fields)?.into(),
            shard: fields.text("ShardToMerge").unwrap_or_default(),
            adjacent: fields.text("AdjacentShardToMerge").unwrap_or_default(),
        })
    }
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input<'_>,
) -> Result<Done, Exception> {
    let Input { path, shard, adjacent } = input;
    let shard = read_index(state, &path, shard)?;
    let adjacent = read_index(state, &path, adjacent)?;
    reshard(state, path, Reshard::Merge { shard, adjacent }).await?;
    Ok(Done)
}
