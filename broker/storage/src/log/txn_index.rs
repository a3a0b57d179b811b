//! `.txnindex` of a segment that is cut: Kafka's index of aborted transactions.
//!
//! ```text
//! per entry  2 version (= 0), 8 producer id, 8 first offset, 8 last offset (of the marker), 8 last stable offset
//! ```
//!
//! Promises: no entry speaks of offsets that will be given out again.
//! Does not: add entries; there are no transactions yet.
//! Source: Kafka `AbortedTxn`, `TransactionIndex.truncateTo`.

use model::Offset;
use runtime::{Open, Runtime};

use super::LogShared;
use crate::StorageError;
use crate::files::{self, TXN_INDEX_SUFFIX};

const ENTRY_BYTES: usize = 34;
const LAST_OFFSET_AT: usize = 18;

/// Removes the entries whose marker lies at or past `end`. Synced when it returns; nothing to do without the file.
pub(super) async fn cut<R: Runtime>(
    rt: &R,
    log: &LogShared<R>,
    segment: Offset,
    end: Offset,
) -> Result<(), StorageError> {
    let path = files::segment_path(&log.path, segment, TXN_INDEX_SUFFIX);
    let Some(content) = files::read_small(rt, &path).await? else { return Ok(()) };
    let kept_bytes = kept_bytes(&content, end);
    if kept_bytes == content.len() {
        return Ok(());
    }
    let file = rt.open(&path, Open::Write).await.map_err(StorageError::disk(&path, "open"))?;
    let cut = rt.set_len(&file, kept_bytes as u64).await;
    cut.map_err(StorageError::disk(&path, "truncate"))?;
    rt.sync_data(&file).await.map_err(StorageError::disk(&path, "sync"))
}

/// Entries ascend by their markers; a torn one at the end goes too.
fn kept_bytes(content: &[u8], end: Offset) -> usize {
    let entries = content.as_chunks::<ENTRY_BYTES>().0.iter();
    let kept = entries.take_while(|entry| last_offset(entry).is_some_and(|last| last < end));
    kept.count() * ENTRY_BYTES
}

fn last_offset(entry: &[u8; ENTRY_BYTES]) -> Option<Offset> {
    let bytes = entry.get(LAST_OFFSET_AT..)?.first_chunk()?;
    Some(Offset(i64::from_be_bytes(*bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(markers: &[i64]) -> Vec<u8> {
        let entry = |marker: &i64| {
            let offsets = [7, marker - 3, *marker, marker - 3].map(i64::to_be_bytes);
            [&[0, 0][..], offsets.as_flattened()].concat()
        };
        markers.iter().flat_map(entry).collect()
    }

    #[test]
    fn entries_at_or_past_the_end_go_and_so_does_a_torn_one() {
        let content = index(&[10, 20, 30]);
        let kept = |end| kept_bytes(&content, Offset(end)) / ENTRY_BYTES;
        assert_eq!([9, 10, 11, 21, 31].map(kept), [0, 0, 1, 2, 3]);
        assert_eq!(kept_bytes(&content[..content.len() - 1], Offset(100)), 2 * ENTRY_BYTES);
        assert_eq!(kept_bytes(&[], Offset(0)), 0);
    }
}
