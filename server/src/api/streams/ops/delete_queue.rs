//! `DeleteQueue`: deletes a queue; the records stay in the stream.

use std::sync::Arc;

use crate::api::Done;
use crate::api::streams::State;
use crate::api::streams::queues::Address;
use crate::wire::{Caller, Exception, Fields};

pub(in crate::api::streams) struct Input(Address);

impl Input {
    pub(in crate::api::streams) fn read(
        _: &Caller,
        fields: Fields<'_, '_>,
    ) -> Result<Input, Exception> {
        Address::read(fields).map(Input)
    }
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input,
) -> Result<Done, Exception> {
    let Input(address) = input;
    let queue = address.find(state)?;
    let delete = move |state: Arc<State>| async move { state.queues.delete(&queue).await };
    let deleted = state.to_end(delete).await?;
    deleted.map_err(|error| address.fault(error))?;
    Ok(Done)
}
