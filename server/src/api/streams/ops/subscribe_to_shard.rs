//! `SubscribeToShard`: a shard's records, pushed as they come.

use std::sync::Arc;

use crate::api::Answer;
use crate::api::streams::State;
use crate::api::streams::constraints::STARTING_POSITION;
use crate::api::streams::error::{dry_run, stream_in_use, stream_not_found};
use crate::api::streams::model::{
    ConsumerAddress, find_shard, read_consumer_arn, refuse_stream_id,
};
use crate::api::streams::position::{Start, find_position, read_start_at};
use crate::api::streams::subscription::Subscription;
use crate::wire::{Caller, Exception, Fields, Writer};

pub(in crate::api::streams) struct Input<'a> {
    consumer: ConsumerAddress,
    shard: &'a str,
    start: Start<'a>,
    is_dry_run: bool,
}

impl<'a> Input<'a> {
    pub(in crate::api::streams) fn read(
        _: &Caller,
        fields: Fields<'a, '_>,
    ) -> Result<Input<'a>, Exception> {
        refuse_stream_id(fields, "ConsumerARN")?;
        let start = fields.structure("StartingPosition", &STARTING_POSITION);
        let start = start.expect("the shape requires it");
        Ok(Input {
            consumer: read_consumer_arn(fields.text("ConsumerARN").unwrap_or_default())?,
            shard: fields.text("ShardId").unwrap_or_default(),
            start: read_start_at(
                start.text("Type").unwrap_or_default(),
                start.text("SequenceNumber"),
                start.timestamp_ms("Timestamp"),
            )?,
            is_dry_run: fields.is_true("DryRun"),
        })
    }
}

pub(in crate::api::streams) struct Output(Subscription);

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input<'_>,
) -> Result<Output, Exception> {
    let (stream, consumer) = state.consumer(&input.consumer)?;
    if !stream.is_serving() {
        return Err(stream_not_found(&stream.row.name, &stream.row.account));
    }
    let shard = find_shard(&stream, input.shard)?.clone();
    let position = find_position(state, &stream, &shard, input.start, "SubscribeToShard").await?;
    if input.is_dry_run {
        return Err(dry_run());
    }
    let seat = consumer.seats.take(shard.index, state.clock.monotonic_ms()).ok_or_else(|| {
        stream_in_use(format!(
            "Another active subscription exists for this consumer: consumer {} on shard {} of \
             stream {} under account {}.",
            consumer.row.name,
            shard.name(),
            stream.row.name,
            stream.row.account
        ))
    })?;
    Ok(Output(Subscription::new(Arc::clone(state), stream, shard, position, seat)))
}

impl Output {
    pub(in crate::api::streams) fn write(self, _: Writer) -> Answer {
        Answer::events(self.0.events())
    }
}
