//! One node's disk: names over contents, faults, room, and what a crash does to it.
//!
//! Reading order: `content` (bytes of a file), `names` (directories), `faults`, `verbs` (the seam).

mod content;
mod faults;
mod names;
mod verbs;

use std::collections::BTreeSet;
use std::path::Path;

pub use faults::{DiskFault, DiskVerb};
pub(super) use verbs::FileClosed;
pub use verbs::{MemoryFile, MemoryLock};

use super::random::{Concern, Random};
use crate::{Error, Result, Space};
use content::{Loss, SECTOR};
use faults::Faults;
use names::{InodeId, Names};

/// What happens to unsynced sectors and names when the power goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PowerLoss {
    /// Each has its own draw; the share that survives is drawn for the whole disk.
    Drawn,
    /// The harshest disk: only what was synced survives.
    KeepsNothing,
    /// The kindest: everything had just been written back.
    KeepsEverything,
}

/// What a disk was asked to do so far; it survives crashes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DiskStats {
    pub append_count: u64,
    pub appended_bytes: u64,
    pub read_count: u64,
    /// Of files.
    pub sync_count: u64,
    pub synced_sectors: u64,
    /// Of directories.
    pub sync_dir_count: u64,
    /// By power losses.
    pub lost_sectors: u64,
}

/// Size of a disk without a limit, as `space` reports it.
const UNLIMITED_BYTES: u64 = 1 << 40;

pub(super) struct Disk {
    names: Names,
    pub(super) faults: Faults,
    pub(super) stats: DiskStats,
    pub(super) read_only: bool,
    pub(super) capacity_bytes: Option<u64>,
    /// All latencies are multiplied by this.
    pub(super) slowness: u64,
    locks: BTreeSet<InodeId>,
    power_losses: u64,
}

impl Disk {
    pub(super) fn new() -> Self {
        Self {
            names: Names::new(),
            faults: Faults::default(),
            stats: DiskStats::default(),
            read_only: false,
            capacity_bytes: None,
            slowness: 1,
            locks: BTreeSet::new(),
            power_losses: 0,
        }
    }

    /// The whole content of a file as reads see it.
    pub(super) fn read_file(&self, path: &Path) -> Result<Vec<u8>> {
        let content = self.names.content(self.names.find_file(path)?);
        let mut bytes = Vec::new();
        content.read(0, usize::MAX, &mut bytes);
        Ok(bytes)
    }

    /// Exactly `count` bytes for the network: zeros where the file has been cut since.
    pub(super) fn read_for_sending(&self, inode: InodeId, at: u64, count: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count);
        self.names.content(inode).read(at, count, &mut bytes);
        bytes.resize(count, 0);
        bytes
    }

    pub(super) fn len_of(&self, inode: InodeId) -> u64 {
        self.names.content(inode).len()
    }

    /// A handle was closed.
    pub(super) fn release(&mut self, inode: InodeId) {
        self.names.release(inode);
    }

    pub(super) fn unlock(&mut self, inode: InodeId) {
        self.locks.remove(&inode);
        self.names.release(inode);
    }

    /// The process is gone and its handles and locks with it; the cache stays.
    pub(super) fn process_ended(&mut self) {
        self.locks.clear();
        self.names.forget_handles();
    }

    /// The machine is off. Returns how many sectors and changes of names were lost.
    pub(super) fn lose_power(&mut self, node: u64, random: Random, how: PowerLoss) -> [u64; 2] {
        self.power_losses += 1;
        self.locks.clear();
        let crash = [node, self.power_losses];
        let draw = |concern, what: &[u64]| random.draw(concern, &[&crash, what].concat());
        // One harsh disk in four loses all, one kind disk in four nearly nothing.
        let share = [0, 64, 128, 250][(draw(Concern::SectorLoss, &[]) % 4) as usize];
        let survives = |concern, what: &[u64]| match how {
            PowerLoss::Drawn => draw(concern, what) % 256 < share,
            PowerLoss::KeepsNothing => false,
            PowerLoss::KeepsEverything => true,
        };
        let lost_names = self.names.lose_power(|change| survives(Concern::NameLoss, &[change]));
        let mut lost_sectors = 0;
        for (inode, content) in self.names.files_mut() {
            let length_parts = match how {
                PowerLoss::Drawn => [0, 256, draw(Concern::LengthLoss, &[inode]) >> 8 & 255]
                    [(draw(Concern::LengthLoss, &[inode, 1]) % 3) as usize],
                PowerLoss::KeepsNothing => 0,
                PowerLoss::KeepsEverything => 256,
            };
            lost_sectors += content.lose_power(&Loss {
                survives: &|sector| survives(Concern::SectorLoss, &[inode, sector]),
                keeps_cut: survives(Concern::LengthLoss, &[inode, 2]),
                length_parts,
            });
        }
        self.stats.lost_sectors += lost_sectors;
        [lost_sectors, lost_names]
    }

    fn space(&self) -> Space {
        let total_bytes = self.capacity_bytes.unwrap_or(UNLIMITED_BYTES);
        let used_bytes = self.names.sector_count() * SECTOR as u64;
        Space { total_bytes, free_bytes: total_bytes.saturating_sub(used_bytes) }
    }

    /// Counting the used sectors is only worth while for a disk that can fill up.
    fn sectors_free(&self) -> u64 {
        match self.capacity_bytes {
            Some(_) => self.space().free_bytes / SECTOR as u64,
            None => u64::MAX,
        }
    }

    fn check_writable(&self) -> Result<()> {
        const EROFS: i32 = 30;
        if self.read_only { Err(Error::Failed(EROFS)) } else { Ok(()) }
    }

    /// Whether a change of names finds room.
    fn check_room(&self) -> Result<()> {
        if self.sectors_free() == 0 { Err(Error::NoSpace) } else { self.check_writable() }
    }
}
