//! `AcknowledgeQueueRecords`: records are done with and never delivered again.

use std::sync::Arc;

use crate::api::streams::State;
use crate::api::streams::constraints::ACKNOWLEDGE_QUEUE_RECORDS_REQUEST_ENTRY;
use crate::api::streams::queues::{Grant, Outcomes};
use crate::service::queue::{Lane, Wish};
use crate::wire::{Caller, Exception, Fields};

pub(in crate::api::streams) struct Input(Grant);

impl Input {
    pub(in crate::api::streams) fn read(
        _: &Caller,
        fields: Fields<'_, '_>,
    ) -> Result<Input, Exception> {
        let shape = &ACKNOWLEDGE_QUEUE_RECORDS_REQUEST_ENTRY;
        Grant::read(fields, Lane::Normal, shape, |_| Wish::Acknowledge).map(Input)
    }
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input,
) -> Result<Outcomes, Exception> {
    input.0.run(state).await
}
