//! A batch that keeps some records of another, as compaction writes it.
//!
//! Promises: base offset, last offset, producer and sequence are the original's, and every record keeps
//! its offset and its timestamp, so that neither readers nor producers notice what went.
//! Does not: choose the records.
//! Source: Kafka `MemoryRecords.filterTo`, `DefaultRecordBatch.writeEmptyHeader`; KIP-534.

use super::builder::{length, put_header, put_record};
use super::restamp::crc;
use super::{BatchError, BatchHeader, HEADER_BYTES, NO_TIMESTAMP_MS, Record, TimestampType};
use crate::compression::{Codec, Compression};

/// Collects the records to keep, in their order.
#[derive(Debug)]
pub struct BatchRewriter {
    original: BatchHeader,
    /// What the new timestamp deltas count from.
    base_timestamp_ms: i64,
    sets_delete_horizon: bool,
    max_timestamp_ms: i64,
    record_count: usize,
    /// Room for the header, then the records.
    bytes: Vec<u8>,
}

impl BatchRewriter {
    /// Starts without records. `delete_horizon_ms` sets the batch's delete horizon; `None` leaves it
    /// as it is.
    #[must_use]
    pub fn new(original: &BatchHeader, delete_horizon_ms: Option<i64>) -> Self {
        Self {
            original: *original,
            base_timestamp_ms: delete_horizon_ms.unwrap_or(original.base_timestamp_ms),
            sets_delete_horizon: delete_horizon_ms.is_some(),
            max_timestamp_ms: NO_TIMESTAMP_MS,
            record_count: 0,
            bytes: vec![0; HEADER_BYTES],
        }
    }

    /// Takes over a record of the original batch.
    pub fn append(&mut self, record: &Record<'_>) {
        // Wrapping, as the deltas come from a producer: the sum is the same when it is read back.
        let timestamp_ms = self.original.base_timestamp_ms.wrapping_add(record.timestamp_delta_ms);
        self.max_timestamp_ms = self.max_timestamp_ms.max(timestamp_ms);
        self.record_count += 1;
        put_record(
            &mut self.bytes,
            timestamp_ms.wrapping_sub(self.base_timestamp_ms),
            record.offset_delta,
            record.key,
            record.value,
            record.headers,
        );
    }

    /// The whole batch, compressed as the original was. Without records it is a bare header that still
    /// says up to which sequence its producer wrote.
    ///
    /// # Errors
    /// [`BatchError::UnknownCodec`].
    pub fn finish(mut self) -> Result<Vec<u8>, BatchError> {
        if self.record_count == 0 {
            return Ok(self.empty());
        }
        let original = &self.original;
        let codec = original.attributes.codec()?;
        let mut bytes = self.bytes;
        if codec != Codec::None {
            let records = bytes.split_off(HEADER_BYTES);
            Compression::from(codec).compress(&records, &mut bytes);
        }
        let attributes = original.attributes;
        let mut header = BatchHeader {
            size_bytes: length(bytes.len()).cast_unsigned(),
            attributes: if self.sets_delete_horizon {
                attributes.with_delete_horizon()
            } else {
                attributes
            },
            base_timestamp_ms: self.base_timestamp_ms,
            max_timestamp_ms: match attributes.timestamp_type() {
                TimestampType::CreateTime => self.max_timestamp_ms,
                TimestampType::LogAppendTime => original.max_timestamp_ms,
            },
            record_count: length(self.record_count),
            ..*original
        };
        header.crc = crc(&header.encode(), bytes.get(HEADER_BYTES..).unwrap_or_default());
        put_header(&mut bytes, &header);
        Ok(bytes)
    }

    fn empty(&mut self) -> Vec<u8> {
        let attributes = self.original.attributes.with_codec(Codec::None);
        let mut header = BatchHeader {
            size_bytes: length(HEADER_BYTES).cast_unsigned(),
            attributes: attributes.without_delete_horizon(),
            base_timestamp_ms: NO_TIMESTAMP_MS,
            record_count: 0,
            ..self.original
        };
        header.crc = crc(&header.encode(), &[]);
        header.encode().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Attributes, BatchBuilder, BatchProducer, BatchStamp, BatchView, Header};
    use super::*;
    use model::{LeaderEpoch, Offset, ProducerEpoch, ProducerId};

    const CODECS: [Codec; 5] = [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];

