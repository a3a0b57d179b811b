//! Builds a batch in one buffer: records are written where they stay.

use model::{LeaderEpoch, Offset};

use super::header::{Attributes, BatchHeader, BatchProducer};
use super::record::Header;
use super::restamp::crc;
use super::{CRC_FROM, HEADER_BYTES, NO_TIMESTAMP_MS};
use crate::compression::{Codec, Compression};
use crate::varint;

/// What is known only when the batch is sent or appended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BatchStamp {
    /// 0 from a producer: the leader assigns it.
    pub base_offset: Offset,
    pub partition_leader_epoch: Option<LeaderEpoch>,
    pub producer: Option<BatchProducer>,
    /// Transactional and control bits; codec and timestamp type are the builder's.
    pub attributes: Attributes,
}

/// Collects records. No allocation per record, only the buffer grows.
///
/// ```
/// use wire::batch::{BatchBuilder, BatchStamp, BatchView};
/// let mut builder = BatchBuilder::new(Vec::new());
/// builder.append(1_700_000_000_000, Some(b"key"), Some(b"value"), &[]);
/// let batch = builder.finish(&BatchStamp::default());
/// assert_eq!(BatchView::new(&batch).unwrap().header.record_count, 1);
/// ```
#[derive(Debug)]
pub struct BatchBuilder {
    bytes: Vec<u8>,
    base_timestamp_ms: i64,
    max_timestamp_ms: i64,
    record_count: u32,
}

impl BatchBuilder {
    /// Starts in an emptied buffer, whose memory is used again.
    #[must_use]
    pub fn new(mut buffer: Vec<u8>) -> Self {
        buffer.clear();
        buffer.resize(HEADER_BYTES, 0);
        Self {
            bytes: buffer,
            base_timestamp_ms: NO_TIMESTAMP_MS,
            max_timestamp_ms: NO_TIMESTAMP_MS,
            record_count: 0,
        }
    }

    /// Size of the batch so far, before compression.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.bytes.len()
    }

    #[must_use]
    pub fn record_count(&self) -> u32 {
        self.record_count
    }

    /// Appends a record. Its offset is the batch's base offset plus the number of records before it.
    ///
    /// # Panics
    /// Above `i32::MAX` records, or with a record above `i32::MAX` bytes: bound both before.
    pub fn append(
        &mut self,
        timestamp_ms: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[Header<'_>],
    ) {
        if self.record_count == 0 {
            self.base_timestamp_ms = timestamp_ms;
        }
        self.max_timestamp_ms = self.max_timestamp_ms.max(timestamp_ms);
        let timestamp_delta_ms = timestamp_ms.wrapping_sub(self.base_timestamp_ms);
        let offset_delta = length(self.record_count as usize);
        self.record_count += 1;

        put_record(
            &mut self.bytes,
            timestamp_delta_ms,
            offset_delta,
            key,
            value,
            headers.iter().copied(),
        );
    }

    /// The finished batch, uncompressed, in the buffer that the records were written to.
    ///
    /// # Panics
    /// Without records, or above `i32::MAX` bytes.
    #[must_use]
    pub fn finish(mut self, stamp: &BatchStamp) -> Vec<u8> {
        let mut header = self.header(stamp, Codec::None, self.bytes.len());
        put_header(&mut self.bytes, &header);
        header.crc = crc_fast::crc32_iscsi(self.bytes.get(CRC_FROM..).unwrap_or_default());
        put_header(&mut self.bytes, &header);
        self.bytes
    }

    /// The finished batch with compressed records, written to `output`; `self` can be used again
    /// through [`BatchBuilder::into_buffer`].
    ///
    /// # Panics
    /// Without records, or above `i32::MAX` bytes.
    pub fn finish_compressed(
        &self,
        stamp: &BatchStamp,
        compression: Compression,
        output: &mut Vec<u8>,
    ) {
        output.clear();
        output.resize(HEADER_BYTES, 0);
        compression.compress(self.bytes.get(HEADER_BYTES..).unwrap_or_default(), output);
        let mut header = self.header(stamp, compression.codec, output.len());
        header.crc = crc(&header.encode(), output.get(HEADER_BYTES..).unwrap_or_default());
        put_header(output, &header);
    }

    /// Gives the buffer back for the next batch.
    #[must_use]
    pub fn into_buffer(self) -> Vec<u8> {
        self.bytes
    }

    fn header(&self, stamp: &BatchStamp, codec: Codec, size_bytes: usize) -> BatchHeader {
        assert!(self.record_count > 0, "a batch holds at least one record");
        BatchHeader {
            base_offset: stamp.base_offset,
            size_bytes: length(size_bytes).cast_unsigned(),
            partition_leader_epoch: stamp.partition_leader_epoch,
            crc: 0,
            attributes: stamp.attributes.with_codec(codec),
            last_offset_delta: length(self.record_count as usize - 1),
            base_timestamp_ms: self.base_timestamp_ms,
            max_timestamp_ms: self.max_timestamp_ms,
            producer: stamp.producer,
            record_count: length(self.record_count as usize),
        }
    }
}

/// Appends one record, both deltas as they will be read.
pub(super) fn put_record<'a>(
    bytes: &mut Vec<u8>,
    timestamp_delta_ms: i64,
    offset_delta: i32,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: impl ExactSizeIterator<Item = Header<'a>> + Clone,
) {
    let header_count = length(headers.len());
    let headers_size: usize =
        headers.clone().map(|it| field_size(Some(it.key)) + field_size(it.value)).sum();
    let size_bytes = 1
        + varint::varlong_size(timestamp_delta_ms)
        + varint::varint_size(offset_delta)
        + field_size(key)
        + field_size(value)
        + varint::varint_size(header_count)
        + headers_size;
    bytes.reserve(size_bytes + varint::VARINT_BYTES_MAX);
    varint::put_varint(bytes, length(size_bytes));
    bytes.push(0);
    varint::put_varlong(bytes, timestamp_delta_ms);
    varint::put_varint(bytes, offset_delta);
    put_field(bytes, key);
    put_field(bytes, value);
    varint::put_varint(bytes, header_count);
    for header in headers {
        put_field(bytes, Some(header.key));
        put_field(bytes, header.value);
    }
}

pub(super) fn put_header(bytes: &mut [u8], header: &BatchHeader) {
    for (to, from) in bytes.iter_mut().zip(header.encode()) {
        *to = from;
    }
}

pub(super) fn length(count: usize) -> i32 {
    i32::try_from(count).expect("the caller bounds records and batches")
}

fn field_size(field: Option<&[u8]>) -> usize {
    match field {
        Some(field) => varint::varint_size(length(field.len())) + field.len(),
        None => varint::varint_size(-1),
    }
}

fn put_field(bytes: &mut Vec<u8>, field: Option<&[u8]>) {
    match field {
        Some(field) => {
            varint::put_varint(bytes, length(field.len()));
            bytes.extend_from_slice(field);
        }
        None => varint::put_varint(bytes, -1),
    }
}
