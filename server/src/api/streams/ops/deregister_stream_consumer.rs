//! `DeregisterStreamConsumer`: removes a consumer and ends its subscriptions.

use std::sync::Arc;

use flowstone_engine::error::ErrorKind;

use crate::api::Done;
use crate::api::streams::State;
use crate::api::streams::error::consumer_not_found;
use crate::api::streams::model::{ConsumerAddress, read_consumer};
use crate::wire::{Caller, Exception, Fields};

pub(in crate::api::streams) struct Input(ConsumerAddress);

impl Input {
    pub(in crate::api::streams) fn read(
        _: &Caller,
        fields: Fields<'_, '_>,
    ) -> Result<Input, Exception> {
        read_consumer(fields).map(Input)
    }
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input,
) -> Result<Done, Exception> {
    let Input(address) = input;
    let deregister = move |state: &State| {
        let (stream, consumer) = state.consumer(&address)?;
        let gone = state.consumers.deregister(&state.engine, stream.row.id, &consumer.row.name);
        gone.map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                let path = &address.stream;
                consumer_not_found(&address.name, &path.name, &path.account)
            }
            _ => error.into(),
        })
    };
    state.blocking(deregister).await?;
    Ok(Done)
}
