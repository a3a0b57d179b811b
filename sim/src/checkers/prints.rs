//! Fingerprints by which a value is recognised wherever it lies.
//!
//! They rest on the workload: every value of a run is written once. A value is known by its record
//! where the source keeps records, by its batch where it does not; records without a value have no
//! print, nor have batches that compaction has emptied.

use model::Offset;

use super::event::{BatchSeen, Content, RecordContent};

/// Stands for a record or, from a source without records, for a whole batch.
pub(super) type Print = u64;

pub(super) fn of_content(content: &Content) -> Vec<Print> {
    if content.records.is_empty() {
        return content.hash.into_iter().collect();
    }
    content.records.iter().filter_map(of_record).collect()
}

/// The prints of a batch with the offset of each.
pub(super) fn of_batch(batch: &BatchSeen) -> Vec<(Offset, Print)> {
    if batch.control || batch.count == 0 {
        return Vec::new();
    }
    if batch.records.is_empty() {
        return batch.hash.map(|hash| (batch.base_offset, hash)).into_iter().collect();
    }
    let of_seen = |record: &super::event::RecordSeen| {
        of_record(&record.content).map(|print| (record.offset, print))
    };
    batch.records.iter().filter_map(of_seen).collect()
}

fn of_record(record: &RecordContent) -> Option<Print> {
    let value = record.value?;
    Some(value ^ record.key.unwrap_or_default().rotate_left(17))
}
