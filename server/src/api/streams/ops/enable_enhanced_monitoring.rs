//! `EnableEnhancedMonitoring`: asks for more metrics of each shard.

use std::sync::Arc;

use crate::api::Answer;
use crate::api::streams::State;
use crate::api::streams::model::{read_address, read_shard_metrics, write_monitoring};
use crate::service::{Stream, StreamPath, StreamRow};
use crate::wire::{Caller, Exception, Fields, Writer};

pub(in crate::api::streams) struct Input {
    path: StreamPath,
    metrics: u8,
}

impl Input {
    pub(in crate::api::streams) fn read(
        caller: &Caller,
        fields: Fields<'_, '_>,
    ) -> Result<Input, Exception> {
        let metrics = read_shard_metrics(fields);
        Ok(Input { path: read_address(caller, fields)?.into(), metrics })
    }
}

pub(in crate::api::streams) struct Output {
    stream: Arc<Stream>,
    before: u8,
    after: u8,
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input,
) -> Result<Output, Exception> {
    let Input { path, metrics } = input;
    let edit = move |row: &mut StreamRow| {
        let before = row.shard_metrics;
        row.shard_metrics |= metrics;
        Ok((before, row.shard_metrics))
    };
    let (stream, (before, after)) = state.change(path, edit).await?;
    Ok(Output { stream, before, after })
}

impl Output {
    pub(in crate::api::streams) fn write(self, mut out: Writer) -> Answer {
        write_monitoring(&mut out, &self.stream, self.before, self.after);
        out.into()
    }
}
