//! An account's limits and settings.

use crate::wire::{Kind, Member, Shape, Text};

pub(in crate::api::streams) static DESCRIBE_LIMITS: Shape =
    Shape { name: "DescribeLimitsInput", members: &[] };

pub(in crate::api::streams) static DESCRIBE_ACCOUNT_SETTINGS: Shape =
    Shape { name: "DescribeAccountSettingsInput", members: &[] };

pub(in crate::api::streams) static MINIMUM_THROUGHPUT_BILLING_COMMITMENT_INPUT: Shape = Shape {
    name: "MinimumThroughputBillingCommitmentInput",
    members: &[Member::required("Status", Kind::Text(Text::one_of(&["ENABLED", "DISABLED"])))],
};

pub(in crate::api::streams) static UPDATE_ACCOUNT_SETTINGS: Shape = Shape {
    name: "UpdateAccountSettingsInput",
    members: &[Member::required(
        "MinimumThroughputBillingCommitment",
        Kind::Structure(&MINIMUM_THROUGHPUT_BILLING_COMMITMENT_INPUT),
    )],
};
