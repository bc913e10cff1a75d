//! `DescribeStreamConsumer`: one consumer.

use std::sync::Arc;

use crate::api::Answer;
use crate::api::streams::State;
use crate::api::streams::model::{ConsumerAddress, read_consumer, write_consumer};
use crate::service::{Consumer, Stream};
use crate::wire::{Caller, Exception, Fields, Writer};

pub(in crate::api::streams) struct Input(ConsumerAddress);

impl Input {
    pub(in crate::api::streams) fn read(
        _: &Caller,
        fields: Fields<'_, '_>,
    ) -> Result<Input, Exception> {
        read_consumer(fields).map(Input)
    }
}

pub(in crate::api::streams) struct Output {
    stream: Arc<Stream>,
    consumer: Arc<Consumer>,
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input,
) -> Result<Output, Exception> {
    let (stream, consumer) = state.consumer(&input.0)?;
    Ok(Output { stream, consumer })
}

impl Output {
    pub(in crate::api::streams) fn write(self, mut out: Writer) -> Answer {
        out.begin_map();
        out.begin_map_in("ConsumerDescription");
        write_consumer(&mut out, &self.stream, &self.consumer);
        out.text("StreamARN", &self.stream.arn());
        out.end_map();
        out.end_map();
        out.into()
    }
}
