//! A data directory: whose it is, whether it was left clean, what its checkpoints say.
//!
//! Promises: a directory of another cluster or node, or of a newer format, is refused; two processes never
//! share one. One shard of a node calls this before any other opens a log.

use std::path::{Path, PathBuf};

use model::{NodeId, TopicId};
use runtime::{Disk, Purpose, Spawn};

use crate::StorageError;
use crate::checkpoint::Checkpoints;
use crate::files;

const META_PROPERTIES: &str = "meta.properties";
const LOCK_FILE: &str = ".lock";
const CLEAN_SHUTDOWN_FILE: &str = ".kafka_cleanshutdown";

/// What every shard needs to know about one data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryInfo {
    pub path: PathBuf,
    /// `directory.id` (KIP-858).
    pub id: TopicId,
    pub cluster_id: String,
    /// The last owner flushed everything before it left: logs need no scan.
    pub clean: bool,
    pub checkpoints: Checkpoints,
}

impl DirectoryInfo {
    /// The values of open logs, and those that the checkpoint files had for logs that are there but not open: one that
    /// could not be opened keeps its recovery point this way; without it, a later start would take rot for a torn tail
    /// and cut.
    ///
    /// # Errors
    /// [`StorageError::Disk`].
    pub async fn checkpoints_with<R: Disk>(
        &self,
        rt: &R,
        open: Checkpoints,
    ) -> Result<Checkpoints, StorageError> {
        let known = &self.checkpoints.recovery_points;
        if known.keys().all(|name| open.recovery_points.contains_key(name)) {
            return Ok(open);
        }
        let listed = rt.list(&self.path).await.map_err(StorageError::disk(&self.path, "list"))?;
        // Sorted by name.
        let exists = |name: &String| listed.binary_search_by(|e| e.name.cmp(name)).is_ok();
        let mut checkpoints = self.checkpoints.clone();
        checkpoints.recovery_points.retain(|name, _| exists(name));
        checkpoints.log_starts.retain(|name, _| exists(name));
        // A log of the same name may be new: cleaning from its start costs time, skipping a part keeps old records.
        checkpoints.first_dirty.clear();
        checkpoints.merge(open);
        Ok(checkpoints)
    }
}

/// Who is about to use the directories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    pub node_id: NodeId,
    /// `None` accepts what is on the disk, and draws one when nothing is.
    pub cluster_id: Option<String>,
}

/// Locks the directories, reads or writes their identity, and takes the clean-shutdown markers away.
///
/// An empty directory is formatted on the spot. The locks are held until dropped.
///
/// # Errors
/// [`StorageError::Foreign`], [`StorageError::Version`], [`StorageError::Disk`] (`Locked` among them).
pub async fn prepare_directories<R: Disk + Spawn>(
    rt: &R,
    paths: &[PathBuf],
    owner: &Owner,
) -> Result<(Vec<DirectoryInfo>, Vec<R::Lock>), StorageError> {
    let (mut infos, mut locks) = (Vec::new(), Vec::new());
    let mut cluster_id = owner.cluster_id.clone();
    for path in paths {
        rt.create_dir(path).await.map_err(StorageError::disk(path, "create"))?;
        let lock = path.join(LOCK_FILE);
        locks.push(rt.lock(&lock).await.map_err(StorageError::disk(&lock, "lock"))?);

        let owner = Owner { node_id: owner.node_id, cluster_id: cluster_id.take() };
        let identity = identify(rt, path, &owner).await?;
        cluster_id = Some(identity.cluster_id.clone());

        let clean = is_marked_clean(rt, path).await?;
        if clean {
            files::remove_if_present(rt, &path.join(CLEAN_SHUTDOWN_FILE)).await?;
            rt.sync_dir(path).await.map_err(StorageError::disk(path, "sync"))?;
        }
        let checkpoints = Checkpoints::read(rt, path).await?;
        let DirectoryIdentity { directory_id: id, cluster_id, .. } = identity;
        infos.push(DirectoryInfo { path: path.clone(), id, cluster_id, clean, checkpoints });
    }
    Ok((infos, locks))
}

/// Gives the directory, made if it is missing, an identity; one that has it keeps it. Locked meanwhile.
///
/// # Errors
/// As [`prepare_directories`].
pub async fn format_directory<R: Disk + Spawn>(
    rt: &R,
    path: &Path,
    owner: &Owner,
) -> Result<DirectoryIdentity, StorageError> {
    rt.create_dir(path).await.map_err(StorageError::disk(path, "create"))?;
    let lock = path.join(LOCK_FILE);
    let _held = rt.lock(&lock).await.map_err(StorageError::disk(&lock, "lock"))?;
    identify(rt, path, owner).await
}

