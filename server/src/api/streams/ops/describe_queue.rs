//! `DescribeQueue`: a queue's state and settings.

use std::sync::Arc;

use crate::api::Answer;
use crate::api::streams::State;
use crate::api::streams::queues::{Address, write_description};
use crate::service::queue::{Queue, QueueRow, QueueState};
use crate::wire::{Caller, Exception, Fields, Writer};

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
) -> Result<Output, Exception> {
    input.0.find(state).map(|queue| Output::of(&queue))
}

pub(in crate::api::streams) struct Output {
    row: Arc<QueueRow>,
    state: QueueState,
}

impl Output {
    pub(super) fn of(queue: &Queue) -> Output {
        Output { row: queue.row(), state: queue.state() }
    }

    pub(in crate::api::streams) fn write(self, mut out: Writer) -> Answer {
        out.begin_map();
        write_description(&mut out, &self.row, self.state);
        out.end_map();
        out.into()
    }
}
