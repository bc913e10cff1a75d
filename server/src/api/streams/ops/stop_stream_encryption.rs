//! `StopStreamEncryption`: says that a stream's records are no longer encrypted.

use std::sync::Arc;

use crate::api::Done;
use crate::api::streams::State;
use crate::api::streams::model::{read_address, read_key};
use crate::service::{StreamPath, StreamRow};
use crate::wire::{Caller, Exception, Fields};

pub(in crate::api::streams) struct Input(StreamPath);

impl Input {
    pub(in crate::api::streams) fn read(
        caller: &Caller,
        fields: Fields<'_, '_>,
    ) -> Result<Input, Exception> {
        // Which key it was does not matter; that it is one does.
        read_key(fields)?;
        Ok(Input(read_address(caller, fields)?.into()))
    }
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input,
) -> Result<Done, Exception> {
    let edit = |row: &mut StreamRow| match row.encryption_key.take() {
        Some(_) => Ok(()),
        None => Err(Exception::invalid_argument(format!(
            "Stream {} under account {} is not encrypted.",
            row.name, row.account
        ))),
    };
    state.change(input.0, edit).await?;
    Ok(Done)
}
