//! How often each operation may be called, as its own documentation says; asked when a request is
//! known to be right, before it runs.
//!
//! Rates are counted by account and region and, where the table says so, by what the call is about.
//! Operations that are not in the table are not limited.

use crate::api::streams::Operation;
use crate::api::streams::State;
use crate::api::streams::error::{
    account_rate_exceeded, shard_rate_exceeded, stream_rate_exceeded,
};
use crate::api::streams::model::optional_address;
use crate::service::limits::Rate;
use crate::service::{StreamKey, parse_shard_name, shard_name};
use crate::wire::{Caller, Exception, Fields};

/// What the calls of an operation are counted by, beyond account and region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// Nothing else.
    Account,
    /// The stream, by its name or its ARN, or by that of its consumer.
    Stream,
    /// The stream and the shard.
    Shard,
    /// The consumer and the shard.
    Consumer,
}

/// Calls a second, and what they are counted by.
const CALLS: [(Operation, u64, By); 28] = [
    (Operation::AddTagsToStream, 5, By::Account),
    (Operation::CreateChannel, 5, By::Account),
    (Operation::CreateStream, 5, By::Account),
    (Operation::DeleteChannel, 5, By::Account),
    (Operation::DeleteStream, 5, By::Account),
    (Operation::DeregisterStreamConsumer, 5, By::Stream),
    (Operation::DescribeAccountSettings, 5, By::Account),
    (Operation::DescribeChannel, 5, By::Account),
    (Operation::DescribeLimits, 1, By::Account),
    (Operation::DescribeStream, 10, By::Account),
    (Operation::DescribeStreamConsumer, 20, By::Stream),
    (Operation::DescribeStreamSummary, 20, By::Account),
    (Operation::GetShardIterator, 5, By::Shard),
    (Operation::ListChannels, 5, By::Account),
    (Operation::ListShards, 1000, By::Stream),
    (Operation::ListStreamConsumers, 5, By::Stream),
    (Operation::ListStreams, 5, By::Account),
    (Operation::ListTagsForStream, 5, By::Account),
    (Operation::MergeShards, 5, By::Account),
    (Operation::RegisterStreamConsumer, 5, By::Account),
    (Operation::RemoveTagsFromStream, 5, By::Account),
    (Operation::SplitShard, 5, By::Account),
    (Operation::SubscribeToShard, 1, By::Consumer),
    (Operation::UpdateAccountSettings, 5, By::Account),
    (Operation::UpdateChannel, 5, By::Account),
    (Operation::UpdateShardCount, 10, By::Account),
    (Operation::UpdateStreamMode, 5, By::Account),
    (Operation::UpdateStreamWarmThroughput, 5, By::Account),
];

/// Calls a second of each operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallRates([Option<Rate>; Operation::ALL.len()]);

impl CallRates {
    /// No limits.
    #[must_use]
    pub const fn none() -> CallRates {
        CallRates([None; Operation::ALL.len()])
    }

    /// The service's own.
    #[must_use]
    pub fn aws() -> CallRates {
        let mut rates = CallRates::none();
        for (operation, per_s, _) in CALLS {
            rates.set(operation, Rate::new(per_s));
        }
        rates
    }

    /// Changes the rate of one operation.
    pub fn set(&mut self, operation: Operation, rate: Option<Rate>) {
        self.0[operation as usize] = rate;
    }

    /// The rate of one operation, if it has one.
    #[must_use]
    pub fn get(&self, operation: Operation) -> Option<Rate> {
        self.0[operation as usize]
    }
}

/// Counts a call, which is right in itself; refuses it when there were too many. A dry run counts
/// as nothing.
pub(super) fn admit(
    state: &State,
    caller: &Caller,
    operation: Operation,
    fields: Fields<'_, '_>,
) -> Result<(), Exception> {
    match state.limits.calls.get(operation) {
        None => Ok(()),
        Some(_) if fields.has("DryRun") && fields.is_true("DryRun") => Ok(()),
        Some(rate) => admit_at(state, caller, operation, fields, rate),
    }
}

fn admit_at(
    state: &State,
    caller: &Caller,
    operation: Operation,
    fields: Fields<'_, '_>,
    rate: Rate,
) -> Result<(), Exception> {
    let by = CALLS.iter().find(|(other, ..)| *other == operation).map_or(By::Account, |row| row.2);
    let text = |name| if fields.has(name) { fields.text(name) } else { None };
    let stream = stream_of(caller, fields);
    let shard =
        text("ShardId").map(|shard| parse_shard_name(shard).map_or(shard.into(), shard_name));
    let StreamKey { account, region, name } =
        stream.unwrap_or(StreamKey { account: &caller.account, region: &caller.region, name: "" });
    let operation = operation.name();
    let key = match by {
        By::Account => format!("{operation}/{account}/{region}"),
        By::Stream => format!("{operation}/{account}/{region}/{name}"),
        By::Shard | By::Consumer => {
            let (shard, consumer) = (shard.as_deref().unwrap_or(""), text("ConsumerARN"));
            let consumer = consumer.unwrap_or("");
            format!("{operation}/{account}/{region}/{name}/{shard}/{consumer}")
        }
    };
    if state.throttle.admit_call(rate, key) {
        return Ok(());
    }
    Err(match (stream, &shard, by) {
        (Some(stream), Some(shard), By::Shard) => shard_rate_exceeded(shard, stream),
        (Some(stream), ..) => stream_rate_exceeded(stream),
        (None, ..) => account_rate_exceeded(account),
    })
}

/// The stream that a call is about, as far as it says.
fn stream_of<'a>(caller: &'a Caller, fields: Fields<'a, '_>) -> Option<StreamKey<'a>> {
    if fields.has("StreamARN") {
        let stream = optional_address(caller, fields).ok().flatten();
        if stream.is_some() {
            return stream;
        }
    }
    let text = |name| if fields.has(name) { fields.text(name) } else { None };
    if let Some(arn) = text("ConsumerARN") {
        // `arn:aws:kinesis:REGION:ACCOUNT:stream/NAME/consumer/...`; the shape has checked it.
        let mut parts = arn.splitn(6, ':').skip(3);
        let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
        let name = resource.strip_prefix("stream/")?.split('/').next()?;
        return Some(StreamKey { account, region, name });
    }
    let name = text("StreamName")?;
    Some(StreamKey { account: &caller.account, region: &caller.region, name })
}
