//! `ListStreamConsumers`: a stream's consumers by name, a page at a time.

use std::sync::Arc;

use crate::api::Answer;
use crate::api::streams::State;
use crate::api::streams::error::{expired_token, not_with_token, stream_not_found};
use crate::api::streams::model::{read_address, write_consumer};
use crate::service::{Consumer, ITERATOR_LIFE_MS, Purpose, Stream, StreamPath};
use crate::wire::{Caller, Exception, Fields, Writer};

/// Consumers of a page, however many were asked for.
const PAGE_CONSUMERS_MAX: usize = 100;

pub(in crate::api::streams) struct Input {
    path: StreamPath,
    limit: usize,
    created_ms: Option<i64>,
    token: Option<String>,
}

impl Input {
    pub(in crate::api::streams) fn read(
        caller: &Caller,
        fields: Fields<'_, '_>,
    ) -> Result<Input, Exception> {
        let token = fields.text("NextToken").map(str::to_owned);
        let created_ms = fields.timestamp_ms("StreamCreationTimestamp");
        if token.is_some() && created_ms.is_some() {
            return Err(not_with_token("StreamCreationTimestamp"));
        }
        let limit = fields.count("MaxResults").map_or(PAGE_CONSUMERS_MAX, |limit| limit as usize);
        Ok(Input {
            path: read_address(caller, fields)?.into(),
            limit: limit.min(PAGE_CONSUMERS_MAX),
            created_ms,
            token,
        })
    }
}

pub(in crate::api::streams) struct Output {
    stream: Arc<Stream>,
    consumers: Vec<Arc<Consumer>>,
    next_token: Option<String>,
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input,
) -> Result<Output, Exception> {
    let now = state.now();
    let stream = state.stream(input.path.key())?;
    if input.created_ms.is_some_and(|ms| !stream.was_created_at(ms)) {
        return Err(stream_not_found(&input.path.name, &input.path.account));
    }
    let invalid = || Exception::invalid_argument("Invalid NextToken.");
    let after = match &input.token {
        None => String::new(),
        Some(token) => {
            let opened = state.tokens.open(Purpose::ListConsumers, token).ok_or_else(invalid)?;
            if now.minus_ms(ITERATOR_LIFE_MS) > opened.created {
                return Err(expired_token());
            }
            // The token says of which stream it is.
            let (id, name) = opened.content.split_first_chunk::<8>().ok_or_else(invalid)?;
            if u64::from_le_bytes(*id) != stream.row.id {
                return Err(invalid());
            }
            String::from_utf8(name.to_vec()).map_err(|_| invalid())?
        }
    };
    let mut consumers = state.consumers.list(stream.row.id, &after, input.limit + 1);
    let has_more = consumers.len() > input.limit;
    consumers.truncate(input.limit);
    let next_token = consumers.last().filter(|_| has_more).map(|last| {
        let content = [&stream.row.id.to_le_bytes(), last.row.name.as_bytes()].concat();
        state.tokens.seal(Purpose::ListConsumers, now, &content)
    });
    Ok(Output { stream, consumers, next_token })
}

impl Output {
    pub(in crate::api::streams) fn write(self, mut out: Writer) -> Answer {
        out.begin_map();
        out.begin_list_in("Consumers");
        for consumer in &self.consumers {
            out.begin_map();
            write_consumer(&mut out, &self.stream, consumer);
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
