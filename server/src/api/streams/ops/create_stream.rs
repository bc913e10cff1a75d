//! `CreateStream`: makes a stream and its shards.

use std::sync::Arc;

use crate::api::Done;
use crate::api::streams::State;
use crate::api::streams::error::{
    limit_exceeded, on_demand_limit, only_on_demand, shard_limit, stream_in_use,
    too_many_stream_tags, wrong_tags,
};
use crate::api::streams::model::{read_distribution, read_mode, read_tags};
use crate::api::streams::warmth::check_warm;
use crate::service::{
    CreateError, CreateStream, Distribution, Mode, StreamKey, StreamPath, TagError, new_tags,
};
use crate::wire::{Caller, Exception, Fields};

/// Shards of a stream that does not say how many.
const SHARDS_ON_DEMAND: u32 = 4;

/// KiB of the largest record of a stream that does not say.
const RECORD_KIB_MAX_DEFAULT: u32 = 1024;

pub(in crate::api::streams) struct Input {
    path: StreamPath,
    spec: CreateStream,
}

impl Input {
    pub(in crate::api::streams) fn read(
        caller: &Caller,
        fields: Fields<'_, '_>,
    ) -> Result<Input, Exception> {
        let shards = fields.count("ShardCount");
        let (mode, shards) = match (read_mode(fields), shards) {
            (Some(Mode::OnDemand), Some(_)) => {
                return Err(Exception::invalid_argument(
                    "ShardCount must not be provided for streams in ON_DEMAND mode.",
                ));
            }
            (Some(Mode::Provisioned), None) => {
                return Err(Exception::invalid_argument(
                    "ShardCount must be provided for streams in PROVISIONED mode.",
                ));
            }
            (_, Some(shards)) => (Mode::Provisioned, shards),
            (_, None) => (Mode::OnDemand, SHARDS_ON_DEMAND),
        };
        let name = fields.text("StreamName").unwrap_or_default();
        let key = StreamKey { account: &caller.account, region: &caller.region, name };
        let distribution = read_distribution(fields).unwrap_or(Distribution::UserPartitionKey);
        if distribution == Distribution::Auto && mode == Mode::Provisioned {
            return Err(only_on_demand("RecordDistributionStrategy AUTO", key));
        }
        let warm_mibps = fields.count("WarmThroughputMiBps");
        if warm_mibps.is_some() && mode == Mode::Provisioned {
            return Err(Exception::invalid_argument(
                "WarmThroughputMiBps can only be provided for streams in ON_DEMAND mode.",
            ));
        }
        let spec = CreateStream {
            shards,
            mode,
            distribution,
            record_kib_max: fields.count("MaxRecordSizeInKiB").unwrap_or(RECORD_KIB_MAX_DEFAULT),
            warm_mibps,
            tags: new_tags(read_tags(fields)).map_err(|error| match error {
                TagError::TooMany => too_many_stream_tags(key),
                error => wrong_tags(error),
            })?,
        };
        Ok(Input { path: key.into(), spec })
    }
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input,
) -> Result<Done, Exception> {
    let Input { path, spec } = input;
    let call = move |state: &State| {
        let key = path.key();
        let shards = spec.shards;
        check_warm(state, key.account, key.region, spec.warm_mibps)?;
        state
            .streams
            .create(&state.engine, state.now(), key, spec)
            .map_err(|error| refusal(state, key, shards, error))
    };
    let stream = state.blocking(call).await?;
    tracing::info!(stream = stream.arn(), shards = stream.row.shards.len(), "stream created");
    Ok(Done)
}

fn refusal(state: &State, key: StreamKey<'_>, shards: u32, error: CreateError) -> Exception {
    let StreamKey { account, region, name } = key;
    let limits = &state.limits.streams;
    match error {
        CreateError::AlreadyExists => {
            stream_in_use(format!("Stream {name} under account {account} already exists."))
        }
        CreateError::TooManyStreams => limit_exceeded(format!(
            "This request would exceed the stream limit for the account {account}. Limit: {}.",
            limits.streams_max
        )),
        CreateError::TooManyOnDemandStreams => on_demand_limit(key, limits.on_demand_streams_max),
        CreateError::TooManyShardsInStream => limit_exceeded(format!(
            "This request would exceed the shard limit for a stream. Limit: {}. Requested: \
             {shards}.",
            limits.shards_per_stream_max
        )),
        CreateError::TooManyShards { current } => {
            shard_limit(key, current, limits.shards_max_in(region), shards)
        }
        CreateError::Engine(error) => error.into(),
    }
}
