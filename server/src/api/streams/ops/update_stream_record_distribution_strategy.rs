//! `UpdateStreamRecordDistributionStrategy`: says who chooses the shard of a record.

use std::sync::Arc;

use crate::api::Done;
use crate::api::streams::State;
use crate::api::streams::error::only_on_demand;
use crate::api::streams::model::{read_address, read_distribution};
use crate::service::{Distribution, Mode, StreamPath, StreamRow};
use crate::wire::{Caller, Exception, Fields};

pub(in crate::api::streams) struct Input {
    path: StreamPath,
    distribution: Distribution,
}

impl Input {
    pub(in crate::api::streams) fn read(
        caller: &Caller,
        fields: Fields<'_, '_>,
    ) -> Result<Input, Exception> {
        let distribution = read_distribution(fields).expect("the shape requires it");
        Ok(Input { path: read_address(caller, fields)?.into(), distribution })
    }
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input,
) -> Result<Done, Exception> {
    let Input { path, distribution } = input;
    let edit = move |row: &mut StreamRow| {
        if distribution == Distribution::Auto && row.mode != Mode::OnDemand {
            return Err(only_on_demand("RecordDistributionStrategy AUTO", row.key()));
        }
        row.distribution = distribution;
        Ok(())
    };
    state.change(path, edit).await?;
    Ok(Done)
}
