//! Changes of shards in a workload: making, deleting, closing for others, trimming.

use std::pin::pin;
use std::task::{Context, Waker};

use flowstone_engine::ShardSpec;
use flowstone_engine::catalog::Transaction;
use flowstone_engine::entropy::SeededEntropy;
use flowstone_engine::types::{SeqNo, ShardId};

use crate::sim::beside;
use crate::sim::rig::{RETENTION_MS, RETENTION_MS_MAX, Rig};
use crate::sim::shapes::Shape;
use crate::sim::workload::{Run, append};

/// Turns of the committer after which what closing shards have taken will never be settled.
const TURNS_MAX: usize = 200;

/// Makes shards.
pub(super) fn create(shape: &Shape, run: &Run, rig: &Rig, count: usize) {
    let specs = vec![ShardSpec { retention_ms: RETENTION_MS }; count];
    let created = rig.engine.create_shards(&specs, |ids, transaction| {
        run.client().history.resharding(&[], &[], ids);
        if shape.has_table {
            ids.iter().for_each(|id| beside::put(transaction, *id, RETENTION_MS));
        }
    });
    let mut client = run.client();
    if let Some(created) = client.note(created) {
        client.history.created(&created);
    }
}

/// Makes a shard, or deletes one with what is on its way to it.
pub(super) fn create_or_delete(shape: &Shape, random: &SeededEntropy, run: &Run, rig: &Rig) {
    let shards = run.client().history.shards();
    if shards.len() > 1 && random.below(2) == 0 {
        delete(shape, shards[random.index(shards.len())], run, rig);
    } else {
        create(shape, run, rig, 1);
    }
}

fn delete(shape: &Shape, shard: ShardId, run: &Run, rig: &Rig) {
    run.client().history.deleted(shard);
    let mut also = Transaction::new();
    if shape.has_table {
        beside::remove(&mut also, shard);
    }
    let deleted = rig.engine.delete_shards(&[shard], also);
    run.client().note(deleted);
}

/// Deletes a shard while some of its records are in flight and others wait, and makes another.
pub(super) fn delete_busy(shape: &Shape, random: &SeededEntropy, run: &Run, rig: &mut Rig) {
    let shards = run.client().history.shards();
    if shards.len() < 2 {
        return create(shape, run, rig, 1);
    }
    for _ in 0..8 {
        append(shape, random, run, rig);
        if random.below(3) == 0 {
            rig.crew.commit();
        }
    }
    run.client().collect();
    delete(shape, shards[random.index(shards.len())], run, rig);
    append(shape, random, run, rig);
    rig.crew.commit();
    rig.crew.seal();
    create(shape, run, rig, 1);
}

/// Sets how long a shard keeps records. None is ever so young that it may expire at once.
pub(super) fn retain(shape: &Shape, random: &SeededEntropy, run: &Run, rig: &Rig) {
    let shards = run.client().history.shards();
    let Some(shard) = shards.get(random.index(shards.len())).copied() else { return };
    let choices = [RETENTION_MS / 2, RETENTION_MS, RETENTION_MS_MAX];
    let ms = choices[random.index(choices.len())];
    let mut also = Transaction::new();
    if shape.has_table {
        beside::put(&mut also, shard, ms);
    }
    run.client().history.retaining(shard, ms);
    let retained = rig.engine.set_retention(&[shard], ms, also);
    let mut client = run.client();
    if client.note(retained).is_some() {
        client.history.retained(shard, ms);
    }
}

/// Closes one or two shards for others while appends come in.
pub(super) fn reshard(shape: &Shape, random: &SeededEntropy, run: &Run, rig: &mut Rig) {
    let client = run.client();
    let mut open = client.history.shards();
    open.retain(|shard| client.history.closed_end(*shard).is_none());
    drop(client);
    let from = random.index(open.len());
    let parents: Vec<_> = open.into_iter().skip(from).take(1 + random.index(2)).collect();
    if parents.is_empty() {
        return;
    }
    let closing = rig.engine.close_shards(&parents);
    let Some(mut closing) = run.client().note(closing) else { return };
    for _ in 0..TURNS_MAX {
        append(shape, random, run, rig);
        let settled = pin!(closing.settled());
        if settled.poll(&mut Context::from_waker(Waker::noop())).is_ready() {
            break;
        }
        rig.crew.commit();
        rig.crew.seal();
        run.client().collect();
    }
    run.client().collect();
    let specs = vec![ShardSpec { retention_ms: RETENTION_MS }; 1 + random.index(2)];
    let committed = closing.commit(&specs, |ids, ends, _| {
        run.client().history.resharding(&parents, ends, ids);
    });
    let mut client = run.client();
    if client.note(committed).is_some() {
        client.history.resharded();
    }
}

/// Trims a shard somewhere below what was acknowledged.
pub(super) fn trim(random: &SeededEntropy, run: &Run, rig: &Rig) {
    let mut client = run.client();
    let shards = client.history.shards();
    let Some(shard) = shards.get(random.index(shards.len())).copied() else { return };
    let end = client.history.acked_end(shard);
    let before = SeqNo(random.below(end.0 + 1));
    client.history.trimmed(shard, before, false);
    drop(client);
    let trimmed = rig.engine.trim(shard, before, Transaction::new());
    let mut client = run.client();
    if client.note(trimmed).is_some() {
        client.history.trimmed(shard, before, true);
    }
}
