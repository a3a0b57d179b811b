//! A bounded slab whose tokens carry a generation, so that a late or doubled token finds nothing.

/// Names one occupation of one slot. A freed slot that is filled again has another token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    pub index: u32,
    pub generation: u32,
}

/// At most `capacity` values, found by [`Slot`]. Grows on demand, never beyond the capacity.
#[derive(Debug)]
pub struct Slots<T> {
    entries: Vec<Entry<T>>,
    free: Vec<u32>,
    capacity: usize,
}

#[derive(Debug)]
struct Entry<T> {
    generation: u32,
    value: Option<T>,
}

impl<T> Slots<T> {
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        assert!(u32::try_from(capacity).is_ok(), "slot index is 32 bits, capacity {capacity}");
        Self { entries: Vec::new(), free: Vec::new(), capacity }
    }

    /// Stores the value, or gives it back when every slot is taken.
    ///
    /// # Errors
    /// The value itself, when the slab is full.
    pub fn insert(&mut self, value: T) -> Result<Slot, T> {
        if let Some(index) = self.free.pop() {
            let entry = &mut self.entries[index as usize];
            entry.value = Some(value);
            return Ok(Slot { index, generation: entry.generation });
        }
        if self.entries.len() == self.capacity {
            return Err(value);
        }
        let index = u32::try_from(self.entries.len()).expect("capacity fits 32 bits");
        self.entries.push(Entry { generation: 0, value: Some(value) });
        Ok(Slot { index, generation: 0 })
    }

    #[must_use]
    pub fn get(&self, slot: Slot) -> Option<&T> {
        self.entries
            .get(slot.index as usize)
            .filter(|e| e.generation == slot.generation)?
            .value
            .as_ref()
    }

    #[must_use]
    pub fn get_mut(&mut self, slot: Slot) -> Option<&mut T> {
        let entry = self.entries.get_mut(slot.index as usize)?;
        if entry.generation == slot.generation { entry.value.as_mut() } else { None }
    }

    /// Takes the value out; the token is void from now on.
    pub fn remove(&mut self, slot: Slot) -> Option<T> {
        let entry = self.entries.get_mut(slot.index as usize)?;
        if entry.generation != slot.generation {
            return None;
        }
        let value = entry.value.take()?;
        entry.generation = entry.generation.wrapping_add(1);
        self.free.push(slot.index);
        Some(value)
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[must_use]
    pub fn is_full(&self) -> bool {
        self.len() == self.capacity
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_of_an_earlier_life_finds_nothing() {
        let mut slots = Slots::new(1);
        let first = slots.insert('a').unwrap();
        assert_eq!(slots.insert('b'), Err('b'));
        assert_eq!(slots.remove(first), Some('a'));
        let second = slots.insert('b').unwrap();
        assert_eq!(second.index, first.index);
        assert_eq!(slots.get(first), None);
        assert_eq!(slots.remove(first), None);
        assert_eq!(slots.get(second), Some(&'b'));
        assert_eq!(slots.len(), 1);
    }
}
