//! `UpdateMaxRecordSize`: says how large a stream's records may be.

use std::sync::Arc;

use crate::api::Done;
use crate::api::streams::State;
use crate::api::streams::model::read_address;
use crate::service::{StreamPath, StreamRow};
use crate::wire::{Caller, Exception, Fields};

pub(in crate::api::streams) struct Input {
    path: StreamPath,
    kib_max: u32,
}

impl Input {
    pub(in crate::api::streams) fn read(
        caller: &Caller,
        fields: Fields<'_, '_>,
    ) -> Result<Input, Exception> {
        let kib_max = fields.count("MaxRecordSizeInKiB").expect("the shape requires it");
        Ok(Input { path: read_address(caller, fields)?.into(), kib_max })
    }
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input,
) -> Result<Done, Exception> {
    let Input { path, kib_max } = input;
    let edit = move |row: &mut StreamRow| {
        row.record_kib_max = kib_max;
        Ok(())
    };
    state.change(path, edit).await?;
    Ok(Done)
}
