//! What a simulated disk is, and what it tells about itself.

use core::time::Duration;
use std::path::PathBuf;

/// The unit in which a device writes: all of it or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SectorSize {
    /// A page of the cache may be torn.
    Bytes512,
    #[default]
    Bytes4096,
}

impl SectorSize {
    pub(super) fn bytes(self) -> u64 {
        match self {
            Self::Bytes512 => 512,
            Self::Bytes4096 => 4096,
        }
    }
}

/// What a machine's disk is like. The default is a healthy disk as Linux and NVMe give it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DiskOptions {
    pub sector: SectorSize,
    /// Directories with a device of their own: own room, speed and stalls, no renames across. What
    /// lies in none of them is on the machine's first device.
    pub mounts: Vec<PathBuf>,
    /// Room is taken by the sync instead of the write, so that a full disk fails the sync.
    pub delayed_allocation: bool,
    /// A write of a killed process may land up to 50 ms after the kill, whoever holds the file
    /// lock then. A kernel does that only with direct I/O; buffered writes end before the lock.
    pub direct_io: bool,
    /// A sector that was being written at a power loss may hold noise. Outside of what a broker has
    /// to survive: disks promise that it holds the old or the new bytes.
    pub garbage_sectors: bool,
}

/// What happens to unsynced sectors and names when the power goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PowerLoss {
    /// Each has its own draw; the share that survives is drawn for the whole disk.
    Drawn,
    /// The same with other draws for each number.
    DrawnAs(u64),
    /// The harshest disk: only what was synced survives.
    KeepsNothing,
    /// The kindest: everything had just been written back.
    KeepsEverything,
    /// All names and lengths, and of the unsynced sectors the one that was written last.
    OnlyLast,
    /// All names and lengths, and the unsynced sectors but for the one that was written first.
    AllButFirst,
}

/// A change of one device, or of all devices of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceChange {
    /// Bytes that it holds, counted in pages of 4 KiB; `None` for no limit.
    Capacity(Option<u64>),
    /// All its times are multiplied by this; 1 is a healthy device.
    Slowness(u64),
    /// It answers nothing for so long; operations wait.
    StalledFor(Duration),
    ReadOnly(bool),
}

/// What a disk was asked to do so far, and which effects of faults the program could notice. It
/// survives crashes.
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
    /// Operations that changed the disk or made something durable: the boundaries at which a crash
    /// leaves another image.
    pub change_count: u64,

    /// By power losses, of files that still have a name.
    pub lost_sectors: u64,
    /// Of them, those that a lying sync had called durable.
    pub lost_promised_sectors: u64,
    /// Of them, those that hold noise.
    pub noisy_sectors: u64,
    /// Operations that a planted error answered.
    pub failed_count: u64,
    /// Failed appends that left a part of their bytes.
    pub partial_append_count: u64,
    /// Operations that found no room: writes, syncs and changes of directories.
    pub no_space_count: u64,
    /// Syncs that told of a failed writeback.
    pub writeback_error_count: u64,
    /// Reads, also by `send_file`, that returned bytes which the program did not write there.
    pub wrong_read_count: u64,
    /// Reads and writes that failed at a sector which cannot be read.
    pub unreadable_count: u64,
    /// Sectors that landed on a wrong place.
    pub misdirected_sectors: u64,
    /// Operations that a slow or silent device held up.
    pub delayed_count: u64,
    /// Operations that a dying process left undone, or half done.
    pub interrupted_count: u64,
    /// Operations that happened after the death of the process that asked for them.
    pub late_count: u64,
    /// Locks that were refused because a dead process still had them.
    pub stale_lock_count: u64,
}
