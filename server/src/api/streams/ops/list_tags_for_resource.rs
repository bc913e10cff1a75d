//! `ListTagsForResource`: the tags of a stream, a consumer or a queue.

use std::sync::Arc;

use crate::api::Answer;
use crate::api::streams::State;
use crate::api::streams::model::write_tags;
use crate::api::streams::resource::Resource;
use crate::service::Tags;
use crate::wire::{Caller, Exception, Fields, Writer};

pub(in crate::api::streams) struct Input(Resource);

impl Input {
    pub(in crate::api::streams) fn read(
        _: &Caller,
        fields: Fields<'_, '_>,
    ) -> Result<Input, Exception> {
        Resource::read(fields).map(Input)
    }
}

pub(in crate::api::streams) struct Output(Tags);

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input,
) -> Result<Output, Exception> {
    state.tags(&input.0).map(Output)
}

impl Output {
    pub(in crate::api::streams) fn write(self, mut out: Writer) -> Answer {
        out.begin_map();
        write_tags(&mut out, &self.0);
        out.end_map();
        out.into()
    }
}
