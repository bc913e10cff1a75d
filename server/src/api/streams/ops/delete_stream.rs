//! `DeleteStream`: deletes a stream and its records.

use std::sync::Arc;

use crate::api::Answer;
use crate::api::streams::State;
use crate::api::streams::error::{stream_in_use, stream_not_found};
use crate::api::streams::model::read_address;
use crate::service::{DeleteError, State as Life, StreamKey};
use crate::wire::{Caller, Exception, Fields};

pub(in crate::api::streams) struct Input {
    account: String,
    region: String,
    name: String,
}

impl Input {
    pub(in crate::api::streams) fn read(
        caller: &Caller,
        fields: Fields<'_, '_>,
    ) -> Result<Input, Exception> {
        let StreamKey { account, region, name } = read_address(caller, fields)?;
        Ok(Input { account: account.to_owned(), region: region.to_owned(), name: name.to_owned() })
    }
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input,
) -> Result<Answer, Exception> {
    let state = Arc::clone(state);
    let call = move || {
        let Input { account, region, name } = &input;
        let key = StreamKey { account, region, name };
        state.streams.delete(&state.engine, key).map_err(|error| match error {
            DeleteError::NotFound | DeleteError::NotActive(Life::Deleting) => {
                stream_not_found(name, account)
            }
            DeleteError::NotActive(_) => stream_in_use(format!(
                "Stream {name} under account {account} not ACTIVE, instead in state CREATING"
            )),
            DeleteError::Engine(error) => error.into(),
        })
    };
    tokio::task::spawn_blocking(call).await.unwrap_or_else(|_| Err(Exception::internal()))?;
    Ok(Answer::default())
}
