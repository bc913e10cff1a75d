//! `RemoveTagsFromStream`: removes tags of a stream.

use std::sync::Arc;

use crate::api::Done;
use crate::api::streams::State;
use crate::api::streams::model::{read_address, remove_read_tags, texts};
use crate::service::{StreamPath, StreamRow};
use crate::wire::{Caller, Exception, Fields};

pub(in crate::api::streams) struct Input {
    path: StreamPath,
    keys: Vec<String>,
}

impl Input {
    pub(in crate::api::streams) fn read(
        caller: &Caller,
        fields: Fields<'_, '_>,
    ) -> Result<Input, Exception> {
        Ok(Input { keys: texts(fields, "TagKeys"), path: read_address(caller, fields)?.into() })
    }
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input,
) -> Result<Done, Exception> {
    let Input { path, keys } = input;
    let edit = move |row: &mut StreamRow| remove_read_tags(&mut row.tags, &keys);
    state.change(path, edit).await?;
    Ok(Done)
}
