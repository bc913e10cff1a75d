//! Changing a stream's settings.

use crate::api::streams::constraints::streams::STREAM_MODE_DETAILS;
use crate::api::streams::constraints::{
    integer, required_stream_arn, stream_arn, stream_id, stream_name,
};
use crate::wire::{Bounds, Kind, Member, Shape, Text};

pub(in crate::api::streams) static INCREASE_STREAM_RETENTION_PERIOD: Shape = Shape {
    name: "IncreaseStreamRetentionPeriodInput",
    members: &[
        stream_name(),
        Member::required("RetentionPeriodHours", Kind::Integer(Bounds::ANY)),
        stream_arn(),
        stream_id(),
    ],
};

pub(in crate::api::streams) static DECREASE_STREAM_RETENTION_PERIOD: Shape = Shape {
    name: "DecreaseStreamRetentionPeriodInput",
    members: &[
        stream_name(),
        Member::required("RetentionPeriodHours", Kind::Integer(Bounds::ANY)),
        stream_arn(),
        stream_id(),
    ],
};

pub(in crate::api::streams) static UPDATE_STREAM_MODE: Shape = Shape {
    name: "UpdateStreamModeInput",
    members: &[
        required_stream_arn(),
        stream_id(),
        Member::required("StreamModeDetails", Kind::Structure(&STREAM_MODE_DETAILS)),
        Member::optional("WarmThroughputMiBps", Kind::Integer(Bounds::from(0))),
    ],
};

pub(in crate::api::streams) static UPDATE_MAX_RECORD_SIZE: Shape = Shape {
    name: "UpdateMaxRecordSizeInput",
    members: &[
        stream_arn(),
        stream_id(),
        Member::required("MaxRecordSizeInKiB", integer(1024, 10_240)),
    ],
};

pub(in crate::api::streams) static UPDATE_STREAM_WARM_THROUGHPUT: Shape = Shape {
    name: "UpdateStreamWarmThroughputInput",
    members: &[
        stream_arn(),
        stream_name(),
        stream_id(),
        Member::required("WarmThroughputMiBps", Kind::Integer(Bounds::from(0))),
    ],
};

pub(in crate::api::streams) static UPDATE_STREAM_RECORD_DISTRIBUTION_STRATEGY: Shape = Shape {
    name: "UpdateStreamRecordDistributionStrategyInput",
    members: &[
        required_stream_arn(),
        stream_id(),
        Member::required(
            "RecordDistributionStrategy",
            Kind::Text(Text::one_of(&["AUTO", "USER_PARTITION_KEY"])),
        ),
    ],
};

pub(in crate::api::streams) static ENABLE_ENHANCED_MONITORING: Shape = Shape {
    name: "EnableEnhancedMonitoringInput",
    members: &[
        stream_name(),
        Member::required(
            "ShardLevelMetrics",
            Kind::Texts(
                Bounds::new(1, 7),
                Text::one_of(&[
                    "IncomingBytes",
                    "IncomingRecords",
                    "OutgoingBytes",
                    "OutgoingRecords",
                    "WriteProvisionedThroughputExceeded",
                    "ReadProvisionedThroughputExceeded",
                    "IteratorAgeMilliseconds",
                    "ALL",
                ]),
            ),
        ),
        stream_arn(),
        stream_id(),
    ],
};

pub(in crate::api::streams) static DISABLE_ENHANCED_MONITORING: Shape = Shape {
    name: "DisableEnhancedMonitoringInput",
    members: &[
        stream_name(),
        Member::required(
            "ShardLevelMetrics",
            Kind::Texts(
                Bounds::new(1, 7),
                Text::one_of(&[
                    "IncomingBytes",
                    "IncomingRecords",
                    "OutgoingBytes",
                    "OutgoingRecords",
                    "WriteProvisionedThroughputExceeded",
                    "ReadProvisionedThroughputExceeded",
                    "IteratorAgeMilliseconds",
                    "ALL",
                ]),
            ),
        ),
        stream_arn(),
        stream_id(),
    ],
};

pub(in crate::api::streams) static START_STREAM_ENCRYPTION: Shape = Shape {
    name: "StartStreamEncryptionInput",
    members: &[
        stream_name(),
        Member::required("EncryptionType", Kind::Text(Text::one_of(&["NONE", "KMS"]))),
        Member::required("KeyId", Kind::Text(Text::new(1, 2048))),
        stream_arn(),
        stream_id(),
    ],
};

pub(in crate::api::streams) static STOP_STREAM_ENCRYPTION: Shape = Shape {
    name: "StopStreamEncryptionInput",
    members: &[
        stream_name(),
        Member::required("EncryptionType", Kind::Text(Text::one_of(&["NONE", "KMS"]))),
        Member::required("KeyId", Kind::Text(Text::new(1, 2048))),
        stream_arn(),
        stream_id(),
    ],
};
