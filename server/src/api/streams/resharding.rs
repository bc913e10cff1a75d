//! What the operations that split and merge shards share: running them, and why they are refused.

use std::sync::Arc;

use crate::api::streams::State;
use crate::api::streams::error::shard_not_found;
use crate::api::streams::error::{limit_exceeded, not_changed, shard_limit, shard_malformed};
use crate::service::{
    ChangeError, LineageError, Reshard, ReshardError, Resharded, StreamKey, StreamLimits,
    StreamPath, parse_shard_name, shard_name,
};
use crate::wire::Exception;

#[cfg(test)]
mod tests;

/// The index that `shard` says, of the stream at `path`, which must exist.
pub(super) fn read_index(state: &State, path: &StreamPath, shard: &str) -> Result<u32, Exception> {
    state.stream(path.key())?;
    parse_shard_name(shard).ok_or_else(|| shard_malformed(shard, &path.name, &path.account))
}

/// Changes the shards of a stream. Durable when this returns.
pub(super) async fn reshard(
    state: &Arc<State>,
    path: StreamPath,
    change: Reshard,
) -> Result<Resharded, Exception> {
    let call = move |state: &State| {
        let key = path.key();
        let done = state.streams.reshard(&state.engine, &*state.clock, key, change);
        done.map_err(|error| match error {
            ChangeError::Refused(error) => refused(key, state.limits.streams, change, error),
            ChangeError::NotFound => not_changed::<Exception>(key, ChangeError::NotFound),
            ChangeError::NotActive(at) => not_changed::<Exception>(key, ChangeError::NotActive(at)),
            ChangeError::Engine(error) => error.into(),
        })
    };
    state.blocking(call).await
}

fn refused(
    key: StreamKey<'_>,
    limits: StreamLimits,
    change: Reshard,
    error: ReshardError,
) -> Exception {
    let StreamKey { account, name, .. } = key;
    match error {
        ReshardError::OnDemand => Exception::validation(format!(
            "Request is invalid. Stream {name} under account {account} is in On-Demand mode."
        )),
        ReshardError::Lineage(error) => refused_shards(key, change, error),
        ReshardError::AboveDouble { open } => out_of_scale("scale up over double", open, change),
        ReshardError::BelowHalf { open } => out_of_scale("scale down below half", open, change),
        ReshardError::TooManyShardsInStream => limit_exceeded(format!(
            "This request would exceed the shard limit for a stream. Limit: {}.",
            limits.shards_per_stream_max
        )),
        ReshardError::TooManyShards { current, more } => {
            shard_limit(key, current, limits.shards_max_in(key.region), more)
        }
    }
}

fn out_of_scale(what: &str, open: u32, change: Reshard) -> Exception {
    let target = match change {
        Reshard::Scale { target } => target,
        Reshard::Split { .. } | Reshard::Merge { .. } => open,
    };
    limit_exceeded(format!(
        "UpdateShardCount cannot {what} your current open shard count. Current open shard count: \
         {open} Target shard count: {target}"
    ))
}

fn refused_shards(key: StreamKey<'_>, change: Reshard, error: LineageError) -> Exception {
    let StreamKey { account, name, .. } = key;
    let stream = format!("in stream {name} under account {account}");
    match (error, change) {
        (LineageError::NoShard(index), _) => shard_not_found(&shard_name(index), name, account),
        (LineageError::Closed(index), _) => Exception::invalid_argument(format!(
            "Shard {} {stream} has already been merged or split, and thus is not eligible for \
             merging or splitting.",
            shard_name(index)
        )),
        (LineageError::OutOfRange { first, last }, Reshard::Split { shard, at }) => {
            Exception::invalid_argument(format!(
                "NewStartingHashKey {at} used in SplitShard() on shard {} {stream} is not both \
                 greater than one plus the shard's StartingHashKey {first} and less than the \
                 shard's EndingHashKey {}.",
                shard_name(shard),
                last.saturating_sub(1)
            ))
        }
        (LineageError::NotAdjacent, Reshard::Merge { shard, adjacent }) => {
            Exception::invalid_argument(format!(
                "Shards {} and {} {stream} are not an adjacent pair of shards eligible for merging",
                shard_name(shard),
                shard_name(adjacent)
            ))
        }
        (LineageError::OutOfRange { .. } | LineageError::NotAdjacent, _) => Exception::internal(),
    }
}
