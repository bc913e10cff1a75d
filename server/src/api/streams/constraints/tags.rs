//! Tags, old style and new.

use crate::api::streams::constraints::{
    integer, resource_arn, stream_arn, stream_id, stream_name, tag_map,
};
use crate::wire::{Bounds, Kind, Member, Shape, Text};

pub(in crate::api::streams) static ADD_TAGS_TO_STREAM: Shape = Shape {
    name: "AddTagsToStreamInput",
    members: &[stream_name(), Member::required("Tags", tag_map()), stream_arn(), stream_id()],
};

pub(in crate::api::streams) static REMOVE_TAGS_FROM_STREAM: Shape = Shape {
    name: "RemoveTagsFromStreamInput",
    members: &[
        stream_name(),
        Member::required("TagKeys", Kind::Texts(Bounds::new(1, 50), Text::new(1, 128))),
        stream_arn(),
        stream_id(),
    ],
};

pub(in crate::api::streams) static LIST_TAGS_FOR_STREAM: Shape = Shape {
    name: "ListTagsForStreamInput",
    members: &[
        stream_name(),
        Member::optional("ExclusiveStartTagKey", Kind::Text(Text::new(1, 128))),
        Member::optional("Limit", integer(1, 50)),
        stream_arn(),
        stream_id(),
    ],
};

pub(in crate::api::streams) static TAG_RESOURCE: Shape = Shape {
    name: "TagResourceInput",
    members: &[Member::required("Tags", tag_map()), resource_arn(), stream_id()],
};

pub(in crate::api::streams) static UNTAG_RESOURCE: Shape = Shape {
    name: "UntagResourceInput",
    members: &[
        Member::required("TagKeys", Kind::Texts(Bounds::new(1, 50), Text::new(1, 128))),
        resource_arn(),
        stream_id(),
    ],
};

pub(in crate::api::streams) static LIST_TAGS_FOR_RESOURCE: Shape =
    Shape { name: "ListTagsForResourceInput", members: &[resource_arn(), stream_id()] };
