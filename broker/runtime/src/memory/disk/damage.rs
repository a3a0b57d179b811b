//! Harm that comes to a disk by itself: rot, bad sectors, failed writeback, writes gone astray.
//!
//! Promises: harm to the medium stays unseen while the page cache holds the right bytes; each
//! sector is chosen by its own draw. Does not: tell anybody but the counters.

use core::ops::Range;
use model::Instant;

use super::names::InodeId;
use super::{Concern, Disk, Error, virtual_ms};
use crate::memory::to_usize;

/// Where harm is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// Only files whose path contains this text.
    pub path_part: String,
    /// Only these bytes of each file.
    pub range: Range<u64>,
    /// In all of the files together, at most.
    pub sector_count: u64,
}

impl Spot {
    /// One sector anywhere in files with such a path.
    #[must_use]
    pub fn one_in(path_part: &str) -> Self {
        Self { path_part: path_part.to_owned(), range: 0..u64::MAX, sector_count: 1 }
    }
}

/// Something that happens to a disk at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiskDamage {
    /// A byte of each drawn sector changes on the medium; the next cold read finds it.
    Rot(Spot),
    /// A cold read of each drawn sector fails until the whole sector is written again.
    Unreadable(Spot),
    /// The kernel wrote the dirty sectors back in the background and failed. They are clean now;
    /// every handle that is open hears of it once, from its next sync.
    Writeback { path_part: String, error: Error },
    /// The kernel drops its clean pages, and forgets failed writebacks of files that nobody has
    /// open: the next read is a cold one.
    Evict { path_part: String },
}

/// A sector on its way to a wrong place.
pub(super) struct Astray {
    inode: InodeId,
    sector: u64,
    bytes: Vec<u8>,
}

impl Disk {
    /// Does it; returns how many sectors (of an eviction: pages that look different now) it met.
    pub(super) fn damage(&mut self, damage: &DiskDamage, now: Instant) -> u64 {
        match damage {
            DiskDamage::Rot(spot) => {
                let sectors = self.choose(spot, now);
                for (inode, sector, draw) in &sectors {
                    self.names.content_mut(*inode).strike(*sector, |bytes| {
                        let at = to_usize(draw % bytes.len() as u64);
                        // Never zero: the byte does change.
                        bytes[at] ^= 1 + ((draw >> 32) % 255) as u8;
                    });
                }
                sectors.len() as u64
            }
            DiskDamage::Unreadable(spot) => {
                let sectors = self.choose(spot, now);
                for (inode, sector, _) in &sectors {
                    self.names.content_mut(*inode).spoil(*sector);
                }
                sectors.len() as u64
            }
            DiskDamage::Writeback { path_part, error } => {
                let fail = |disk: &mut Self, inode| {
                    if disk.names.content(inode).dirty_count() == 0 {
                        return 0;
                    }
                    let content = disk.names.content_mut(inode);
                    let image = content.begin_sync();
                    content.fail_sync(&image);
                    content.errors.raise(*error);
                    image.sectors().len() as u64
                };
                self.each_file(path_part, fail)
            }
            DiskDamage::Evict { path_part } => self.each_file(path_part, |disk, inode| {
                if disk.names.content(inode).is_durable() {
                    // Nothing to see, and pages shared with images stay shared.
                    return 0;
                }
                let open = disk.names.is_open(inode);
                let content = disk.names.content_mut(inode);
                if !open {
                    content.errors = Default::default();
                }
                content.evict(0, u64::MAX)
            }),
        }
    }

    fn each_file(&mut self, part: &str, act: impl Fn(&mut Self, InodeId) -> u64) -> u64 {
        self.named(part).into_iter().map(|inode| act(self, inode)).sum()
    }

    fn named(&self, path_part: &str) -> Vec<InodeId> {
        let files = self.names.walk().into_iter();
        let matching = files.filter(|(path, _)| path.to_string_lossy().contains(path_part));
        matching.map(|(_, inode)| inode).collect()
    }

    /// Sectors of a spot that hold bytes on the medium, each with a draw for what happens to it.
    fn choose(&self, spot: &Spot, now: Instant) -> Vec<(InodeId, u64, u64)> {
        let mut candidates = Vec::new();
        for inode in self.named(&spot.path_part) {
            let identity = self.names.identity(inode);
            let sectors = self.names.content(inode).sectors_on_medium(spot.range.clone());
            candidates.extend(sectors.into_iter().map(|sector| {
                let key = [self.node, identity, sector, virtual_ms(now)];
                (self.random.draw(Concern::Damage, &key), inode, sector)
            }));
        }
        // The smallest draws win, so that one more candidate displaces at most one other.
        candidates.sort_unstable();
        candidates.dedup();
        let count = usize::try_from(spot.sector_count).unwrap_or(usize::MAX);
        let chosen = candidates.into_iter().take(count);
        chosen.map(|(draw, inode, sector)| (inode, sector, draw)).collect()
    }

    /// Takes a drawn sector out of a sync and chooses where it lands instead.
    pub(super) fn divert(
        &mut self,
        from: InodeId,
        image: &mut super::content::SyncImage,
        now: Instant,
    ) -> Option<Astray> {
        let count = image.sectors().len() as u64;
        let key = [self.node, self.names.identity(from), virtual_ms(now)];
        let index = self.random.draw(Concern::Misdirection, &key).checked_rem(count)?;
        let index = to_usize(index);
        let origin = image.sectors()[index].0;
        let device = self.names.device(from);
        let mut places = Vec::new();
        for (inode, content) in self.names.files() {
            if self.names.device(inode) == device {
                let sectors = content.sectors_on_medium(0..u64::MAX);
                places.extend(sectors.into_iter().map(|sector| (inode, sector)));
            }
        }
        places.retain(|place| *place != (from, origin));
        let key = [key[0], key[1], key[2], 1];
        let place = self.random.draw(Concern::Misdirection, &key);
        let (inode, sector) = places[to_usize(place.checked_rem(places.len() as u64)?)];
        let bytes = self.names.content_mut(from).divert(image, index);
        self.stats.misdirected_sectors += 1;
        Some(Astray { inode, sector, bytes })
    }

    /// Lets a sector land where it does not belong.
    pub(super) fn strike(&mut self, astray: Astray) {
        let content = self.names.content_mut(astray.inode);
        content.strike(astray.sector, |bytes| bytes.copy_from_slice(&astray.bytes));
    }
}
