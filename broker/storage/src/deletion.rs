//! Logs that leave the disk as a whole, and the removal of what was renamed for it.
//!
//! Promises: a deleted log's bytes stay readable for plans that hold its files; what no topic is known to own is moved
//! aside, never removed.
//! Source: Kafka `LogManager` (the suffixes, and stray logs).

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use model::{Site, TopicId, TopicPartition};
use runtime::sync::gather;
use runtime::{EntryKind, Runtime};

use crate::checkpoint::{parse_directory_name, read_partition_metadata};
use crate::files::{self, DELETED_DIRECTORY_SUFFIX, STRAY_DIRECTORY_SUFFIX};
use crate::log::{LogShared, Offline};
use crate::store::Shared;
use crate::{LogConfig, LogId, StorageError};

/// Directories that are looked into side by side.
const LOGS_AT_ONCE: usize = 32;

/// Whose a partition's directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// Of a partition that this node has.
    Owned,
    /// Of a topic that was deleted; a crash came before its files were gone.
    Deleted,
    /// Of nothing that the cluster knows. Somebody may want it back.
    Unknown,
}

/// Files and directories that were renamed and wait for their removal: (due, path).
#[derive(Debug, Default)]
pub(crate) struct Trash(VecDeque<(i64, PathBuf)>);

impl Trash {
    pub(crate) fn push(&mut self, due_ms: i64, path: PathBuf) {
        self.0.push_back((due_ms, path));
    }
}

/// Deletes an open log: renames its directory, so that a replay does not find it any more.
pub(crate) async fn delete_log<R: Runtime>(
    store: &Rc<Shared<R>>,
    log: &Rc<LogShared<R>>,
) -> Result<(), StorageError> {
    let (created, delay_ms) = {
        let mut state = log.state.borrow_mut();
        let reason = "the partition was deleted".to_owned();
        state.offline = Some(Offline { reason, waits_for_room: false });
        // No replay shall find it.
        state.ops_synced = state.ops_queued;
        let dropped_bytes = state.queue.drain(..).map(|op| op.unjournaled_bytes()).sum();
        store.settle(dropped_bytes);
        (state.created, state.config.file_delete_delay_ms)
    };
    store.sometimes(Site::LogDeleted);
    store.journal(log).freed.notify();
    let is_busy = |log: &LogShared<R>| {
        let state = log.state.borrow();
        state.writing || state.reopening || state.cleaning.is_swapping
    };
    while is_busy(log) {
        log.progress.notified().await;
    }
    // The journal may know the log for as long as nobody appends, and an open file keeps its blocks.
    store.close_segments(log);
    if !created {
        return Ok(());
    }
    bury(store, &log.path, log.id.at.topic, delay_ms).await
}

/// Deletes a log that could not be opened: its files would stand in the way of a new topic of that name.
pub(crate) async fn delete_unopened<R: Runtime>(
    store: &Rc<Shared<R>>,
    id: &LogId,
) -> Result<(), StorageError> {
    let place = store.place(id).await?;
    let is_its =
        place.exists && read_partition_metadata(&store.rt, &place.path).await? == Some(id.at.topic);
    if is_its {
        bury(store, &place.path, id.at.topic, LogConfig::DEFAULT.file_delete_delay_ms).await?;
    }
    Ok(())
}

/// Renames the directory of a deleted partition and removes it later.
async fn bury<R: Runtime>(
    store: &Shared<R>,
    path: &Path,
    topic: TopicId,
    delay_ms: i64,
) -> Result<(), StorageError> {
    let renamed = move_aside(store, path, topic, DELETED_DIRECTORY_SUFFIX).await?;
    store.trash.borrow_mut().push(store.rt.now().wall_ms + delay_ms, renamed);
    Ok(())
}

/// Gives a partition's directory a name that no log has. Durable when it returns.
async fn move_aside<R: Runtime>(
    store: &Shared<R>,
    path: &Path,
    topic: TopicId,
    suffix: &str,
) -> Result<PathBuf, StorageError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let renamed = path.with_file_name(format!("{name}.{topic}{suffix}"));
    store.rt.rename(path, &renamed).await.map_err(StorageError::disk(path, "rename"))?;
    files::sync_parent(&store.rt, path).await?;
    Ok(renamed)
}

