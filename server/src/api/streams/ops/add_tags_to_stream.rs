//! `AddTagsToStream`: adds tags to a stream, over those of the same keys.

use std::sync::Arc;

use crate::api::Done;
use crate::api::streams::State;
use crate::api::streams::error::{too_many_stream_tags, wrong_tags};
use crate::api::streams::model::{read_address, read_tags};
use crate::service::{StreamKey, StreamPath, StreamRow, TagError, Tags, add_tags};
use crate::wire::{Caller, Exception, Fields};

pub(in crate::api::streams) struct Input {
    path: StreamPath,
    tags: Tags,
}

impl Input {
    pub(in crate::api::streams) fn read(
        caller: &Caller,
        fields: Fields<'_, '_>,
    ) -> Result<Input, Exception> {
        let stream = read_address(caller, fields)?;
        let tags = read_tags(fields).map_err(|error| refusal(stream, error))?;
        Ok(Input { path: stream.into(), tags })
    }
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input,
) -> Result<Done, Exception> {
    let Input { path, tags } = input;
    let edit = move |row: &mut StreamRow| {
        add_tags(&mut row.tags, tags).map_err(|error| refusal(row.key(), error))
    };
    state.change(path, edit).await?;
    Ok(Done)
}

fn refusal(stream: StreamKey<'_>, error: TagError) -> Exception {
    match error {
        TagError::TooMany => too_many_stream_tags(stream),
        error => wrong_tags(error),
    }
}
