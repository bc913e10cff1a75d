//! Which records of a put go past the rates of their shards: asked when the put is known to be right,
//! before the engine has any of it.

use flowstone_engine::types::ShardId;

use crate::api::streams::State;
use crate::service::{Mode, Stream};

/// What was admitted of a put, and what was not.
#[derive(Debug, Default)]
pub(super) struct Admission {
    admitted: Vec<Admitted>,
    refused: Vec<Refused>,
}

#[derive(Clone, Copy, Debug)]
struct Admitted {
    record: usize,
    /// Whose room was taken, and how much.
    shard: ShardId,
    bytes: usize,
}

/// A record that waits, and for which shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) record: usize,
    pub(super) shard_index: u32,
}

impl Admission {
    /// Takes room for the records that go by `hashes`, each of `bytes_of` its number, as far as
    /// there is room. `None` when nothing is limited: streams in on-demand mode never are.
    pub(super) fn of(
        state: &State,
        stream: &Stream,
        hashes: &[u128],
        bytes_of: impl Fn(usize) -> usize,
    ) -> Option<Admission> {
        if !state.throttle.limits_writes() || stream.row.mode == Mode::OnDemand {
            return None;
        }
        let mut admission = Admission::default();
        for (record, hash) in hashes.iter().enumerate() {
            // Without a shard the stream is gone, and the put will say so.
            let Some(shard) = stream.shard_for(*hash) else {
                admission.give_back(state, |_| true);
                return None;
            };
            let bytes = bytes_of(record);
            if state.throttle.admit_write(shard.log(), bytes) {
                admission.admitted.push(Admitted { record, shard: shard.log(), bytes });
            } else {
                admission.refused.push(Refused { record, shard_index: shard.index });
            }
        }
        Some(admission)
    }

    /// The numbers of the records that were admitted.
    pub(super) fn admitted(&self) -> impl Iterator<Item = usize> + '_ {
        self.admitted.iter().map(|admitted| admitted.record)
    }

    /// The records that were not.
    pub(super) fn refused(&self) -> &[Refused] {
        &self.refused
    }

    /// The index of the shard that refused the first one, if any was refused.
    pub(super) fn first_refused(&self) -> Option<u32> {
        self.refused.first().map(|refused| refused.shard_index)
    }

    /// Gives back the room of admitted records that were not kept, `is_lost` by their place among
    /// the admitted.
    pub(super) fn give_back(&self, state: &State, is_lost: impl Fn(usize) -> bool) {
        for (place, Admitted { shard, bytes, .. }) in self.admitted.iter().enumerate() {
            if is_lost(place) {
                state.throttle.give_back_write(*shard, 1, *bytes);
            }
        }
    }
}
