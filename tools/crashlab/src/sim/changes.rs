//! Changes of shards in a workload: making, deleting, closing for others, trimming.

use std::pin::pin;
use std::task::{Context, Waker};

use flowstone_engine::ShardSpec;
use flowstone_engine::catalog::Transaction;
use flowstone_engine::entropy::SeededEntropy;
use flowstone_engine::types::SeqNo;

use crate::sim::rig::{RETENTION_MS, Rig};
use crate::sim::workload::{Run, Shape, Waiting, append, collect};

/// Turns of the committer after which what closing shards have taken will never be settled.
const TURNS_MAX: usize = 200;

/// Makes a shard, or deletes one with what is on its way to it.
pub(super) fn create_or_delete(random: &SeededEntropy, run: &mut Run, rig: &Rig) {
    let shards = run.history.shards();
    if shards.len() > 1 && random.below(2) == 0 {
        let shard = shards[random.index(shards.len())];
        run.history.deleted(shard);
        if let Err(error) = rig.engine.delete_shards(&[shard], Transaction::new()) {
            run.errors.push(error.to_string());
        }
    } else {
        match rig.create_shards(1) {
            Ok(created) => run.history.created(&created),
            Err(error) => run.errors.push(error.to_string()),
        }
    }
}

/// Closes one or two shards for others while appends come in.
pub(super) fn reshard(
    shape: &Shape,
    random: &SeededEntropy,
    run: &mut Run,
    rig: &mut Rig,
    waiting: &mut Vec<Waiting>,
) {
    let mut open = run.history.shards();
    open.retain(|shard| run.history.closed_end(*shard).is_none());
    let from = random.index(open.len());
    let parents: Vec<_> = open.into_iter().skip(from).take(1 + random.index(2)).collect();
    let mut closing = match rig.engine.close_shards(&parents) {
        Ok(closing) if !parents.is_empty() => closing,
        Ok(_) => return,
        Err(error) => return run.errors.push(error.to_string()),
    };
    for _ in 0..TURNS_MAX {
        append(shape, random, run, rig, waiting);
        let settled = pin!(closing.settled());
        if settled.poll(&mut Context::from_waker(Waker::noop())).is_ready() {
            break;
        }
        rig.crew.commit();
        rig.crew.seal();
        collect(run, waiting);
    }
    collect(run, waiting);
    let specs = vec![ShardSpec { retention_ms: RETENTION_MS }; 1 + random.index(2)];
    let mut told = None;
    let committed = closing.commit(&specs, |ids, ends, _| {
        told = Some((ids.to_vec(), ends.to_vec()));
    });
    if let Some((children, ends)) = told {
        run.history.resharded(&parents, &ends, &children, committed.is_ok());
    }
    if let Err(error) = committed {
        run.errors.push(error.to_string());
    }
}

/// Trims a shard somewhere below what was acknowledged.
pub(super) fn trim(random: &SeededEntropy, run: &mut Run, rig: &Rig) {
    let shards = run.history.shards();
    let Some(shard) = shards.get(random.index(shards.len())).copied() else { return };
    let end = run.history.acked_end(shard);
    let before = SeqNo(random.below(end.0 + 1));
    run.history.trimmed(shard, before, false);
    match rig.engine.trim(shard, before, Transaction::new()) {
        Ok(_) => run.history.trimmed(shard, before, true),
        Err(error) => run.errors.push(error.to_string()),
    }
}
