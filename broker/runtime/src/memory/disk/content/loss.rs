//! What a power loss does to one file.

use model::splitmix::mix;
use std::rc::Rc;

use super::{Content, PAGE, PAGE_BYTES, bytes_of};
use crate::memory::to_usize;

/// The draws of one power loss over one file.
pub(in crate::memory::disk) struct Loss<'a> {
    /// Whether a dirty sector, given with the ordinal of its last write, had reached the medium.
    pub(in crate::memory::disk) survives: &'a dyn Fn(u64, u64) -> bool,
    /// The noise that is left of a lost sector on a disk that tears inside of sectors.
    pub(in crate::memory::disk) noise: &'a dyn Fn(u64) -> Option<u64>,
    /// Whether a file that was shortened stays short.
    pub(in crate::memory::disk) keeps_cut: bool,
    /// Picks the length between the durable and the written one: `n` of 256 parts.
    pub(in crate::memory::disk) length_parts: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::memory::disk) struct Lost {
    /// Sectors that do not hold what reads saw before.
    pub(in crate::memory::disk) sectors: u64,
    /// Those among them of which a sync had said that they are durable.
    pub(in crate::memory::disk) promised_sectors: u64,
    /// Those among them that hold noise.
    pub(in crate::memory::disk) noisy_sectors: u64,
}

impl Content {
    /// The power is gone: what was not synced is drawn for, and nothing is cached any more.
    pub(in crate::memory::disk) fn lose_power(&mut self, loss: &Loss<'_>) -> Lost {
        let dirty = core::mem::take(&mut self.dirty);
        let promised = core::mem::take(&mut self.promised);
        let was_cut = self.shortest_len < self.durable_len;
        let undo_cut = was_cut && !loss.keeps_cut;
        let first_cut = self.shortest_len / self.sector_bytes;
        let mut lost = Lost::default();
        for (page, on_medium) in core::mem::take(&mut self.medium) {
            let written = self.cached.get(&page).cloned();
            let mut after = on_medium;
            for sector in self.sectors_of(page) {
                let Some(ordinal) = dirty.get(&sector) else {
                    let span = self.span(sector);
                    let seen = &bytes_of(written.as_ref())[span.clone()];
                    lost.sectors += u64::from(seen != &bytes_of(after.as_ref())[span]);
                    continue;
                };
                let of_cut = was_cut && sector >= first_cut;
                if !(of_cut && undo_cut) && (loss.survives)(sector, *ordinal) {
                    self.copy_sector(written.as_ref(), &mut after, sector);
                    self.harms.sync(sector);
                    continue;
                }
                lost.sectors += 1;
                lost.promised_sectors += u64::from(promised.get(&sector) == Some(ordinal));
                if let Some(noise) = (loss.noise)(sector).filter(|_| !of_cut) {
                    let page = after.get_or_insert_with(|| Rc::new([0; PAGE]));
                    fill_with_noise(&mut Rc::make_mut(page)[self.span(sector)], noise);
                    lost.noisy_sectors += 1;
                } else if let Some(page) = after.as_mut().filter(|_| of_cut && !undo_cut) {
                    // No byte from behind the cut comes back.
                    let begin = sector * self.sector_bytes;
                    let kept = to_usize(self.shortest_len.saturating_sub(begin));
                    let span = self.span(sector);
                    Rc::make_mut(page)[span.start + kept..span.end].fill(0);
                }
            }
            self.show(page, after);
        }
        let shortest = self.durable_len.min(self.shortest_len);
        let len = match (undo_cut, self.len.checked_sub(shortest)) {
            (false, Some(grown)) => shortest + grown.saturating_mul(loss.length_parts) / 256,
            _ => self.durable_len,
        };
        self.forget_behind(len);
        self.begin_anew(len);
        lost
    }

    /// Both images are the same from here on.
    fn begin_anew(&mut self, len: u64) {
        self.len = len;
        self.durable_len = len;
        self.shortest_len = len;
        self.shortest_since.clear();
        self.suspect.clear();
        self.unplaced.clear();
        self.errors = super::WritebackErrors::default();
        self.harms.lose_power(len.div_ceil(self.sector_bytes));
    }

    fn forget_behind(&mut self, len: u64) {
        self.cached.split_off(&len.div_ceil(PAGE_BYTES));
        let start = to_usize(len % PAGE_BYTES);
        if let Some(page) = self.cached.get_mut(&(len / PAGE_BYTES)).filter(|_| start > 0) {
            Rc::make_mut(page)[start..].fill(0);
        }
    }
}

fn fill_with_noise(bytes: &mut [u8], noise: u64) {
    for (index, word) in bytes.chunks_mut(8).enumerate() {
        let noise = mix(noise ^ index as u64).to_le_bytes();
        word.copy_from_slice(&noise[..word.len()]);
    }
}