/// Takes the directories of partitions that are not `Owned` out of the way. Before any of their names is opened.
/// Returns those that were moved aside, with the first that could not be.
pub(crate) async fn clear_unowned<R: Runtime>(
    store: &Rc<Shared<R>>,
    whose: impl Fn(TopicPartition) -> Ownership,
) -> (Vec<PathBuf>, Result<(), StorageError>) {
    let (mut strays, mut result) = (Vec::new(), Ok(()));
    for place in &store.directories {
        // A directory that cannot be listed fails where it matters, and so does a damaged log.
        let entries = store.rt.list(&place.info.path).await.unwrap_or_default();
        let directories = entries.iter().filter(|entry| entry.kind == EntryKind::Directory);
        let named = directories.filter_map(|entry| {
            let (_, partition) = parse_directory_name(&entry.name)?;
            Some((partition, place.info.path.join(&entry.name)))
        });
        let looks = named.map(async |(partition, path)| {
            let topic = read_partition_metadata(&store.rt, &path).await.ok().flatten()?;
            Some((TopicPartition { topic, partition }, path))
        });
        for (at, path) in gather(looks, LOGS_AT_ONCE).await.into_iter().flatten() {
            let moved = match whose(at) {
                Ownership::Owned => continue,
                Ownership::Deleted => bury(store, &path, at.topic, 0).await,
                Ownership::Unknown => {
                    let moved = move_aside(store, &path, at.topic, STRAY_DIRECTORY_SUFFIX).await;
                    moved.map(|renamed| strays.push(renamed))
                }
            };
            result = result.and(moved);
        }
    }
    (strays, result)
}

/// Directories that a deletion renamed before an earlier run ended; they are removed at the next maintenance.
pub(crate) async fn find_left_behind<R: Runtime>(store: &Rc<Shared<R>>) {
    let due_ms = store.rt.now().wall_ms;
    for place in &store.directories {
        // A directory that cannot be listed fails where it matters.
        let entries = store.rt.list(&place.info.path).await.unwrap_or_default();
        let is_deleted = |name: &str| {
            let name = name.strip_suffix(DELETED_DIRECTORY_SUFFIX);
            let partition = name.and_then(|name| name.rsplit_once('.')).map(|(log, _)| log);
            partition.is_some_and(|log| parse_directory_name(log).is_some())
        };
        for entry in entries.iter().filter(|entry| entry.kind == EntryKind::Directory) {
            if is_deleted(&entry.name) {
                store.trash.borrow_mut().push(due_ms, place.info.path.join(&entry.name));
            }
        }
    }
}

/// Removes what is due, and on a full disk what is not due yet: plans that hold a file keep its bytes. A failure is tried
/// again at the next start.
pub(crate) async fn empty_trash<R: Runtime>(store: &Rc<Shared<R>>) {
    let now_ms = store.rt.now().wall_ms;
    loop {
        let due = {
            let mut trash = store.trash.borrow_mut();
            let is_due =
                |(due_ms, path): &(i64, PathBuf)| *due_ms <= now_ms || store.is_on_full_disk(path);
            let at = trash.0.iter().position(is_due);
            at.and_then(|at| trash.0.remove(at))
        };
        let Some((_, path)) = due else { return };
        // File systems may keep the blocks of a removed file until its directory is synced.
        let is_urgent = store.is_on_full_disk(&path);
        if let Ok(entries) = store.rt.list(&path).await {
            for entry in entries {
                let _gone = store.rt.remove(&path.join(entry.name)).await;
            }
            if is_urgent {
                let _freed = store.rt.sync_dir(&path).await;
            }
        }
        let _gone = store.rt.remove(&path).await;
        if is_urgent {
            let _freed = files::sync_parent(&store.rt, &path).await;
        }
    }
}
