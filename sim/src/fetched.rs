//! What clients of a run find in a fetch answer, as the facts that checkers judge.
//!
//! Promises: every kernel's clients read alike, with the decoder that real clients use.
//! Does not: read files; `scan` does that, with a decoder of its own.

use model::Offset;
use wire::batch::{BatchView, batches};

use crate::checkers::event::{BatchSeen, RecordContent, RecordSeen, content_hash, digest};

/// What a compressed batch of a run may hold.
const DECOMPRESSED_BYTES_MAX: usize = 1 << 20;

/// The batches that a fetch answered. A batch that was cut at the end is left out, as every
/// consumer does.
///
/// # Errors
/// Bytes that no broker may send: the text says what is wrong with them.
pub fn batches_seen(bytes: &[u8]) -> Result<Vec<BatchSeen>, String> {
    let mut found = Vec::new();
    for batch in batches(bytes) {
        match batch {
            Ok(batch) => found.push(batch_seen(&batch)?),
            Err(wire::batch::BatchError::Truncated { .. }) => break,
            Err(error) => return Err(format!("no batch after {} good ones: {error}", found.len())),
        }
    }
    Ok(found)
}

fn batch_seen(batch: &BatchView<'_>) -> Result<BatchSeen, String> {
    let header = &batch.header;
    let wrong = |what: String| format!("the batch at offset {}: {what}", header.base_offset);
    batch.check_crc().map_err(|error| wrong(error.to_string()))?;
    let mut scratch = Vec::new();
    let records = batch
        .records(&mut scratch, DECOMPRESSED_BYTES_MAX)
        .map_err(|error| wrong(error.to_string()))?;
    let mut found = Vec::new();
    for record in records {
        let record = record.map_err(|error| wrong(error.to_string()))?;
        let content = RecordContent {
            key: record.key.map(digest),
            value: record.value.map(digest),
            timestamp_ms: header.base_timestamp_ms + record.timestamp_delta_ms,
        };
        let offset = Offset(header.base_offset.0 + i64::from(record.offset_delta));
        found.push(RecordSeen { offset, content });
    }
    let contents: Vec<RecordContent> = found.iter().map(|record| record.content).collect();
    Ok(BatchSeen {
        base_offset: header.base_offset,
        last_offset: header.last_offset(),
        leader_epoch: header.partition_leader_epoch,
        producer: header.producer,
        transactional: header.attributes.is_transactional(),
        control: header.attributes.is_control(),
        count: u32::try_from(found.len()).expect("a batch holds less than 2^31 records"),
        hash: Some(content_hash(&contents)),
        records: found,
    })
}
