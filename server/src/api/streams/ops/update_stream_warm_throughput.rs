//! `UpdateStreamWarmThroughput`: says what throughput an on-demand stream is kept warm for.

use std::sync::Arc;

use crate::api::Answer;
use crate::api::streams::State;
use crate::api::streams::error::only_on_demand;
use crate::api::streams::model::{read_address, write_warm_throughput};
use crate::api::streams::warmth::check_warm;
use crate::service::{Mode, Stream, StreamPath, StreamRow};
use crate::wire::{Caller, Exception, Fields, Writer};

pub(in crate::api::streams) struct Input {
    path: StreamPath,
    mibps: u32,
}

impl Input {
    pub(in crate::api::streams) fn read(
        caller: &Caller,
        fields: Fields<'_, '_>,
    ) -> Result<Input, Exception> {
        let mibps = fields.count("WarmThroughputMiBps").expect("the shape requires it");
        Ok(Input { path: read_address(caller, fields)?.into(), mibps })
    }
}

pub(in crate::api::streams) struct Output {
    stream: Arc<Stream>,
    mibps: u32,
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input,
) -> Result<Output, Exception> {
    let Input { path, mibps } = input;
    let at = Arc::clone(state);
    let edit = move |row: &mut StreamRow| {
        if row.mode != Mode::OnDemand {
            return Err(only_on_demand("Warm throughput", row.key()));
        }
        check_warm(&at, &row.account, &row.region, Some(mibps))?;
        row.warm_mibps = Some(mibps);
        Ok(())
    };
    let (stream, ()) = state.change(path, edit).await?;
    Ok(Output { stream, mibps })
}

impl Output {
    pub(in crate::api::streams) fn write(self, mut out: Writer) -> Answer {
        let Output { stream, mibps } = self;
        out.begin_map();
        out.text("StreamARN", &stream.arn());
        out.text("StreamName", &stream.row.name);
        write_warm_throughput(&mut out, mibps);
        out.end_map();
        out.into()
    }
}
