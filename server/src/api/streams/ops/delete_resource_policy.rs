//! `DeleteResourcePolicy`: nobody else may use a resource any more.

use std::sync::Arc;

use crate::api::Done;
use crate::api::streams::State;
use crate::api::streams::error::no_policy;
use crate::api::streams::resource::Resource;
use crate::wire::{Caller, Exception, Fields};

pub(in crate::api::streams) struct Input(Resource);

impl Input {
    pub(in crate::api::streams) fn read(
        _: &Caller,
        fields: Fields<'_, '_>,
    ) -> Result<Input, Exception> {
        Resource::read(fields).map(Input)
    }
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input,
) -> Result<Done, Exception> {
    let edit = |policy: &mut Option<String>| policy.take().map(drop).ok_or_else(no_policy);
    state.change_policy(input.0, edit).await?;
    Ok(Done)
}
