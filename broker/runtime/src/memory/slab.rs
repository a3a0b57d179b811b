//! Values that keep their place, under keys that never come back.
//!
//! A simulated world looks up tasks, events and connections millions of times a second; a vector
//! with generations does that in one step, and its order depends on nothing but the calls.

/// Names one value for as long as it is there, and nothing afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SlotKey {
    index: u32,
    generation: u32,
}

struct Slot<T> {
    generation: u32,
    value: Option<T>,
}

pub(super) struct Slab<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slab<T> {
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub(super) fn insert(&mut self, value: T) -> SlotKey {
        self.insert_with(|_| value)
    }

    /// Inserts a value that knows its own key.
    pub(super) fn insert_with(&mut self, value: impl FnOnce(SlotKey) -> T) -> SlotKey {
        if let Some(index) = self.free.pop() {
            let slot = &mut self.slots[index as usize];
            let key = SlotKey { index, generation: slot.generation };
            slot.value = Some(value(key));
            return key;
        }
        let index = u32::try_from(self.slots.len()).expect("fewer than 2^32 values");
        let key = SlotKey { index, generation: 0 };
        self.slots.push(Slot { generation: 0, value: Some(value(key)) });
        key
    }

    pub(super) fn get(&self, key: SlotKey) -> Option<&T> {
        let slot = self.slots.get(key.index as usize)?;
        if slot.generation == key.generation { slot.value.as_ref() } else { None }
    }

    pub(super) fn get_mut(&mut self, key: SlotKey) -> Option<&mut T> {
        let slot = self.slots.get_mut(key.index as usize)?;
        if slot.generation == key.generation { slot.value.as_mut() } else { None }
    }

    pub(super) fn remove(&mut self, key: SlotKey) -> Option<T> {
        let slot = self.slots.get_mut(key.index as usize)?;
        if slot.generation != key.generation {
            return None;
        }
        let value = slot.value.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(key.index);
        Some(value)
    }

    /// The keys of all values, by place.
    pub(super) fn keys(&self) -> impl Iterator<Item = SlotKey> {
        (0_u32..)
            .zip(&self.slots)
            .filter(|(_, slot)| slot.value.is_some())
            .map(|(index, slot)| SlotKey { index, generation: slot.generation })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_used_again_and_its_old_key_is_not() {
        let mut slab = Slab::default();
        let (first, second) = (slab.insert('a'), slab.insert('b'));
        assert_eq!(slab.remove(first), Some('a'));
        assert_eq!(slab.remove(first), None);
        let third = slab.insert('c');
        assert_eq!((slab.get(first), slab.get(third)), (None, Some(&'c')));
        assert_eq!(slab.keys().collect::<Vec<_>>(), [third, second]);
        assert_eq!(slab.len(), 2);
        *slab.get_mut(second).unwrap() = 'd';
        assert_eq!(slab.get(second), Some(&'d'));
    }
}
