//! What an operator does to data directories while no broker runs on them: `broker storage …`.
//!
//! Promises: the same code as a start of the broker reads, recovers and marks the directories; a directory that
//! somebody else uses is refused, not waited for.
//! Does not: need the cluster's metadata, listeners or more than one shard.

mod format;
mod fsck;
mod info;

use core::fmt;
use std::path::PathBuf;

use runtime::sync::{First, race};
use runtime::{Exit, Runtime};
use storage::StorageError;

use crate::boot::Boot;

/// One task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tool {
    /// Gives directories without `meta.properties` one.
    Format {
        /// 22 characters of base64; drawn when absent.
        cluster_id: Option<String>,
        /// Leave formatted directories alone instead of refusing.
        ignore_formatted: bool,
    },
    /// Says what the directories hold. Changes nothing and takes no lock.
    Info,
    /// Recovers as a start would, checks every batch, and leaves the directories clean.
    Fsck,
}

/// Where a tool's words go.
#[derive(Debug, Clone, Copy)]
pub struct Voice {
    /// One line of the answer.
    pub say: fn(&str),
    /// Why the task was not done.
    pub complain: fn(&str),
}

/// Why a task was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolError {
    AlreadyFormatted(PathBuf),
    NotFormatted(PathBuf),
    /// Logs without a `meta.properties`: their owner is not known.
    HoldsLogs(PathBuf),
    /// Not 22 characters of base64.
    ClusterId(String),
    /// Formatted, and not for the cluster that was asked for or that another directory belongs to.
    OtherCluster {
        path: PathBuf,
        found: String,
    },
    InUse(PathBuf),
    Damaged {
        log_count: usize,
    },
    /// The operator stopped it.
    Interrupted,
    Storage(StorageError),
}

impl fmt::Display for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyFormatted(path) => write!(
                f,
                "{} is formatted already: nothing was written (--ignore-formatted leaves it alone)",
                path.display()
            ),
            Self::NotFormatted(path) => {
                write!(f, "{} has no meta.properties: it is no data directory", path.display())
            }
            Self::HoldsLogs(path) => write!(
                f,
                "{} holds logs but no meta.properties: restore that file, or move the logs away",
                path.display()
            ),
            Self::ClusterId(text) => {
                write!(f, "cluster id {text:?}: 22 characters of URL-safe base64 are needed")
            }
            Self::OtherCluster { path, found } => {
                write!(f, "{} belongs to cluster {found}: nothing was written", path.display())
            }
            Self::InUse(path) => {
                write!(f, "{} is in use: stop the broker that runs on it", path.display())
            }
            Self::Damaged { log_count } => write!(
                f,
                "damaged logs: {log_count}; the directories are not marked clean. Restore those logs from a \
                 backup, or move their directories away"
            ),
            Self::Interrupted => f.write_str("interrupted: the directories are as after a crash"),
            Self::Storage(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ToolError {}

impl From<StorageError> for ToolError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Disk { path, error: runtime::Error::Locked, .. } => {
                Self::InUse(path.parent().map_or(path.clone(), PathBuf::from))
            }
            error => Self::Storage(error),
        }
    }
}

/// Runs one task and ends the node, which has one shard.
pub async fn run<R: Runtime>(rt: R, boot: Boot, tool: Tool, voice: Voice) {
    let done = match race(perform(&rt, &boot, &tool, voice.say), rt.signal()).await {
        First::Left(done) => done,
        First::Right(_) => Err(ToolError::Interrupted),
    };
    rt.exit(match done {
        Ok(()) => Exit::Clean,
        Err(error) => {
            (voice.complain)(&error.to_string());
            Exit::Failed
        }
    });
}

/// Runs one task; `say` gets the lines of its answer.
///
/// # Errors
/// Why it was not done. After [`ToolError::Damaged`] everything else was.
///
/// # Panics
/// On a node of several shards: each would have to replay its journals.
pub async fn perform<R: Runtime>(
    rt: &R,
    boot: &Boot,
    tool: &Tool,
    mut say: impl FnMut(&str),
) -> Result<(), ToolError> {
    assert_eq!(rt.shard_count(), 1, "a tool runs alone");
    match tool {
        Tool::Format { cluster_id, ignore_formatted } => {
            let asked = format::Asked {
                node_id: boot.node_id,
                cluster_id: cluster_id.clone(),
                ignore_formatted: *ignore_formatted,
            };
            format::format(rt, &boot.directories, &asked, &mut say).await
        }
        Tool::Info => info::info(rt, &boot.directories, &mut say).await,
        Tool::Fsck => fsck::fsck(rt, boot, &mut say).await,
    }
}
