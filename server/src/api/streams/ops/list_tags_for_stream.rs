//! `ListTagsForStream`: a stream's tags by key, a page at a time.

use std::sync::Arc;

use crate::api::Answer;
use crate::api::streams::State;
use crate::api::streams::model::{read_address, write_tags};
use crate::service::{Stream, StreamKey, TAGS_MAX};
use crate::wire::{Caller, Exception, Fields, Writer};

pub(in crate::api::streams) struct Input<'a> {
    stream: StreamKey<'a>,
    after: Option<&'a str>,
    limit: usize,
}

impl<'a> Input<'a> {
    pub(in crate::api::streams) fn read(
        caller: &'a Caller,
        fields: Fields<'a, '_>,
    ) -> Result<Input<'a>, Exception> {
        Ok(Input {
            stream: read_address(caller, fields)?,
            after: fields.text("ExclusiveStartTagKey"),
            limit: fields.count("Limit").map_or(TAGS_MAX, |limit| limit as usize),
        })
    }
}

pub(in crate::api::streams) struct Output {
    stream: Arc<Stream>,
    from: usize,
    limit: usize,
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input<'_>,
) -> Result<Output, Exception> {
    let stream = state.stream(input.stream)?;
    let tags = &stream.row.tags;
    let from =
        input.after.map_or(0, |after| tags.partition_point(|(key, _)| key.as_str() <= after));
    Ok(Output { stream, from, limit: input.limit })
}

impl Output {
    pub(in crate::api::streams) fn write(self, mut out: Writer) -> Answer {
        let rest = &self.stream.row.tags[self.from..];
        out.begin_map();
        write_tags(&mut out, &rest[..rest.len().min(self.limit)]);
        out.boolean("HasMoreTags", rest.len() > self.limit);
        out.end_map();
        out.into()
    }
}
