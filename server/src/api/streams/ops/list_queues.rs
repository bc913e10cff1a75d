//! `ListQueues`: an account's queues in a region, a page at a time.

use std::sync::Arc;

use crate::api::Answer;
use crate::api::streams::State;
use crate::api::streams::constraints::QUEUE_STREAM_FILTER;
use crate::api::streams::error::expired_token;
use crate::api::streams::queues::write_head;
use crate::service::queue::{Queue, QueueRow};
use crate::service::{ITERATOR_LIFE_MS, Purpose};
use crate::wire::{Caller, Exception, Fields, Writer};

/// Queues of a page that does not say how many.
const LIMIT_DEFAULT: usize = 100;

pub(in crate::api::streams) struct Input<'a> {
    caller: &'a Caller,
    limit: usize,
    token: Option<&'a str>,
    filters: Vec<Filter<'a>>,
}

struct Filter<'a> {
    stream_arn: &'a str,
    created_ms: Option<i64>,
}

impl Filter<'_> {
    /// Requests carry the time in whole seconds, or with milliseconds.
    fn accepts(&self, row: &QueueRow) -> bool {
        let created_ms = i64::try_from(row.stream_created_ms).unwrap_or(i64::MAX);
        self.stream_arn == row.stream_arn
            && self.created_ms.is_none_or(|ms| ms == created_ms || ms == created_ms / 1000 * 1000)
    }
}

impl<'a> Input<'a> {
    pub(in crate::api::streams) fn read(
        caller: &'a Caller,
        fields: Fields<'a, '_>,
    ) -> Result<Input<'a>, Exception> {
        let filters =
            fields.structures("StreamFilter", &QUEUE_STREAM_FILTER).map(|filter| Filter {
                stream_arn: filter.text("StreamARN").unwrap_or_default(),
                created_ms: filter.timestamp_ms("StreamCreationTimestamp"),
            });
        Ok(Input {
            caller,
            limit: fields.count("MaxResults").map_or(LIMIT_DEFAULT, |limit| limit as usize),
            token: fields.text("NextToken"),
            filters: filters.collect(),
        })
    }
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input<'_>,
) -> Result<Output, Exception> {
    let now = state.now();
    let after = match input.token {
        None => String::new(),
        Some(token) => {
            let opened = state.tokens.open(Purpose::ListQueues, token);
            let opened = opened.ok_or_else(|| Exception::invalid_argument("Invalid NextToken."))?;
            if now.minus_ms(ITERATOR_LIFE_MS) > opened.created {
                return Err(expired_token());
            }
            String::from_utf8_lossy(&opened.content).into_owned()
        }
    };
    let Caller { account, region } = input.caller;
    let is_wanted = |row: &QueueRow| {
        input.filters.is_empty() || input.filters.iter().any(|filter| filter.accepts(row))
    };
    let mut queues = state.queues.list((account, region), &after, input.limit + 1, is_wanted);
    let has_more = queues.len() > input.limit;
    queues.truncate(input.limit);
    let last = queues.last().filter(|_| has_more);
    let next_token = last
        .map(|last| state.tokens.seal(Purpose::ListQueues, now, last.row().resource.as_bytes()));
    Ok(Output { queues, next_token })
}

pub(in crate::api::streams) struct Output {
    queues: Vec<Arc<Queue>>,
    next_token: Option<String>,
}

impl Output {
    pub(in crate::api::streams) fn write(self, mut out: Writer) -> Answer {
        out.begin_map();
        out.begin_list_in("QueueSummaries");
        for queue in &self.queues {
            let row = queue.row();
            out.begin_map();
            write_head(&mut out, &row, queue.state());
            out.begin_list_in("Streams");
            out.begin_map();
            out.text("StreamARN", &row.stream_arn);
            out.timestamp("StreamCreationTimestamp", row.stream_created_ms);
            out.end_map();
            out.end_list();
            out.end_map();
        }
        out.end_list();
        if let Some(token) = &self.next_token {
            out.text("NextToken", token);
        }
        out.end_map();
        out.into()
    }
}
