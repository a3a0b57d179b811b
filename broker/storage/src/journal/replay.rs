//! After a crash: what the journal holds goes back into the segment files.
//!
//! Promises: everything that a commit made durable is durable in its segment when this returns, and the journal is
//! void. Applying twice gives the same files, so a crash in the middle does no harm.
//! Does not: check record batches; recovery of each log follows and reads what it finds. The frames that are needed are
//! in memory at once, at most one journal's size: so each log is opened, written and synced once, however its frames
//! are spread.

use core::ops::Range;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use model::{Buf, Bufs, Offset, TopicPartition};
use runtime::sync::gather;
use runtime::{Disk, EntryKind, Open, Purpose, Spawn};

use super::format::{self, COMMIT_HEADER_BYTES, CommitHeader, FrameHead, FrameKind};
use super::{BLOCK_BYTES, task};
use crate::StorageError;
use crate::checkpoint::{parse_directory_name, read_partition_metadata};
use crate::files;

const SCAN_BYTES: usize = 4 << 20;
/// Logs that are put right side by side, and directories that are looked into.
const LOGS_AT_ONCE: usize = 32;
/// Bounds of one write.
const WRITE_BYTES_MAX: usize = 4 << 20;
const WRITE_PIECES_MAX: usize = 256;

/// Parts of segment files that a replay has just written and synced.
#[derive(Debug, Default)]
pub struct Replayed(BTreeMap<(TopicPartition, Offset), Range<u64>>);

