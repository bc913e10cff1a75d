//! What operations share of requests and responses.

use crate::api::streams::error::{shard_malformed, shard_not_found};
use crate::service::{Distribution, Mode, ShardRow, State, Stream, StreamKey, parse_shard_name};
use crate::wire::{Caller, Exception, Fields, Writer};

/// Hours that a stream keeps its records, at least.
const RETENTION_HOURS_MIN: u32 = 24;

/// Hours that a stream keeps its records, at most.
const RETENTION_HOURS_MAX: u32 = 8760;

/// The stream that a request names, by name or by ARN.
pub(super) fn read_address<'a>(
    caller: &'a Caller,
    fields: Fields<'a, '_>,
) -> Result<StreamKey<'a>, Exception> {
    optional_address(caller, fields)?
        .ok_or_else(|| Exception::invalid_argument("Must specify either StreamName or StreamARN."))
}

/// The stream that a request may name.
pub(super) fn optional_address<'a>(
    caller: &'a Caller,
    fields: Fields<'a, '_>,
) -> Result<Option<StreamKey<'a>>, Exception> {
    if fields.text("StreamId").is_some() {
        let message = "Flowstone does not serve StreamId yet: use StreamName or StreamARN.";
        return Err(Exception::invalid_argument(message));
    }
    let arn = fields.text("StreamARN").map(read_arn).transpose()?;
    // The operations that have no StreamName are those that take an iterator.
    let name = if fields.has("StreamName") { fields.text("StreamName") } else { None };
    match (name, arn) {
        (Some(name), Some(arn)) if arn.name != name => {
            Err(Exception::invalid_argument("StreamName and StreamARN name different streams."))
        }
        (_, Some(arn)) => Ok(Some(arn)),
        (Some(name), None) => {
            Ok(Some(StreamKey { account: &caller.account, region: &caller.region, name }))
        }
        (None, None) => Ok(None),
    }
}

/// `arn:aws:kinesis:REGION:ACCOUNT:stream/NAME`; the shape has checked most of it.
pub(super) fn read_arn(arn: &str) -> Result<StreamKey<'_>, Exception> {
    let mut parts = arn.splitn(6, ':').skip(3);
    let (region, account, resource) = (parts.next(), parts.next(), parts.next());
    let name = resource.and_then(|resource| resource.strip_prefix("stream/"));
    match (region, account, name) {
        // A slash would reach into another key of the registry.
        (Some(region), Some(account), Some(name))
            if !region.contains('/') && !name.contains('/') =>
        {
            Ok(StreamKey { account, region, name })
        }
        _ => Err(Exception::invalid_argument(format!("StreamARN {arn} is not a stream's ARN."))),
    }
}

/// The hours that a stream is to keep its records.
pub(super) fn read_retention(fields: Fields<'_, '_>) -> Result<u32, Exception> {
    let hours = fields.integer("RetentionPeriodHours").unwrap_or_default();
    if hours < RETENTION_HOURS_MIN.into() {
        return Err(Exception::invalid_argument(format!(
            "Minimum allowed retention period is {RETENTION_HOURS_MIN} hours. Requested retention \
             period ({hours} hours) is too short."
        )));
    }
    match u32::try_from(hours) {
        Ok(hours) if hours <= RETENTION_HOURS_MAX => Ok(hours),
        _ => Err(Exception::invalid_argument(format!(
            "Maximum allowed retention period is {RETENTION_HOURS_MAX} hours. Requested retention \
             period ({hours} hours) is too long."
        ))),
    }
}

/// The shard of `stream` that a request names.
pub(super) fn find_shard<'s>(stream: &'s Stream, name: &str) -> Result<&'s ShardRow, Exception> {
    let (stream_name, account) = (&stream.row.name, &stream.row.account);
    let index =
        parse_shard_name(name).ok_or_else(|| shard_malformed(name, stream_name, account))?;
    stream
        .shard(index)
        .ok_or_else(|| shard_not_found(&crate::service::shard_name(index), stream_name, account))
}

