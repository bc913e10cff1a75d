//! `DescribeAccountSettings`: an account's settings in a region.

use std::sync::Arc;

use crate::api::Answer;
use crate::api::streams::State;
use crate::api::streams::model::write_commitment;
use crate::service::Commitment;
use crate::wire::{Caller, Exception, Fields, Writer};

pub(in crate::api::streams) struct Input(Caller);

impl Input {
    pub(in crate::api::streams) fn read(
        caller: &Caller,
        _: Fields<'_, '_>,
    ) -> Result<Input, Exception> {
        Ok(Input(caller.clone()))
    }
}

pub(in crate::api::streams) struct Output(Commitment);

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input,
) -> Result<Output, Exception> {
    let Input(Caller { account, region }) = input;
    let load = move |state: &State| {
        Ok(state.accounts.commitment(&state.engine, state.now(), &account, &region)?)
    };
    state.blocking(load).await.map(Output)
}

impl Output {
    pub(in crate::api::streams) fn write(self, mut out: Writer) -> Answer {
        write_commitment(&mut out, self.0);
        out.into()
    }
}
