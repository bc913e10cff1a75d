//! `RegisterStreamConsumer`: a consumer with its own share of each shard's reads.

use std::sync::Arc;

use crate::api::Answer;
use crate::api::streams::State;
use crate::api::streams::error::{limit_exceeded, stream_in_use, stream_not_found, wrong_tags};
use crate::api::streams::model::{read_address, read_tags, write_consumer};
use crate::service::{Consumer, Mode, RegisterError, Stream, StreamPath, new_tags};
use crate::wire::{Caller, Exception, Fields, Writer};

pub(in crate::api::streams) struct Input {
    path: StreamPath,
    name: String,
    tags: Vec<(String, String)>,
}

impl Input {
    pub(in crate::api::streams) fn read(
        caller: &Caller,
        fields: Fields<'_, '_>,
    ) -> Result<Input, Exception> {
        Ok(Input {
            path: read_address(caller, fields)?.into(),
            name: fields.text("ConsumerName").unwrap_or_default().to_owned(),
            tags: new_tags(read_tags(fields)).map_err(wrong_tags)?,
        })
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
    state.blocking(move |state| register(state, input)).await
}

/// Consumers that `stream` may have, its queues among them.
pub(super) fn consumers_max(state: &State, stream: &Stream) -> Result<usize, Exception> {
    let (plain, advantage) =
        (state.limits.consumers_per_stream_max, state.limits.consumers_per_advantage_stream_max);
    if plain == advantage || stream.row.mode == Mode::Provisioned {
        return Ok(plain);
    }
    let (account, region) = (&stream.row.account, &stream.row.region);
    let commitment = state.accounts.commitment(&state.engine, state.now(), account, region)?;
    Ok(if commitment.is_on() { advantage } else { plain })
}

fn register(state: &State, input: Input) -> Result<Output, Exception> {
    let Input { path, name, tags } = input;
    let stream = state.active_stream(path.key())?;
    let queues = state.queues.of_stream(stream.row.id).len();
    let most = consumers_max(state, &stream)?;
    let max = most.saturating_sub(queues);
    let (engine, streams, now) = (&state.engine, &state.streams, state.now());
    let registered = state.consumers.register(engine, streams, now, &stream, &name, tags, max);
    let consumer = registered.map_err(|error| match error {
        RegisterError::AlreadyExists => stream_in_use(format!(
            "Consumer {name} under stream {} under account {} already exists.",
            path.name, path.account
        )),
        RegisterError::TooMany => limit_exceeded(format!(
            "This request would exceed the limit of registered consumers for stream {} under \
             account {}. Limit: {most}.",
            path.name, path.account
        )),
        RegisterError::NoStream => stream_not_found(&path.name, &path.account),
        RegisterError::Engine(error) => error.into(),
    })?;
    tracing::info!(stream = stream.arn(), consumer = name, "consumer registered");
    Ok(Output { stream, consumer })
}

impl Output {
    pub(in crate::api::streams) fn write(self, mut out: Writer) -> Answer {
        out.begin_map();
        out.begin_map_in("Consumer");
        write_consumer(&mut out, &self.stream, &self.consumer);
        out.end_map();
        out.end_map();
        out.into()
    }
}
