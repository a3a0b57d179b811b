//! Files appear at the first append, or when nothing else would say where the log ends.

use model::Offset;
use runtime::{Open, Runtime};

use super::LogShared;
use crate::StorageError;
use crate::checkpoint::write_partition_metadata;
use crate::files::{self, FileOf, LOG_SUFFIX};

/// Makes the partition's directory. Durable when it returns: a replay finds the log by its `partition.metadata`.
pub(super) async fn create_directory<R: Runtime>(
    rt: &R,
    log: &LogShared<R>,
) -> Result<(), StorageError> {
    rt.create_dir(&log.path).await.map_err(StorageError::disk(&log.path, "create"))?;
    write_partition_metadata(rt, &log.path, log.id.at.topic).await?;
    files::sync_parent(rt, &log.path).await?;
    log.state.borrow_mut().created = true;
    Ok(())
}

/// Gives an empty segment its file. Durable when it returns.
pub(super) async fn begin_segment<R: Runtime>(
    rt: &R,
    log: &LogShared<R>,
    base: Offset,
) -> Result<(), StorageError> {
    segment_file(rt, log, base).await?;
    rt.sync_dir(&log.path).await.map_err(StorageError::disk(&log.path, "sync"))?;
    if let Some(segment) = log.state.borrow_mut().segment_mut(base) {
        segment.named = true;
    }
    Ok(())
}

/// The segment's file; created when the segment is new. Its name is durable only after the next sync.
pub(super) async fn segment_file<R: Runtime>(
    rt: &R,
    log: &LogShared<R>,
    base: Offset,
) -> Result<FileOf<R>, StorageError> {
    let (known, named) = {
        let mut state = log.state.borrow_mut();
        let segment = state.segment_mut(base).expect("the writer's segments exist");
        (segment.file.clone(), segment.named)
    };
    if let Some(file) = known {
        return Ok(file);
    }
    let path = files::segment_path(&log.path, base, LOG_SUFFIX);
    let how = if named { Open::Write } else { Open::CreateNew };
    let file = rt.open(&path, how).await.map_err(StorageError::disk(&path, "open"))?;
    if let Some(segment) = log.state.borrow_mut().segment_mut(base) {
        segment.file = Some(file.clone());
    }
    Ok(file)
}