/// The index behind which a listing starts.
pub(super) fn read_start(name: Option<&str>) -> Result<u32, Exception> {
    match name {
        None => Ok(0),
        Some(name) => parse_shard_name(name).map(|index| index + 1).ok_or_else(|| {
            Exception::invalid_argument(format!("ExclusiveStartShardId {name} is not a shard id."))
        }),
    }
}

/// Writes `shard` as an element of the open list.
pub(super) fn write_shard(out: &mut Writer, shard: &ShardRow) {
    out.begin_map();
    out.text("ShardId", &shard.name());
    if let Some(parent) = shard.parent {
        out.text("ParentShardId", &crate::service::shard_name(parent));
    }
    if let Some(parent) = shard.adjacent_parent {
        out.text("AdjacentParentShardId", &crate::service::shard_name(parent));
    }
    write_hash_range(out, shard);
    out.begin_map_in("SequenceNumberRange");
    out.text("StartingSequenceNumber", shard.starting_sequence().digits().as_str());
    if let Some(ending) = shard.ending_sequence() {
        out.text("EndingSequenceNumber", ending.digits().as_str());
    }
    out.end_map();
    out.end_map();
}

/// Writes `shard`'s range as a member of the open map.
pub(super) fn write_hash_range(out: &mut Writer, shard: &ShardRow) {
    out.begin_map_in("HashKeyRange");
    out.text("StartingHashKey", &shard.hash_first.to_string());
    out.text("EndingHashKey", &shard.hash_last.to_string());
    out.end_map();
}

/// Writes what every description of a stream begins with.
pub(super) fn write_head(out: &mut Writer, stream: &Stream) {
    out.text("StreamName", &stream.row.name);
    out.text("StreamARN", &stream.arn());
    out.text("StreamStatus", status(stream.state));
    out.begin_map_in("StreamModeDetails");
    out.text("StreamMode", mode(stream.row.mode));
    out.end_map();
    out.timestamp("StreamCreationTimestamp", stream.row.created_ms);
}

/// Writes what the two long descriptions of a stream share beyond the head.
pub(super) fn write_settings(out: &mut Writer, stream: &Stream) {
    out.integer("RetentionPeriodHours", stream.row.retention_hours.into());
    out.begin_list_in("EnhancedMonitoring");
    out.begin_map();
    out.begin_list_in("ShardLevelMetrics");
    shard_metrics(stream.row.shard_metrics).for_each(|metric| out.text_item(metric));
    out.end_list();
    out.end_map();
    out.end_list();
    out.text("EncryptionType", if stream.row.encryption_key.is_some() { "KMS" } else { "NONE" });
    if let Some(key) = &stream.row.encryption_key {
        out.text("KeyId", key);
    }
}

/// The state's name in the model.
pub(super) fn status(state: State) -> &'static str {
    match state {
        State::Creating => "CREATING",
        State::Active => "ACTIVE",
        State::Updating => "UPDATING",
        State::Deleting => "DELETING",
    }
}

/// Metrics that can be wanted of each shard, in the order of their bits.
pub(super) const SHARD_METRICS: [&str; 7] = [
    "IncomingBytes",
    "IncomingRecords",
    "OutgoingBytes",
    "OutgoingRecords",
    "WriteProvisionedThroughputExceeded",
    "ReadProvisionedThroughputExceeded",
    "IteratorAgeMilliseconds",
];

/// The metrics whose bits are set.
pub(super) fn shard_metrics(bits: u8) -> impl Iterator<Item = &'static str> {
    SHARD_METRICS
        .into_iter()
        .enumerate()
        .filter(move |(bit, _)| bits >> bit & 1 == 1)
        .map(|(_, metric)| metric)
}

/// The mode's name in the model.
pub(super) fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Provisioned => "PROVISIONED",
        Mode::OnDemand => "ON_DEMAND",
    }
}

/// The strategy's name in the model.
pub(super) fn distribution(distribution: Distribution) -> &'static str {
    match distribution {
        Distribution::Auto => "AUTO",
        Distribution::UserPartitionKey => "USER_PARTITION_KEY",
    }
}
