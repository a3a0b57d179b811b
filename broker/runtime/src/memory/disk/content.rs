//! The bytes of one file: what reads see, and what a power loss would leave.
//!
//! Two images. The *cache image* is what reads see, in pages that copies of a disk share until one
//! of them changes. Of the *medium* only the difference is kept: the pages that hold something else
//! there, and the *dirty* sectors among them, which a sync would write. So a sync forgets
//! differences, and a power loss puts some of them back. A sector that differs without being dirty
//! is one that the kernel believes to be clean: its sync failed, it went astray, or it rotted.
//!
//! Promises: a sector is the unit of loss (a torn write damages no other byte of its sector); the
//! length is lost apart from the bytes; a shortened file comes back at its old length or stays
//! short, never half; a sync covers what was written before it began, nothing later; a failed sync
//! leaves the sectors readable and clean and never writes them, as Linux does.
//! Does not: know paths, handles, time or faults.

mod loss;
mod sync;
#[cfg(test)]
mod tests;

use model::Buf;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

pub(super) use loss::{Loss, Lost};
pub(super) use sync::SyncImage;

use super::harm::{Harm, Harms};
use super::writeback::WritebackErrors;
use crate::memory::to_usize;

pub(super) const PAGE: usize = 4096;
pub(super) const PAGE_BYTES: u64 = PAGE as u64;

/// Shared between images until one of them changes.
type Page = Rc<[u8; PAGE]>;

#[derive(Clone)]
pub(super) struct Content {
    sector_bytes: u64,
    /// The cache image; an absent page reads as zeros. Bytes behind `len` are zeros.
    cached: BTreeMap<u64, Page>,
    len: u64,
    /// What the medium holds of the pages that are not there as they are in the cache.
    medium: BTreeMap<u64, Option<Page>>,
    /// Sectors written since the last sync that covers them, with the ordinal of their last write.
    dirty: BTreeMap<u64, u64>,
    /// Pages in which the medium may differ from the cache outside of dirty sectors.
    suspect: BTreeSet<u64>,
    /// Pages for which the medium has not given room yet: delayed allocation.
    unplaced: BTreeSet<u64>,
    /// Dirty sectors of which a lying sync said that they are durable, with their ordinal.
    promised: BTreeMap<u64, u64>,
    harms: Harms,
    pub(super) errors: WritebackErrors,
    durable_len: u64,
    /// The shortest that the file was since its last sync, and since each sync on its way began.
    shortest_len: u64,
    shortest_since: BTreeMap<u64, u64>,
    syncs_begun: u64,
    /// The latest beginning among the syncs that have succeeded.
    newest_synced: u64,
}

/// Where a write finds room.
#[derive(Clone, Copy)]
pub(super) struct Room {
    pub(super) pages_free: u64,
    /// Whether new pages ask for room only when they are synced.
    pub(super) delayed: bool,
}

#[cfg(test)]
impl Room {
    pub(super) const PLENTY: Self = Self { pages_free: u64::MAX, delayed: false };
}

