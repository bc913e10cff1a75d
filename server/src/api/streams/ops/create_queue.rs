//! `CreateQueue`: makes a queue on a stream.

use std::sync::Arc;

use crate::api::streams::State;
use crate::api::streams::constraints::{QUEUE_STARTING_POSITION, QUEUE_STREAM_CONFIGURATION};
use crate::api::streams::error::{limit_exceeded, stream_in_use, stream_not_found, wrong_tags};
use crate::api::streams::model::{read_arn, read_tags};
use crate::api::streams::ops::describe_queue::Output;
use crate::api::streams::ops::register_stream_consumer::consumers_max;
use crate::api::streams::queues::{Attributes, invalid};
use crate::service::queue::{CreateQueue, CreateQueueError, QueueStart};
use crate::service::{StreamPath, new_tags};
use crate::wire::{Caller, Exception, Fields};

/// Seconds that a received record is not visible in a queue that does not say.
const VISIBILITY_S_DEFAULT: u32 = 30;

/// Receives after which a record becomes a dead letter in a queue that does not say.
const RECEIVE_COUNT_MAX_DEFAULT: u32 = 6;

pub(in crate::api::streams) struct Input {
    stream: StreamPath,
    spec: CreateQueue,
}

impl Input {
    pub(in crate::api::streams) fn read(
        caller: &Caller,
        fields: Fields<'_, '_>,
    ) -> Result<Input, Exception> {
        let mut configurations =
            fields.structures("StreamConfigurationList", &QUEUE_STREAM_CONFIGURATION);
        let (Some(configuration), None) = (configurations.next(), configurations.next()) else {
            return Err(invalid("StreamConfigurationList must contain exactly one entry."));
        };
        let stream = read_arn(configuration.text("StreamARN").unwrap_or_default())?;
        if (stream.account, stream.region) != (&*caller.account, &*caller.region) {
            let message = "The stream must be in the account and Region of the request.";
            return Err(Exception::invalid_argument(message));
        }
        let Attributes { visibility_s, receive_count_max } = Attributes::read(fields)?;
        let spec = CreateQueue {
            name: fields.text("QueueName").unwrap_or_default().to_owned(),
            account: caller.account.clone(),
            region: caller.region.clone(),
            start: read_start(configuration)?,
            visibility_s: visibility_s.unwrap_or(VISIBILITY_S_DEFAULT),
            receive_count_max: receive_count_max.unwrap_or(Some(RECEIVE_COUNT_MAX_DEFAULT)),
            tags: new_tags(read_tags(fields)).map_err(wrong_tags)?,
            of_stream_max: 0,
        };
        Ok(Input { stream: stream.into(), spec })
    }
}

fn read_start(configuration: Fields<'_, '_>) -> Result<QueueStart, Exception> {
    let Some(start) = configuration.structure("StartingPosition", &QUEUE_STARTING_POSITION) else {
        return Ok(QueueStart::Latest);
    };
    match (start.text("Type"), start.timestamp_ms("Timestamp")) {
        (Some("AT_TIMESTAMP"), Some(ms)) => {
            Ok(QueueStart::AtTime(u64::try_from(ms).unwrap_or_default()))
        }
        (Some("AT_TIMESTAMP"), None) => {
            Err(invalid("Timestamp is required for a StartingPosition of Type AT_TIMESTAMP."))
        }
        (_, Some(_)) => {
            Err(invalid("Timestamp is only for a StartingPosition of Type AT_TIMESTAMP."))
        }
        (Some("TRIM_HORIZON"), None) => Ok(QueueStart::TrimHorizon),
        (_, None) => Ok(QueueStart::Latest),
    }
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input,
) -> Result<Output, Exception> {
    let Input { stream: path, mut spec } = input;
    let stream = state.active_stream(path.key())?;
    // Registered consumers and queues share a bound.
    let asked = Arc::clone(&stream);
    let max = state.blocking(move |state| consumers_max(state, &asked)).await?;
    spec.of_stream_max = max.saturating_sub(state.consumers.count(stream.row.id));
    let name = spec.name.clone();
    let create = move |state: Arc<State>| async move {
        state.queues.create(&state.streams, &stream, spec).await
    };
    let made = state.to_end(create).await?;
    let queue = made.map_err(|error| refusal(&path, &name, max, error))?;
    tracing::info!(queue = queue.row().arn(), stream = queue.row().stream_arn, "queue created");
    Ok(Output::of(&queue))
}

fn refusal(stream: &StreamPath, name: &str, max: usize, error: CreateQueueError) -> Exception {
    let StreamPath { account, name: stream, .. } = stream;
    match error {
        CreateQueueError::AlreadyExists => {
            stream_in_use(format!("Queue {name} under account {account} already exists."))
        }
        CreateQueueError::TooManyOfStream => limit_exceeded(format!(
            "This request would exceed the limit of {max} registered consumers \
             and queues of stream {stream} under account {account}."
        )),
        CreateQueueError::TooMany => {
            limit_exceeded("This request would exceed the limit of queues.".to_owned())
        }
        CreateQueueError::NotOnDemand => Exception::validation(format!(
            "Queues are supported only on streams in ON_DEMAND mode. Stream {stream} under account \
             {account} is in PROVISIONED mode."
        )),
        CreateQueueError::NoStream => stream_not_found(stream, account),
        CreateQueueError::Engine(error) => error.into(),
    }
}
