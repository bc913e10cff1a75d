//! `DescribeStreamSummary`: a stream without its shards.

use std::sync::Arc;

use crate::api::Answer;
use crate::api::streams::State;
use crate::api::streams::model::{
    distribution, read_address, write_head, write_settings, write_warm_throughput,
};
use crate::service::{Mode, Stream, StreamKey};
use crate::wire::{Caller, Exception, Fields, Writer};

pub(in crate::api::streams) struct Input<'a> {
    stream: StreamKey<'a>,
}

impl<'a> Input<'a> {
    pub(in crate::api::streams) fn read(
        caller: &'a Caller,
        fields: Fields<'a, '_>,
    ) -> Result<Input<'a>, Exception> {
        Ok(Input { stream: read_address(caller, fields)? })
    }
}

pub(in crate::api::streams) struct Output {
    stream: Arc<Stream>,
    consumers: usize,
    queues: usize,
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input<'_>,
) -> Result<Output, Exception> {
    let stream = state.stream(input.stream)?;
    let consumers = state.consumers.count(stream.row.id);
    let queues = state.queues.of_stream(stream.row.id).len();
    Ok(Output { stream, consumers, queues })
}

impl Output {
    pub(in crate::api::streams) fn write(self, mut out: Writer) -> Answer {
        let Output { stream, consumers, queues } = self;
        out.begin_map();
        out.begin_map_in("StreamDescriptionSummary");
        write_head(&mut out, &stream);
        write_settings(&mut out, &stream);
        out.integer("OpenShardCount", stream.open_shards() as u64);
        out.integer("ConsumerCount", consumers as u64);
        if let Some(mibps) = stream.row.warm_mibps {
            write_warm_throughput(&mut out, mibps);
        }
        out.integer("MaxRecordSizeInKiB", stream.row.record_kib_max.into());
        if stream.row.mode == Mode::OnDemand {
            out.text("RecordDistributionStrategy", distribution(stream.row.distribution));
        }
        out.integer("QueueCount", queues as u64);
        out.end_map();
        out.end_map();
        out.into()
    }
}
