//! `GetResourcePolicy`: who else may use a resource.

use std::sync::Arc;

use crate::api::Answer;
use crate::api::streams::State;
use crate::api::streams::resource::Resource;
use crate::wire::{Caller, Exception, Fields, Writer};

/// What the service answers for a resource without a policy.
const NONE: &str = "{}";

pub(in crate::api::streams) struct Input(Resource);

impl Input {
    pub(in crate::api::streams) fn read(
        _: &Caller,
        fields: Fields<'_, '_>,
    ) -> Result<Input, Exception> {
        Resource::read(fields).map(Input)
    }
}

pub(in crate::api::streams) struct Output(Option<String>);

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input,
) -> Result<Output, Exception> {
    state.policy(&input.0).map(Output)
}

impl Output {
    pub(in crate::api::streams) fn write(self, mut out: Writer) -> Answer {
        out.begin_map();
        out.text("Policy", self.0.as_deref().unwrap_or(NONE));
        out.end_map();
        out.into()
    }
}
