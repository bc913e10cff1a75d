//! `ListStreams`: an account's streams in a region, by name, a page at a time.

use std::sync::Arc;

use crate::api::Answer;
use crate::api::streams::State;
use crate::api::streams::error::{expired_token, not_with_token};
use crate::api::streams::model::write_head;
use crate::service::{ITERATOR_LIFE_MS, Purpose, Stream};
use crate::wire::{Caller, Exception, Fields, Writer};

/// Streams of a page, whatever was asked for.
const LIMIT_MAX: usize = 100;

pub(in crate::api::streams) struct Input<'a> {
    caller: &'a Caller,
    limit: usize,
    after: Option<&'a str>,
    token: Option<&'a str>,
}

impl<'a> Input<'a> {
    pub(in crate::api::streams) fn read(
        caller: &'a Caller,
        fields: Fields<'a, '_>,
    ) -> Result<Input<'a>, Exception> {
        let input = Input {
            caller,
            limit: fields.count("Limit").map_or(LIMIT_MAX, |limit| LIMIT_MAX.min(limit as usize)),
            after: fields.text("ExclusiveStartStreamName"),
            token: fields.text("NextToken"),
        };
        if input.after.is_some() && input.token.is_some() {
            return Err(not_with_token("ExclusiveStartStreamName"));
        }
        Ok(input)
    }
}

pub(in crate::api::streams) struct Output {
    streams: Vec<Arc<Stream>>,
    has_more: bool,
    next_token: Option<String>,
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input<'_>,
) -> Result<Output, Exception> {
    let now = state.now();
    let after = match input.token {
        None => input.after.unwrap_or_default().to_owned(),
        Some(token) => {
            let opened = state.tokens.open(Purpose::ListStreams, token);
            let opened = opened.ok_or_else(|| Exception::invalid_argument("Invalid NextToken."))?;
            if now.minus_ms(ITERATOR_LIFE_MS) > opened.created {
                return Err(expired_token());
            }
            String::from_utf8_lossy(&opened.content).into_owned()
        }
    };
    let Caller { account, region } = input.caller;
    let mut streams = state.streams.list(account, region, &after, input.limit + 1);
    let has_more = streams.len() > input.limit;
    streams.truncate(input.limit);
    let last = streams.last().filter(|_| has_more);
    let next_token =
        last.map(|last| state.tokens.seal(Purpose::ListStreams, now, last.row.name.as_bytes()));
    Ok(Output { streams, has_more, next_token })
}

impl Output {
    pub(in crate::api::streams) fn write(self, mut out: Writer) -> Answer {
        out.begin_map();
        out.begin_list_in("StreamNames");
        self.streams.iter().for_each(|stream| out.text_item(&stream.row.name));
        out.end_list();
        out.boolean("HasMoreStreams", self.has_more);
        if let Some(token) = &self.next_token {
            out.text("NextToken", token);
        }
        out.begin_list_in("StreamSummaries");
        for stream in &self.streams {
            out.begin_map();
            write_head(&mut out, stream);
            out.end_map();
        }
        out.end_list();
        out.end_map();
        out.into()
    }
}
