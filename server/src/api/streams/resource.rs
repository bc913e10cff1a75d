//! What a `ResourceARN` names, and the tags and policies of each kind of resource.
//!
//! | kind     | ARN's last part | tags | policy |
//! |----------|-----------------|------|--------|
//! | stream   | `stream/NAME` | in its row | in its row |
//! | consumer | `stream/NAME/consumer/CONSUMER:CREATED` | in its row | in its row |
//! | queue    | `queue/NAME` | in its row | in its row |
//!
//! A new kind of resource joins in [`Resource`] and in the four functions of [`State`] here.

use std::sync::Arc;

use crate::api::streams::State;
use crate::api::streams::model::{ConsumerAddress, read_consumer_arn, refuse_stream_id};
use crate::api::streams::queues::Address;
use crate::service::{StreamKey, StreamPath, Tags};
use crate::wire::{Exception, Fields};

/// What an ARN names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Resource {
    /// A stream.
    Stream(StreamPath),
    /// A stream's consumer.
    Consumer(ConsumerAddress),
    /// A queue: its whole ARN.
    Queue(String),
}

impl Resource {
    /// The resource that a request names.
    pub(super) fn read(fields: Fields<'_, '_>) -> Result<Resource, Exception> {
        refuse_stream_id(fields, "ResourceARN")?;
        let arn = fields.text("ResourceARN").unwrap_or_default();
        Resource::parse(arn).ok_or_else(|| {
            Exception::invalid_argument(format!(
                "ResourceARN {arn} is not the ARN of a stream, a consumer or a queue."
            ))
        })
    }

    /// `arn:aws:kinesis:REGION:ACCOUNT:` and one of the last parts above.
    pub(super) fn parse(arn: &str) -> Option<Resource> {
        let mut parts = arn.splitn(6, ':').skip(3);
        let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
        // A slash would reach into another key of the registry.
        if region.contains('/') || account.contains('/') {
            return None;
        }
        let (kind, name) = resource.split_once('/')?;
        match (kind, name.split_once('/')) {
            ("stream", None) if !name.is_empty() => {
                Some(Resource::Stream(StreamKey { account, region, name }.into()))
            }
            ("stream", Some((_, rest))) if rest.starts_with("consumer/") => {
                read_consumer_arn(arn).ok().map(Resource::Consumer)
            }
            ("queue", None) if !name.is_empty() => Some(Resource::Queue(arn.to_owned())),
            _ => None,
        }
    }
}

impl State {
    /// The tags of `resource`.
    pub(super) fn tags(&self, resource: &Resource) -> Result<Tags, Exception> {
        match resource {
            Resource::Stream(path) => Ok(self.stream(path.key())?.row.tags.clone()),
            Resource::Consumer(address) => Ok(self.consumer(address)?.1.row.tags.clone()),
            Resource::Queue(arn) => Ok(Address::parse(arn)?.find(self)?.row().tags.clone()),
        }
    }

    /// Changes the tags of `resource`; durable when this returns.
    pub(super) async fn change_tags(
        self: &Arc<State>,
        resource: Resource,
        edit: impl FnOnce(&mut Tags) -> Result<(), Exception> + Send + 'static,
    ) -> Result<(), Exception> {
        match resource {
            Resource::Stream(path) => {
                self.change(path, |row| edit(&mut row.tags)).await.map(|(_, ())| ())
            }
            Resource::Consumer(address) => {
                self.change_consumer(address, |row| edit(&mut row.tags)).await
            }
            Resource::Queue(arn) => {
                let address = Address::parse(&arn)?;
                let queue = address.find(self)?;
                address.change(self, &queue, |row| edit(&mut row.tags)).await
            }
        }
    }

    /// The policy of `resource`, if it has one.
    pub(super) fn policy(&self, resource: &Resource) -> Result<Option<String>, Exception> {
        match resource {
            Resource::Stream(path) => Ok(self.stream(path.key())?.row.policy.clone()),
            Resource::Consumer(address) => Ok(self.consumer(address)?.1.row.policy.clone()),
            Resource::Queue(arn) => Ok(Address::parse(arn)?.find(self)?.row().policy.clone()),
        }
    }

    /// Changes the policy of `resource`; durable when this returns.
    pub(super) async fn change_policy(
        self: &Arc<State>,
        resource: Resource,
        edit: impl FnOnce(&mut Option<String>) -> Result<(), Exception> + Send + 'static,
    ) -> Result<(), Exception> {
        match resource {
            Resource::Stream(path) => {
                self.change(path, |row| edit(&mut row.policy)).await.map(|(_, ())| ())
            }
            Resource::Consumer(address) => {
                self.change_consumer(address, |row| edit(&mut row.policy)).await
            }
            Resource::Queue(arn) => {
                let address = Address::parse(&arn)?;
                let queue = address.find(self)?;
                address.change(self, &queue, |row| edit(&mut row.policy)).await
            }
        }
    }
}
