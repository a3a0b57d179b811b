//! A history along the offsets of each partition, in sorted slices of a bounded number of entries.

use std::collections::BinaryHeap;

use client::history::{ConsumedEntry, Entry, HistoryError, ProducedEntry, ProducedOutcome};
use model::Offset;

use super::Opener;

/// Where an entry comes along the offsets: an acknowledgement before what readers were given there,
/// otherwise as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) place: u32,
    pub(super) base_offset: Offset,
    consumed: bool,
    number: u64,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Placed {
    pub(super) key: Key,
    pub(super) entry: Entry,
}

impl PartialEq for Placed {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Placed {}

impl PartialOrd for Placed {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Placed {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}

/// The first entries after a key, sorted, and whether there are more.
pub(super) fn next_slice(
    open: &mut Opener<'_>,
    after: Option<Key>,
    entries_max: usize,
) -> Result<(Vec<Placed>, bool), HistoryError> {
    let mut reader = open()?;
    let mut slice = BinaryHeap::new();
    let mut more = false;
    let mut number = 0;
    while let Some(entry) = reader.next_entry()? {
        number += 1;
        let Some(key) = key(&entry, number).filter(|key| after.is_none_or(|after| *key > after))
        else {
            continue;
        };
        slice.push(Placed { key, entry });
        if slice.len() > entries_max {
            slice.pop();
            more = true;
        }
    }
    Ok((slice.into_sorted_vec(), more))
}

/// `None`: the entry has no offset.
fn key(entry: &Entry, number: u64) -> Option<Key> {
    match entry {
        Entry::Produced(ProducedEntry {
            place,
            outcome: ProducedOutcome::Acked { base_offset: Some(base_offset) },
            ..
        }) => Some(Key { place: *place, base_offset: *base_offset, consumed: false, number }),
        Entry::Consumed(ConsumedEntry { place, base_offset, .. }) => {
            Some(Key { place: *place, base_offset: *base_offset, consumed: true, number })
        }
        Entry::Produced(_) | Entry::End(_) => None,
    }
}