impl Replayed {
    /// Whether these bytes of a segment are durable for certain.
    pub(crate) fn covers(&self, at: TopicPartition, segment: Offset, bytes: &Range<u64>) -> bool {
        let part = self.0.get(&(at, segment));
        part.is_some_and(|part| part.start <= bytes.start && bytes.end <= part.end)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

/// Applies one journal file to the partition directories of its data directory.
pub(crate) async fn replay<R: Disk + Spawn>(rt: &R, path: &Path) -> Result<Replayed, StorageError> {
    let file = rt.open(path, Open::Write).await.map_err(StorageError::disk(path, "open"))?;
    let superblock = files::read_range(rt, &file, path, 0, BLOCK_BYTES).await?;
    let Some(incarnation) = format::decode_superblock(&superblock) else {
        return Ok(Replayed::default());
    };

    let commits = scan(rt, &file, path, incarnation).await?;
    let mut by_log: BTreeMap<TopicPartition, Vec<Frame>> = BTreeMap::new();
    if let Some(newest) = newest_whole(rt, &file, path, &commits).await? {
        for sequence in newest.oldest_needed..=newest.sequence {
            for frame in read_needed(rt, &file, path, &commits, sequence).await? {
                by_log.entry(frame.0.at).or_default().push(frame);
            }
        }
    }
    let mut replayed = Replayed::default();
    if !by_log.is_empty() {
        let partitions = find_partitions(rt, path.parent().expect("in a data directory")).await?;
        // A partition that is not there was deleted, or never acknowledged a record.
        let present = by_log.into_iter().filter_map(|(at, frames)| {
            let directory = partitions.get(&at)?;
            let (open, parts) = (BTreeMap::new(), BTreeMap::new());
            let log = LogReplay { rt, directory, open, parts, names_changed: false };
            Some(async move { Ok::<_, StorageError>((at, log.run(frames).await?)) })
        });
        for log in gather(present, LOGS_AT_ONCE).await {
            let (at, parts) = log?;
            replayed.0.extend(parts.into_iter().map(|(segment, part)| ((at, segment), part)));
        }
    }
    task::reset(rt, &file, path, rt.random(Purpose::DirectoryId)).await?;
    Ok(replayed)
}

/// Every partition directory below the data directory, by the id in its `partition.metadata`.
async fn find_partitions<R: Disk>(
    rt: &R,
    directory: &Path,
) -> Result<BTreeMap<TopicPartition, PathBuf>, StorageError> {
    let entries = rt.list(directory).await.map_err(StorageError::disk(directory, "list"))?;
    let directories = entries.iter().filter(|entry| entry.kind == EntryKind::Directory);
    let named = directories.filter_map(|entry| {
        let (_, partition) = parse_directory_name(&entry.name)?;
        Some((partition, directory.join(&entry.name)))
    });
    let looks = named.map(async |(partition, path)| {
        let topic = read_partition_metadata(rt, &path).await?;
        Ok(topic.map(|topic| (TopicPartition { topic, partition }, path)))
    });
    let found: Result<Vec<_>, StorageError> =
        gather(looks, LOGS_AT_ONCE).await.into_iter().collect();
    Ok(found?.into_iter().flatten().collect())
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

type Frame = (FrameHead, Buf);

/// Puts one log right.
struct LogReplay<'a, R: Disk> {
    rt: &'a R,
    directory: &'a Path,
    /// Segments that were written or cut and not yet synced.
    open: BTreeMap<PathBuf, R::File>,
    /// The last part of each segment that was written in one go.
    parts: BTreeMap<Offset, Range<u64>>,
    names_changed: bool,
}

impl<R: Disk> LogReplay<'_, R> {
    /// Applies the log's frames in their order and makes the result durable. Returns what was written.
    async fn run(
        mut self,
        frames: Vec<Frame>,
    ) -> Result<BTreeMap<Offset, Range<u64>>, StorageError> {
        let frames = without_void(frames);
        let mut frames = frames.into_iter().peekable();
        let mut end = Offset::ZERO;
        while let Some((head, bytes)) = frames.next() {
            match head.kind {
                FrameKind::Append => {
                    let (mut pieces, mut end) =
                        (vec![bytes], head.position + u64::from(head.size_bytes));
                    while let Some((next, bytes)) = frames.next_if(|(next, _)| {
                        next.kind == FrameKind::Append
                            && (next.segment, next.position) == (head.segment, end)
                            && pieces.len() < WRITE_PIECES_MAX
                            && end - head.position < WRITE_BYTES_MAX as u64
                    }) {
                        end += u64::from(next.size_bytes);
                        pieces.push(bytes);
                    }
                    self.append(&head, pieces).await?;
                }
                FrameKind::Truncate => {
                    end = head.end;
                    self.truncate(&head).await?;
                }
                FrameKind::StartAt => {
                    end = head.segment;
                    self.remove_segments(|base| base < head.segment).await?;
                }
                FrameKind::Compacted => {}
            }
        }
        for (path, file) in core::mem::take(&mut self.open) {
            self.rt.sync_data(&file).await.map_err(StorageError::disk(path, "sync"))?;
        }
        if self.names_changed {
            self.keep_end(end).await?;
            let synced = self.rt.sync_dir(self.directory).await;
            synced.map_err(StorageError::disk(self.directory, "sync"))?;
        }
        Ok(self.parts)
    }

    async fn append(&mut self, head: &FrameHead, pieces: Bufs) -> Result<(), StorageError> {
        let path = files::segment_path(self.directory, head.segment, files::LOG_SUFFIX);
        if !self.open.contains_key(&path) {
            // Only the first frame of a segment may create it: later ones of a deleted segment must not. Once the
            // first is not needed any more the name is durable.
            let how = if head.position == 0 { Open::Create } else { Open::Write };
            let file = match self.rt.open(&path, how).await {
                Ok(file) => file,
                Err(runtime::Error::NotFound) => return Ok(()),
                Err(error) => return Err(StorageError::disk(&path, "open")(error)),
            };
            self.names_changed |= head.position == 0;
            self.open.insert(path.clone(), file);
        }
        let end = head.position + pieces.iter().map(|piece| piece.len() as u64).sum::<u64>();
        let written = self.rt.append(&self.open[&path], head.position, pieces).await;
        written.map_err(StorageError::disk(&path, "write"))?;
        let part = self.parts.entry(head.segment).or_insert(head.position..end);
        *part = if part.end == head.position { part.start } else { head.position }..end;
        Ok(())
    }

    async fn truncate(&mut self, head: &FrameHead) -> Result<(), StorageError> {
        self.parts.clear();
        let first_void = if head.position == 0 { head.segment } else { Offset(head.segment.0 + 1) };
        self.remove_segments(|base| base >= first_void).await?;
        if head.position == 0 {
            return Ok(());
        }
        let path = files::segment_path(self.directory, head.segment, files::LOG_SUFFIX);
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

    /// If every segment went, the name of an empty one tells where the log ends.
    async fn keep_end(&self, end: Offset) -> Result<(), StorageError> {
        let listed = self.rt.list(self.directory).await;
        let entries = listed.map_err(StorageError::disk(self.directory, "list"))?;
        let is_segment = |name| {
            files::parse_segment_name(name).is_some_and(|(_, suffix)| suffix == files::LOG_SUFFIX)
        };
        if entries.iter().any(|entry| is_segment(&entry.name)) {
            return Ok(());
        }
        let path = files::segment_path(self.directory, end, files::LOG_SUFFIX);
        let created = self.rt.open(&path, Open::Create).await;
        created.map(|_| ()).map_err(StorageError::disk(&path, "create"))
    }

    async fn remove_segments(&mut self, void: impl Fn(Offset) -> bool) -> Result<(), StorageError> {
        let listed = self.rt.list(self.directory).await;
        for entry in listed.map_err(StorageError::disk(self.directory, "list"))? {
            if files::parse_segment_name(&entry.name).is_some_and(|(base, _)| void(base)) {
                let path = self.directory.join(&entry.name);
                self.open.remove(&path);
                files::remove_if_present(self.rt, &path).await?;
                self.names_changed = true;
            }
        }
        Ok(())
    }
}

/// Leaves out frames of segments that were rewritten later: those held them durably by then.
fn without_void(mut frames: Vec<Frame>) -> Vec<Frame> {
    let heads = frames.iter().map(|(head, _)| head).enumerate();
    let compacted: Vec<(usize, Offset)> = heads
        .filter(|(_, head)| head.kind == FrameKind::Compacted)
        .map(|(ordinal, head)| (ordinal, head.segment))
        .collect();
    let mut ordinals = 0..;
    frames.retain(|(head, _)| {
        let ordinal = ordinals.next().expect("endless");
        let mut later = compacted.iter().filter(|(at, _)| ordinal < *at);
        match head.kind {
            FrameKind::Append => !later.any(|(_, end)| head.segment < *end),
            FrameKind::Truncate => later.next().is_none(),
            FrameKind::StartAt | FrameKind::Compacted => true,
        }
    });
    frames
}
