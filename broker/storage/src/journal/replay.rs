//! After a crash: what the journal holds goes back into the segment files.
//!
//! Promises: everything that a commit made durable is durable in its segment when this returns, and the journal is
//! void. Applying twice gives the same files, so a crash in the middle does no harm.
//! Does not: check record batches; recovery of each log follows and reads what it finds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use model::{Buf, Offset, TopicPartition};
use runtime::{Disk, EntryKind, Open, Purpose, Spawn};

use super::format::{self, COMMIT_HEADER_BYTES, CommitHeader, FrameHead, FrameKind};
use super::{BLOCK_BYTES, task};
use crate::StorageError;
use crate::checkpoint::{parse_directory_name, read_partition_metadata};
use crate::files;

const SCAN_BYTES: usize = 1 << 20;
/// Files kept open at once while frames are applied.
const OPEN_FILES_MAX: usize = 256;

/// Applies one journal file to the partition directories; `partitions` finds them. Returns the frames applied.
pub(crate) async fn replay<R: Disk + Spawn>(
    rt: &R,
    path: &Path,
    partitions: &BTreeMap<TopicPartition, PathBuf>,
) -> Result<u64, StorageError> {
    let file = rt.open(path, Open::Write).await.map_err(StorageError::disk(path, "open"))?;
    let superblock = files::read_range(rt, &file, path, 0, BLOCK_BYTES).await?;
    let Some(incarnation) = format::decode_superblock(&superblock) else { return Ok(0) };
    let mut applier = Applier {
        rt,
        partitions,
        open: BTreeMap::new(),
        directories: BTreeSet::new(),
        compacted: BTreeMap::new(),
        applied: 0,
    };

    let commits = scan(rt, &file, path, incarnation).await?;
    if let Some(newest) = newest_whole(rt, &file, path, &commits).await? {
        let needed = newest.oldest_needed..=newest.sequence;
        let mut ordinals = 0..;
        for sequence in needed.clone() {
            let frames = read_needed(rt, &file, path, &commits, sequence).await?;
            for ((head, _), ordinal) in frames.into_iter().zip(&mut ordinals) {
                applier.note_compaction(ordinal, &head);
            }
        }
        let mut ordinals = 0..;
        for sequence in needed {
            let frames = read_needed(rt, &file, path, &commits, sequence).await?;
            for ((head, bytes), ordinal) in frames.into_iter().zip(&mut ordinals) {
                applier.apply(ordinal, &head, bytes).await?;
            }
        }
    }
    applier.sync().await?;
    task::reset(rt, &file, path, rt.random(Purpose::DirectoryId)).await?;
    Ok(applier.applied)
}

/// Every partition directory below the data directory, by the id in its `partition.metadata`.
pub(crate) async fn find_partitions<R: Disk>(
    rt: &R,
    directory: &Path,
) -> Result<BTreeMap<TopicPartition, PathBuf>, StorageError> {
    let mut found = BTreeMap::new();
    let entries = rt.list(directory).await.map_err(StorageError::disk(directory, "list"))?;
    for entry in entries.into_iter().filter(|entry| entry.kind == EntryKind::Directory) {
        let Some((_, partition)) = parse_directory_name(&entry.name) else { continue };
        let path = directory.join(&entry.name);
        if let Some(topic) = read_partition_metadata(rt, &path).await? {
            found.insert(TopicPartition { topic, partition }, path);
        }
    }
    Ok(found)
}

/// Positions of everything that looks like a commit of this incarnation, by sequence.
async fn scan<R: Disk>(
    rt: &R,
    file: &R::File,
    path: &Path,
    incarnation: u64,
) -> Result<BTreeMap<u64, (u64, CommitHeader)>, StorageError> {
    let mut commits = BTreeMap::new();
    let mut at = BLOCK_BYTES as u64;
    loop {
        let chunk = files::read_range(rt, file, path, at, SCAN_BYTES).await?;
        for (block, position) in chunk.chunks(BLOCK_BYTES).zip((at..).step_by(BLOCK_BYTES)) {
            if let Some(header) = format::decode_commit_header(block, incarnation) {
                commits.insert(header.sequence, (position, header));
            }
        }
        at += chunk.len() as u64;
        if chunk.len() < SCAN_BYTES {
            return Ok(commits);
        }
    }
}

/// The last commit that was written to its end: only the newest of all can be torn.
async fn newest_whole<R: Disk>(
    rt: &R,
    file: &R::File,
    path: &Path,
    commits: &BTreeMap<u64, (u64, CommitHeader)>,
) -> Result<Option<CommitHeader>, StorageError> {
    for (at, header) in commits.values().rev() {
        if read_commit(rt, file, path, *at, header).await?.is_some() {
            return Ok(Some(*header));
        }
    }
    Ok(None)
}

async fn read_commit<R: Disk>(
    rt: &R,
    file: &R::File,
    path: &Path,
    at: u64,
    header: &CommitHeader,
) -> Result<Option<Vec<(FrameHead, Buf)>>, StorageError> {
    let len = rt.len(file).await.map_err(StorageError::disk(path, "size of"))?;
    let count = (COMMIT_HEADER_BYTES as u64).saturating_add(header.body_bytes);
    if count > len.saturating_sub(at) {
        return Ok(None); // A damaged length: never allocate by it.
    }
    let count = usize::try_from(count).expect("fits the file");
    let bytes = Buf::from(files::read_range(rt, file, path, at, count).await?);
    Ok(format::decode_commit(header, &bytes))
}

