//! `PutResourcePolicy`: says who else may use a resource, in place of what was said before.

use std::sync::Arc;

use crate::api::Done;
use crate::api::streams::State;
use crate::api::streams::policy::check_policy;
use crate::api::streams::resource::Resource;
use crate::wire::{Caller, Exception, Fields};

pub(in crate::api::streams) struct Input {
    resource: Resource,
    policy: String,
}

impl Input {
    pub(in crate::api::streams) fn read(
        _: &Caller,
        fields: Fields<'_, '_>,
    ) -> Result<Input, Exception> {
        let resource = Resource::read(fields)?;
        let policy = fields.text("Policy").unwrap_or_default();
        check_policy(policy).map_err(|why| {
            Exception::invalid_argument(format!("Invalid resource policy: {why}."))
        })?;
        Ok(Input { resource, policy: policy.to_owned() })
    }
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input,
) -> Result<Done, Exception> {
    let Input { resource, policy } = input;
    let edit = move |kept: &mut Option<String>| {
        *kept = Some(policy);
        Ok(())
    };
    state.change_policy(resource, edit).await?;
    Ok(Done)
}
