//! `UpdateDeadLetterQueueRecordsVisibility`: says when dead letters in flight are visible again.

use std::sync::Arc;

use crate::api::streams::State;
use crate::api::streams::constraints::UPDATE_DEAD_LETTER_QUEUE_RECORDS_VISIBILITY_REQUEST_ENTRY;
use crate::api::streams::queues::{Grant, Outcomes, reappear};
use crate::service::queue::Lane;
use crate::wire::{Caller, Exception, Fields};

pub(in crate::api::streams) struct Input(Grant);

impl Input {
    pub(in crate::api::streams) fn read(
        _: &Caller,
        fields: Fields<'_, '_>,
    ) -> Result<Input, Exception> {
        let shape = &UPDATE_DEAD_LETTER_QUEUE_RECORDS_VISIBILITY_REQUEST_ENTRY;
        Grant::read(fields, Lane::Dead, shape, reappear).map(Input)
    }
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input,
) -> Result<Outcomes, Exception> {
    input.0.run(state).await
}
