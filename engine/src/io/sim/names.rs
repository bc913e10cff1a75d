//! The simulated tree of names: visible, durable, and the changes between them.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::content::index;
use super::faults::os_error;
use crate::entropy::SeededEntropy;
use crate::io::path::check;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Dir,
    File(u64),
}

/// A change of names that its directories were not flushed after.
#[derive(Clone)]
enum Change {
    Bind { path: String, node: Node },
    Unbind { path: String },
    Rename { from: String, to: String, node: Node },
}

impl Change {
    fn paths(&self) -> impl Iterator<Item = &str> {
        let (first, second) = match self {
            Change::Bind { path, .. } | Change::Unbind { path } => (path, None),
            Change::Rename { from, to, .. } => (from, Some(to)),
        };
        std::iter::once(first).chain(second).map(String::as_str)
    }

    fn is_in(&self, dir: &str) -> bool {
        self.paths().any(|path| parent(path) == dir)
    }

    fn apply(&self, names: &mut BTreeMap<String, Node>) {
        match self {
            Change::Bind { path, node } => {
                names.insert(path.clone(), *node);
            }
            Change::Unbind { path } => {
                names.remove(path);
            }
            Change::Rename { from, to, node } => {
                names.remove(from);
                names.insert(to.clone(), *node);
            }
        }
    }
}

/// The names of a disk, each by its whole path.
#[derive(Clone, Default)]
pub(super) struct Names {
    // PERF: shared, because a machine is copied before each of its operations.
    visible: Arc<BTreeMap<String, Node>>,
    durable: Arc<BTreeMap<String, Node>>,
    pending: Vec<Change>,
}

