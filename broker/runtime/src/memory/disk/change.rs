//! What the changing operations do to a disk, as data: so that a crash image can do them too.

use core::ops::Range;
use model::{Bufs, Instant};
use std::path::{Path, PathBuf};

use super::content::SyncImage;
use super::faults::{Attempt, DiskEffect, DiskVerb};
use super::names::InodeId;
use super::verbs::MemoryFile;
use super::{Concern, Disk, EIO, Error, Result, virtual_ms};
use crate::Open;
use crate::memory::to_usize;
use crate::memory::trace::{Fold, Kind};

/// Which part of an operation happens: a draw says how much of an append.
pub(super) type Part = Option<u64>;

#[derive(Clone)]
pub(super) enum Change {
    Open {
        path: PathBuf,
        how: Open,
    },
    Append {
        file: MemoryFile,
        at: u64,
        pieces: Bufs,
    },
    SyncData {
        file: MemoryFile,
        image: SyncImage,
    },
    SetLen {
        file: MemoryFile,
        len: u64,
    },
    Allocate {
        file: MemoryFile,
        range: Range<u64>,
    },
    CreateDir(PathBuf),
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    Link {
        from: PathBuf,
        to: PathBuf,
    },
    Remove(PathBuf),
    /// Covers so many changes of names.
    SyncDir {
        path: PathBuf,
        covered: u64,
    },
}

impl Change {
    /// How a trace shows it: the kind, and a word that tells it from others of its kind.
    pub(super) fn trace(&self) -> (Kind, u64) {
        let of = |path: &Path| Fold::bytes(path.as_os_str().as_encoded_bytes());
        match self {
            Self::Append { file, at, .. } => (Kind::Append, file.identity() ^ at),
            Self::SetLen { file, len } => (Kind::Append, file.identity() ^ len),
            Self::Allocate { file, range } => (Kind::Append, file.identity() ^ range.end),
            Self::SyncData { file, image } => {
                (Kind::Sync, file.identity() ^ image.sectors().len() as u64)
            }
            Self::SyncDir { path, .. } => (Kind::Sync, of(path)),
            Self::Open { path, .. } | Self::CreateDir(path) | Self::Remove(path) => {
                (Kind::Name, of(path))
            }
            Self::Rename { from, to } | Self::Link { from, to } => {
                (Kind::Name, of(from) ^ of(to).rotate_left(1))
            }
        }
    }

    /// Whether a crash may find it done in part; everything else is done or not.
    pub(super) fn is_sync(&self) -> bool {
        matches!(self, Self::SyncData { .. } | Self::SyncDir { .. })
    }

    /// The file that it is about, when it is about one.
    fn inode(&self) -> Option<InodeId> {
        match self {
            Self::Append { file, .. }
            | Self::SyncData { file, .. }
            | Self::SetLen { file, .. }
            | Self::Allocate { file, .. } => Some(file.inode()),
            _ => None,
        }
    }

    /// Sectors that are on their way in it.
    pub(super) fn sector_count(&self, sector_bytes: u64) -> u64 {
        match self {
            Self::Append { at, pieces, .. } if !pieces.is_empty() => {
                (at + size_of_all(pieces)).div_ceil(sector_bytes) - at / sector_bytes
            }
            _ => 0,
        }
    }
}

impl Disk {
    /// Does the operation. Nothing happens to a file that is gone together with its process.
    pub(super) fn perform(&mut self, change: Change, part: Part, now: Instant) -> Result<()> {
        if change.inode().is_some_and(|inode| !self.names.exists(inode)) {
            return Ok(());
        }
        match change {
            Change::Open { path, how } => self.open(&path, how, now),
            Change::Append { file, at, pieces } => self.append(&file, at, pieces, part, now),
            Change::SyncData { file, image } => self.sync_data(&file, image, now),
            Change::SetLen { file, len } => {
                self.check_file(&file, DiskVerb::SetLen, now)?;
                let written = self.next_write();
                self.names.content_mut(file.inode()).set_len(len, written);
                self.stats.change_count += 1;
                Ok(())
            }
            Change::Allocate { file, range } => self.allocate(&file, range, now),
            Change::CreateDir(path) => self.change_names(&path, now, |disk| {
                if disk.names.find(&path).is_err() {
                    disk.check_room(disk.names.device_of(&path))?;
                }
                disk.names.create_directories(&path)
            }),
            Change::Rename { from, to } => {
                self.change_names(&from, now, |disk| disk.names.rename(&from, &to))
            }
            Change::Link { from, to } => self.change_names(&from, now, |disk| {
                disk.check_room(disk.names.device_of(&to))?;
                disk.names.link(&from, &to)
            }),
            Change::Remove(path) => self.change_names(&path, now, |disk| disk.names.remove(&path)),
            Change::SyncDir { path, covered } => self.sync_dir(&path, covered, now),
        }
    }

    fn open(&mut self, path: &Path, how: Open, now: Instant) -> Result<()> {
        self.check(DiskVerb::Open, path, 0..0, now)?;
        if how == Open::Write {
            self.check_writable(self.names.device_of(path))?;
        }
        match self.names.find_file(path) {
            Ok(_) if how == Open::CreateNew => Err(Error::Exists),
            Err(Error::NotFound) if matches!(how, Open::Create | Open::CreateNew) => {
                self.check_room(self.names.device_of(path))?;
                self.names.create_file(path)?;
                self.stats.change_count += 1;
                Ok(())
            }
            found => found.map(drop),
        }
    }

