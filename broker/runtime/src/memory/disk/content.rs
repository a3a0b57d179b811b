//! The bytes of one file: what reads see, and what a power loss would leave.
//!
//! Two images of 4 KiB sectors. The *cache image* is what reads see. Of the *durable image* only the
//! difference is kept: for each sector written since the last sync, its bytes on the medium. So a
//! sync forgets differences, and a power loss puts some of them back.
//!
//! Promises: a sector is the unit of loss (a torn write damages no other byte of its sector); the
//! length is lost apart from the bytes; a shortened file comes back at its old length or stays
//! short, never half; a failed sync leaves the sectors readable and clean and never writes them, as
//! Linux does.
//! Does not: know paths, handles, time or faults.

use model::Buf;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::memory::to_usize;

pub(in crate::memory) const SECTOR: usize = 4096;
const SECTOR_BYTES: u64 = SECTOR as u64;

/// Shared between the images until one of them changes.
type Sector = Rc<[u8; SECTOR]>;

#[derive(Default)]
pub(super) struct Content {
    /// The cache image; an absent sector reads as zeros. Bytes behind `len` are zeros.
    cached: BTreeMap<u64, Sector>,
    len: u64,
    /// What the medium holds of each sector that was written since the last sync.
    unsynced: BTreeMap<u64, Option<Sector>>,
    /// The same of sectors whose sync failed: clean for the kernel, so no later sync writes them.
    forsaken: BTreeMap<u64, Option<Sector>>,
    durable_len: u64,
    /// The shortest that the file was since its last sync.
    shortest_len: u64,
    syncs_begun: u64,
    /// The latest beginning among the syncs that have succeeded.
    newest_synced: u64,
}

/// What a sync that begins now will make durable.
pub(super) struct SyncImage {
    ordinal: u64,
    sectors: Vec<(u64, Option<Sector>)>,
    len: u64,
}

impl SyncImage {
    pub(super) fn sector_count(&self) -> u64 {
        self.sectors.len() as u64
    }
}

/// The draws of one power loss over one file.
pub(super) struct Loss<'a> {
    pub(super) survives: &'a dyn Fn(u64) -> bool,
    /// Whether a file that was shortened stays short.
    pub(super) keeps_cut: bool,
    /// Picks the length between the durable and the written one: `n` of 256 parts.
    pub(super) length_parts: u64,
}

impl Content {
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Sectors that take room on the medium.
    pub(super) fn sector_count(&self) -> u64 {
        self.cached.len() as u64
    }

