//! Reads a log from its first byte to its last and says what does not hold.
//!
//! Promises: every batch's checksum is computed, every offset compared with the one before; changes nothing; memory
//! stays within one chunk or one batch, whichever is larger.
//! Does not: look inside a batch (records may be compressed), or read past damage: the rest of that segment cannot be
//! found again, the next segment can.

use std::path::Path;

use model::Offset;
use runtime::{Disk, Open, Spawn};
use wire::batch::{BatchError, BatchView};

use crate::StorageError;
use crate::files::{self, LOG_SUFFIX};
use crate::inspect::segments;

const CHUNK_BYTES: usize = 1 << 20;

/// What a log's segments hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogCheck {
    pub segment_count: usize,
    pub batch_count: u64,
    /// Offset after the last good batch.
    pub end: Offset,
    /// The first damage of each segment that has any.
    pub damage: Vec<StorageError>,
}

/// Checks the segments in a partition's directory. Nobody may write to them meanwhile.
///
/// # Errors
/// [`StorageError::Disk`] when the directory cannot be listed. A file that cannot be read is damage.
pub async fn check_log<R: Disk + Spawn>(
    rt: &R,
    directory: &Path,
) -> Result<LogCheck, StorageError> {
    let mut check = LogCheck::default();
    for base in segments(rt, directory).await? {
        check.segment_count += 1;
        check.end = check.end.max(base);
        let path = files::segment_path(directory, base, LOG_SUFFIX);
        if let Err(damage) = check_segment(rt, &path, base, &mut check).await {
            check.damage.push(damage);
        }
    }
    Ok(check)
}

async fn check_segment<R: Disk + Spawn>(
    rt: &R,
    path: &Path,
    base: Offset,
    check: &mut LogCheck,
) -> Result<(), StorageError> {
    let file = rt.open(path, Open::Read).await.map_err(StorageError::disk(path, "open"))?;
    let len = rt.len(&file).await.map_err(StorageError::disk(path, "size of"))?;
    let corrupt = |position, reason: String| StorageError::Corrupt {
        path: path.to_path_buf(),
        position,
        reason,
    };
    if check.end > base {
        let reason = format!("begins at offset {base}, but the log is at {} already", check.end);
        return Err(corrupt(0, reason));
    }
    let (mut chunk, mut chunk_at, mut position) = (Vec::new(), 0, 0);
    while position < len {
        let within = usize::try_from(position - chunk_at).expect("within the chunk");
        let batch = match BatchView::new(chunk.get(within..).unwrap_or_default()) {
            Ok(batch) => batch,
            // More of the file may complete it; a length past the end of the file never does.
            Err(BatchError::Truncated { needed_bytes, .. })
                if needed_bytes as u64 <= len - position =>
            {
                let wanted = needed_bytes.max(CHUNK_BYTES);
                chunk = files::read_range(rt, &file, path, position, wanted).await?;
                chunk_at = position;
                if chunk.len() < needed_bytes {
                    return Err(corrupt(position, "the file became shorter".to_owned()));
                }
                rt.yield_now().await;
                continue;
            }
            Err(error) => return Err(corrupt(position, error.to_string())),
        };
        batch.check_crc().map_err(|error| corrupt(position, error.to_string()))?;
        let header = batch.header;
        if header.base_offset < check.end || header.last_offset_delta < 0 {
            let (first, end) = (header.base_offset, check.end);
            let reason = format!("a batch of offsets {first} to {} at {end}", header.last_offset());
            return Err(corrupt(position, reason));
        }
        check.batch_count += 1;
        check.end = header.end_offset();
        position += u64::from(header.size_bytes);
    }
    Ok(())
}
