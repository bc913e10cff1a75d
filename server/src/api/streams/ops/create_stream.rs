//! `CreateStream`: makes a stream and its shards.

use std::sync::Arc;

use crate::api::Done;
use crate::api::streams::State;
use crate::api::streams::constraints::STREAM_MODE_DETAILS;
use crate::api::streams::error::{limit_exceeded, shard_limit, stream_in_use};
use crate::service::{CreateError, CreateStream, Distribution, Mode, StreamKey, StreamPath};
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
        let mode = fields
            .structure("StreamModeDetails", &STREAM_MODE_DETAILS)
            .and_then(|details| details.text("StreamMode"));
        let (mode, shards) = match (mode, shards) {
            (Some("ON_DEMAND"), Some(_)) => {
                return Err(Exception::invalid_argument(
                    "ShardCount must not be provided for streams in ON_DEMAND mode.",
                ));
            }
            (Some("PROVISIONED"), None) => {
                return Err(Exception::invalid_argument(
                    "ShardCount must be provided for streams in PROVISIONED mode.",
                ));
            }
            (_, Some(shards)) => (Mode::Provisioned, shards),
            (_, None) => (Mode::OnDemand, SHARDS_ON_DEMAND),
        };
        let distribution = match fields.text("RecordDistributionStrategy") {
            Some("AUTO") => Distribution::Auto,
            _ => Distribution::UserPartitionKey,
        };
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
            tags: read_tags(fields)?,
        };
        let name = fields.text("StreamName").unwrap_or_default();
        let key = StreamKey { account: &caller.account, region: &caller.region, name };
        Ok(Input { path: key.into(), spec })
    }
}

/// Tags of a request that makes something.
pub(super) fn read_tags(fields: Fields<'_, '_>) -> Result<Vec<(String, String)>, Exception> {
    const TAGS_MAX: usize = 50;
    let entries = fields.entries("Tags");
    let is_allowed = |c: char| {
        c.is_alphanumeric()
            || c.is_whitespace()
            || matches!(c, '_' | '.' | '/' | '=' | '+' | '-' | '%' | '@' | ':')
    };
    if !entries.iter().all(|(key, value)| key.chars().chain(value.chars()).all(is_allowed)) {
        return Err(Exception::invalid_argument(
            "Some tags contain invalid characters. Valid characters: Unicode letters, digits, \
             white space, _ . / = + - % @.",
        ));
    }
    if entries.len() > TAGS_MAX {
        return Err(Exception::invalid_argument(format!(
            "Failed to add tags to stream because a given stream cannot have more than {TAGS_MAX} \
             tags associated with it."
        )));
    }
    Ok(entries.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect())
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input,
) -> Result<Done, Exception> {
    let Input { path, spec } = input;
    let call = move |state: &State| {
        let key = path.key();
        let shards = spec.shards;
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
    let StreamKey { account, name, .. } = key;
    let limits = &state.limits.streams;
    match error {
        CreateError::AlreadyExists => {
            stream_in_use(format!("Stream {name} under account {account} already exists."))
        }
        CreateError::TooManyStreams => limit_exceeded(format!(
            "This request would exceed the stream limit for the account {account}. Limit: {}.",
            limits.streams_max
        )),
        CreateError::TooManyShardsInStream => limit_exceeded(format!(
            "This request would exceed the shard limit for a stream. Limit: {}. Requested: \
             {shards}.",
            limits.shards_per_stream_max
        )),
        CreateError::TooManyShards { current } => {
            shard_limit(key, current, limits.shards_max, shards)
        }
        CreateError::Engine(error) => error.into(),
    }
}
