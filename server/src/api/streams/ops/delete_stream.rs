//! `DeleteStream`: deletes a stream and its records.

use std::sync::Arc;

use crate::api::Done;
use crate::api::streams::State;
use crate::api::streams::error::{not_changed, stream_in_use};
use crate::api::streams::model::read_address;
use crate::service::StreamPath;
use crate::wire::{Caller, Exception, Fields};

pub(in crate::api::streams) struct Input(StreamPath);

impl Input {
    pub(in crate::api::streams) fn read(
        caller: &Caller,
        fields: Fields<'_, '_>,
    ) -> Result<Input, Exception> {
        Ok(Input(read_address(caller, fields)?.into()))
    }
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input,
) -> Result<Done, Exception> {
    let Input(path) = input;
    state
        .blocking(move |state| {
            let stream = state.stream(path.key())?;
            if !state.queues.of_stream(stream.row.id).is_empty() {
                let message = "has queues: delete them first";
                return Err(stream_in_use(format!(
                    "Stream {} under account {} {message}.",
                    path.name, path.account
                )));
            }
            state
                .streams
                .delete(&state.engine, path.key())
                .map_err(|error| not_changed(path.key(), error))
        })
        .await?;
    Ok(Done)
}
