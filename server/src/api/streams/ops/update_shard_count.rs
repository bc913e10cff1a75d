//! `UpdateShardCount`: gives a stream so many shards of one size.

use std::sync::Arc;

use crate::api::Answer;
use crate::api::streams::State;
use crate::api::streams::daily;
use crate::api::streams::error::limit_exceeded;
use crate::api::streams::model::read_address;
use crate::api::streams::resharding::reshard;
use crate::service::{Reshard, Resharded, StreamPath, StreamRow};
use crate::wire::{Caller, Exception, Fields, Writer};

pub(in crate::api::streams) struct Input {
    path: StreamPath,
    target: u32,
}

impl Input {
    pub(in crate::api::streams) fn read(
        caller: &Caller,
        fields: Fields<'_, '_>,
    ) -> Result<Input, Exception> {
        let target = fields.integer("TargetShardCount").unwrap_or_default();
        // More than any stream may have is as good as more than that.
        let target = u32::try_from(target).unwrap_or(u32::MAX);
        Ok(Input { path: read_address(caller, fields)?.into(), target })
    }
}

pub(in crate::api::streams) struct Output {
    done: Resharded,
    target: u32,
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input,
) -> Result<Output, Exception> {
    let Input { path, target } = input;
    let max = state.limits.shard_count_changes_per_day_max;
    let row = &state.stream(path.key())?.row;
    if !daily::is_within(&row.scaled_ms, state.now(), max) {
        return Err(limit_exceeded(format!(
            "The shard count of stream {} under account {} can be changed {max} times in 24 hours.",
            row.name, row.account
        )));
    }
    let done = reshard(state, path.clone(), Reshard::Scale { target }).await?;
    if max > 0 && done.open_before != target {
        let now = state.now();
        let remember = move |row: &mut StreamRow| {
            daily::remember(&mut row.scaled_ms, now);
            Ok(())
        };
        // CRASH: a change that is not remembered has still been made, and is not counted.
        if let Err(error) = state.change(path, remember).await {
            tracing::warn!(code = error.code, "change of a shard count is not counted");
        }
    }
    Ok(Output { done, target })
}

impl Output {
    pub(in crate::api::streams) fn write(self, mut out: Writer) -> Answer {
        out.begin_map();
        out.text("StreamName", &self.done.stream.row.name);
        out.integer("CurrentShardCount", self.done.open_before.into());
        out.integer("TargetShardCount", self.target.into());
        out.text("StreamARN", &self.done.stream.arn());
        out.end_map();
        out.into()
    }
}
