//! One node's disk: names over contents on devices, faults, and what a crash does to it.
//!
//! Three images of every file: what reads see, what is submitted and not completed, and what the
//! medium holds. Promises: what a power loss or a kill leaves is drawn per sector, per change of a
//! name and per operation, each by its own draw; a copy of a disk shares what neither side changes.
//! Does not: plan faults. A test or a schedule plants them, in virtual time.
//!
//! Reading order: `options` (what a disk is), `content` (bytes of a file), `harm` and `writeback`,
//! `names` (directories), `device`, `faults` and `damage`, `change` (what operations do), `operation`
//! (when they do it), `verbs` (the seam), `image`, `control` (what a test does).

mod change;
mod content;
mod control;
mod damage;
mod device;
mod faults;
mod harm;
mod image;
mod names;
mod operation;
mod options;
mod verbs;
mod writeback;

use core::time::Duration;
use model::Instant;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use damage::{DiskDamage, Spot};
pub use faults::{DiskEffect, DiskFault, DiskVerb};
pub use image::{DiskImage, FileEntry};
pub use options::{DeviceChange, DiskOptions, DiskStats, PowerLoss, SectorSize};
pub(super) use verbs::FileClosed;
pub use verbs::{MemoryFile, MemoryLock};

use super::random::{Concern, Random};
use crate::{Error, Result, Space};
use content::{Loss, Lost, PAGE_BYTES, Room};
use device::Device;
use faults::{Attempt, Faults};
use harm::Harm;
use names::{InodeId, Names};
use operation::Operation;

/// Size of a device without a limit, as `space` reports it.
const UNLIMITED_BYTES: u64 = 1 << 40;
const EIO: Error = Error::Failed(5);
const EROFS: Error = Error::Failed(30);

pub(super) struct Disk {
    node: u64,
    random: Random,
    options: DiskOptions,
    names: Names,
    devices: Vec<Device>,
    faults: Faults,
    pub(super) stats: DiskStats,
    /// When a read of a file last returned bytes that the program did not write there.
    wrong_reads: BTreeMap<PathBuf, Instant>,
    /// Submitted and not completed; also those of processes that have died meanwhile.
    operations: BTreeMap<u64, Operation>,
    submitted: u64,
    /// `None` while its process lives, then until when it outlives that.
    locks: BTreeMap<InodeId, Option<Instant>>,
    /// Orders the writes of the whole disk.
    written: u64,
    power_losses: u64,
}

impl Disk {
    fn of_names(node: usize, random: Random, options: DiskOptions, names: Names) -> Self {
        Self {
            node: node as u64,
            random,
            names,
            devices: vec![Device::new(); 1 + options.mounts.len()],
            options,
            faults: Faults::default(),
            stats: DiskStats::default(),
            wrong_reads: BTreeMap::new(),
            operations: BTreeMap::new(),
            submitted: 0,
            locks: BTreeMap::new(),
            written: 0,
            power_losses: 0,
        }
    }

    /// The whole content of a file as reads see it.
    fn read_file(&self, path: &Path) -> Result<Vec<u8>> {
        Ok(self.names.whole(self.names.find_file(path)?))
    }

