//! What operations share of requests and responses.

use crate::api::streams::constraints::STREAM_MODE_DETAILS;
use crate::api::streams::error::{shard_malformed, shard_not_found, wrong_tags};
use crate::service::{
    Commitment, Consumer, Distribution, Mode, ShardRow, State, Stream, StreamKey, StreamPath,
    TagError, Tags, add_tags, check_tag_texts, new_tags, parse_shard_name, remove_tags,
};
use crate::wire::{Caller, Exception, Fields, Value, Writer};

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
    refuse_stream_id(fields, "StreamName or StreamARN")?;
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

/// Refuses a request that addresses by `StreamId`: passing over it could reach another stream.
pub(super) fn refuse_stream_id(fields: Fields<'_, '_>, instead: &str) -> Result<(), Exception> {
    match fields.text("StreamId") {
        None => Ok(()),
        Some(_) => Err(Exception::invalid_argument(format!(
            "Flowstone does not serve StreamId yet: use {instead}."
        ))),
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

/// The texts of the list called `name`.
pub(super) fn texts(fields: Fields<'_, '_>, name: &str) -> Vec<String> {
    match fields.value(name) {
        Value::Texts(texts, _) => texts.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    }
}

/// The tags that a request wants to add, not checked yet.
pub(super) fn read_tags(fields: Fields<'_, '_>) -> Vec<(String, String)> {
    let entries = fields.entries("Tags").iter();
    entries.map(|(key, value)| (key.to_string(), value.to_string())).collect()
}

/// Adds what a request wants to add; the service looks at it once it has found the resource.
pub(super) fn add_read_tags(tags: &mut Tags, read: Vec<(String, String)>) -> Result<(), TagError> {
    add_tags(tags, new_tags(read)?)
}

/// Removes the tags of `keys`.
pub(super) fn remove_read_tags(tags: &mut Tags, keys: &[String]) -> Result<(), Exception> {
    check_tag_texts(keys.iter().map(String::as_str)).map_err(wrong_tags)?;
    remove_tags(tags, keys);
    Ok(())
}

/// Writes `tags` as a member of the open map.
pub(super) fn write_tags(out: &mut Writer, tags: &[(String, String)]) {
    out.begin_list_in("Tags");
    for (key, value) in tags {
        out.begin_map();
        out.text("Key", key);
        out.text("Value", value);
        out.end_map();
    }
    out.end_list();
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

/// `STREAM_ARN/consumer/NAME:CREATED`, taken apart: the shape has checked its form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ConsumerAddress {
    /// The stream.
    pub(super) stream: StreamPath,
    /// The consumer's name.
    pub(super) name: String,
    /// When the consumer was made, in seconds since 1970; absent when it is named by name.
    pub(super) created_s: Option<u64>,
}

/// The consumer that `arn` names.
pub(super) fn read_consumer_arn(arn: &str) -> Result<ConsumerAddress, Exception> {
    let wrong =
        || Exception::invalid_argument(format!("ConsumerARN {arn} is not a consumer's ARN."));
    let (stream, rest) = arn.split_once("/consumer/").ok_or_else(wrong)?;
    let (name, created) = rest.split_once(':').ok_or_else(wrong)?;
    let created_s = created.parse().map_err(|_| wrong())?;
    let stream = read_arn(stream).map_err(|_| wrong())?.into();
    Ok(ConsumerAddress { stream, name: name.to_owned(), created_s: Some(created_s) })
}

/// The consumer that a request names: by its ARN, or by its name and its stream's ARN.
pub(super) fn read_consumer(fields: Fields<'_, '_>) -> Result<ConsumerAddress, Exception> {
    refuse_stream_id(fields, "ConsumerARN or StreamARN")?;
    let by_arn = fields.text("ConsumerARN").map(read_consumer_arn).transpose()?;
    let stream = fields.text("StreamARN").map(read_arn).transpose()?.map(StreamPath::from);
    match (by_arn, stream, fields.text("ConsumerName")) {
        (Some(named), stream, name)
            if stream.as_ref().is_none_or(|stream| *stream == named.stream)
                && name.is_none_or(|name| name == named.name) =>
        {
            Ok(named)
        }
        (None, Some(stream), Some(name)) => {
            Ok(ConsumerAddress { stream, name: name.to_owned(), created_s: None })
        }
        (Some(_), ..) => Err(Exception::invalid_argument(
            "ConsumerARN names another consumer than StreamARN and ConsumerName do.",
        )),
        (None, ..) => Err(Exception::invalid_argument(
            "Must specify either ConsumerARN or both StreamARN and ConsumerName.",
        )),
    }
}

/// Writes what every description of a consumer begins with.
pub(super) fn write_consumer(out: &mut Writer, stream: &Stream, consumer: &Consumer) {
    out.text("ConsumerName", &consumer.row.name);
    out.text("ConsumerARN", &format!("{}/{}", stream.arn(), consumer.resource()));
    out.text("ConsumerStatus", "ACTIVE");
    out.timestamp("ConsumerCreationTimestamp", consumer.row.created_ms);
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
    out.text("EncryptionType", if stream.is_encrypted() { "KMS" } else { "NONE" });
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

/// The bits of the metrics that a request names.
pub(super) fn read_shard_metrics(fields: Fields<'_, '_>) -> u8 {
    let bit_of = |name: String| match SHARD_METRICS.iter().position(|metric| *metric == name) {
        Some(bit) => 1 << bit,
        // The shape leaves ALL alone.
        None => u8::MAX >> (8 - SHARD_METRICS.len()),
    };
    texts(fields, "ShardLevelMetrics").into_iter().map(bit_of).fold(0, |bits, bit| bits | bit)
}

/// Writes what both operations on monitoring answer: the metrics `before` and `after`.
pub(super) fn write_monitoring(out: &mut Writer, stream: &Stream, before: u8, after: u8) {
    out.begin_map();
    out.text("StreamName", &stream.row.name);
    out.begin_list_in("CurrentShardLevelMetrics");
    shard_metrics(before).for_each(|metric| out.text_item(metric));
    out.end_list();
    out.begin_list_in("DesiredShardLevelMetrics");
    shard_metrics(after).for_each(|metric| out.text_item(metric));
    out.end_list();
    out.text("StreamARN", &stream.arn());
    out.end_map();
}

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

/// The mode that a request asks for.
pub(super) fn read_mode(fields: Fields<'_, '_>) -> Option<Mode> {
    let details = fields.structure("StreamModeDetails", &STREAM_MODE_DETAILS)?;
    match details.text("StreamMode")? {
        "ON_DEMAND" => Some(Mode::OnDemand),
        _ => Some(Mode::Provisioned),
    }
}

/// The strategy that a request asks for.
pub(super) fn read_distribution(fields: Fields<'_, '_>) -> Option<Distribution> {
    match fields.text("RecordDistributionStrategy")? {
        "AUTO" => Some(Distribution::Auto),
        _ => Some(Distribution::UserPartitionKey),
    }
}

/// Writes the throughput that a stream is kept warm for.
pub(super) fn write_warm_throughput(out: &mut Writer, mibps: u32) {
    out.begin_map_in("WarmThroughput");
    out.integer("TargetMiBps", mibps.into());
    out.integer("CurrentMiBps", mibps.into());
    out.end_map();
}

/// Writes an account's settings as the document.
pub(super) fn write_commitment(out: &mut Writer, commitment: Commitment) {
    out.begin_map();
    out.begin_map_in("MinimumThroughputBillingCommitment");
    match commitment {
        Commitment::None => out.text("Status", "DISABLED"),
        Commitment::On { since, is_ending } => {
            let status = if is_ending { "ENABLED_UNTIL_EARLIEST_ALLOWED_END" } else { "ENABLED" };
            out.text("Status", status);
            out.timestamp("StartedAt", since.0);
            out.timestamp("EarliestAllowedEndAt", Commitment::earliest_end(since).0);
        }
        Commitment::Ended { since, at } => {
            out.text("Status", "DISABLED");
            out.timestamp("StartedAt", since.0);
            out.timestamp("EndedAt", at.0);
        }
    }
    out.end_map();
    out.end_map();
}

/// The key to encrypt with.
pub(super) fn read_key(fields: Fields<'_, '_>) -> Result<String, Exception> {
    if fields.text("EncryptionType") != Some("KMS") {
        return Err(Exception::invalid_argument("EncryptionType must be KMS."));
    }
    let key = fields.text("KeyId").unwrap_or_default();
    if is_key(key) {
        return Ok(key.to_owned());
    }
    Err(Exception::invalid_argument(format!(
        "KeyId {} is neither a key's id or ARN nor an alias's name or ARN.",
        key.escape_debug()
    )))
}

/// A key's id, an alias's name, or the ARN of either.
fn is_key(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("arn:") else { return is_key_id(text) || is_alias(text) };
    let parts: Vec<&str> = rest.splitn(5, ':').collect();
    let &[partition, "kms", region, account, resource] = parts.as_slice() else { return false };
    partition.starts_with("aws")
        && !region.is_empty()
        && account.len() == 12
        && account.bytes().all(|b| b.is_ascii_digit())
        && (resource.strip_prefix("key/").is_some_and(is_key_id) || is_alias(resource))
}

/// Five groups of hexadecimal digits, or `mrk-` and 32 of them.
fn is_key_id(text: &str) -> bool {
    let is_hex = |text: &str, len| text.len() == len && text.bytes().all(|b| b.is_ascii_hexdigit());
    match text.strip_prefix("mrk-") {
        Some(digits) => is_hex(digits, 32),
        None => {
            text.split('-').count() == 5
                && text.split('-').zip([8, 4, 4, 4, 12]).all(|(group, len)| is_hex(group, len))
        }
    }
}

fn is_alias(text: &str) -> bool {
    let is_part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'_' | b'-');
    text.strip_prefix("alias/").is_some_and(|name| !name.is_empty() && name.bytes().all(is_part))
}
