//! `SplitShard`: one shard becomes two.

use std::sync::Arc;

use crate::api::Done;
use crate::api::streams::State;
use crate::api::streams::model::read_address;
use crate::api::streams::resharding::{read_index, reshard};
use crate::service::{Reshard, StreamPath, parse_hash_key};
use crate::wire::{Caller, Exception, Fields};

pub(in crate::api::streams) struct Input<'a> {
    path: StreamPath,
    shard: &'a str,
    at: u128,
}

impl<'a> Input<'a> {
    pub(in crate::api::streams) fn read(
        caller: &'a Caller,
        fields: Fields<'a, '_>,
    ) -> Result<Input<'a>, Exception> {
        let at = fields.text("NewStartingHashKey").unwrap_or_default();
        let at = parse_hash_key(at).ok_or_else(|| {
            Exception::invalid_argument(format!(
                "Invalid NewStartingHashKey. NewStartingHashKey must be in the range: \
                 [0, 2^128-1]. Specified value was {at}"
            ))
        })?;
        let path = read_address(caller, fields)?.into();
        Ok(Input { path, shard: fields.text("ShardToSplit").unwrap_or_default(), at })
    }
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input<'_>,
) -> Result<Done, Exception> {
    let Input { path, shard, at } = input;
    let shard = read_index(state, &path, shard)?;
    reshard(state, path, Reshard::Split { shard, at }).await?;
    Ok(Done)
}
