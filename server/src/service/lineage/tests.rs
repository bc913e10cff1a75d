//! Lineages against the service's own, and against what must hold of any.

use proptest::prelude::*;

use super::*;
use crate::service::{Distribution, Mode};

const BEGAN_MS: u64 = 1_700_000_000_000;

/// A stream of `count` even shards.
fn row(count: u32) -> StreamRow {
    let shards = (0..).zip(even_ranges(count)).map(|(index, (hash_first, hash_last))| ShardRow {
        log: index.into(),
        index,
        hash_first,
        hash_last,
        created_ms: BEGAN_MS,
        closed_ms: None,
        parent: None,
        adjacent_parent: None,
    });
    StreamRow {
        id: 0,
        name: "s".into(),
        account: "000000000000".into(),
        region: "us-east-1".into(),
        created_ms: BEGAN_MS,
        mode: Mode::Provisioned,
        distribution: Distribution::UserPartitionKey,
        retention_hours: 24,
        record_kib_max: 1024,
        warm_mibps: None,
        tags: Vec::new(),
        encryption_key: None,
        policy: None,
        shard_metrics: 0,
        scaled_ms: Vec::new(),
        mode_changed_ms: Vec::new(),
        next_shard: count,
        shards: shards.collect(),
    }
}

/// `row` after `generation`, at `ms`.
fn after(row: &StreamRow, generation: &Generation, ms: u64) -> StreamRow {
    let logs: Vec<_> = (0..generation.children.len() as u64).map(|n| ShardId(1000 + n)).collect();
    generation.apply(row, &logs, Timestamp(ms), None)
}

fn scaled(mut row: StreamRow, target: u32) -> (StreamRow, u32) {
    let mut steps = 0;
    while let Some(generation) = toward(&row, target) {
        row = after(&row, &generation, BEGAN_MS);
        steps += 1;
    }
    (row, steps)
}

fn open_ranges(row: &StreamRow) -> Vec<(u128, u128)> {
    let open = row.shards.iter().filter(|shard| shard.closed_ms.is_none());
    let mut ranges: Vec<_> = open.map(|shard| (shard.hash_first, shard.hash_last)).collect();
    ranges.sort_unstable();
    ranges
}

#[test]
fn a_new_shard_count_lists_as_many_shards_as_the_service_does() {
    for (from, target, listed) in [(2, 4, 6), (4, 5, 15), (4, 2, 6), (4, 3, 11), (1, 2, 3)] {
        let (row, _) = scaled(row(from), target);
        assert_eq!(row.shards.len(), listed, "{from} to {target}");
    }
}

#[test]
fn an_open_shard_splits_where_the_service_lets_it() {
    let row = row(2);
    let half = u128::MAX / 2 + 1;
    for at in [half, half + 1, u128::MAX, 0] {
        let refused = LineageError::OutOfRange { first: half, last: u128::MAX };
        assert_eq!(split(&row, 1, at), Err(refused), "{at}");
    }
    let row = after(&row, &split(&row, 1, half + 2).unwrap(), BEGAN_MS + 10);
    let children: Vec<_> =
        row.shards[2..].iter().map(|s| (s.index, s.hash_first, s.hash_last, s.parent)).collect();
    let expected = [(2, half, half + 1, Some(1)), (3, half + 2, u128::MAX, Some(1))];
    assert_eq!(children, expected, "the lower range first");
    assert_eq!(split(&row, 1, half + 2), Err(LineageError::Closed(1)));
    assert_eq!(split(&row, 9, 5), Err(LineageError::NoShard(9)));
    assert_eq!((row.next_shard, row.shards[1].closed_ms), (4, Some(BEGAN_MS + 10)));
}

#[test]
fn only_adjacent_shards_merge_in_their_order() {
    let row = row(3);
    assert_eq!(merge(&row, 1, 0), Err(LineageError::NotAdjacent));
    assert_eq!(merge(&row, 0, 2), Err(LineageError::NotAdjacent));
    assert_eq!(merge(&row, 2, 0), Err(LineageError::NotAdjacent), "the space does not wrap");
    assert_eq!(merge(&row, 1, 1), Err(LineageError::NotAdjacent));
    let row = after(&row, &merge(&row, 0, 1).unwrap(), BEGAN_MS);
    let child = &row.shards[3];
    assert_eq!((child.parent, child.adjacent_parent), (Some(0), Some(1)));
    assert_eq!((child.hash_first, child.hash_last), (0, row.shards[1].hash_last));
    assert_eq!(merge(&row, 0, 3), Err(LineageError::Closed(0)));
}

