//! `UpdateShardCount`: gives a stream so many shards of one size.

use std::sync::Arc;

use crate::api::Answer;
use crate::api::streams::State;
use crate::api::streams::model::read_address;
use crate::api::streams::resharding::reshard;
use crate::service::{Reshard, Resharded, StreamPath};
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
    let done = reshard(state, path, Reshard::Scale { target }).await?;
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
