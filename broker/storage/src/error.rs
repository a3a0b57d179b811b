//! What can go wrong between the broker and its disks.

use core::fmt;
use std::path::{Path, PathBuf};

use model::Offset;

/// The verb of [`StorageError::Disk`] after which nothing is known about a file.
pub(crate) const SYNC: &str = "sync";

/// Facts for an operator. Kafka's error codes are chosen by `server`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorageError {
    /// The machine refused an operation on this path.
    Disk { path: PathBuf, verb: &'static str, error: runtime::Error },
    /// Bytes that were known to be durable do not read back: rot, not a torn tail. Never cut.
    Corrupt { path: PathBuf, position: u64, reason: String },
    /// A file has a format version that this program does not know.
    Version { path: PathBuf, found: String },
    /// A file in a fixed text format does not parse.
    Malformed { path: PathBuf, line: String },
    /// The directory belongs to another cluster or node.
    Foreign { path: PathBuf, field: &'static str, expected: String, found: String },
    /// Too many bytes wait for the disk; try again after the next [`crate::StoreEvent`].
    Busy { queued_bytes: usize, limit_bytes: usize },
    /// The disk is full: nothing was queued, reads go on. Appends are taken again when there is room.
    Full { path: PathBuf },
    /// The journal is full of what logs reported before they failed: only a replay at the next start can save it.
    JournalHeld { path: PathBuf },
    /// The log failed earlier and takes no more appends. What was readable still is.
    Offline { reason: String },
    /// Offsets outside the log.
    OutOfRange { wanted: Offset, start: Offset, end: Offset },
    /// The store is closing.
    Closed,
}

impl StorageError {
    pub(crate) fn disk(
        path: impl AsRef<Path>,
        verb: &'static str,
    ) -> impl FnOnce(runtime::Error) -> Self {
        let path = path.as_ref().to_path_buf();
        move |error| Self::Disk { path, verb, error }
    }

    /// Whether there was no room for an operation that may be tried again once there is. A failed *sync* is not among them,
    /// whatever its reason: the content of its file is unknown.
    #[must_use]
    pub fn is_out_of_room(&self) -> bool {
        matches!(self, Self::Disk { error: runtime::Error::NoSpace, verb, .. } if *verb != SYNC)
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk { path, verb, error } => write!(f, "{verb} {}: {error}", path.display()),
            Self::Corrupt { path, position, reason } => {
                write!(f, "{} is damaged at byte {position}: {reason}", path.display())
            }
            Self::Version { path, found } => {
                write!(f, "{} has the unknown format version {found}", path.display())
            }
            Self::Malformed { path, line } => {
                write!(f, "{}: cannot read the line {line:?}", path.display())
            }
            Self::Foreign { path, field, expected, found } => {
                write!(f, "{}: {field} is {found}, expected {expected}", path.display())
            }
            Self::Busy { queued_bytes, limit_bytes } => {
                write!(f, "{queued_bytes} bytes wait for the disk, the limit is {limit_bytes}")
            }
            Self::Full { path } => {
                write!(f, "{} is on a full disk and takes no appends", path.display())
            }
            Self::JournalHeld { path } => {
                write!(f, "{} is full of what failed logs need at the next start", path.display())
            }
            Self::Offline { reason } => write!(f, "the log is offline: {reason}"),
            Self::OutOfRange { wanted, start, end } => {
                write!(f, "offset {wanted} is outside the log [{start}, {end})")
            }
            Self::Closed => f.write_str("the store is closed"),
        }
    }
}

impl std::error::Error for StorageError {}
