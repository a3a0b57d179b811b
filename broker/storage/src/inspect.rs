//! What a data directory holds, as it lies on the disk.
//!
//! Promises: changes nothing, takes no lock; logs come in the order of their directory names.
//! Does not: replay journals or recover: what a crash left is counted as it is.

use std::path::{Path, PathBuf};

use model::{Offset, PartitionIndex, TopicId};
use runtime::{Disk, EntryKind, Open};

use crate::checkpoint::{parse_directory_name, read_partition_metadata};
use crate::directory::{DirectoryIdentity, is_marked_clean, read_identity};
use crate::files::{self, LOG_SUFFIX};
use crate::{LogId, StorageError};

/// One data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryFacts {
    pub path: PathBuf,
    /// `None`: not formatted, or not there at all.
    pub identity: Option<DirectoryIdentity>,
    /// The last owner left it clean and no other has come since.
    pub clean: bool,
    pub logs: Vec<LogFacts>,
}

/// One partition's directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFacts {
    pub topic: String,
    pub partition: PartitionIndex,
    /// `None` when `partition.metadata` is absent.
    pub topic_id: Option<TopicId>,
    pub segment_count: usize,
    /// Of the `.log` files.
    pub size_bytes: u64,
}

impl LogFacts {
    /// Kafka's directory name, `topic-3`.
    #[must_use]
    pub fn directory_name(&self) -> String {
        LogId::name_directory(&self.topic, self.partition)
    }
}

/// Looks at one data directory.
///
/// # Errors
/// [`StorageError::Disk`]; [`StorageError::Malformed`] and [`StorageError::Version`] of `meta.properties` or a
/// `partition.metadata`.
pub async fn inspect_directory<R: Disk>(
    rt: &R,
    path: &Path,
) -> Result<DirectoryFacts, StorageError> {
    let mut facts =
        DirectoryFacts { path: path.to_path_buf(), identity: None, clean: false, logs: Vec::new() };
    let entries = match rt.list(path).await {
        Ok(entries) => entries,
        Err(runtime::Error::NotFound) => return Ok(facts),
        Err(error) => return Err(StorageError::disk(path, "list")(error)),
    };
    facts.identity = read_identity(rt, path).await?;
    facts.clean = is_marked_clean(rt, path).await?;
    for entry in entries.into_iter().filter(|entry| entry.kind == EntryKind::Directory) {
        if let Some((topic, partition)) = parse_directory_name(&entry.name) {
            facts.logs.push(inspect_log(rt, &path.join(&entry.name), topic, partition).await?);
        }
    }
    Ok(facts)
}

async fn inspect_log<R: Disk>(
    rt: &R,
    path: &Path,
    topic: &str,
    partition: PartitionIndex,
) -> Result<LogFacts, StorageError> {
    let topic_id = read_partition_metadata(rt, path).await?;
    let (mut segment_count, mut size_bytes) = (0, 0);
    for base in segments(rt, path).await? {
        let path = files::segment_path(path, base, LOG_SUFFIX);
        let file = rt.open(&path, Open::Read).await.map_err(StorageError::disk(&path, "open"))?;
        size_bytes += rt.len(&file).await.map_err(StorageError::disk(&path, "size of"))?;
        segment_count += 1;
    }
    Ok(LogFacts { topic: topic.to_owned(), partition, topic_id, segment_count, size_bytes })
}

/// Base offsets of a partition's segments, ascending.
pub(crate) async fn segments<R: Disk>(
    rt: &R,
    directory: &Path,
) -> Result<Vec<Offset>, StorageError> {
    let entries = rt.list(directory).await.map_err(StorageError::disk(directory, "list"))?;
    let mut bases: Vec<Offset> = entries
        .iter()
        .filter_map(|entry| files::parse_segment_name(&entry.name))
        .filter(|(_, suffix)| *suffix == LOG_SUFFIX)
        .map(|(base, _)| base)
        .collect();
    bases.sort_unstable();
    Ok(bases)
}
