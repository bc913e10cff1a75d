//! Shards closed for others: what was asked for, and what must hold.

use std::collections::BTreeSet;

use flowstone_engine::types::{SeqNo, ShardId};

use super::{Breach, History, Reshard};
use crate::sim::rig::Rig;
use crate::verdict::Broken;

impl History {
    /// Notes that `parents` are to be closed at these ends for `children`; or, without parents,
    /// that those are to be made. When nobody can say whether an attempt counts, another one may
    /// be given the same ids: at most one of them does.
    pub fn resharding(&mut self, parents: &[ShardId], ends: &[SeqNo], children: &[ShardId]) {
        let parents = parents.iter().copied().zip(ends.iter().copied()).collect();
        self.reshards.push(Reshard { parents, children: children.to_vec(), is_acked: false });
    }

    /// Notes that the reshard that was to be done last was done.
    pub fn resharded(&mut self) {
        if let Some(last) = self.reshards.len().checked_sub(1) {
            self.settle_reshard(last);
        }
    }

    pub(super) fn settle_reshard(&mut self, index: usize) {
        let reshard = &mut self.reshards[index];
        reshard.is_acked = true;
        self.closed.extend(reshard.parents.iter().copied());
        let Reshard { parents, children, .. } = reshard.clone();
        self.forget_reshards_from(&parents);
        self.created(&children);
    }

    /// These shards were closed by a reshard that is known: any other one of them was not done.
    fn forget_reshards_from(&mut self, closed: &[(ShardId, SeqNo)]) {
        let is_closed = |shard: ShardId| closed.iter().any(|(parent, _)| *parent == shard);
        self.reshards.retain(|reshard| {
            reshard.is_acked || !reshard.parents.iter().any(|(parent, _)| is_closed(*parent))
        });
    }

    /// Shards with these ids are made now: a reshard that was to make them was not done.
    pub(super) fn forget_reshards_into(&mut self, shards: &[ShardId]) {
        self.made_in_doubt.retain(|child| !shards.contains(child));
        self.reshards.retain(|reshard| {
            reshard.is_acked || !reshard.children.iter().any(|child| shards.contains(child))
        });
    }

    /// What is left of a reshard tells nothing any more once one of its shards was deleted. If it
    /// was never answered, neither do attempts that were to make the same shards, then or later, nor
    /// their own rivals: all these are there, or not, because of any of them.
    pub(super) fn forget_reshards_of(&mut self, deleted: ShardId) {
        let is_whole = |reshard: &Reshard| reshard.shards().all(|shard| shard != deleted);
        let mut unknown = BTreeSet::new();
        let mut rivals: Vec<_> = self
            .reshards
            .iter()
            .filter(|reshard| !reshard.is_acked && !is_whole(reshard))
            .collect();
        while !rivals.is_empty() {
            unknown.extend(rivals.iter().flat_map(|reshard| &reshard.children).copied());
            let is_rival = |reshard: &&Reshard| {
                let mut known = reshard.children.iter().map(|child| !unknown.contains(child));
                !reshard.is_acked && known.clone().any(|known| known) && known.any(|known| !known)
            };
            rivals = self.reshards.iter().filter(is_rival).collect();
        }
        let doubtful = &mut self.doubtful;
        self.reshards.retain(|reshard| {
            let is_known =
                reshard.is_acked || !reshard.children.iter().any(|c| unknown.contains(c));
            if !is_known {
                let parents = reshard.parents.iter().map(|(parent, _)| *parent);
                doubtful.extend(parents.filter(|parent| *parent != deleted));
            }
            is_known && is_whole(reshard)
        });
        self.made_in_doubt.extend(unknown);
    }

    /// Where `shard` was closed, if it is known to be.
    #[must_use]
    pub fn closed_end(&self, shard: ShardId) -> Option<SeqNo> {
        self.closed.get(&shard).copied()
    }

    /// Whether `shard` may have been closed without anybody being able to tell.
    #[must_use]
    pub fn is_doubtful(&self, shard: ShardId) -> bool {
        self.doubtful.contains(&shard)
    }

    /// A reshard is there whole or not at all; one that was acknowledged is there, and what was
    /// found once stays. Answers which were found that nobody had been told of.
    pub(super) fn check_reshards(&self, rig: &Rig) -> Result<Vec<usize>, Breach> {
        let is_closed = |shard: ShardId| match rig.engine.close_shards(&[shard]) {
            Ok(_) => false,
            Err(error) => error.is_shard_closed(),
        };
        let is_there = |shard: &ShardId| rig.engine.watermarks(*shard).is_ok();
        let mut found = Vec::new();
        for (index, reshard) in self.reshards.iter().enumerate() {
            let is_done = reshard.children.iter().all(is_there);
            if reshard.is_acked && !is_done {
                return Err(Breach::new(Broken::Lost, format!("{reshard:?}")));
            }
            let open = reshard.parents.iter().find(|(parent, _)| !is_closed(*parent));
            if let Some((open, _)) = open.filter(|_| reshard.is_acked) {
                let what = format!("shard {open} is open after {reshard:?}");
                return Err(Breach::new(Broken::Lost, what));
            }
            if is_done && open.is_none() && !reshard.is_acked {
                found.push(index);
            }
        }
        for reshard in self.reshards.iter().filter(|reshard| !reshard.is_acked) {
            let is_explained = |child: &&ShardId| {
                self.made_in_doubt.contains(child)
                    || found.iter().any(|index| self.reshards[*index].children.contains(child))
            };
            let there = reshard.children.iter().filter(|child| is_there(child));
            if there.filter(|child| !is_explained(child)).count() > 0 {
                return Err(Breach::new(Broken::Phantom, format!("part of {reshard:?}")));
            }
        }
        let parents = found.iter().flat_map(|index| &self.reshards[*index].parents);
        let newly_closed: Vec<_> = parents.map(|(parent, _)| *parent).collect();
        for shard in self.shards.keys() {
            let should_be = self.closed.contains_key(shard) || newly_closed.contains(shard);
            if is_closed(*shard) != should_be && !self.is_doubtful(*shard) {
                return Err(Breach::at(Broken::Phantom, *shard, "whether it is closed"));
            }
        }
        Ok(found)
    }
}
