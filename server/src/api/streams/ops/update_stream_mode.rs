//! `UpdateStreamMode`: says who manages a stream's capacity.

use std::sync::Arc;

use crate::api::Done;
use crate::api::streams::State;
use crate::api::streams::daily;
use crate::api::streams::error::{limit_exceeded, stream_in_use};
use crate::api::streams::model::{read_address, read_mode};
use crate::api::streams::warmth::check_warm;
use crate::service::{Distribution, Mode, StreamPath, StreamRow};
use crate::wire::{Caller, Exception, Fields};

pub(in crate::api::streams) struct Input {
    path: StreamPath,
    mode: Mode,
    warm_mibps: Option<u32>,
}

impl Input {
    pub(in crate::api::streams) fn read(
        caller: &Caller,
        fields: Fields<'_, '_>,
    ) -> Result<Input, Exception> {
        let mode = read_mode(fields).expect("the shape requires it");
        let warm_mibps = fields.count("WarmThroughputMiBps");
        if warm_mibps.is_some() && mode == Mode::Provisioned {
            return Err(Exception::invalid_argument(
                "WarmThroughputMiBps can only be provided for streams in ON_DEMAND mode.",
            ));
        }
        Ok(Input { path: read_address(caller, fields)?.into(), mode, warm_mibps })
    }
}

pub(in crate::api::streams) async fn run(
    state: &Arc<State>,
    input: Input,
) -> Result<Done, Exception> {
    let Input { path, mode, warm_mibps } = input;
    let at = Arc::clone(state);
    let edit = move |row: &mut StreamRow| {
        check_warm(&at, &row.account, &row.region, warm_mibps)?;
        if mode == Mode::Provisioned && !at.queues.of_stream(row.id).is_empty() {
            return Err(stream_in_use(format!(
                "Stream {} under account {} has queues: delete them first.",
                row.name, row.account
            )));
        }
        if row.mode != mode {
            count_change(&at, row)?;
        }
        row.mode = mode;
        match mode {
            Mode::OnDemand => row.warm_mibps = warm_mibps.or(row.warm_mibps),
            Mode::Provisioned => {
                row.warm_mibps = None;
                row.distribution = Distribution::UserPartitionKey;
            }
        }
        Ok(())
    };
    state.change(path, edit).await?;
    Ok(Done)
}

/// Refuses a change past the limit; remembers any other.
fn count_change(state: &State, row: &mut StreamRow) -> Result<(), Exception> {
    let (now, max) = (state.now(), state.limits.mode_changes_per_day_max);
    if !daily::is_within(&row.mode_changed_ms, now, max) {
        return Err(limit_exceeded(format!(
            "The capacity mode of stream {} under account {} can be changed {max} times in 24 \
             hours.",
            row.name, row.account
        )));
    }
    daily::remember(&mut row.mode_changed_ms, now);
    Ok(())
}
