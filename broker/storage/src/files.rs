//! Small files that are replaced as a whole, and Kafka's file names.
//!
//! Promises: after a crash a replaced file has its old or its new content, never a mixture.

use std::path::{Path, PathBuf};

use model::{Buf, Offset};
use runtime::{Disk, Open};

use crate::StorageError;

/// A runtime's file handle; both its disk and its network name it.
pub(crate) type FileOf<R> = <R as Disk>::File;

pub(crate) const LOG_SUFFIX: &str = "log";
pub(crate) const INDEX_SUFFIX: &str = "index";
pub(crate) const TIME_INDEX_SUFFIX: &str = "timeindex";
pub(crate) const SNAPSHOT_SUFFIX: &str = "snapshot";
/// Aborted transactions whose marker lies in the segment. Written by a Kafka that had the directory before; kept as long
/// as its segment.
pub(crate) const TXN_INDEX_SUFFIX: &str = "txnindex";
/// Every file of a segment, the one that makes it a segment first.
pub(crate) const SEGMENT_SUFFIXES: [&str; 5] =
    [LOG_SUFFIX, INDEX_SUFFIX, TIME_INDEX_SUFFIX, SNAPSHOT_SUFFIX, TXN_INDEX_SUFFIX];
/// What a file that waits for its removal is called, after its own name.
pub(crate) const DELETED_SUFFIX: &str = "deleted";
/// What a directory of a deleted partition ends with.
pub(crate) const DELETED_DIRECTORY_SUFFIX: &str = "-delete";
/// What a directory that no topic owns ends with.
pub(crate) const STRAY_DIRECTORY_SUFFIX: &str = "-stray";

/// No small file of ours comes near this; a larger one is not ours.
const SMALL_FILE_BYTES_MAX: u64 = 64 << 20;

/// `00000000000000000042.log`.
pub(crate) fn segment_path(directory: &Path, base: Offset, suffix: &str) -> PathBuf {
    directory.join(format!("{:020}.{suffix}", base.0))
}

/// Base offset and suffix of a segment file's name.
pub(crate) fn parse_segment_name(name: &str) -> Option<(Offset, &str)> {
    let (digits, suffix) = name.split_once('.')?;
    if digits.len() != 20 || !digits.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    Some((Offset(digits.parse().ok()?), suffix))
}

/// Reads a small file; `None` when it does not exist.
pub(crate) async fn read_small<R: Disk>(
    rt: &R,
    path: &Path,
) -> Result<Option<Vec<u8>>, StorageError> {
    let file = match rt.open(path, Open::Read).await {
        Ok(file) => file,
        Err(runtime::Error::NotFound) => return Ok(None),
        Err(error) => return Err(StorageError::disk(path, "open")(error)),
    };
    let len = rt.len(&file).await.map_err(StorageError::disk(path, "size of"))?;
    if len > SMALL_FILE_BYTES_MAX {
        let line = format!("{len} bytes");
        return Err(StorageError::Malformed { path: path.to_path_buf(), line });
    }
    read_range(rt, &file, path, 0, usize::try_from(len).unwrap_or(usize::MAX)).await.map(Some)
}

/// Reads up to `count` bytes, fewer only at the end of the file.
pub(crate) async fn read_range<R: Disk>(
    rt: &R,
    file: &R::File,
    path: &Path,
    at: u64,
    count: usize,
) -> Result<Vec<u8>, StorageError> {
    let (result, bytes) = rt.read(file, at, Vec::with_capacity(count), count).await;
    result.map_err(StorageError::disk(path, "read"))?;
    Ok(bytes)
}

/// Writes the file beside its place, syncs it, renames it and syncs the directory.
pub(crate) async fn replace<R: Disk>(
    rt: &R,
    path: &Path,
    content: Vec<u8>,
) -> Result<(), StorageError> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let temporary = PathBuf::from(temporary);
    match rt.remove(&temporary).await {
        Ok(()) | Err(runtime::Error::NotFound) => {}
        Err(error) => return Err(StorageError::disk(&temporary, "remove")(error)),
    }
    write_new(rt, &temporary, content).await?;
    rt.rename(&temporary, path).await.map_err(StorageError::disk(path, "rename to"))?;
    sync_parent(rt, path).await
}

/// Creates a file with this content and syncs it; its name is not durable yet.
pub(crate) async fn write_new<R: Disk>(
    rt: &R,
    path: &Path,
    content: Vec<u8>,
) -> Result<(), StorageError> {
    let file = rt.open(path, Open::Create).await.map_err(StorageError::disk(path, "create"))?;
    rt.set_len(&file, 0).await.map_err(StorageError::disk(path, "truncate"))?;
    let pieces = vec![Buf::from(content)];
    rt.append(&file, 0, pieces).await.map_err(StorageError::disk(path, "write"))?;
    rt.sync_data(&file).await.map_err(StorageError::disk(path, "sync"))
}

pub(crate) async fn sync_parent<R: Disk>(rt: &R, path: &Path) -> Result<(), StorageError> {
    let parent = parent(path);
    rt.sync_dir(parent).await.map_err(StorageError::disk(parent, "sync"))
}

/// The directory that holds a name. That of a bare name is the working directory.
fn parent(path: &Path) -> &Path {
    match path.parent().expect("no path here is the root") {
        bare if bare.as_os_str().is_empty() => Path::new("."),
        parent => parent,
    }
}

/// Removes a file; fine when it is gone already.
pub(crate) async fn remove_if_present<R: Disk>(rt: &R, path: &Path) -> Result<(), StorageError> {
    match rt.remove(path).await {
        Ok(()) | Err(runtime::Error::NotFound) => Ok(()),
        Err(error) => Err(StorageError::disk(path, "remove")(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_name_lies_in_the_working_directory() {
        assert_eq!(parent(Path::new("data")), Path::new("."));
        assert_eq!(parent(Path::new("data/journal-0")), Path::new("data"));
        assert_eq!(parent(Path::new("/data")), Path::new("/"));
    }

    #[test]
    fn segment_names_round_trip_and_others_are_ignored() {
        let path = segment_path(Path::new("/d/topic-0"), Offset(42), LOG_SUFFIX);
        let name = path.file_name().and_then(|name| name.to_str()).unwrap();
        assert_eq!(name, "00000000000000000042.log");
        assert_eq!(parse_segment_name(name), Some((Offset(42), "log")));
        assert_eq!(parse_segment_name("42.log"), None);
        assert_eq!(parse_segment_name("leader-epoch-checkpoint"), None);
        assert_eq!(parse_segment_name("99999999999999999999.log"), None);
    }
}
