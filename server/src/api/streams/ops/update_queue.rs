//! `UpdateQueue`: changes a queue's settings.

use std::sync::Arc;

use crate::api::streams::State;
use crate::api::streams::ops::describe_queue::Output;
use crate::api::streams::queues::{Address, Attributes};
use crate::service::queue::QueueRow;
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
    let edit = move |row: &mut QueueRow| {
        row.visibility_s = visibility_s.unwrap_or(row.visibility_s);
        row.receive_count_max = receive_count_max.unwrap_or(row.receive_count_max);
        Ok(())
    };
    address.change(state, &queue, edit).await?;
    Ok(Output::of(&queue))
}