impl Content {
    pub(super) fn new(sector_bytes: u64) -> Self {
        Self {
            sector_bytes,
            cached: BTreeMap::new(),
            len: 0,
            medium: BTreeMap::new(),
            dirty: BTreeMap::new(),
            suspect: BTreeSet::new(),
            unplaced: BTreeSet::new(),
            promised: BTreeMap::new(),
            harms: Harms::default(),
            errors: WritebackErrors::default(),
            durable_len: 0,
            shortest_len: 0,
            shortest_since: BTreeMap::new(),
            syncs_begun: 0,
            newest_synced: 0,
        }
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Pages that take room on the medium.
    pub(super) fn placed_page_count(&self) -> u64 {
        (self.cached.len() - self.unplaced.len()) as u64
    }

    pub(super) fn dirty(&self) -> impl Iterator<Item = (u64, u64)> {
        self.dirty.iter().map(|(sector, written)| (*sector, *written))
    }

    pub(super) fn dirty_count(&self) -> u64 {
        self.dirty.len() as u64
    }

    /// Whether a power loss would leave it exactly as it is.
    pub(super) fn is_durable(&self) -> bool {
        self.medium.is_empty()
            && self.dirty.is_empty()
            && self.len == self.durable_len
            && self.shortest_len == self.len
            && self.harms.agree()
            && !self.errors.any()
    }

    /// Writes as many of the bytes as there is room for; returns how many.
    pub(super) fn write(&mut self, mut at: u64, pieces: &[Buf], room: Room, written: u64) -> u64 {
        let begin = at;
        let mut pages_free = room.pages_free;
        for piece in pieces {
            let mut rest: &[u8] = piece;
            while !rest.is_empty() {
                let (page, start) = (at / PAGE_BYTES, to_usize(at % PAGE_BYTES));
                if !self.cached.contains_key(&page) {
                    if room.delayed {
                        self.unplaced.insert(page);
                    } else if let Some(left) = pages_free.checked_sub(1) {
                        pages_free = left;
                    } else {
                        return at - begin;
                    }
                }
                let (now, later) = rest.split_at(rest.len().min(PAGE - start));
                let end = at + now.len() as u64;
                self.change(page)[start..start + now.len()].copy_from_slice(now);
                self.harms.overwrite(self.sectors_inside(at, end));
                self.soil(at, end, written);
                at = end;
                self.len = self.len.max(at);
                rest = later;
            }
        }
        at - begin
    }

    /// Appends up to `count` bytes from `at` to `into`; returns how many there were.
    pub(super) fn read(&self, mut at: u64, count: usize, into: &mut Vec<u8>) -> usize {
        let end = self.len.min(at.saturating_add(count as u64));
        let before = into.len();
        while at < end {
            let start = to_usize(at % PAGE_BYTES);
            let size = (PAGE - start).min(to_usize(end - at));
            match self.cached.get(&(at / PAGE_BYTES)) {
                Some(page) => into.extend_from_slice(&page[start..start + size]),
                None => into.resize(into.len() + size, 0),
            }
            at += size as u64;
        }
        into.len() - before
    }

    /// The worst that a read of the range meets.
    pub(super) fn harm_in(&self, at: u64, count: u64) -> Option<Harm> {
        let end = self.len.min(at.saturating_add(count));
        self.harms.worst_visible(self.sectors_touched(at, end))
    }

    /// Whether a write would first have to read a sector that cannot be read.
    pub(super) fn blocks_write(&self, at: u64, count: u64) -> bool {
        let end = at + count;
        [at, end].iter().any(|edge| {
            let sector = edge / self.sector_bytes;
            !edge.is_multiple_of(self.sector_bytes)
                && self.harms.worst_visible(sector..sector + 1) == Some(Harm::Unreadable)
        })
    }

    pub(super) fn set_len(&mut self, len: u64, written: u64) {
        if len < self.len {
            let whole = len.div_ceil(PAGE_BYTES);
            let behind: Vec<u64> = self.cached.range(whole..).map(|(page, _)| *page).collect();
            for page in behind {
                self.remember(page);
                self.cached.remove(&page);
                self.unplaced.remove(&page);
                self.soil(page * PAGE_BYTES, (page + 1) * PAGE_BYTES, written);
            }
            if !len.is_multiple_of(PAGE_BYTES) && self.cached.contains_key(&(whole - 1)) {
                self.change(whole - 1)[to_usize(len % PAGE_BYTES)..].fill(0);
                self.soil(len, whole * PAGE_BYTES, written);
            }
            self.harms.cut_visible(len.div_ceil(self.sector_bytes));
        }
        self.len = len;
        self.shortest_len = self.shortest_len.min(len);
        for shortest in self.shortest_since.values_mut() {
            *shortest = len.min(*shortest);
        }
    }

    /// Gives the range room on the medium; returns whether there was enough.
    pub(super) fn allocate(&mut self, from: u64, to: u64, pages_free: u64, written: u64) -> bool {
        let range = from / PAGE_BYTES..to.div_ceil(PAGE_BYTES);
        let missing: Vec<u64> = range.filter(|page| !self.cached.contains_key(page)).collect();
        if missing.len() as u64 > pages_free {
            return false;
        }
        let zeros: Page = Rc::new([0; PAGE]);
        for page in missing {
            self.remember(page);
            self.cached.insert(page, Rc::clone(&zeros));
            self.soil(page * PAGE_BYTES, (page + 1) * PAGE_BYTES, written);
        }
        self.len = self.len.max(to);
        true
    }

    /// The kernel drops its clean pages: from now on reads see what the medium holds of them.
    /// Returns how many pages changed by that.
    pub(super) fn evict(&mut self, from: u64, to: u64) -> u64 {
        let range = from / PAGE_BYTES..to.div_ceil(PAGE_BYTES);
        let clean = |page: &u64| self.dirty.range(self.sectors_of(*page)).next().is_none();
        let pages: Vec<u64> =
            self.medium.range(range.clone()).map(|(page, _)| *page).filter(clean).collect();
        for page in &pages {
            let on_medium = self.medium.remove(page).expect("just listed");
            self.suspect.remove(page);
            self.show(*page, on_medium);
        }
        let (dirty, per_page) = (&self.dirty, self.sectors_per_page());
        let is_clean = |sector: u64| {
            let first = sector / per_page * per_page;
            dirty.range(first..first + per_page).next().is_none()
        };
        self.harms.evict(range.start * per_page..range.end * per_page, is_clean);
        pages.len() as u64
    }

    /// Sectors that hold bytes on the medium, within the range.
    pub(super) fn sectors_on_medium(&self, range: core::ops::Range<u64>) -> Vec<u64> {
        let end = range.end.min(self.durable_len);
        let has_bytes =
            |sector: &u64| self.medium_page(*sector / self.sectors_per_page()).is_some();
        self.sectors_touched(range.start, end).filter(has_bytes).collect()
    }

    /// Changes bytes of a sector on the medium behind everybody's back.
    pub(super) fn strike(&mut self, sector: u64, change: impl FnOnce(&mut [u8])) {
        let page = sector / self.sectors_per_page();
        let span = self.span(sector);
        let mut bytes = self.medium_page(page).unwrap_or_else(|| Rc::new([0; PAGE]));
        change(&mut Rc::make_mut(&mut bytes)[span]);
        self.medium.insert(page, Some(bytes));
        self.suspect.insert(page);
        self.harms.strike(sector, Harm::Wrong);
    }

    /// The medium cannot read this sector any more.
    pub(super) fn spoil(&mut self, sector: u64) {
        self.harms.strike(sector, Harm::Unreadable);
    }

    fn medium_page(&self, page: u64) -> Option<Page> {
        match self.medium.get(&page) {
            Some(on_medium) => on_medium.clone(),
            None => self.cached.get(&page).cloned(),
        }
    }

    fn sectors_per_page(&self) -> u64 {
        PAGE_BYTES / self.sector_bytes
    }

    fn sectors_of(&self, page: u64) -> core::ops::Range<u64> {
        page * self.sectors_per_page()..(page + 1) * self.sectors_per_page()
    }

    /// Sectors that share a byte with the range.
    fn sectors_touched(&self, from: u64, to: u64) -> core::ops::Range<u64> {
        if from >= to {
            return 0..0;
        }
        from / self.sector_bytes..to.div_ceil(self.sector_bytes)
    }

    /// Sectors of which no byte lies outside of the range.
    fn sectors_inside(&self, from: u64, to: u64) -> core::ops::Range<u64> {
        from.div_ceil(self.sector_bytes)..to / self.sector_bytes
    }

    /// The place of a sector in its page.
    fn span(&self, sector: u64) -> core::ops::Range<usize> {
        let start = to_usize(sector % self.sectors_per_page() * self.sector_bytes);
        start..start + to_usize(self.sector_bytes)
    }

    /// The page for writing; its bytes on the medium are remembered.
    fn change(&mut self, page: u64) -> &mut [u8; PAGE] {
        self.remember(page);
        Rc::make_mut(self.cached.entry(page).or_insert_with(|| Rc::new([0; PAGE])))
    }

    fn remember(&mut self, page: u64) {
        let Self { cached, medium, .. } = self;
        medium.entry(page).or_insert_with(|| cached.get(&page).cloned());
    }

    fn soil(&mut self, from: u64, to: u64, written: u64) {
        for sector in self.sectors_touched(from, to) {
            self.dirty.insert(sector, written);
        }
    }

    fn show(&mut self, page: u64, bytes: Option<Page>) {
        match bytes {
            Some(bytes) => self.cached.insert(page, bytes),
            None => self.cached.remove(&page),
        };
    }

    /// Copies one sector between images of a page; absent pages are zeros.
    fn copy_sector(&self, from: Option<&Page>, to: &mut Option<Page>, sector: u64) {
        if self.sector_bytes == PAGE_BYTES {
            *to = from.cloned();
            return;
        }
        let span = self.span(sector);
        match (from, to.as_mut()) {
            (None, None) => {}
            (None, Some(page)) => Rc::make_mut(page)[span].fill(0),
            (Some(source), _) => {
                let page = to.get_or_insert_with(|| Rc::new([0; PAGE]));
                Rc::make_mut(page)[span.clone()].copy_from_slice(&source[span]);
            }
        }
    }
}

const ZEROS: [u8; PAGE] = [0; PAGE];

/// The bytes of a page; an absent one is zeros.
fn bytes_of(page: Option<&Page>) -> &[u8; PAGE] {
    page.map_or(&ZEROS, |page| page)
}