/// A commit that the replay cannot do without.
async fn read_needed<R: Disk>(
    rt: &R,
    file: &R::File,
    path: &Path,
    commits: &BTreeMap<u64, (u64, CommitHeader)>,
    sequence: u64,
) -> Result<Vec<(FrameHead, Buf)>, StorageError> {
    let frames = match commits.get(&sequence) {
        Some((at, header)) => read_commit(rt, file, path, *at, header).await?,
        None => None,
    };
    frames.ok_or_else(|| {
        let reason = format!("commit {sequence} is missing or damaged");
        StorageError::Corrupt { path: path.to_path_buf(), position: 0, reason }
    })
}

struct Applier<'a, R: Disk> {
    rt: &'a R,
    partitions: &'a BTreeMap<TopicPartition, PathBuf>,
    /// Written and not yet synced.
    open: BTreeMap<PathBuf, R::File>,
    /// Names changed and not yet synced.
    directories: BTreeSet<PathBuf>,
    /// The compactions of each log: which frame says so, and the first segment that was left alone.
    compacted: BTreeMap<TopicPartition, Vec<(u64, Offset)>>,
    applied: u64,
}

impl<R: Disk> Applier<'_, R> {
    fn note_compaction(&mut self, ordinal: u64, head: &FrameHead) {
        if head.kind == FrameKind::Compacted {
            self.compacted.entry(head.at).or_default().push((ordinal, head.segment));
        }
    }

    /// Whether the segment was rewritten after this frame, which it held durably by then.
    fn is_void(&self, ordinal: u64, head: &FrameHead) -> bool {
        let mut later = self.compacted.get(&head.at).into_iter().flatten();
        match head.kind {
            FrameKind::Append => later.any(|(at, end)| ordinal < *at && head.segment < *end),
            FrameKind::Truncate => later.any(|(at, _)| ordinal < *at),
            FrameKind::StartAt | FrameKind::Compacted => false,
        }
    }

    async fn apply(
        &mut self,
        ordinal: u64,
        head: &FrameHead,
        bytes: Buf,
    ) -> Result<(), StorageError> {
        // A partition that is not there was deleted, or never acknowledged a record.
        let Some(directory) = self.partitions.get(&head.at) else { return Ok(()) };
        if self.is_void(ordinal, head) {
            return Ok(());
        }
        self.applied += 1;
        match head.kind {
            FrameKind::Append => self.append(directory, head, bytes).await,
            FrameKind::Truncate => self.truncate(directory, head).await,
            FrameKind::StartAt => self.remove_segments(directory, |base| base < head.segment).await,
            FrameKind::Compacted => Ok(()),
        }
    }

    async fn append(
        &mut self,
        directory: &Path,
        head: &FrameHead,
        bytes: Buf,
    ) -> Result<(), StorageError> {
        let path = files::segment_path(directory, head.segment, files::LOG_SUFFIX);
        if !self.open.contains_key(&path) {
            if self.open.len() >= OPEN_FILES_MAX {
                self.sync().await?;
            }
            // Only the first frame of a segment may create it: later ones of a deleted segment must not.
            let how = if head.position == 0 { Open::Create } else { Open::Write };
            let file = match self.rt.open(&path, how).await {
                Ok(file) => file,
                Err(runtime::Error::NotFound) => return Ok(()),
                Err(error) => return Err(StorageError::disk(&path, "open")(error)),
            };
            self.directories.insert(directory.to_path_buf());
            self.open.insert(path.clone(), file);
        }
        let written = self.rt.append(&self.open[&path], head.position, vec![bytes]).await;
        written.map_err(StorageError::disk(&path, "write"))
    }

    async fn truncate(&mut self, directory: &Path, head: &FrameHead) -> Result<(), StorageError> {
        let first_void = if head.position == 0 { head.segment } else { Offset(head.segment.0 + 1) };
        self.remove_segments(directory, |base| base >= first_void).await?;
        if head.position == 0 {
            return Ok(());
        }
        let path = files::segment_path(directory, head.segment, files::LOG_SUFFIX);
        let file = match self.rt.open(&path, Open::Write).await {
            Ok(file) => file,
            Err(runtime::Error::NotFound) => return Ok(()),
            Err(error) => return Err(StorageError::disk(&path, "open")(error)),
        };
        let len = self.rt.len(&file).await.map_err(StorageError::disk(&path, "size of"))?;
        if len > head.position {
            let cut = self.rt.set_len(&file, head.position).await;
            cut.map_err(StorageError::disk(&path, "truncate"))?;
        }
        self.open.insert(path, file);
        Ok(())
    }

    async fn remove_segments(
        &mut self,
        directory: &Path,
        void: impl Fn(Offset) -> bool,
    ) -> Result<(), StorageError> {
        let entries =
            self.rt.list(directory).await.map_err(StorageError::disk(directory, "list"))?;
        for entry in entries {
            if files::parse_segment_name(&entry.name).is_some_and(|(base, _)| void(base)) {
                let path = directory.join(&entry.name);
                self.open.remove(&path);
                files::remove_if_present(self.rt, &path).await?;
                self.directories.insert(directory.to_path_buf());
            }
        }
        Ok(())
    }

    async fn sync(&mut self) -> Result<(), StorageError> {
        for (path, file) in core::mem::take(&mut self.open) {
            self.rt.sync_data(&file).await.map_err(StorageError::disk(path, "sync"))?;
        }
        for directory in core::mem::take(&mut self.directories) {
            let synced = self.rt.sync_dir(&directory).await;
            synced.map_err(StorageError::disk(directory, "sync"))?;
        }
        Ok(())
    }
}
