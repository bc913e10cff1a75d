//! `DescribeLimits`: what an account has in a region, and what it may have.

use std::sync::Arc;

use crate::api::Answer;
use crate::api::streams::State;
use crate::service::{StreamLimits, Usage};
use crate::wire::{Caller, Exception, Fields, Writer};

/// The largest number that the answer can carry.
const COUNT_MAX: usize = 1_000_000;

pub(in crate::api::streams) struct Input<'a>(&'a Caller);

impl<'a> Input<'a> {
    pub(in crate::api::streams) fn read(
        caller: &'a Caller,
        _: Fields<'a, '_>,
    ) -> Result<Input<'a>, Exception> {
        Ok(Input(caller))
    }
}

pub(in crate::api::streams) struct Output {
    usage: Usage,
    shards_max: usize,
    limits: StreamLimits,
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input<'_>,
) -> Result<Output, Exception> {
    let Caller { account, region } = input.0;
    let limits = state.limits.streams;
    let usage = state.streams.usage(account, region);
    Ok(Output { usage, shards_max: limits.shards_max_in(region), limits })
}

impl Output {
    pub(in crate::api::streams) fn write(self, mut out: Writer) -> Answer {
        let Output { usage, shards_max, limits } = self;
        out.begin_map();
        for (name, count) in [
            ("ShardLimit", shards_max),
            ("OpenShardCount", usage.open_shards),
            ("OnDemandStreamCount", usage.on_demand_streams),
            ("OnDemandStreamCountLimit", limits.on_demand_streams_max),
        ] {
            out.integer(name, count.min(COUNT_MAX) as u64);
        }
        out.end_map();
        out.into()
    }
}