    /// Writes as many of the bytes as `sectors_free` new sectors allow; returns how many.
    pub(super) fn write(&mut self, mut at: u64, pieces: &[Buf], mut sectors_free: u64) -> u64 {
        let begin = at;
        for piece in pieces {
            let mut rest: &[u8] = piece;
            while !rest.is_empty() {
                let (index, start) = (at / SECTOR_BYTES, to_usize(at % SECTOR_BYTES));
                if !self.cached.contains_key(&index) {
                    let Some(left) = sectors_free.checked_sub(1) else { return at - begin };
                    sectors_free = left;
                }
                let (now, later) = rest.split_at(rest.len().min(SECTOR - start));
                self.change(index)[start..start + now.len()].copy_from_slice(now);
                at += now.len() as u64;
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
            let start = to_usize(at % SECTOR_BYTES);
            let size = (SECTOR - start).min(to_usize(end - at));
            match self.cached.get(&(at / SECTOR_BYTES)) {
                Some(sector) => into.extend_from_slice(&sector[start..start + size]),
                None => into.resize(into.len() + size, 0),
            }
            at += size as u64;
        }
        into.len() - before
    }

    pub(super) fn set_len(&mut self, len: u64) {
        if len < self.len {
            let whole = len.div_ceil(SECTOR_BYTES);
            for index in self.cached.range(whole..).map(|(index, _)| *index).collect::<Vec<_>>() {
                self.remember(index);
                self.cached.remove(&index);
            }
            if !len.is_multiple_of(SECTOR_BYTES) && self.cached.contains_key(&(whole - 1)) {
                self.change(whole - 1)[to_usize(len % SECTOR_BYTES)..].fill(0);
            }
        }
        self.len = len;
        self.shortest_len = self.shortest_len.min(len);
    }

    /// Gives the range room on the medium; returns whether `sectors_free` sufficed.
    pub(super) fn allocate(&mut self, from: u64, to: u64, sectors_free: u64) -> bool {
        let range = from / SECTOR_BYTES..to.div_ceil(SECTOR_BYTES);
        let missing: Vec<u64> = range.filter(|index| !self.cached.contains_key(index)).collect();
        if missing.len() as u64 > sectors_free {
            return false;
        }
        let zeros: Sector = Rc::new([0; SECTOR]);
        for index in missing {
            self.remember(index);
            self.cached.insert(index, Rc::clone(&zeros));
        }
        self.len = self.len.max(to);
        true
    }

    /// Only what was written before a sync begins is covered by it.
    pub(super) fn begin_sync(&mut self) -> SyncImage {
        self.syncs_begun += 1;
        let sector = |index: &u64| (*index, self.cached.get(index).cloned());
        let sectors = self.unsynced.keys().map(sector).collect();
        SyncImage { ordinal: self.syncs_begun, sectors, len: self.len }
    }

    pub(super) fn finish_sync(&mut self, image: SyncImage) {
        if image.ordinal < self.newest_synced {
            // Overtaken by a sync that began later and so has saved all of this, or newer bytes.
            return;
        }
        self.newest_synced = image.ordinal;
        for (index, synced) in image.sectors {
            if same(self.cached.get(&index), synced.as_ref()) {
                self.unsynced.remove(&index);
            } else if let Some(on_medium) = self.unsynced.get_mut(&index) {
                *on_medium = synced;
            }
        }
        self.durable_len = image.len;
        self.shortest_len = image.len.min(self.len);
    }

    pub(super) fn fail_sync(&mut self, image: SyncImage) {
        for (index, written) in image.sectors {
            if same(self.cached.get(&index), written.as_ref())
                && let Some(on_medium) = self.unsynced.remove(&index)
            {
                self.forsaken.insert(index, on_medium);
            }
        }
    }

    /// The power is gone: what was not synced is drawn for. Returns how many sectors were lost.
    pub(super) fn lose_power(&mut self, loss: &Loss<'_>) -> u64 {
        let unsynced = core::mem::take(&mut self.unsynced);
        let mut lost = 0;
        for (index, on_medium) in core::mem::take(&mut self.forsaken) {
            self.restore(index, on_medium);
            lost += 1;
        }
        let was_cut = self.shortest_len < self.durable_len;
        let undo_cut = was_cut && !loss.keeps_cut;
        let first_cut = self.shortest_len / SECTOR_BYTES;
        for (index, on_medium) in unsynced {
            let of_cut = was_cut && index >= first_cut;
            if of_cut && undo_cut {
                self.restore(index, on_medium);
                lost += 1;
            } else if !(loss.survives)(index) {
                self.restore(index, on_medium);
                if of_cut {
                    self.zero_from(self.shortest_len, index);
                }
                lost += 1;
            }
        }
        let shortest = self.durable_len.min(self.shortest_len);
        let len = match (undo_cut, self.len.checked_sub(shortest)) {
            (false, Some(grown)) => shortest + grown.saturating_mul(loss.length_parts) / 256,
            _ => self.durable_len,
        };
        self.forget_behind(len);
        self.len = len;
        self.durable_len = len;
        self.shortest_len = len;
        lost
    }

    /// The sector for writing; its bytes on the medium are remembered.
    fn change(&mut self, index: u64) -> &mut [u8; SECTOR] {
        self.remember(index);
        Rc::make_mut(self.cached.entry(index).or_insert_with(|| Rc::new([0; SECTOR])))
    }

    fn remember(&mut self, index: u64) {
        let Self { cached, unsynced, forsaken, .. } = self;
        unsynced.entry(index).or_insert_with(|| {
            forsaken.remove(&index).unwrap_or_else(|| cached.get(&index).cloned())
        });
    }

    fn restore(&mut self, index: u64, on_medium: Option<Sector>) {
        match on_medium {
            Some(sector) => self.cached.insert(index, sector),
            None => self.cached.remove(&index),
        };
    }

    /// Zeroes what lies at or behind `from` in one sector.
    fn zero_from(&mut self, from: u64, index: u64) {
        let start = to_usize(from.saturating_sub(index * SECTOR_BYTES));
        if start < SECTOR
            && let Some(sector) = self.cached.get_mut(&index)
        {
            Rc::make_mut(sector)[start..].fill(0);
        }
    }

    fn forget_behind(&mut self, len: u64) {
        self.cached.split_off(&len.div_ceil(SECTOR_BYTES));
        self.zero_from(len, len / SECTOR_BYTES);
    }
}

/// Whether both are the same version of a sector, not merely equal bytes.
fn same(one: Option<&Sector>, other: Option<&Sector>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => Rc::ptr_eq(one, other),
        (None, None) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(content: &mut Content, at: u64, bytes: &[u8]) {
        let written = content.write(at, &[Buf::from(bytes.to_vec())], u64::MAX);
        assert_eq!(written, bytes.len() as u64);
    }

    fn sync(content: &mut Content) {
        let image = content.begin_sync();
        content.finish_sync(image);
    }

    fn read(content: &Content) -> Vec<u8> {
        let mut bytes = Vec::new();
        content.read(0, usize::MAX, &mut bytes);
        bytes
    }

    const NOTHING: Loss<'static> = Loss { survives: &|_| false, keeps_cut: false, length_parts: 0 };

    fn lose_all(content: &mut Content) -> Vec<u8> {
        content.lose_power(&NOTHING);
        read(content)
    }

    #[test]
    fn a_power_loss_takes_back_what_was_not_synced() {
        let mut content = Content::default();
        write(&mut content, 0, b"first");
        sync(&mut content);
        write(&mut content, 0, b"other and longer");
        assert_eq!(read(&content), b"other and longer");
        assert_eq!(lose_all(&mut content), b"first");
    }

    #[test]
    fn a_sync_covers_only_what_was_written_before_it_began() {
        let mut content = Content::default();
        write(&mut content, 0, b"a");
        let image = content.begin_sync();
        write(&mut content, 1, b"b");
        content.finish_sync(image);
        assert_eq!(read(&content), b"ab");
        assert_eq!(lose_all(&mut content), b"a");
    }

    #[test]
    fn an_overtaken_sync_takes_nothing_back() {
        let mut content = Content::default();
        write(&mut content, 0, b"old");
        let slow = content.begin_sync();
        write(&mut content, 0, b"newer");
        sync(&mut content);
        write(&mut content, 0, b"newest");
        content.finish_sync(slow);
        assert_eq!(lose_all(&mut content), b"newer");
    }

    #[test]
    fn sectors_are_lost_one_by_one_and_the_length_apart_from_them() {
        let mut content = Content::default();
        write(&mut content, 0, &[7; 3 * SECTOR]);
        let loss = Loss { survives: &|index| index == 1, keeps_cut: false, length_parts: 256 };
        assert_eq!(content.lose_power(&loss), 2);
        let bytes = read(&content);
        assert_eq!(bytes.len(), 3 * SECTOR);
        let kept: Vec<bool> = bytes.chunks(SECTOR).map(|sector| sector == [7; SECTOR]).collect();
        assert_eq!(kept, [false, true, false]);
        assert!(bytes[..SECTOR].iter().all(|byte| *byte == 0), "a lost sector reads as zeros");
    }

    #[test]
    fn a_failed_sync_leaves_bytes_readable_that_no_later_sync_saves() {
        let mut content = Content::default();
        write(&mut content, 0, b"gone");
        let image = content.begin_sync();
        content.fail_sync(image);
        sync(&mut content);
        assert_eq!(read(&content), b"gone");
        assert_eq!(lose_all(&mut content), [0; 4], "the length was synced, the bytes never");
    }

    #[test]
    fn writing_again_after_a_failed_sync_makes_a_sector_syncable() {
        let mut content = Content::default();
        write(&mut content, 0, b"again");
        let image = content.begin_sync();
        content.fail_sync(image);
        write(&mut content, 0, b"again");
        sync(&mut content);
        assert_eq!(lose_all(&mut content), b"again");
    }

    #[test]
    fn a_cut_that_was_not_synced_is_undone_or_kept_as_a_whole() {
        for keeps_cut in [false, true] {
            let mut content = Content::default();
            write(&mut content, 0, &[1; 2 * SECTOR]);
            sync(&mut content);
            content.set_len(10);
            assert_eq!(read(&content), [1; 10]);
            content.lose_power(&Loss { survives: &|_| keeps_cut, keeps_cut, length_parts: 256 });
            let expected = if keeps_cut { 10 } else { 2 * SECTOR };
            assert_eq!(read(&content), vec![1; expected]);
        }
    }

    #[test]
    fn a_cut_and_grown_file_shows_zeros_and_never_old_bytes() {
        let mut content = Content::default();
        write(&mut content, 0, &[1; 100]);
        sync(&mut content);
        content.set_len(10);
        content.set_len(50);
        let mut expected = vec![1; 10];
        expected.resize(50, 0);
        assert_eq!(read(&content), expected);
        let loss = Loss { survives: &|_| false, keeps_cut: true, length_parts: 256 };
        content.lose_power(&loss);
        assert_eq!(read(&content), expected);
    }

    #[test]
    fn a_full_medium_takes_the_part_that_fits() {
        let mut content = Content::default();
        assert_eq!(content.write(0, &[Buf::from(vec![1; 2 * SECTOR])], 1), SECTOR as u64);
        assert_eq!(content.len(), SECTOR as u64);
        assert!(!content.allocate(0, 3 * SECTOR_BYTES, 1));
        assert!(content.allocate(0, 3 * SECTOR_BYTES, 2));
        assert_eq!(content.len(), 3 * SECTOR_BYTES);
    }

    /// Any sequence of operations, against two plain vectors.
    #[test]
    fn the_harshest_loss_leaves_the_last_sync_and_the_kindest_leaves_everything() {
        use crate::memory::random::{Concern, Random};
        for seed in 0..3_000 {
            let random = Random::new(seed);
            let draw = |step: u64, what: u64, below: u64| {
                random.draw(Concern::Program, &[step, what]) % below
            };
            let mut content = Content::default();
            let (mut cached, mut durable) = (Vec::new(), Vec::new());
            for step in 0..1 + draw(0, 9, 12) {
                let at = to_usize(draw(step, 1, 3 * SECTOR_BYTES));
                match draw(step, 0, 5) {
                    0 | 1 => {
                        let byte = step.to_le_bytes()[0] + 1;
                        let bytes = vec![byte; 1 + to_usize(draw(step, 2, 5_000))];
                        write(&mut content, at as u64, &bytes);
                        cached.resize(cached.len().max(at + bytes.len()), 0);
                        cached[at..at + bytes.len()].copy_from_slice(&bytes);
                    }
                    2 => {
                        content.set_len(at as u64);
                        cached.resize(at, 0);
                    }
                    3 => {
                        sync(&mut content);
                        durable.clone_from(&cached);
                    }
                    _ => {
                        assert!(content.allocate(0, at as u64, u64::MAX));
                        cached.resize(cached.len().max(at), 0);
                    }
                }
                assert!(read(&content) == cached, "seed {seed} step {step}");
            }
            if seed % 2 == 0 {
                assert!(lose_all(&mut content) == durable, "seed {seed}");
            } else {
                let kind = Loss { survives: &|_| true, keeps_cut: true, length_parts: 256 };
                content.lose_power(&kind);
                assert!(read(&content) == cached, "seed {seed}");
            }
        }
    }
}
