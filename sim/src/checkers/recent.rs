//! A map that remembers the last so many keys.

use core::hash::Hash;
use rustc_hash::FxHashMap;
use std::collections::VecDeque;

/// Entries that one checker remembers at most: some 30 MB, and more than a run of the simulator
/// has. What is older is not compared any more.
pub(super) const RECENT_MAX: usize = 1 << 18;

#[derive(Debug)]
pub(super) struct Recent<K, V> {
    values: FxHashMap<K, V>,
    /// Oldest first.
    order: VecDeque<K>,
}

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self { values: FxHashMap::default(), order: VecDeque::new() }
    }
}

impl<K: Copy + Eq + Hash, V> Recent<K, V> {
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.values.get(key)
    }

    pub(super) fn insert(&mut self, key: K, value: V) {
        if self.values.insert(key, value).is_none() {
            self.order.push_back(key);
        }
        if self.order.len() > RECENT_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.values.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten() {
        let mut recent = Recent::default();
        for key in 0..=RECENT_MAX {
            recent.insert(key, key + 1);
        }
        assert_eq!(recent.get(&0), None);
        assert_eq!(recent.get(&1), Some(&2));
        assert_eq!(recent.get(&RECENT_MAX), Some(&(RECENT_MAX + 1)));
    }
}