/// A path as the tables here spell it; the data directory itself is empty.
pub(super) fn key(path: &Path) -> io::Result<String> {
    check(path)?;
    let parts: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    Ok(parts.join("/"))
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

impl Names {
    pub(super) fn node(&self, path: &str) -> Option<Node> {
        if path.is_empty() { Some(Node::Dir) } else { self.visible.get(path).copied() }
    }

    pub(super) fn file(&self, path: &str) -> io::Result<u64> {
        match self.node(path) {
            Some(Node::File(inode)) => Ok(inode),
            Some(Node::Dir) => Err(os_error(libc::EISDIR)),
            None => Err(os_error(libc::ENOENT)),
        }
    }

    /// The file that has this name, or would have it again after a crash.
    pub(super) fn file_ever(&self, path: &str) -> Option<u64> {
        match self.visible.get(path).or_else(|| self.durable.get(path)) {
            Some(Node::File(inode)) => Some(*inode),
            _ => None,
        }
    }

    pub(super) fn dir(&self, path: &str) -> io::Result<()> {
        match self.node(path) {
            Some(Node::Dir) => Ok(()),
            Some(Node::File(_)) => Err(os_error(libc::ENOTDIR)),
            None => Err(os_error(libc::ENOENT)),
        }
    }

    /// The names in `dir`, sorted.
    pub(super) fn list<'a>(&'a self, dir: &'a str) -> impl Iterator<Item = (&'a str, Node)> {
        self.visible.iter().filter(move |(path, _)| parent(path) == dir).map(|(path, node)| {
            (path.rsplit_once('/').map_or(path.as_str(), |(_, name)| name), *node)
        })
    }

    /// All names, sorted.
    pub(super) fn nodes(&self) -> impl Iterator<Item = (&str, Node)> {
        self.visible.iter().map(|(path, node)| (path.as_str(), *node))
    }

    pub(super) fn files(&self) -> impl Iterator<Item = (&str, u64)> {
        self.visible.iter().filter_map(|(path, node)| match node {
            Node::File(inode) => Some((path.as_str(), *inode)),
            Node::Dir => None,
        })
    }

    /// Whether `path` can be made: nobody has it, and its directory is there.
    pub(super) fn check_free(&self, path: &str) -> io::Result<()> {
        self.dir(parent(path))?;
        if self.node(path).is_some() { Err(os_error(libc::EEXIST)) } else { Ok(()) }
    }

    pub(super) fn bind(&mut self, path: String, node: Node) {
        self.change(Change::Bind { path, node });
    }

    pub(super) fn unbind(&mut self, path: String) {
        self.change(Change::Unbind { path });
    }

    pub(super) fn rename(&mut self, from: String, to: String, node: Node) {
        if from != to {
            self.change(Change::Rename { from, to, node });
        }
    }

    fn change(&mut self, change: Change) {
        change.apply(Arc::make_mut(&mut self.visible));
        self.pending.push(change);
    }

    /// The names in `dir` are durable, with whatever they build on.
    pub(super) fn sync(&mut self, dir: &str) {
        let chosen = self.pending.iter().map(|change| change.is_in(dir)).collect();
        let chosen = self.with_what_they_build_on(chosen);
        let mut chosen = chosen.into_iter();
        let durable = Arc::make_mut(&mut self.durable);
        self.pending.retain(|change| {
            let is_chosen = chosen.next().expect("one choice a change");
            if is_chosen {
                change.apply(durable);
            }
            !is_chosen
        });
    }

    /// Adds the earlier changes of the same paths, without which a choice makes no sense.
    fn with_what_they_build_on(&self, mut chosen: Vec<bool>) -> Vec<bool> {
        let mut paths = BTreeSet::new();
        for (change, is_chosen) in self.pending.iter().zip(&mut chosen).rev() {
            *is_chosen |= change.paths().any(|path| paths.contains(path));
            if *is_chosen {
                paths.extend(change.paths());
            }
        }
        chosen
    }

    /// What a power loss leaves: mostly the first few changes of each directory, as a journaling
    /// file system would, at times any that make sense together.
    pub(super) fn after_power_loss(&self, entropy: &SeededEntropy) -> Names {
        const SUBSET_ONCE_IN: u64 = 4;
        let chosen = if entropy.below(SUBSET_ONCE_IN) == 0 {
            self.pending.iter().map(|_| entropy.below(2) == 0).collect()
        } else {
            self.choose_prefixes(entropy)
        };
        let chosen = self.with_what_they_build_on(chosen);
        if self.pending.is_empty() {
            let (visible, durable) = (Arc::clone(&self.durable), Arc::clone(&self.durable));
            return Names { visible, durable, pending: Vec::new() };
        }
        let mut names = BTreeMap::clone(&self.durable);
        for (change, _) in self.pending.iter().zip(chosen).filter(|(_, is_chosen)| *is_chosen) {
            change.apply(&mut names);
        }
        // A directory that was lost took what was in it along. Parents sort before children.
        let mut left: BTreeMap<String, Node> = BTreeMap::new();
        for (path, node) in names {
            let dir = parent(&path);
            if dir.is_empty() || left.contains_key(dir) {
                left.insert(path, node);
            }
        }
        let left = Arc::new(left);
        Names { visible: Arc::clone(&left), durable: left, pending: Vec::new() }
    }

    fn choose_prefixes(&self, entropy: &SeededEntropy) -> Vec<bool> {
        let dirs: BTreeSet<_> = self.pending.iter().flat_map(Change::paths).map(parent).collect();
        let mut chosen = vec![false; self.pending.len()];
        for dir in dirs {
            let of_dir: Vec<_> =
                (0..chosen.len()).filter(|at| self.pending[*at].is_in(dir)).collect();
            let kept = index(entropy.below(of_dir.len() as u64 + 1));
            for at in &of_dir[..kept] {
                chosen[*at] = true;
            }
        }
        chosen
    }

    /// Every file that has a name, or could have one again.
    pub(super) fn reachable(&self) -> BTreeSet<u64> {
        let pending = self.pending.iter().filter_map(|change| match change {
            Change::Bind { node, .. } | Change::Rename { node, .. } => Some(node),
            Change::Unbind { .. } => None,
        });
        let nodes = self.visible.values().chain(self.durable.values()).chain(pending);
        nodes
            .filter_map(|node| match node {
                Node::File(inode) => Some(*inode),
                Node::Dir => None,
            })
            .collect()
    }
}
