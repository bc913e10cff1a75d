//! `UpdateAccountSettings`: begins or ends an account's commitment in a region.

use std::sync::Arc;

use crate::api::Answer;
use crate::api::streams::State;
use crate::api::streams::constraints::MINIMUM_THROUGHPUT_BILLING_COMMITMENT_INPUT;
use crate::api::streams::error::limit_exceeded;
use crate::api::streams::model::write_commitment;
use crate::service::{ACCOUNTS_MAX, AccountError, Commitment};
use crate::wire::{Caller, Exception, Fields, Writer};

pub(in crate::api::streams) struct Input {
    caller: Caller,
    is_wanted: bool,
}

impl Input {
    pub(in crate::api::streams) fn read(
        caller: &Caller,
        fields: Fields<'_, '_>,
    ) -> Result<Input, Exception> {
        let commitment = fields.structure(
            "MinimumThroughputBillingCommitment",
            &MINIMUM_THROUGHPUT_BILLING_COMMITMENT_INPUT,
        );
        let status = commitment.and_then(|commitment| commitment.text("Status"));
        Ok(Input { caller: caller.clone(), is_wanted: status == Some("ENABLED") })
    }
}

pub(in crate::api::streams) struct Output(Commitment);

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input,
) -> Result<Output, Exception> {
    let Input { caller: Caller { account, region }, is_wanted } = input;
    let change = move |state: &State| {
        let of = (account.as_str(), region.as_str());
        let changed = state.accounts.commit(&state.engine, state.now(), of, is_wanted);
        changed.map_err(|error| match error {
            AccountError::TooManyAccounts => limit_exceeded(format!(
                "{ACCOUNTS_MAX} accounts have settings; no more can be kept."
            )),
            AccountError::Engine(error) => error.into(),
        })
    };
    state.blocking(change).await.map(Output)
}

impl Output {
    pub(in crate::api::streams) fn write(self, mut out: Writer) -> Answer {
        write_commitment(&mut out, self.0);
        out.into()
    }
}