    /// Three records at offsets 100 to 102 and times 5000, 4000, 6000; the second is a tombstone.
    fn original(codec: Codec) -> Vec<u8> {
        let mut builder = BatchBuilder::new(Vec::new());
        let headers = [Header { key: b"h", value: None }, Header { key: b"h", value: Some(b"v") }];
        builder.append(5000, Some(b"a"), Some(b"1"), &headers);
        builder.append(4000, Some(b"b"), None, &[]);
        builder.append(6000, Some(b"c"), Some(b"3"), &[]);
        let producer =
            BatchProducer { id: ProducerId(7), epoch: ProducerEpoch(1), base_sequence: 40 };
        let stamp = BatchStamp {
            base_offset: Offset(100),
            partition_leader_epoch: Some(LeaderEpoch(3)),
            producer: Some(producer),
            attributes: Attributes::default().transactional(),
        };
        let mut bytes = Vec::new();
        builder.finish_compressed(&stamp, codec.into(), &mut bytes);
        bytes
    }

    fn rewrite(bytes: &[u8], horizon_ms: Option<i64>, keep: &[usize]) -> Vec<u8> {
        let view = BatchView::new(bytes).unwrap();
        let mut scratch = Vec::new();
        let mut rewriter = BatchRewriter::new(&view.header, horizon_ms);
        for (at, record) in view.records(&mut scratch, 1 << 20).unwrap().enumerate() {
            if keep.contains(&at) {
                rewriter.append(&record.unwrap());
            }
        }
        rewriter.finish().unwrap()
    }

    /// Offset, timestamp, key, value and header count of each record.
    type Row = (i64, i64, Vec<u8>, Option<Vec<u8>>, usize);

    fn rows(bytes: &[u8]) -> Vec<Row> {
        let view = BatchView::new(bytes).unwrap();
        view.check_crc().unwrap();
        let mut scratch = Vec::new();
        let records = view.records(&mut scratch, 1 << 20).unwrap();
        let row = |record: Record<'_>| {
            (
                view.header.base_offset.0 + i64::from(record.offset_delta),
                view.header.base_timestamp_ms + record.timestamp_delta_ms,
                record.key.unwrap().to_vec(),
                record.value.map(<[u8]>::to_vec),
                record.headers.len(),
            )
        };
        records.map(|record| row(record.unwrap())).collect()
    }

    #[test]
    fn kept_records_keep_offset_time_and_content_with_every_codec() {
        for codec in CODECS {
            let before = original(codec);
            for horizon_ms in [None, Some(1_700_000_000_000)] {
                let after = rewrite(&before, horizon_ms, &[0, 1]);
                assert_eq!(rows(&after), rows(&before)[..2], "{codec:?} {horizon_ms:?}");
                let (old, new) =
                    (BatchView::new(&before).unwrap(), BatchView::new(&after).unwrap());
                assert_eq!(new.header.delete_horizon_ms(), horizon_ms);
                assert_eq!(new.header.attributes.codec(), Ok(codec));
                assert_eq!(new.header.base_offset, old.header.base_offset);
                assert_eq!(new.header.last_offset(), old.header.last_offset());
                assert_eq!(new.header.producer, old.header.producer);
                assert_eq!(new.header.last_sequence(), old.header.last_sequence());
                assert_eq!(new.header.max_timestamp_ms, 5000);
            }
        }
    }

    #[test]
    fn a_horizon_stays_through_later_rewrites() {
        let first = rewrite(&original(Codec::Zstd), Some(9000), &[0, 1, 2]);
        let second = rewrite(&first, None, &[1]);
        assert_eq!(BatchView::new(&second).unwrap().header.delete_horizon_ms(), Some(9000));
        assert_eq!(rows(&second), rows(&first)[1..2]);
    }

    #[test]
    fn without_records_the_header_still_tells_the_producers_sequence() {
        for codec in CODECS {
            let with_horizon = rewrite(&original(codec), Some(9000), &[0, 1, 2]);
            let empty = rewrite(&with_horizon, None, &[]);
            assert_eq!(empty.len(), HEADER_BYTES);
            assert_eq!(rows(&empty), []);
            let header = BatchView::new(&empty).unwrap().header;
            assert_eq!((header.base_offset, header.last_offset()), (Offset(100), Offset(102)));
            assert_eq!(header.last_sequence(), Some(42));
            assert_eq!(header.partition_leader_epoch, Some(LeaderEpoch(3)));
            assert_eq!(header.max_timestamp_ms, 6000);
            assert_eq!(header.delete_horizon_ms(), None);
            assert!(header.attributes.is_transactional());
        }
    }
}
