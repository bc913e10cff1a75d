//! `UntagResource`: removes tags of a stream, a consumer or a queue.

use std::sync::Arc;

use crate::api::Done;
use crate::api::streams::State;
use crate::api::streams::model::{remove_read_tags, texts};
use crate::api::streams::resource::Resource;
use crate::service::Tags;
use crate::wire::{Caller, Exception, Fields};

pub(in crate::api::streams) struct Input {
    resource: Resource,
    keys: Vec<String>,
}

impl Input {
    pub(in crate::api::streams) fn read(
        _: &Caller,
        fields: Fields<'_, '_>,
    ) -> Result<Input, Exception> {
        Ok(Input { resource: Resource::read(fields)?, keys: texts(fields, "TagKeys") })
    }
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input,
) -> Result<Done, Exception> {
    let Input { resource, keys } = input;
    let edit = move |tags: &mut Tags| remove_read_tags(tags, &keys);
    state.change_tags(resource, edit).await?;
    Ok(Done)
}
