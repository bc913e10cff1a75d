//! Queues and their records.

use crate::api::streams::constraints::{
    integer, next_token, queue_arn, required_stream_arn, tags, word,
};
use crate::wire::{Bounds, Kind, Member, Shape, Text};

pub(in crate::api::streams) static QUEUE_STARTING_POSITION: Shape = Shape {
    name: "QueueStartingPosition",
    members: &[
        Member::required(
            "Type",
            Kind::Text(Text::one_of(&["TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"])),
        ),
        Member::optional("Timestamp", Kind::Timestamp),
    ],
};

pub(in crate::api::streams) static QUEUE_STREAM_CONFIGURATION: Shape = Shape {
    name: "QueueStreamConfiguration",
    members: &[
        required_stream_arn(),
        Member::optional("StartingPosition", Kind::Structure(&QUEUE_STARTING_POSITION)),
    ],
};

pub(in crate::api::streams) static DEAD_LETTER_CONFIGURATION: Shape = Shape {
    name: "DeadLetterConfiguration",
    members: &[
        Member::required("TargetType", Kind::Text(Text::one_of(&["BUILT_IN", "NONE"]))),
        Member::optional("MaxReceiveCount", integer(1, 1000)),
    ],
};

pub(in crate::api::streams) static QUEUE_ATTRIBUTES: Shape = Shape {
    name: "QueueAttributes",
    members: &[
        Member::optional("VisibilityTimeoutSeconds", integer(0, 43_200)),
        Member::optional("DeadLetterConfiguration", Kind::Structure(&DEAD_LETTER_CONFIGURATION)),
    ],
};

pub(in crate::api::streams) static CREATE_QUEUE: Shape = Shape {
    name: "CreateQueueInput",
    members: &[
        Member::required("QueueName", word(1, 128)),
        Member::required(
            "StreamConfigurationList",
            Kind::Structures(Bounds::new(1, 10_000), &QUEUE_STREAM_CONFIGURATION),
        ),
        Member::optional("QueueAttributes", Kind::Structure(&QUEUE_ATTRIBUTES)),
        tags(),
    ],
};

pub(in crate::api::streams) static DESCRIBE_QUEUE: Shape =
    Shape { name: "DescribeQueueInput", members: &[queue_arn()] };

pub(in crate::api::streams) static QUEUE_STREAM_FILTER: Shape = Shape {
    name: "QueueStreamFilter",
    members: &[required_stream_arn(), Member::optional("StreamCreationTimestamp", Kind::Timestamp)],
};

pub(in crate::api::streams) static LIST_QUEUES: Shape = Shape {
    name: "ListQueuesInput",
    members: &[
        Member::optional("MaxResults", integer(1, 10_000)),
        next_token(),
        Member::optional(
            "StreamFilter",
            Kind::Structures(Bounds::new(1, 10_000), &QUEUE_STREAM_FILTER),
        ),
    ],
};

pub(in crate::api::streams) static UPDATE_QUEUE: Shape = Shape {
    name: "UpdateQueueInput",
    members: &[
        queue_arn(),
        Member::required("QueueAttributes", Kind::Structure(&QUEUE_ATTRIBUTES)),
    ],
};

pub(in crate::api::streams) static DELETE_QUEUE: Shape =
    Shape { name: "DeleteQueueInput", members: &[queue_arn()] };

pub(in crate::api::streams) static RECEIVE_QUEUE_RECORDS: Shape = Shape {
    name: "ReceiveQueueRecordsInput",
    members: &[
        queue_arn(),
        Member::optional("Limit", integer(1, 10)),
        Member::optional("WaitTimeSeconds", integer(1, 20)),
        Member::optional("VisibilityTimeoutSeconds", integer(0, 43_200)),
    ],
};

pub(in crate::api::streams) static ACKNOWLEDGE_QUEUE_RECORDS_REQUEST_ENTRY: Shape = Shape {
    name: "AcknowledgeQueueRecordsRequestEntry",
    members: &[Member::required("ReceiptHandle", Kind::Text(Text::new(1, 1024)))],
};

