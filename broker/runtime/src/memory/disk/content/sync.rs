//! What a sync makes durable, and what is left when it fails.

use std::collections::BTreeMap;

use super::{Content, Harm, Page, bytes_of};

/// What a sync that begins now will make durable.
#[derive(Clone)]
pub(in crate::memory::disk) struct SyncImage {
    ordinal: u64,
    pages: BTreeMap<u64, Option<Page>>,
    /// Each with the ordinal of the write that the sync covers.
    sectors: Vec<(u64, u64)>,
    len: u64,
    /// Pages that need room on the medium first.
    unplaced: Vec<u64>,
}

impl SyncImage {
    pub(in crate::memory::disk) fn sectors(&self) -> &[(u64, u64)] {
        &self.sectors
    }

    pub(in crate::memory::disk) fn page_count(&self) -> u64 {
        self.pages.len() as u64
    }

    pub(in crate::memory::disk) fn unplaced_page_count(&self) -> u64 {
        self.unplaced.len() as u64
    }
}

impl Content {
    /// Only what was written before a sync begins is covered by it.
    pub(in crate::memory::disk) fn begin_sync(&mut self) -> SyncImage {
        self.syncs_begun += 1;
        let per_page = self.sectors_per_page();
        let sectors: Vec<(u64, u64)> = self.dirty().collect();
        let page = |(sector, _): &(u64, u64)| {
            let page = sector / per_page;
            (page, self.cached.get(&page).cloned())
        };
        let pages: BTreeMap<u64, Option<Page>> = sectors.iter().map(page).collect();
        let unplaced = pages.keys().filter(|page| self.unplaced.contains(page)).copied().collect();
        self.shortest_since.insert(self.syncs_begun, self.len);
        SyncImage { ordinal: self.syncs_begun, pages, sectors, len: self.len, unplaced }
    }

    pub(in crate::memory::disk) fn finish_sync(&mut self, image: SyncImage) {
        if image.ordinal < self.newest_synced {
            // Overtaken by a sync that began later and so has saved all of this, or newer bytes.
            return;
        }
        self.newest_synced = image.ordinal;
        for page in &image.unplaced {
            self.unplaced.remove(page);
        }
        for (sector, written) in &image.sectors {
            if self.dirty.get(sector) == Some(written) {
                self.dirty.remove(sector);
                self.promised.remove(sector);
            }
            self.harms.sync(*sector);
        }
        for (page, synced) in &image.pages {
            self.settle(*page, synced.as_ref(), &image.sectors);
        }
        self.durable_len = image.len;
        self.shortest_len = self.shortest_since.get(&image.ordinal).copied().unwrap_or(self.len);
        self.shortest_since = self.shortest_since.split_off(&(image.ordinal + 1));
    }

    /// Writes the covered sectors of a page to the medium.
    fn settle(&mut self, page: u64, synced: Option<&Page>, covered: &[(u64, u64)]) {
        let is_clean = self.dirty.range(self.sectors_of(page)).next().is_none();
        if !self.suspect.contains(&page) {
            // The medium differed in dirty sectors only, and all of them were covered.
            if is_clean {
                self.medium.remove(&page);
            } else {
                self.medium.insert(page, synced.cloned());
            }
            return;
        }
        let mut on_medium = self.medium_page(page);
        let sectors = self.sectors_of(page);
        let first = covered.partition_point(|(sector, _)| *sector < sectors.start);
        for (sector, _) in covered[first..].iter().take_while(|(sector, _)| *sector < sectors.end) {
            self.copy_sector(synced, &mut on_medium, *sector);
        }
        if is_clean && bytes_of(on_medium.as_ref()) == bytes_of(self.cached.get(&page)) {
            self.medium.remove(&page);
            self.suspect.remove(&page);
        } else {
            self.medium.insert(page, on_medium);
        }
    }

    /// The sectors become clean for the kernel although nobody wrote them.
    pub(in crate::memory::disk) fn fail_sync(&mut self, image: &SyncImage) {
        for (sector, written) in &image.sectors {
            if self.dirty.get(sector) == Some(written) {
                self.dirty.remove(sector);
                self.suspect.insert(sector / self.sectors_per_page());
                self.harms.outdate(*sector);
            }
        }
        self.shortest_since.remove(&image.ordinal);
    }

    /// The disk says that it has them and has not; a later honest sync still writes them.
    pub(in crate::memory::disk) fn pretend_sync(&mut self, image: &SyncImage) {
        for (sector, written) in &image.sectors {
            if self.dirty.get(sector) == Some(written) {
                self.promised.insert(*sector, *written);
            }
        }
        self.shortest_since.remove(&image.ordinal);
    }

    /// Takes one sector out of a sync: the kernel believes it written, the medium keeps the bytes of
    /// before. Returns the bytes that should have landed there.
    pub(in crate::memory::disk) fn divert(
        &mut self,
        image: &mut SyncImage,
        index: usize,
    ) -> Vec<u8> {
        let (sector, written) = image.sectors.remove(index);
        let page = sector / self.sectors_per_page();
        let bytes = bytes_of(image.pages[&page].as_ref())[self.span(sector)].to_vec();
        if self.dirty.get(&sector) == Some(&written) {
            self.dirty.remove(&sector);
        }
        self.suspect.insert(page);
        self.harms.strike(sector, Harm::Wrong);
        bytes
    }
}
