//! `StartStreamEncryption`: says that a stream's records are encrypted, and with which key.

use std::sync::Arc;

use crate::api::Done;
use crate::api::streams::State;
use crate::api::streams::model::{read_address, read_key};
use crate::service::{StreamPath, StreamRow};
use crate::wire::{Caller, Exception, Fields};

pub(in crate::api::streams) struct Input {
    path: StreamPath,
    key: String,
}

impl Input {
    pub(in crate::api::streams) fn read(
        caller: &Caller,
        fields: Fields<'_, '_>,
    ) -> Result<Input, Exception> {
        Ok(Input { key: read_key(fields)?, path: read_address(caller, fields)?.into() })
    }
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input,
) -> Result<Done, Exception> {
    let Input { path, key } = input;
    let edit = move |row: &mut StreamRow| {
        row.encryption_key = Some(key);
        Ok(())
    };
    state.change(path, edit).await?;
    Ok(Done)
}