    fn append(
        &mut self,
        file: &MemoryFile,
        at: u64,
        pieces: Bufs,
        part: Part,
        now: Instant,
    ) -> Result<()> {
        let (inode, size) = (file.inode(), size_of_all(&pieces));
        let device = self.names.device(inode);
        self.check_writable(device)?;
        if self.names.content(inode).blocks_write(at, size) {
            self.stats.unreadable_count += 1;
            return Err(EIO);
        }
        let failed = self.check(DiskVerb::Append, file.path(), at..at + size, now);
        let part = match (&failed, part) {
            (Err(_), _) => {
                let key = [file.identity(), at, size, virtual_ms(now)];
                Some(self.random.draw(Concern::FailedWrite, &key))
            }
            (Ok(()), part) => part,
        };
        let wanted = part.map_or(size, |draw| draw % (size + 1));
        let landed = self.land(file, at, pieces, wanted);
        self.stats.append_count += 1;
        self.stats.appended_bytes += landed;
        self.stats.change_count += 1;
        if failed.is_err() {
            self.stats.partial_append_count += u64::from(landed > 0);
            return failed;
        }
        if landed < wanted {
            self.stats.no_space_count += 1;
            return Err(Error::NoSpace);
        }
        Ok(())
    }

    /// Puts the first `wanted` bytes into the cache; returns how many found room.
    pub(super) fn land(&mut self, file: &MemoryFile, at: u64, pieces: Bufs, wanted: u64) -> u64 {
        if !self.names.exists(file.inode()) {
            return 0;
        }
        let (room, written) = (self.room(self.names.device(file.inode())), self.next_write());
        let content = self.names.content_mut(file.inode());
        content.write(at, &first_bytes(pieces, wanted), room, written)
    }

    fn sync_data(&mut self, file: &MemoryFile, mut image: SyncImage, now: Instant) -> Result<()> {
        let inode = file.inode();
        let free = self.pages_free(self.names.device(inode));
        let attempt = Attempt { verb: DiskVerb::SyncData, path: file.path(), range: 0..0, now };
        let effect = self.fault(&attempt);
        self.stats.sync_count += 1;
        self.stats.change_count += 1;
        let content = self.names.content_mut(inode);
        let failure = match effect {
            Some(DiskEffect::Error(error)) => Some(error),
            _ if image.unplaced_page_count() > free => {
                self.stats.no_space_count += 1;
                Some(Error::NoSpace)
            }
            _ => None,
        };
        if let Some(error) = failure {
            content.fail_sync(&image);
            content.errors.raise(error);
            // The handle hears of it as every other one does: see `verbs`.
            return Ok(());
        }
        if effect == Some(DiskEffect::Lie) {
            content.pretend_sync(&image);
            return Ok(());
        }
        let astray = match effect {
            Some(DiskEffect::Misdirect) => self.divert(inode, &mut image, now),
            _ => None,
        };
        self.stats.synced_sectors += image.sectors().len() as u64;
        self.names.content_mut(inode).finish_sync(image);
        if let Some(astray) = astray {
            self.strike(astray);
        }
        Ok(())
    }

    fn allocate(&mut self, file: &MemoryFile, range: Range<u64>, now: Instant) -> Result<()> {
        self.check_file(file, DiskVerb::Allocate, now)?;
        let free = self.pages_free(self.names.device(file.inode()));
        let written = self.next_write();
        self.stats.change_count += 1;
        let content = self.names.content_mut(file.inode());
        if content.allocate(range.start, range.end, free, written) {
            return Ok(());
        }
        self.stats.no_space_count += 1;
        Err(Error::NoSpace)
    }

    fn change_names(
        &mut self,
        path: &Path,
        now: Instant,
        work: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        self.check(DiskVerb::Names, path, 0..0, now)?;
        self.check_writable(self.names.device_of(path))?;
        work(self)?;
        self.stats.change_count += 1;
        Ok(())
    }

    fn sync_dir(&mut self, path: &Path, covered: u64, now: Instant) -> Result<()> {
        self.stats.sync_dir_count += 1;
        self.stats.change_count += 1;
        let effect = self.fault(&Attempt { verb: DiskVerb::SyncDir, path, range: 0..0, now });
        if let Some(DiskEffect::Error(error)) = effect {
            return Err(error);
        }
        let directory = self.names.find(path)?;
        if effect.is_none() {
            self.names.sync_directory(directory, covered);
        }
        Ok(())
    }

    /// Whether a planted error answers the operation.
    pub(super) fn check(
        &mut self,
        verb: DiskVerb,
        path: &Path,
        range: Range<u64>,
        now: Instant,
    ) -> Result<()> {
        match self.fault(&Attempt { verb, path, range, now }) {
            Some(DiskEffect::Error(error)) => Err(error),
            _ => Ok(()),
        }
    }

    fn check_file(&mut self, file: &MemoryFile, verb: DiskVerb, now: Instant) -> Result<()> {
        self.check_writable(self.names.device(file.inode()))?;
        self.check(verb, file.path(), 0..0, now)
    }
}

pub(super) fn size_of_all(pieces: &Bufs) -> u64 {
    pieces.iter().map(|piece| piece.len() as u64).sum()
}

/// The pieces up to a number of bytes.
fn first_bytes(pieces: Bufs, mut left: u64) -> Bufs {
    let mut first = Bufs::with_capacity(pieces.len());
    for piece in pieces {
        let size = left.min(piece.len() as u64);
        left -= size;
        first.push(piece.slice(..to_usize(size)));
    }
    first
}