/// Says that nothing needs recovery. Only after every shard closed its store, and after the checkpoints.
///
/// # Errors
/// [`StorageError::Disk`].
pub async fn mark_clean<R: Disk>(rt: &R, directory: &Path) -> Result<(), StorageError> {
    let content = b"{\"version\":0,\"brokerEpoch\":-1}".to_vec();
    files::replace(rt, &directory.join(CLEAN_SHUTDOWN_FILE), content).await
}

pub(crate) async fn is_marked_clean<R: Disk>(
    rt: &R,
    directory: &Path,
) -> Result<bool, StorageError> {
    Ok(files::read_small(rt, &directory.join(CLEAN_SHUTDOWN_FILE)).await?.is_some())
}

/// Whose a directory is: its `meta.properties`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryIdentity {
    pub cluster_id: String,
    pub node_id: NodeId,
    /// `directory.id` (KIP-858).
    pub directory_id: TopicId,
}

impl DirectoryIdentity {
    fn check(
        &self,
        path: &Path,
        node_id: NodeId,
        cluster_id: Option<&str>,
    ) -> Result<(), StorageError> {
        let foreign = |field, expected: &str, found: &str| StorageError::Foreign {
            path: path.join(META_PROPERTIES),
            field,
            expected: expected.to_owned(),
            found: found.to_owned(),
        };
        if self.node_id != node_id {
            return Err(foreign("node.id", &node_id.to_string(), &self.node_id.to_string()));
        }
        match cluster_id {
            Some(expected) if expected != self.cluster_id => {
                Err(foreign("cluster.id", expected, &self.cluster_id))
            }
            _ => Ok(()),
        }
    }
}

/// Reads the identity, or writes one; refuses another owner's.
async fn identify<R: Disk + Spawn>(
    rt: &R,
    path: &Path,
    owner: &Owner,
) -> Result<DirectoryIdentity, StorageError> {
    let identity = match read_identity(rt, path).await? {
        Some(identity) => identity,
        None => write_identity(rt, path, owner).await?,
    };
    identity.check(path, owner.node_id, owner.cluster_id.as_deref())?;
    Ok(identity)
}

pub(crate) async fn read_identity<R: Disk>(
    rt: &R,
    directory: &Path,
) -> Result<Option<DirectoryIdentity>, StorageError> {
    let path = directory.join(META_PROPERTIES);
    let Some(content) = files::read_small(rt, &path).await? else { return Ok(None) };
    let text = String::from_utf8_lossy(&content);
    let value = |key: &str| {
        text.lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once('='))
            .find(|(name, _)| name.trim() == key)
            .map(|(_, value)| value.trim().to_owned())
    };
    let missing = |key: &str| StorageError::Malformed {
        path: path.clone(),
        line: format!("{key} is missing or malformed"),
    };
    match value("version") {
        Some(version) if version == "1" => {}
        found => {
            let found = found.unwrap_or_default();
            return Err(StorageError::Version { path: path.clone(), found });
        }
    }
    let node_id = value("node.id").and_then(|text| text.parse().ok());
    let directory_id = value("directory.id").and_then(|text| TopicId::from_text(&text));
    Ok(Some(DirectoryIdentity {
        cluster_id: value("cluster.id").ok_or_else(|| missing("cluster.id"))?,
        node_id: NodeId(node_id.ok_or_else(|| missing("node.id"))?),
        directory_id: directory_id.ok_or_else(|| missing("directory.id"))?,
    }))
}

async fn write_identity<R: Disk + Spawn>(
    rt: &R,
    directory: &Path,
    owner: &Owner,
) -> Result<DirectoryIdentity, StorageError> {
    let node_id = owner.node_id;
    let cluster_id = match &owner.cluster_id {
        Some(cluster_id) => cluster_id.clone(),
        None => random_uuid(rt, Purpose::ClusterId).to_string(),
    };
    let directory_id = random_uuid(rt, Purpose::DirectoryId);
    let content = format!(
        "version=1\ncluster.id={cluster_id}\nnode.id={node_id}\ndirectory.id={directory_id}\n"
    );
    files::replace(rt, &directory.join(META_PROPERTIES), content.into_bytes()).await?;
    files::sync_parent(rt, directory).await?;
    Ok(DirectoryIdentity { cluster_id, node_id, directory_id })
}

fn random_uuid<R: Spawn>(rt: &R, purpose: Purpose) -> TopicId {
    TopicId::from_random(rt.random(purpose), rt.random(purpose))
}
