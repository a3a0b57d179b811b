//! Key to last offset, for the dirty part of one log.
//!
//! Promises: memory is fixed at construction; an entry is 24 bytes whatever the key's length.
//! Does not: keep keys. Two keys with one 128-bit hash are taken for one, as in Kafka's `SkimpyOffsetMap`.

use core::hash::Hasher;
use std::hash::DefaultHasher;

use model::Offset;

/// Hash in two words, then the offset plus one; zero there is an empty slot, so that a new table is
/// memory that the kernel has not even handed out yet.
type Slot = [u64; 3];

const SLOT_BYTES: usize = size_of::<Slot>();

/// 128 bits that stand for a key. SipHash with fixed keys: the same in every run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KeyHash([u64; 2]);

impl KeyHash {
    pub(super) fn of(key: &[u8]) -> Self {
        Self([0, 1].map(|half| {
            let mut hasher = DefaultHasher::new();
            hasher.write_u64(half);
            hasher.write(key);
            hasher.finish()
        }))
    }
}

/// Open addressing with linear probing.
pub(super) struct OffsetMap {
    slots: Vec<Slot>,
    key_count: usize,
    key_count_max: usize,
    /// Records from here on are unknown to the map, and so always stay.
    end: Offset,
}

impl OffsetMap {
    /// An empty map that covers nothing below `from`. It takes no more memory than `bytes_max`, and
    /// none that `key_count` keys do not need.
    pub(super) fn new(bytes_max: usize, key_count: u64, from: Offset) -> Self {
        let wanted = usize::try_from(key_count).unwrap_or(usize::MAX).saturating_mul(10) / 9;
        let slot_count = (bytes_max / SLOT_BYTES).min(wanted.saturating_add(1)).max(2);
        // Kafka's `log.cleaner.io.buffer.load.factor`: 0.9.
        let key_count_max = (slot_count.saturating_mul(9) / 10).max(1);
        Self { slots: vec![[0; 3]; slot_count], key_count: 0, key_count_max, end: from }
    }

    /// Notes that the key was written at `offset`, which no earlier call exceeded. False: the map is full,
    /// nothing was noted.
    pub(super) fn put(&mut self, key: KeyHash, offset: Offset) -> bool {
        let at = self.slot_of(key);
        if self.slots[at][2] == 0 {
            if self.key_count == self.key_count_max {
                return false;
            }
            self.key_count += 1;
        }
        let KeyHash([high, low]) = key;
        self.slots[at] = [high, low, offset.0.cast_unsigned() + 1];
        true
    }

    /// Last offset of the key below [`OffsetMap::end`], if it was written in the dirty part.
    pub(super) fn last_offset(&self, key: KeyHash) -> Option<Offset> {
        let [_, _, stored] = self.slots[self.slot_of(key)];
        Some(Offset(stored.checked_sub(1)?.cast_signed()))
    }

    /// Everything below has been considered.
    pub(super) fn end(&self) -> Offset {
        self.end
    }

    pub(super) fn cover(&mut self, end: Offset) {
        assert!(end >= self.end, "covered {} before {end}", self.end);
        self.end = end;
    }

    /// The key's slot, or the empty one where it would go. There is always an empty one.
    fn slot_of(&self, KeyHash([high, low]): KeyHash) -> usize {
        let slot_count = self.slots.len() as u64;
        let mut at = usize::try_from(high % slot_count).expect("below a length");
        loop {
            let [found_high, found_low, stored] = self.slots[at];
            if stored == 0 || (found_high, found_low) == (high, low) {
                return at;
            }
            at = if at + 1 == self.slots.len() { 0 } else { at + 1 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn the_map_agrees_with_a_tree_until_it_says_that_it_is_full() {
        let mut map = OffsetMap::new(24 * 100, u64::MAX, Offset::ZERO);
        let mut tree = BTreeMap::new();
        let mut full = false;
        for offset in 0..400_i64 {
            let key = (offset * 7919 % 97).to_be_bytes();
            if map.put(KeyHash::of(&key), Offset(offset)) {
                tree.insert(key, Offset(offset));
            } else {
                assert!(!tree.contains_key(&key));
                full = true;
            }
        }
        assert!(full);
        assert_eq!(tree.len(), 90);
        for number in 0..200_i64 {
            let key = number.to_be_bytes();
            assert_eq!(map.last_offset(KeyHash::of(&key)), tree.get(&key).copied());
        }
    }

    #[test]
    fn a_map_for_few_keys_is_small_and_holds_them_all() {
        for key_count in 0..50_u64 {
            let mut map = OffsetMap::new(1 << 20, key_count, Offset::ZERO);
            assert!(map.slots.len() < 64);
            for key in 0..key_count {
                assert!(
                    map.put(KeyHash::of(&key.to_be_bytes()), Offset(1)),
                    "{key} of {key_count}"
                );
            }
        }
    }
}