pub(in crate::api::streams) static ACKNOWLEDGE_QUEUE_RECORDS: Shape = Shape {
    name: "AcknowledgeQueueRecordsInput",
    members: &[
        queue_arn(),
        Member::required(
            "Entries",
            Kind::Structures(Bounds::new(1, 10), &ACKNOWLEDGE_QUEUE_RECORDS_REQUEST_ENTRY),
        ),
    ],
};

pub(in crate::api::streams) static UPDATE_QUEUE_RECORDS_VISIBILITY_REQUEST_ENTRY: Shape = Shape {
    name: "UpdateQueueRecordsVisibilityRequestEntry",
    members: &[
        Member::required("ReceiptHandle", Kind::Text(Text::new(1, 1024))),
        Member::required("VisibilityTimeoutSeconds", integer(0, 43_200)),
    ],
};

pub(in crate::api::streams) static UPDATE_QUEUE_RECORDS_VISIBILITY: Shape = Shape {
    name: "UpdateQueueRecordsVisibilityInput",
    members: &[
        queue_arn(),
        Member::required(
            "Entries",
            Kind::Structures(Bounds::new(1, 10), &UPDATE_QUEUE_RECORDS_VISIBILITY_REQUEST_ENTRY),
        ),
    ],
};

pub(in crate::api::streams) static RECEIVE_DEAD_LETTER_QUEUE_RECORDS: Shape = Shape {
    name: "ReceiveDeadLetterQueueRecordsInput",
    members: &[
        queue_arn(),
        Member::optional("Limit", integer(1, 10)),
        Member::optional("WaitTimeSeconds", integer(1, 20)),
        Member::optional("VisibilityTimeoutSeconds", integer(0, 43_200)),
    ],
};

pub(in crate::api::streams) static ACKNOWLEDGE_DEAD_LETTER_QUEUE_RECORDS_REQUEST_ENTRY: Shape =
    Shape {
        name: "AcknowledgeDeadLetterQueueRecordsRequestEntry",
        members: &[Member::required("ReceiptHandle", Kind::Text(Text::new(1, 1024)))],
    };

pub(in crate::api::streams) static ACKNOWLEDGE_DEAD_LETTER_QUEUE_RECORDS: Shape = Shape {
    name: "AcknowledgeDeadLetterQueueRecordsInput",
    members: &[
        queue_arn(),
        Member::required(
            "Entries",
            Kind::Structures(
                Bounds::new(1, 10),
                &ACKNOWLEDGE_DEAD_LETTER_QUEUE_RECORDS_REQUEST_ENTRY,
            ),
        ),
    ],
};

pub(in crate::api::streams) static UPDATE_DEAD_LETTER_QUEUE_RECORDS_VISIBILITY_REQUEST_ENTRY:
    Shape = Shape {
    name: "UpdateDeadLetterQueueRecordsVisibilityRequestEntry",
    members: &[
        Member::required("ReceiptHandle", Kind::Text(Text::new(1, 1024))),
        Member::required("VisibilityTimeoutSeconds", integer(0, 43_200)),
    ],
};

pub(in crate::api::streams) static UPDATE_DEAD_LETTER_QUEUE_RECORDS_VISIBILITY: Shape = Shape {
    name: "UpdateDeadLetterQueueRecordsVisibilityInput",
    members: &[
        queue_arn(),
        Member::required(
            "Entries",
            Kind::Structures(
                Bounds::new(1, 10),
                &UPDATE_DEAD_LETTER_QUEUE_RECORDS_VISIBILITY_REQUEST_ENTRY,
            ),
        ),
    ],
};

pub(in crate::api::streams) static RESTORE_DEAD_LETTER_QUEUE_RECORDS_REQUEST_ENTRY: Shape = Shape {
    name: "RestoreDeadLetterQueueRecordsRequestEntry",
    members: &[Member::required("ReceiptHandle", Kind::Text(Text::new(1, 1024)))],
};

pub(in crate::api::streams) static RESTORE_DEAD_LETTER_QUEUE_RECORDS: Shape = Shape {
    name: "RestoreDeadLetterQueueRecordsInput",
    members: &[
        queue_arn(),
        Member::required(
            "Entries",
            Kind::Structures(Bounds::new(1, 10), &RESTORE_DEAD_LETTER_QUEUE_RECORDS_REQUEST_ENTRY),
        ),
    ],
};
