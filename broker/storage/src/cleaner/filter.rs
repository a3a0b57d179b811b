//! What compaction leaves of one batch.
//!
//! Promises: offsets never change; of every key the last record below the map's end stays, and all
//! records at or past that end; a tombstone or an empty transaction's marker stays until its batch's
//! delete horizon, which the first cleaning that sees it sets (KIP-534).
//! Does not: keep records without a key; a compacted topic refuses them at the append.
//! Source: Kafka `Cleaner.cleanInto`, `Cleaner.shouldRetainRecord`, `MemoryRecords.filterTo`.

use model::Offset;
use wire::batch::{BatchError, BatchRewriter, BatchView, Record};

use super::offset_map::{KeyHash, OffsetMap};

/// The same for all batches of one cleaning.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) now_ms: i64,
    /// `delete.retention.ms`.
    pub(super) delete_retention_ms: i64,
    pub(super) decompressed_bytes_max: usize,
}

/// What else decides over the records of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Its keys.
    Records,
    /// Nothing: its transaction was aborted.
    Aborted,
    /// A control batch that must stay: its transaction still has batches, or it is not a marker.
    Control,
    /// A transaction marker without any batch before it.
    MarkerOfNothing,
}

/// What happens to a batch without any records left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WhenEmpty {
    Drop,
    /// Its header stays: it tells a producer's last sequence, or where a segment ends.
    KeepHeader,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Keep,
    /// These bytes instead.
    Rewritten(Vec<u8>),
    Drop,
}

/// Decides over one batch.
///
/// - **Cost:** one walk over the records, one more when some of them go. Compressed records are
///   decompressed into `scratch`.
///
/// # Errors
/// The batch does not read; then its log must not be cleaned.
pub(super) fn filter(
    batch: &BatchView<'_>,
    map: &OffsetMap,
    rules: &Rules,
    (fate, when_empty): (Fate, WhenEmpty),
    scratch: &mut Vec<u8>,
) -> Result<Verdict, BatchError> {
    let header = &batch.header;
    let horizon_ms = header.delete_horizon_ms();
    let horizon_passed = horizon_ms.is_some_and(|horizon_ms| horizon_ms <= rules.now_ms);
    let discard = fate == Fate::Aborted || fate == Fate::MarkerOfNothing && horizon_passed;
    if discard || header.record_count == 0 {
        return without_records(batch, when_empty);
    }

    let records = batch.records(scratch, rules.decompressed_bytes_max)?;
    let (mut kept, mut kept_count, mut has_tombstone) = (Vec::new(), 0_u32, false);
    for record in records.clone() {
        let record = record?;
        let keep = fate != Fate::Records || stays(header.base_offset, &record, map, horizon_passed);
        has_tombstone |= keep && fate == Fate::Records && record.value.is_none();
        kept_count += u32::from(keep);
        kept.push(keep);
    }
    let sets_horizon = horizon_ms.is_none() && (has_tombstone || fate == Fate::MarkerOfNothing);
    if kept_count == 0 {
        return without_records(batch, when_empty);
    }
    if kept_count as usize == kept.len() && !sets_horizon {
        return Ok(Verdict::Keep);
    }
    let new_horizon_ms = rules.now_ms.saturating_add(rules.delete_retention_ms);
    let mut rewriter = BatchRewriter::new(header, sets_horizon.then_some(new_horizon_ms));
    for (record, keep) in records.zip(kept) {
        if keep {
            rewriter.append(&record?);
        }
    }
    rewriter.finish().map(Verdict::Rewritten)
}

fn stays(base: Offset, record: &Record<'_>, map: &OffsetMap, horizon_passed: bool) -> bool {
    let offset = Offset(base.0 + i64::from(record.offset_delta));
    if offset >= map.end() {
        return true;
    }
    let Some(key) = record.key else { return false };
    let is_last = map.last_offset(KeyHash::of(key)).is_none_or(|last| last <= offset);
    is_last && (record.value.is_some() || !horizon_passed)
}

fn without_records(batch: &BatchView<'_>, when_empty: WhenEmpty) -> Result<Verdict, BatchError> {
    match when_empty {
        WhenEmpty::Drop => Ok(Verdict::Drop),
        WhenEmpty::KeepHeader if batch.header.record_count == 0 => Ok(Verdict::Keep),
        WhenEmpty::KeepHeader => {
            BatchRewriter::new(&batch.header, None).finish().map(Verdict::Rewritten)
        }
    }
}

/// The keys of a batch with their offsets, from `from` on, for [`OffsetMap::put`]. Empty for control
/// batches, whose keys mean something else.
///
/// # Errors
/// As [`filter`].
pub(super) fn keys_of(
    batch: &BatchView<'_>,
    from: Offset,
    decompressed_bytes_max: usize,
    scratch: &mut Vec<u8>,
) -> Result<Vec<(KeyHash, Offset)>, BatchError> {
    let mut keys = Vec::new();
    if batch.header.attributes.is_control() || batch.header.record_count == 0 {
        return Ok(keys);
    }
    for record in batch.records(scratch, decompressed_bytes_max)? {
        let record = record?;
        let offset = Offset(batch.header.base_offset.0 + i64::from(record.offset_delta));
        if let Some(key) = record.key.filter(|_| offset >= from) {
            keys.push((KeyHash::of(key), offset));
        }
    }
    Ok(keys)
}