    /// Exactly `count` bytes for the network: zeros where the file has been cut since.
    pub(super) fn read_for_sending(
        &mut self,
        file: &MemoryFile,
        at: u64,
        count: usize,
        now: Instant,
    ) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count);
        let content = self.names.content(file.inode());
        let is_wrong = content.harm_in(at, count as u64).is_some();
        content.read(at, count, &mut bytes);
        bytes.resize(count, 0);
        if is_wrong {
            self.note_wrong_read(file, now);
        }
        bytes
    }

    fn note_wrong_read(&mut self, file: &MemoryFile, now: Instant) {
        self.stats.wrong_read_count += 1;
        self.wrong_reads.insert(file.path().to_owned(), now);
    }

    /// Whether the network can take these bytes: they exist and can be read.
    pub(super) fn can_send(&mut self, inode: InodeId, at: u64, count: usize) -> bool {
        let content = self.names.content(inode);
        if content.harm_in(at, count as u64) == Some(Harm::Unreadable) {
            self.stats.unreadable_count += 1;
            return false;
        }
        at + count as u64 <= content.len()
    }

    pub(super) fn len_of(&self, inode: InodeId) -> u64 {
        self.names.content(inode).len()
    }

    /// A handle was closed.
    pub(super) fn release(&mut self, inode: InodeId) {
        self.names.close_handle(inode);
    }

    pub(super) fn unlock(&mut self, inode: InodeId) {
        self.locks.remove(&inode);
        self.names.release(inode);
    }

    /// Takes the lock of a file; false when somebody has it.
    fn try_lock(&mut self, inode: InodeId, now: Instant) -> bool {
        match self.locks.get(&inode) {
            Some(None) => return false,
            Some(Some(until)) if *until > now => {
                self.stats.stale_lock_count += 1;
                return false;
            }
            Some(Some(_)) | None => {}
        }
        self.locks.insert(inode, None);
        self.names.retain(inode);
        true
    }

    /// The process is gone and its handles with it; the cache stays, the locks for a moment.
    pub(super) fn process_ended(&mut self, locks_until: Instant) {
        for until in self.locks.values_mut() {
            until.get_or_insert(locks_until);
        }
        self.names.forget_handles();
        self.locks.retain(|inode, _| self.names.exists(*inode));
    }

    /// The machine is off. Returns how many sectors and changes of names were lost.
    pub(super) fn lose_power(&mut self, how: PowerLoss) -> [u64; 2] {
        self.power_losses += 1;
        self.locks.clear();
        let (lost, lost_names) = self.forget_unsynced(how, [self.node, self.power_losses]);
        self.stats.lost_sectors += lost.sectors;
        self.stats.lost_promised_sectors += lost.promised_sectors;
        self.stats.noisy_sectors += lost.noisy_sectors;
        [lost.sectors, lost_names]
    }

    /// What the medium holds after a power loss is all there is. `crash` names the loss for draws.
    fn forget_unsynced(&mut self, how: PowerLoss, crash: [u64; 2]) -> (Lost, u64) {
        let number = if let PowerLoss::DrawnAs(number) = how { 1 + number } else { 0 };
        let random = self.random;
        let crash = [crash[0], crash[1], number];
        let draw = |concern, what: &[u64]| random.draw(concern, &[&crash, what].concat());
        // One harsh disk in four loses all, one kind disk in four nearly nothing.
        let share = [0, 64, 128, 250][(draw(Concern::SectorLoss, &[]) % 4) as usize];
        let survives = |concern, what: &[u64]| match how {
            PowerLoss::Drawn | PowerLoss::DrawnAs(_) => draw(concern, what) % 256 < share,
            PowerLoss::KeepsNothing => false,
            PowerLoss::KeepsEverything | PowerLoss::OnlyLast | PowerLoss::AllButFirst => true,
        };
        let [first, last] = self.dirty_ends(how);
        let lost_names = self.names.lose_power(|change| survives(Concern::NameLoss, &[change]));
        let garbage = self.options.garbage_sectors;
        let mut lost = Lost::default();
        for (inode, identity, content) in self.names.unsettled_mut() {
            let length_parts = match how {
                PowerLoss::Drawn | PowerLoss::DrawnAs(_) => {
                    [0, 256, draw(Concern::LengthLoss, &[identity]) >> 8 & 255]
                        [(draw(Concern::LengthLoss, &[identity, 1]) % 3) as usize]
                }
                PowerLoss::KeepsNothing => 0,
                PowerLoss::KeepsEverything | PowerLoss::OnlyLast | PowerLoss::AllButFirst => 256,
            };
            let of_file = content.lose_power(&Loss {
                survives: &|sector, written| match how {
                    PowerLoss::OnlyLast => Some((written, inode, sector)) == last,
                    PowerLoss::AllButFirst => Some((written, inode, sector)) != first,
                    _ => survives(Concern::SectorLoss, &[identity, sector]),
                },
                noise: &|sector| {
                    let noise = draw(Concern::GarbageSector, &[identity, sector]);
                    (garbage && noise.is_multiple_of(2)).then_some(noise)
                },
                keeps_cut: survives(Concern::LengthLoss, &[identity, 2]),
                length_parts,
            });
            lost.sectors += of_file.sectors;
            lost.promised_sectors += of_file.promised_sectors;
            lost.noisy_sectors += of_file.noisy_sectors;
        }
        (lost, lost_names)
    }

    /// The dirty sectors that were written first and last, where the kind of loss asks for them.
    fn dirty_ends(&self, how: PowerLoss) -> [Option<(u64, InodeId, u64)>; 2] {
        if !matches!(how, PowerLoss::OnlyLast | PowerLoss::AllButFirst) {
            return [None; 2];
        }
        let dirty = || {
            let of_file = |(inode, content): (InodeId, &content::Content)| {
                let place = move |(sector, written)| (written, inode, sector);
                content.dirty().map(place).collect::<Vec<_>>()
            };
            self.names.files().flat_map(of_file)
        };
        [dirty().min(), dirty().max()]
    }

    fn unsynced_sector_count(&self) -> u64 {
        self.names.files().map(|(_, content)| content.dirty_count()).sum()
    }

    fn space(&self, device: usize) -> Space {
        let total_bytes = self.devices[device].capacity_bytes.unwrap_or(UNLIMITED_BYTES);
        let used_bytes = self.names.placed_page_count(device) * PAGE_BYTES;
        Space { total_bytes, free_bytes: total_bytes.saturating_sub(used_bytes) }
    }

    /// Counting the used pages is only worth while for a device that can fill up.
    fn pages_free(&self, device: usize) -> u64 {
        match self.devices[device].capacity_bytes {
            Some(_) => self.space(device).free_bytes / PAGE_BYTES,
            None => u64::MAX,
        }
    }

    fn room(&self, device: usize) -> Room {
        let delayed = self.options.delayed_allocation;
        Room { pages_free: self.pages_free(device), delayed }
    }

    fn check_writable(&self, device: usize) -> Result<()> {
        if self.devices[device].read_only { Err(EROFS) } else { Ok(()) }
    }

    /// Whether a change of names finds room.
    fn check_room(&mut self, device: usize) -> Result<()> {
        if self.pages_free(device) == 0 {
            self.stats.no_space_count += 1;
            return Err(Error::NoSpace);
        }
        self.check_writable(device)
    }

    /// The next write's place in the order of all writes of this disk.
    fn next_write(&mut self) -> u64 {
        self.written += 1;
        self.written
    }

    /// Which planted fault hits the operation.
    fn fault(&mut self, attempt: &Attempt<'_>) -> Option<DiskEffect> {
        let effect = self.faults.check(attempt, self.random);
        self.stats.failed_count += u64::from(matches!(effect, Some(DiskEffect::Error(_))));
        effect
    }
}

fn virtual_ms(now: Instant) -> u64 {
    now.since(Instant(0)).as_millis().try_into().unwrap_or(u64::MAX)
}

/// A pause of up to so many milliseconds out of a draw.
fn up_to_ms(draw: u64, most_ms: u64) -> Duration {
    Duration::from_nanos(draw % (most_ms * 1_000_000 + 1))
}
