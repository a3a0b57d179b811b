//! What a power loss would leave of a disk, without one: to recover it elsewhere and to look into it.
//!
//! An image shares all pages with the disk it was taken from until one of the two changes them; many
//! images of one moment cost little more than one.

use model::Instant;
use std::path::{Path, PathBuf};

use super::names::Names;
use super::{Disk, DiskOptions, PowerLoss, Random};
use crate::{Entry, Result};

/// A disk at rest. A node in any world may boot on it.
#[derive(Clone)]
pub struct DiskImage {
    names: Names,
    options: DiskOptions,
    unsynced_sectors: u64,
}

/// One file of a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    pub path: PathBuf,
    pub len: u64,
}

impl DiskImage {
    /// A disk that nothing was ever written to.
    #[must_use]
    pub fn empty(options: &DiskOptions) -> Self {
        let names = Names::new(options.sector.bytes(), &options.mounts);
        Self { names, options: options.clone(), unsynced_sectors: 0 }
    }

    /// Sectors that were written or on their way when it was taken and that no sync had covered: a
    /// crash that found none proves little.
    #[must_use]
    pub fn unsynced_sector_count(&self) -> u64 {
        self.unsynced_sectors
    }

    /// Every file, in the order of the paths.
    #[must_use]
    pub fn files(&self) -> Vec<FileEntry> {
        files_of(&self.names)
    }

    /// Names in a directory, sorted.
    ///
    /// # Errors
    /// `NotFound`, or `Failed` when the path is not a directory.
    pub fn list(&self, path: &Path) -> Result<Vec<Entry>> {
        self.names.list(path)
    }

    /// The whole content of a file.
    ///
    /// # Errors
    /// `NotFound`, or `Failed` when the path is not a file.
    pub fn read_file(&self, path: &Path) -> Result<Vec<u8>> {
        Ok(self.names.whole(self.names.find_file(path)?))
    }
}

pub(super) fn files_of(names: &Names) -> Vec<FileEntry> {
    let entry = |(path, inode)| FileEntry { path, len: names.content(inode).len() };
    names.walk().into_iter().map(entry).collect()
}

impl Disk {
    /// A disk of a node that was put in from an image.
    pub(in crate::memory) fn of_image(node: usize, random: Random, image: DiskImage) -> Self {
        Self::of_names(node, random, image.options, image.names)
    }

    /// What a power loss at this moment would leave; the disk goes on undisturbed.
    pub(super) fn image(&self, how: PowerLoss, now: Instant) -> DiskImage {
        // Another draw for each state of the disk, and none that a real power loss would use.
        let crash = [self.node ^ u64::MAX, self.stats.change_count];
        let mut copy = Self {
            written: self.written,
            devices: self.devices.clone(),
            ..Self::of_names(0, self.random, self.options.clone(), self.names.clone())
        };
        copy.node = self.node;
        let in_flight = self.settle_copy(&mut copy, how, crash, now);
        let unsynced_sectors = self.unsynced_sector_count() + in_flight;
        copy.forget_unsynced(how, crash);
        DiskImage { names: copy.names, options: copy.options, unsynced_sectors }
    }

    /// Puts another disk in its place; faults and devices are those of a healthy one.
    pub(super) fn replace(&mut self, image: DiskImage) {
        let new = Self::of_names(0, self.random, image.options, image.names);
        // Numbers of operations are never used twice: the old ones may still be in the event queue.
        let (node, submitted, stats) = (self.node, self.submitted, self.stats);
        *self = Self { node, submitted, stats, power_losses: self.power_losses, ..new };
    }
}
