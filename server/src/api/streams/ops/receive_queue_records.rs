//! `ReceiveQueueRecords`: delivers records, and waits while there are none.

use std::sync::Arc;

use crate::api::streams::State;
use crate::api::streams::queues::{Receive, Records};
use crate::service::queue::Lane;
use crate::wire::{Caller, Exception, Fields};

pub(in crate::api::streams) struct Input(Receive);

impl Input {
    pub(in crate::api::streams) fn read(
        _: &Caller,
        fields: Fields<'_, '_>,
    ) -> Result<Input, Exception> {
        Receive::read(fields, Lane::Normal).map(Input)
    }
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input,
) -> Result<Records, Exception> {
    input.0.run(state).await
}
