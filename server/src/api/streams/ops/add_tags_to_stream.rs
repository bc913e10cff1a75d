//! `AddTagsToStream`: adds tags to a stream, over those of the same keys.

use std::sync::Arc;

use crate::api::Done;
use crate::api::streams::State;
use crate::api::streams::error::{too_many_stream_tags, wrong_tags};
use crate::api::streams::model::{add_read_tags, read_address, read_tags};
use crate::service::{StreamPath, StreamRow, TagError};
use crate::wire::{Caller, Exception, Fields};

pub(in crate::api::streams) struct Input {
    path: StreamPath,
    tags: Vec<(String, String)>,
}

impl Input {
    pub(in crate::api::streams) fn read(
        caller: &Caller,
        fields: Fields<'_, '_>,
    ) -> Result<Input, Exception> {
        Ok(Input { path: read_address(caller, fields)?.into(), tags: read_tags(fields) })
    }
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input,
) -> Result<Done, Exception> {
    let Input { path, tags } = input;
    let edit = move |row: &mut StreamRow| {
        add_read_tags(&mut row.tags, tags).map_err(|error| match error {
            TagError::TooMany => too_many_stream_tags(row.key()),
            error => wrong_tags(error),
        })
    };
    state.change(path, edit).await?;
    Ok(Done)
}
