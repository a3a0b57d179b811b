//! What a fetch brought of one partition, record by record.

use core::ops::ControlFlow;
use model::{Buf, Offset};
use wire::batch::{BatchError, Headers, TimestampType, batches};

use crate::NamedPartition;

/// Decompressed records of one batch.
const DECOMPRESSED_BYTES_MAX: usize = 256 << 20;

/// Whole batches, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    pub at: NamedPartition,
    /// The first record that is wanted; a batch may begin earlier.
    pub from: Offset,
    /// The partition's end when it was read.
    pub high_watermark: Offset,
    pub records: Buf,
}

/// One record of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadRecord<'a> {
    pub offset: Offset,
    /// Milliseconds since 1970; -1 when the producer gave none.
    pub timestamp_ms: i64,
    pub timestamp_type: TimestampType,
    pub key: Option<&'a [u8]>,
    /// `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    pub headers: Headers<'a>,
}

impl Chunk {
    /// Where to read on after the whole chunk: also past records that compaction took and past markers.
    #[must_use]
    pub fn end(&self) -> Offset {
        let last = batches(&self.records).map_while(Result::ok).last();
        last.map_or(self.from, |batch| batch.header.end_offset().max(self.from))
    }

    /// Shows each record to `each` until it breaks; returns where to read on. `scratch` holds decompressed records.
    ///
    /// Records before [`Chunk::from`] and control batches are passed over.
    ///
    /// # Errors
    /// A batch is damaged: its checksum, its codec or a record. What came before was shown.
    pub fn visit(
        &self,
        scratch: &mut Vec<u8>,
        mut each: impl FnMut(&ReadRecord<'_>) -> ControlFlow<()>,
    ) -> Result<Offset, BatchError> {
        let mut next = self.from;
        for batch in batches(&self.records) {
            let batch = match batch {
                Ok(batch) => batch,
                // The answer's limit cut it; the next fetch brings it whole.
                Err(BatchError::Truncated { .. }) => break,
                Err(error) => return Err(error),
            };
            batch.check_crc()?;
            let header = &batch.header;
            if !header.attributes.is_control() {
                for record in batch.records(scratch, DECOMPRESSED_BYTES_MAX)? {
                    let record = record?;
                    let offset = Offset(header.base_offset.0 + i64::from(record.offset_delta));
                    if offset < next {
                        continue;
                    }
                    let timestamp_type = header.attributes.timestamp_type();
                    let seen = each(&ReadRecord {
                        offset,
                        timestamp_ms: match timestamp_type {
                            TimestampType::LogAppendTime => header.max_timestamp_ms,
                            TimestampType::CreateTime => {
                                header.base_timestamp_ms.wrapping_add(record.timestamp_delta_ms)
                            }
                        },
                        timestamp_type,
                        key: record.key,
                        value: record.value,
                        headers: record.headers,
                    });
                    next = offset.after(1);
                    if seen.is_break() {
                        return Ok(next);
                    }
                }
            }
            next = next.max(header.end_offset());
        }
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::batch::{BatchBuilder, BatchStamp};

    /// Two batches of three records, at offsets 10 to 12 and 20 to 22.
    fn chunk(from: i64, cut_bytes: usize) -> Chunk {
        let mut bytes = Vec::new();
        for base in [10, 20] {
            let mut builder = BatchBuilder::new(Vec::new());
            for at in 0..3_i64 {
                builder.append(1_000 + at, None, Some(b"value"), &[]);
            }
            let base_offset = Offset(base);
            bytes.extend(builder.finish(&BatchStamp { base_offset, ..BatchStamp::default() }));
        }
        bytes.truncate(bytes.len() - cut_bytes);
        let at = NamedPartition::new(&"t".into(), 0);
        Chunk { at, from: Offset(from), high_watermark: Offset(23), records: Buf::from(bytes) }
    }

    fn seen(chunk: &Chunk, until: usize) -> (Vec<(i64, i64)>, Result<Offset, BatchError>) {
        let mut seen = Vec::new();
        let next = chunk.visit(&mut Vec::new(), |record| {
            seen.push((record.offset.0, record.timestamp_ms));
            if seen.len() == until { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        (seen, next)
    }

    #[test]
    fn a_chunk_begins_inside_a_batch_and_ends_after_the_last() {
        let (seen, next) = seen(&chunk(12, 0), 9);
        assert_eq!(seen, [(12, 1_002), (20, 1_000), (21, 1_001), (22, 1_002)]);
        assert_eq!((next, chunk(12, 0).end()), (Ok(Offset(23)), Offset(23)));
    }

    #[test]
    fn whoever_stops_reads_on_behind_the_last_record_it_saw() {
        let (seen, next) = seen(&chunk(0, 0), 2);
        assert_eq!((seen.len(), next), (2, Ok(Offset(12))));
    }

    #[test]
    fn a_cut_batch_is_left_for_the_next_fetch() {
        let (seen, next) = seen(&chunk(0, 1), 9);
        assert_eq!((seen.len(), next), (3, Ok(Offset(13))));
        assert_eq!(chunk(0, 1).end(), Offset(13));
    }

    #[test]
    fn damage_is_an_error() {
        let mut bytes = chunk(0, 0).records.to_vec();
        bytes[70] ^= 1;
        let damaged = Chunk { records: Buf::from(bytes), ..chunk(0, 0) };
        assert!(matches!(seen(&damaged, 9).1, Err(BatchError::Checksum { .. })));
    }
}
