//! `TagResource`: adds tags to a stream, a consumer or a queue, over those of the same keys.

use std::sync::Arc;

use crate::api::Done;
use crate::api::streams::State;
use crate::api::streams::error::wrong_tags;
use crate::api::streams::model::{add_read_tags, read_tags};
use crate::api::streams::resource::Resource;
use crate::service::Tags;
use crate::wire::{Caller, Exception, Fields};

pub(in crate::api::streams) struct Input {
    resource: Resource,
    tags: Vec<(String, String)>,
}

impl Input {
    pub(in crate::api::streams) fn read(
        _: &Caller,
        fields: Fields<'_, '_>,
    ) -> Result<Input, Exception> {
        Ok(Input { resource: Resource::read(fields)?, tags: read_tags(fields) })
    }
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input,
) -> Result<Done, Exception> {
    let Input { resource, tags: more } = input;
    let edit = move |tags: &mut Tags| add_read_tags(tags, more).map_err(wrong_tags);
    state.change_tags(resource, edit).await?;
    Ok(Done)
}
