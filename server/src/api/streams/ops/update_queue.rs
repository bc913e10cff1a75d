//! `UpdateQueue`: changes a queue's settings.

use std::sync::Arc;

use crate::api::streams::State;
use crate::api::streams::ops::describe_queue::Output;
use crate::api::streams::queues::{Address, Attributes};
use crate::wire::{Caller, Exception, Fields};

pub(in crate::api::streams) struct Input {
    address: Address,
    attributes: Attributes,
}

impl Input {
    pub(in crate::api::streams) fn read(
        _: &Caller,
        fields: Fields<'_, '_>,
    ) -> Result<Input, Exception> {
        Ok(Input { address: Address::read(fields)?, attributes: Attributes::read(fields)? })
    }
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input,
) -> Result<Output, Exception> {
    let Input { address, attributes: Attributes { visibility_s, receive_count_max } } = input;
    let queue = address.find(state)?;
    let changed = {
        let queue = Arc::clone(&queue);
        state.to_end(|state| async move {
            let edit = |row: &mut crate::service::queue::QueueRow| {
                row.visibility_s = visibility_s.unwrap_or(row.visibility_s);
                row.receive_count_max = receive_count_max.unwrap_or(row.receive_count_max);
            };
            state.queues.change(&queue, edit).await
        })
    };
    changed.await?.map_err(|error| address.fault(error))?;
    Ok(Output::of(&queue))
}
