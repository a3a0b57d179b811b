//! What a test or a schedule does to the disks of a world, and what it may see of them.

use core::time::Duration;
use model::Instant;
use std::path::Path;

use super::image::files_of;
use super::{
    DeviceChange, Disk, DiskDamage, DiskFault, DiskImage, DiskStats, FileEntry, PowerLoss,
};
use crate::memory::state::State;
use crate::memory::trace::Kind;
use crate::memory::world::{Life, NodeIndex, World};
use crate::{Entry, Result, Space};

impl World {
    // Faults.

    pub fn plant(&mut self, node: NodeIndex, fault: DiskFault) {
        self.with_disk(node, |disk| disk.faults.add(fault));
    }

    /// Removes every planted disk fault of a node; what it has done already stays.
    pub fn mend_disk(&mut self, node: NodeIndex) {
        self.with_disk(node, |disk| disk.faults.clear());
    }

    /// Harms what a disk holds. Returns how many sectors (of an eviction: pages that look different
    /// now) it met; 0 means that there was nothing to harm.
    pub fn damage_disk(&mut self, node: NodeIndex, damage: &DiskDamage) -> u64 {
        self.with_state(|state| {
            let now = state.now;
            let met = state.nodes[node.0].disk.damage(damage, now);
            state.record(node.0, Kind::DiskDamage, [met, 0]);
            met
        })
    }

    /// Changes all devices of a node.
    pub fn change_disk(&mut self, node: NodeIndex, change: DeviceChange) {
        self.with_state(|state| {
            let now = state.now;
            let devices = &mut state.nodes[node.0].disk.devices;
            devices.iter_mut().for_each(|device| device.change(change, now));
        });
    }

    /// Changes the device that holds a path.
    pub fn change_device(&mut self, node: NodeIndex, path: &Path, change: DeviceChange) {
        self.with_state(|state| {
            let now = state.now;
            let disk = &mut state.nodes[node.0].disk;
            let device = disk.names.device_of(path);
            disk.devices[device].change(change, now);
        });
    }

    pub fn set_read_only(&mut self, node: NodeIndex, read_only: bool) {
        self.change_disk(node, DeviceChange::ReadOnly(read_only));
    }

    /// Bytes that each device holds, counted in pages of 4 KiB; `None` for no limit.
    pub fn set_disk_capacity(&mut self, node: NodeIndex, bytes: Option<u64>) {
        self.change_disk(node, DeviceChange::Capacity(bytes));
    }

    /// Multiplies the time of every disk operation; 1 is a healthy disk.
    pub fn slow_disk(&mut self, node: NodeIndex, factor: u64) {
        self.change_disk(node, DeviceChange::Slowness(factor));
    }

    /// Puts another disk into a node that is not up: an old image of it, or an empty one.
    ///
    /// # Panics
    /// When the node is up.
    pub fn replace_disk(&mut self, node: NodeIndex, image: DiskImage) {
        assert_ne!(self.life(node), Life::Up, "{node:?} is using its disk");
        self.with_disk(node, |disk| disk.replace(image));
    }

    // Crash points.

    /// What a power loss at this moment would leave of a node's disk. The run goes on undisturbed,
    /// and draws for images are not those of a real power loss.
    #[must_use]
    pub fn crash_image(&self, node: NodeIndex, how: PowerLoss) -> DiskImage {
        self.look(|state| state.nodes[node.0].disk.image(how, state.now))
    }

    /// Operations so far that changed a node's disk or made something durable.
    #[must_use]
    pub fn disk_operation_count(&self, node: NodeIndex) -> u64 {
        self.disk_stats(node).change_count
    }

    /// Runs until the node's disk has done so many such operations, and stops right behind the last
    /// one, before anybody hears of it. False when `limit` passed or nothing is left to happen.
    pub fn run_until_disk_operation(
        &mut self,
        node: NodeIndex,
        count: u64,
        limit: Duration,
    ) -> bool {
        self.run_until(limit, |world| world.disk_operation_count(node) >= count)
    }

    // Looking in.

    /// The room of a node's first device, as the node would be told.
    #[must_use]
    pub fn disk_space(&self, node: NodeIndex) -> Space {
        self.look(|state| state.nodes[node.0].disk.space(0))
    }

    #[must_use]
    pub fn disk_stats(&self, node: NodeIndex) -> DiskStats {
        self.look(|state| state.nodes[node.0].disk.stats)
    }

    /// When a read of a file in a directory of this name, also by `send_file`, last returned bytes
    /// that the program did not write there.
    #[must_use]
    pub fn last_wrong_read(&self, node: NodeIndex, directory: &str) -> Option<Instant> {
        let is_there = |path: &Path| path.parent().is_some_and(|it| it.ends_with(directory));
        self.look(|state| {
            let reads = state.nodes[node.0].disk.wrong_reads.iter();
            reads.filter(|(path, _)| is_there(path)).map(|(_, at)| *at).max()
        })
    }

    /// A file's bytes as reads would see them; works whether the node is up or not.
    ///
    /// # Errors
    /// `NotFound`, or `Failed` when the path is not a file.
    pub fn read_file(&self, node: NodeIndex, path: &Path) -> Result<Vec<u8>> {
        self.look(|state| state.nodes[node.0].disk.read_file(path))
    }

    /// Names in a directory as the program would see them, sorted.
    ///
    /// # Errors
    /// `NotFound`, or `Failed` when the path is not a directory.
    pub fn list(&self, node: NodeIndex, path: &Path) -> Result<Vec<Entry>> {
        self.look(|state| state.nodes[node.0].disk.names.list(path))
    }

    /// Every file of a node as the program would see them, in the order of the paths.
    #[must_use]
    pub fn files(&self, node: NodeIndex) -> Vec<FileEntry> {
        self.look(|state| files_of(&state.nodes[node.0].disk.names))
    }

    fn with_disk(&mut self, node: NodeIndex, change: impl FnOnce(&mut Disk)) {
        self.with_state(|state: &mut State| change(&mut state.nodes[node.0].disk));
    }
}
