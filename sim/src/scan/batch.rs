//! One record batch (version 2) from bytes.
//!
//! Source: Kafka's documentation, "Record Batch" and "Record"; KIP-98.

use model::{LeaderEpoch, Offset, ProducerEpoch, ProducerId};
use wire::batch::BatchProducer;

use super::crc32c::crc32c;
use super::{PlacedBatch, Torn};
use crate::checkers::event::{BatchSeen, RecordContent, RecordSeen, content_hash, digest};

const HEADER_BYTES: usize = 61;
/// Base offset and length, which the length does not count.
const OVERHEAD_BYTES: usize = 12;
const CRC_FROM: usize = 21;

const CODEC: i16 = 0b111;
const LOG_APPEND_TIME: i16 = 1 << 3;
const TRANSACTIONAL: i16 = 1 << 4;
const CONTROL: i16 = 1 << 5;

/// Reads the batch at a position of a segment file.
pub(super) fn read(file: &[u8], position: usize) -> Result<PlacedBatch, Torn> {
    let rest = file.get(position..).unwrap_or_default();
    let torn =
        |why: String| Torn { position_bytes: position as u64, bytes: rest.len() as u64, why };
    let batch = whole(rest).map_err(torn)?;
    let header = Header::read(batch).ok_or_else(|| torn("a short header".to_owned()))?;
    header.check(batch).map_err(torn)?;
    let records = header.records(batch).map_err(torn)?;
    let contents: Vec<_> = records.iter().map(|record| record.content).collect();
    let plain = header.attributes & CODEC == 0;
    Ok(PlacedBatch {
        position_bytes: position as u64,
        size_bytes: batch.len() as u64,
        crc: header.crc,
        max_timestamp_ms: header.max_timestamp,
        batch: BatchSeen {
            base_offset: Offset(header.base_offset),
            last_offset: header.last_offset(),
            leader_epoch: (header.leader_epoch >= 0).then_some(LeaderEpoch(header.leader_epoch)),
            producer: (header.producer_id >= 0).then_some(BatchProducer {
                id: ProducerId(header.producer_id),
                epoch: ProducerEpoch(header.producer_epoch),
                base_sequence: header.base_sequence,
            }),
            transactional: header.attributes & TRANSACTIONAL != 0,
            control: header.attributes & CONTROL != 0,
            count: header.count.unsigned_abs(),
            hash: plain.then(|| content_hash(&contents)),
            records,
        },
    })
}

/// The bytes of one batch, as its length says.
fn whole(rest: &[u8]) -> Result<&[u8], String> {
    let mut fields = Fields(rest);
    let length = fields.i64().and_then(|_| fields.i32());
    let length = length.ok_or_else(|| format!("{} bytes are no batch", rest.len()))?;
    let size = usize::try_from(length).ok().map(|length| length + OVERHEAD_BYTES);
    let size = size.filter(|size| *size >= HEADER_BYTES);
    let size = size.ok_or_else(|| format!("a batch length of {length}"))?;
    rest.get(..size).ok_or_else(|| format!("{} of the {size} bytes of a batch", rest.len()))
}

struct Header {
    base_offset: i64,
    leader_epoch: i32,
    magic: i8,
    crc: u32,
    attributes: i16,
    last_offset_delta: i32,
    base_timestamp: i64,
    max_timestamp: i64,
    producer_id: i64,
    producer_epoch: i16,
    base_sequence: i32,
    count: i32,
}

impl Header {
    fn read(batch: &[u8]) -> Option<Self> {
        let mut fields = Fields(batch);
        let base_offset = fields.i64()?;
        fields.i32()?;
        Some(Self {
            base_offset,
            leader_epoch: fields.i32()?,
            magic: fields.i8()?,
            crc: u32::from_be_bytes(fields.i32()?.to_be_bytes()),
            attributes: fields.i16()?,
            last_offset_delta: fields.i32()?,
            base_timestamp: fields.i64()?,
            max_timestamp: fields.i64()?,
            producer_id: fields.i64()?,
            producer_epoch: fields.i16()?,
            base_sequence: fields.i32()?,
            count: fields.i32()?,
        })
    }

    fn check(&self, batch: &[u8]) -> Result<(), String> {
        if self.magic != 2 {
            return Err(format!("a batch of version {}", self.magic));
        }
        let crc = crc32c(batch.get(CRC_FROM..).unwrap_or_default());
        if crc != self.crc {
            return Err(format!("checksum {crc:08x} where {:08x} is said", self.crc));
        }
        if self.base_offset < 0 || self.last_offset_delta < 0 || self.count < 0 {
            return Err("a negative offset or count".to_owned());
        }
        if self.base_offset.checked_add(i64::from(self.last_offset_delta) + 1).is_none() {
            return Err("offsets beyond the last one".to_owned());
        }
        Ok(())
    }

    fn last_offset(&self) -> Offset {
        Offset(self.base_offset + i64::from(self.last_offset_delta))
    }

    /// Compressed records are not looked into.
    fn records(&self, batch: &[u8]) -> Result<Vec<RecordSeen>, String> {
        if self.attributes & CODEC != 0 {
            return Ok(Vec::new());
        }
        let mut fields = Fields(batch.get(HEADER_BYTES..).unwrap_or_default());
        let mut records = Vec::new();
        for at in 0..self.count {
            let record = fields.sized().ok_or_else(|| format!("record {at} does not end"))?;
            records.push(self.record(record).ok_or_else(|| format!("record {at} is no record"))?);
        }
        if !fields.0.is_empty() {
            return Err(format!("{} bytes after the last record", fields.0.len()));
        }
        Ok(records)
    }

    fn record(&self, bytes: &[u8]) -> Option<RecordSeen> {
        let mut fields = Fields(bytes);
        fields.i8()?;
        let timestamp_delta = fields.varint()?;
        let offset_delta = fields.varint()?;
        let (key, value) = (fields.nullable()?, fields.nullable()?);
        let append_time = self.attributes & LOG_APPEND_TIME != 0;
        let created = self.base_timestamp.checked_add(timestamp_delta)?;
        Some(RecordSeen {
            offset: Offset(self.base_offset.checked_add(offset_delta)?),
            content: RecordContent {
                key: key.map(digest),
                value: value.map(digest),
                timestamp_ms: if append_time { self.max_timestamp } else { created },
            },
        })
    }
}

/// Big-endian numbers and zigzag varints, one after the other. `None`: the bytes end early.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }

    fn i8(&mut self) -> Option<i8> {
        self.array().map(i8::from_be_bytes)
    }

    fn i16(&mut self) -> Option<i16> {
        self.array().map(i16::from_be_bytes)
    }

    fn i32(&mut self) -> Option<i32> {
        self.array().map(i32::from_be_bytes)
    }

    fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_be_bytes)
    }

    fn varint(&mut self) -> Option<i64> {
        let mut bits = 0_u64;
        for at in 0..10 {
            let [byte] = self.array()?;
            bits |= u64::from(byte & 0x7f) << (7 * at);
            if byte & 0x80 == 0 {
                let half = i64::try_from(bits >> 1).ok()?;
                return Some(if bits & 1 == 0 { half } else { !half });
            }
        }
        None
    }

    fn bytes(&mut self, length: i64) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(head)
    }

    fn sized(&mut self) -> Option<&'a [u8]> {
        let length = self.varint()?;
        self.bytes(length)
    }

    /// A negative length is null.
    fn nullable(&mut self) -> Option<Option<&'a [u8]>> {
        let length = self.varint()?;
        if length < 0 { Some(None) } else { self.bytes(length).map(Some) }
    }
}
