//! What a history knows, without an engine.

use flowstone_engine::types::{SeqNo, ShardId};

use super::History;

#[test]
fn rivals_of_what_is_forgotten_are_unknown_with_all_their_shards() {
    let mut history = History::default();
    history.created(&[5, 6, 7, 9].map(ShardId));
    let mut reshard = |parents: &[u64], children: &[u64]| {
        let [parents, children] =
            [parents, children].map(|ids| ids.iter().copied().map(ShardId).collect::<Vec<_>>());
        history.resharding(&parents, &vec![SeqNo(0); parents.len()], &children);
    };
    reshard(&[9], &[10]);
    reshard(&[5, 6], &[10, 11]);
    reshard(&[7], &[11, 12]);
    reshard(&[7], &[13, 14]);
    history.deleted(ShardId(9));
    assert_eq!(Vec::from_iter(history.made_in_doubt), [10, 11, 12].map(ShardId));
    assert_eq!(Vec::from_iter(history.doubtful), [5, 6, 7].map(ShardId));
    let left: Vec<_> = history.reshards.iter().map(|reshard| reshard.children.clone()).collect();
    assert_eq!(left, [[13, 14].map(ShardId)]);
}
