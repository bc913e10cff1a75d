//! Resource policies.

use crate::api::streams::constraints::{resource_arn, stream_id};
use crate::wire::{Kind, Member, Shape, Text};

pub(in crate::api::streams) static PUT_RESOURCE_POLICY: Shape = Shape {
    name: "PutResourcePolicyInput",
    members: &[
        resource_arn(),
        stream_id(),
        Member::required("Policy", Kind::Text(Text::new(0, i64::MAX))),
    ],
};

pub(in crate::api::streams) static GET_RESOURCE_POLICY: Shape =
    Shape { name: "GetResourcePolicyInput", members: &[resource_arn(), stream_id()] };

pub(in crate::api::streams) static DELETE_RESOURCE_POLICY: Shape =
    Shape { name: "DeleteResourcePolicyInput", members: &[resource_arn(), stream_id()] };
