//! Buckets by key. A key that has none has a full one; full ones are dropped.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Keys that a table holds at once, of what was asked for within the last seconds. What is past it
/// is not limited: it is past what one machine serves in a second.
pub const KEYS_MAX: usize = 1 << 20;

/// Locks of a table, so that shards do not wait for each other.
const STRIPES: usize = 64;

/// Keys of a stripe below which idle ones are not looked for.
const SWEEP_MIN: usize = 64;

/// Buckets, or groups of them, by key.
#[derive(Debug)]
pub(super) struct Table<K, V> {
    hasher: RandomState,
    stripes: Vec<Mutex<Stripe<K, V>>>,
}

#[derive(Debug)]
struct Stripe<K, V> {
    entries: HashMap<K, V>,
    /// Keys at which idle ones are looked for.
    sweep_at: usize,
}

impl<K: Eq + Hash, V> Table<K, V> {
    pub(super) fn new() -> Table<K, V> {
        let stripe = || Mutex::new(Stripe { entries: HashMap::new(), sweep_at: SWEEP_MIN });
        Table {
            hasher: RandomState::new(),
            stripes: std::iter::repeat_with(stripe).take(STRIPES).collect(),
        }
    }

    /// Calls `call` with the entry of `key`, which `make` makes if it is missing; `None` when there
    /// is no room for it. Entries that `is_idle` are dropped when there are many.
    pub(super) fn with<T>(
        &self,
        key: K,
        make: impl FnOnce() -> V,
        is_idle: impl Fn(&mut V) -> bool,
        call: impl FnOnce(&mut V) -> T,
    ) -> Option<T> {
        let mut stripe = self.stripe(&key);
        if stripe.entries.len() >= stripe.sweep_at && !stripe.entries.contains_key(&key) {
            stripe.entries.retain(|_, value| !is_idle(value));
            // Doubling: what a sweep costs is paid by as many new keys.
            stripe.sweep_at = (stripe.entries.len() * 2).clamp(SWEEP_MIN, KEYS_MAX / STRIPES);
            if stripe.entries.len() >= KEYS_MAX / STRIPES {
                return None;
            }
        }
        Some(call(stripe.entries.entry(key).or_insert_with(make)))
    }

    /// Calls `call` with the entry of `key`, if there is one.
    pub(super) fn with_present(&self, key: &K, call: impl FnOnce(&mut V)) {
        if let Some(value) = self.stripe(key).entries.get_mut(key) {
            call(value);
        }
    }

    /// Keys that there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.stripes.iter().map(|stripe| lock(stripe).entries.len()).sum()
    }

    fn stripe(&self, key: &K) -> MutexGuard<'_, Stripe<K, V>> {
        let hash = self.hasher.hash_one(key);
        let at = usize::try_from(hash % STRIPES as u64).expect("below the number of stripes");
        lock(&self.stripes[at])
    }
}

fn lock<T>(stripe: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change is whole by itself: there is no half-made state to be seen.
    stripe.lock().unwrap_or_else(PoisonError::into_inner)
}
