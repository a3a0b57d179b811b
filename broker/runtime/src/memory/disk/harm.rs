//! Sectors of one file that do not hold what the program wrote.
//!
//! Harm is done to the medium and seen once the cache lets go of a page: each sector has a state on
//! the medium and a state that reads see. Promises: whole sectors that are written heal, in the
//! cache at once and on the medium with the sync. Does not: hold or change bytes.

use core::ops::Range;
use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Harm {
    /// Older bytes: the kernel failed to write the newer ones and calls them written. A power loss
    /// makes it one of the sectors that were not synced.
    Stale,
    /// Other bytes, given without an error.
    Wrong,
    /// An error instead of bytes.
    Unreadable,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Harms {
    visible: BTreeMap<u64, Harm>,
    on_medium: BTreeMap<u64, Harm>,
}

impl Harms {
    pub(super) fn worst_visible(&self, sectors: Range<u64>) -> Option<Harm> {
        self.visible.range(sectors).map(|(_, harm)| *harm).max()
    }

    /// Whether the cache shows exactly what is on the medium.
    pub(super) fn agree(&self) -> bool {
        self.visible == self.on_medium
    }

    pub(super) fn strike(&mut self, sector: u64, harm: Harm) {
        self.on_medium.insert(sector, harm);
    }

    /// Bytes for this sector never reached the medium; what was wrong with it stays wrong.
    pub(super) fn outdate(&mut self, sector: u64) {
        self.on_medium.entry(sector).or_insert(Harm::Stale);
    }

    pub(super) fn overwrite(&mut self, sectors: Range<u64>) {
        if !self.visible.is_empty() {
            self.visible.retain(|sector, _| !sectors.contains(sector));
        }
    }

    /// The sectors from there on are cut off.
    pub(super) fn cut_visible(&mut self, first: u64) {
        self.visible.split_off(&first);
    }

    /// The medium has what the cache had.
    pub(super) fn sync(&mut self, sector: u64) {
        match self.visible.get(&sector) {
            Some(harm) => self.on_medium.insert(sector, *harm),
            None => self.on_medium.remove(&sector),
        };
    }

    /// The clean ones among the sectors are read from the medium again.
    pub(super) fn evict(&mut self, sectors: Range<u64>, is_clean: impl Fn(u64) -> bool) {
        let evicted = |sector: &u64| sectors.contains(sector) && is_clean(*sector);
        self.visible.retain(|sector, _| !evicted(sector));
        let seen = self.on_medium.iter().filter(|(sector, _)| evicted(sector));
        self.visible.extend(seen.map(|(sector, harm)| (*sector, *harm)));
    }

    /// Nothing is cached any more, and the file ends before sector `end`.
    pub(super) fn lose_power(&mut self, end: u64) {
        self.on_medium.split_off(&end);
        self.on_medium.retain(|_, harm| *harm != Harm::Stale);
        self.visible.clone_from(&self.on_medium);
    }
}
