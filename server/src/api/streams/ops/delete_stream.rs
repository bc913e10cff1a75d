//! `DeleteStream`: deletes a stream and its records.

use std::sync::Arc;

use crate::api::Done;
use crate::api::streams::State;
use crate::api::streams::error::{not_changed, stream_in_use};
use crate::api::streams::model::read_address;
use crate::service::StreamPath;
use crate::wire::{Caller, Exception, Fields};

pub(in crate::api::streams) struct Input {
    path: StreamPath,
    takes_consumers: bool,
}

impl Input {
    pub(in crate::api::streams) fn read(
        caller: &Caller,
        fields: Fields<'_, '_>,
    ) -> Result<Input, Exception> {
        Ok(Input {
            path: read_address(caller, fields)?.into(),
            takes_consumers: fields.is_true("EnforceConsumerDeletion"),
        })
    }
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input,
) -> Result<Done, Exception> {
    let Input { path, takes_consumers } = input;
    let delete = move |state: &State| {
        let key = path.key();
        let _unchanging = state.consumers.hold();
        let mut id = None;
        let deleted = state.streams.delete(&state.engine, key, |stream, transaction| {
            let consumers = state.consumers.count(stream.row.id);
            if consumers > 0 && !takes_consumers {
                return Err(stream_in_use(format!(
                    "Stream {} under account {} has enhanced fan-out consumers registered: \
                     {consumers}. Deregister them, or set EnforceConsumerDeletion.",
                    key.name, key.account
                )));
            }
            let queues = state.queues.of_stream(stream.row.id).len();
            if queues > 0 {
                return Err(stream_in_use(format!(
                    "Stream {} under account {} has queues: {queues}. Delete them first.",
                    key.name, key.account
                )));
            }
            state.consumers.remove_all(stream.row.id, transaction);
            id = Some(stream.row.id);
            Ok(())
        });
        deleted.map_err(|error| not_changed(key, error))?;
        if let Some(id) = id {
            state.consumers.forget_all(id);
        }
        Ok(())
    };
    state.blocking(delete).await?;
    Ok(Done)
}
