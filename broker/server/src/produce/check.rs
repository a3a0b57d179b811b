//! The checks of a produced batch, and the bytes that the log will hold.
//!
//! Promises: long pure work (decompression, compression) leaves the shard's thread. Records are copied
//! only when they change codec, and that copy is counted; new time fields change the header alone.
//! Source: Kafka `LogValidator`, `UnifiedLog.analyzeAndValidateRecords`.

use model::{Buf, Buggify, ErrorCode, Probe, Site};
use runtime::Runtime;
use wire::batch::{
    BatchBuilder, BatchError, BatchFacts, BatchHeader, BatchStamp, BatchView, HEADER_BYTES,
    ProduceRules, restamped_header, validate,
};
use wire::compression::{Codec, Compression};

use super::Refusal;
use crate::partition::Checked;
use crate::shard::Shard;
use crate::topics::Topic;

/// Compressed batches above this size are checked off the loop.
const INLINE_COMPRESSED_BYTES_MAX: usize = 16 * 1024;

/// Checks one batch of a Produce request and prepares what is appended.
pub(crate) async fn check<R: Runtime>(
    shard: &Shard<R>,
    topic: &Topic,
    records: Option<&Buf>,
    version: i16,
) -> Result<Checked, Refusal> {
    let bytes = records.ok_or(BatchError::NotOneBatch)?;
    let rules = topic.settings.rules(shard.rt.now().wall_ms, version, shard.limits.frame_bytes);
    let target = topic.settings.compression;
    let is_offloaded = is_long(bytes, target) || shard.buggify(Buggify::OffloadSmall);
    let Prepared { checked, copied_bytes } = if is_offloaded {
        let job = {
            let bytes = bytes.clone();
            move || prepare(bytes, &rules, target, &mut Vec::new())
        };
        // A full pool refuses the work: then this shard does it, as back-pressure.
        match shard.rt.offload(job).await {
            Ok(prepared) => prepared?,
            Err(_) => {
                shard.sometimes(Site::OffloadRefused);
                prepare(bytes.clone(), &rules, target, &mut Vec::new())?
            }
        }
    } else {
        prepare(bytes.clone(), &rules, target, &mut shard.scratch.borrow_mut())?
    };
    // The probe stays on its shard, so work that was offloaded is counted here.
    shard.rt.probe().copied(copied_bytes);
    // There is no transaction coordinator, so nothing could ever end this transaction.
    if checked.facts.header.attributes.is_transactional() {
        return Err(ErrorCode::InvalidTxnState.into());
    }
    Ok(checked)
}

/// Whether checking this batch may take longer than a loop may be held up.
fn is_long(bytes: &[u8], target: Option<Compression>) -> bool {
    let codec = BatchView::new(bytes).ok().and_then(|it| it.header.attributes.codec().ok());
    let Some(codec) = codec else { return false };
    let compressed = codec != Codec::None || target.is_some_and(|it| it.codec != Codec::None);
    compressed && bytes.len() > INLINE_COMPRESSED_BYTES_MAX
}

/// A batch ready to be appended, and what that cost.
struct Prepared {
    checked: Checked,
    /// Bytes of records that were written anew.
    copied_bytes: usize,
}

fn prepare(
    bytes: Buf,
    rules: &ProduceRules,
    target: Option<Compression>,
    scratch: &mut Vec<u8>,
) -> Result<Prepared, BatchError> {
    let facts = validate(&bytes, rules, scratch)?;
    let codec = facts.header.attributes.codec()?;
    if let Some(target) = target.filter(|target| target.codec != codec) {
        return recompressed(&bytes, &facts, rules, target, scratch);
    }
    let Some(restamp) = facts.restamp else {
        let checked = Checked { bytes, restamped: None, facts };
        return Ok(Prepared { checked, copied_bytes: 0 });
    };
    let restamped = restamped_header(&BatchView::new(&bytes)?, restamp);
    let header = BatchHeader::decode(&restamped)?;
    let facts = BatchFacts { header, restamp: None, ..facts };
    let checked = Checked { bytes, restamped: Some(Box::new(restamped)), facts };
    Ok(Prepared { checked, copied_bytes: 0 })
}

/// The same records under another codec (`compression.type` of the topic).
fn recompressed(
    bytes: &Buf,
    facts: &BatchFacts,
    rules: &ProduceRules,
    target: Compression,
    scratch: &mut Vec<u8>,
) -> Result<Prepared, BatchError> {
    let batch = BatchView::new(bytes)?;
    let mut builder = BatchBuilder::new(Vec::new());
    let mut headers = Vec::new();
    for record in batch.records(scratch, rules.decompressed_bytes_max)? {
        let record = record?;
        headers.clear();
        headers.extend(record.headers);
        let timestamp_ms = match rules.timestamp_type {
            wire::batch::TimestampType::CreateTime => {
                facts.header.base_timestamp_ms.saturating_add(record.timestamp_delta_ms)
            }
            wire::batch::TimestampType::LogAppendTime => facts.max_timestamp_ms,
        };
        builder.append(timestamp_ms, record.key, record.value, &headers);
    }
    let copied_bytes = builder.size_bytes() - HEADER_BYTES;
    let stamp = BatchStamp {
        producer: facts.header.producer,
        attributes: facts.header.attributes.with_timestamp_type(rules.timestamp_type),
        ..BatchStamp::default()
    };
    let mut stored = Vec::new();
    if target.codec == Codec::None {
        stored = builder.finish(&stamp);
    } else {
        builder.finish_compressed(&stamp, target, &mut stored);
    }
    if stored.len() > rules.batch_bytes_max {
        let (size_bytes, limit_bytes) = (stored.len(), rules.batch_bytes_max);
        return Err(BatchError::TooLarge { size_bytes, limit_bytes });
    }
    assert!(stored.len() > HEADER_BYTES, "a batch holds records");
    // The header of the bytes that are stored, instead of those that came.
    let header = BatchView::new(&stored)?.header;
    let facts = BatchFacts { header, restamp: None, ..*facts };
    let checked = Checked { bytes: Buf::from(stored), restamped: None, facts };
    Ok(Prepared { checked, copied_bytes })
}
