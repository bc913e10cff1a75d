//! `IncreaseStreamRetentionPeriod`: keeps a stream's records longer.

use std::sync::Arc;

use crate::api::Done;
use crate::api::streams::State;
use crate::api::streams::model::{read_address, read_retention};
use crate::service::{StreamPath, StreamRow};
use crate::wire::{Caller, Exception, Fields};

pub(in crate::api::streams) struct Input {
    path: StreamPath,
    hours: u32,
}

impl Input {
    pub(in crate::api::streams) fn read(
        caller: &Caller,
        fields: Fields<'_, '_>,
    ) -> Result<Input, Exception> {
        Ok(Input { path: read_address(caller, fields)?.into(), hours: read_retention(fields)? })
    }
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input,
) -> Result<Done, Exception> {
    let hours = input.hours;
    let edit = move |row: &mut StreamRow| {
        if hours < row.retention_hours {
            return Err(Exception::invalid_argument(format!(
                "Requested retention period ({hours} hours) for stream {} can not be shorter than \
                 existing retention period ({} hours). Use DecreaseRetentionPeriod API.",
                row.name, row.retention_hours
            )));
        }
        row.retention_hours = hours;
        Ok(())
    };
    state.change(input.path, edit).await?;
    Ok(Done)
}