#[test]
fn children_begin_a_second_later_than_their_parents_end_or_began() {
    let row = row(1);
    let first = after(&row, &split(&row, 0, 1 << 100).unwrap(), BEGAN_MS + 7);
    assert_eq!(first.shards[1].created_ms, BEGAN_MS + 1007);
    // The child is split before the time that its numbers begin with.
    let second = after(&first, &split(&first, 1, 1 << 90).unwrap(), BEGAN_MS + 8);
    assert_eq!(second.shards[3].created_ms, BEGAN_MS + 2007);
    // A clock that stepped back.
    let third = after(&second, &split(&second, 2, 1 << 120).unwrap(), BEGAN_MS - 500);
    assert_eq!(third.shards[2].closed_ms, Some(BEGAN_MS + 8));
    let late = Some(Timestamp(BEGAN_MS + 99));
    let closed = split(&third, 5, 1 << 110).unwrap();
    let fourth = closed.apply(&third, &[ShardId(1), ShardId(2)], Timestamp(BEGAN_MS), late);
    assert_eq!(fourth.shards[5].closed_ms, Some(BEGAN_MS + 99), "behind the newest record");
}

/// A change of shards, of whatever is open.
#[derive(Clone, Copy, Debug)]
enum Change {
    Split(usize, u128),
    Merge(usize),
    Scale(u32),
}

fn changes() -> impl Strategy<Value = Vec<(Change, u64)>> {
    let change = prop_oneof![
        (any::<usize>(), any::<u128>()).prop_map(|(n, at)| Change::Split(n, at)),
        any::<usize>().prop_map(Change::Merge),
        (1..20u32).prop_map(Change::Scale),
    ];
    proptest::collection::vec((change, 0..3000u64), 1..12)
}

fn generations(row: &StreamRow, change: Change) -> Vec<Generation> {
    let mut open: Vec<_> = row.shards.iter().filter(|s| s.closed_ms.is_none()).collect();
    open.sort_unstable_by_key(|shard| shard.hash_first);
    let one = match change {
        Change::Split(n, at) => {
            let shard = open[n % open.len()];
            let width = shard.hash_last - shard.hash_first;
            split(row, shard.index, shard.hash_first + at % width.max(1))
        }
        Change::Merge(n) if open.len() > 1 => {
            let n = n % (open.len() - 1);
            merge(row, open[n].index, open[n + 1].index)
        }
        Change::Merge(_) => return Vec::new(),
        Change::Scale(target) => return toward(row, target).into_iter().collect(),
    };
    one.into_iter().collect()
}

proptest! {
    #[test]
    fn any_lineage_covers_the_space_at_every_time_and_numbers_grow(
        count in 1..9u32, changes in changes(),
    ) {
        let (mut row, mut ms) = (row(count), BEGAN_MS);
        for (change, pause_ms) in changes {
            ms += pause_ms;
            for generation in generations(&row, change) {
                row = after(&row, &generation, ms);
            }
        }
        let stream = Stream::active(row.clone()).expect("open shards cover the space");
        for shard in &row.shards {
            for parent in [shard.parent, shard.adjacent_parent].into_iter().flatten() {
                let parent = stream.shard(parent).expect("none has expired");
                let ending = parent.ending_sequence().expect("a parent is closed");
                let (ending, starting) = (ending.to_string(), shard.starting_sequence().to_string());
                prop_assert!(ending < starting && ending.len() == starting.len());
                prop_assert!(stream.children(parent.index).any(|child| child == shard));
            }
        }
        let mut times: Vec<_> = row.shards.iter().filter_map(|shard| shard.closed_ms).collect();
        times.extend(times.clone().iter().map(|ms| ms + 1));
        times.extend([BEGAN_MS, ms]);
        for time in times {
            let then = row.shards.iter().filter(|shard| stream.was_open_at(shard, time));
            let ranges = then.map(|shard| (shard.hash_first, shard.hash_last, shard.index));
            prop_assert!(crate::service::Routes::new(ranges).is_some(), "at {}", time);
        }
    }

    #[test]
    fn a_new_shard_count_ends_with_even_ranges_in_few_steps(
        count in 1..40u32, target in 1..80u32, changes in changes(),
    ) {
        let mut row = row(count);
        for (change, _) in changes {
            for generation in generations(&row, change) {
                row = after(&row, &generation, BEGAN_MS);
            }
        }
        let (row, steps) = scaled(row, target);
        prop_assert_eq!(open_ranges(&row), even_ranges(target).collect::<Vec<_>>());
        prop_assert!(steps <= 16, "{} steps", steps);
    }
}
