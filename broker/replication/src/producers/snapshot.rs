//! Kafka's producer snapshot file, `<offset>.snapshot`, version 1.
//!
//! Big-endian: version i16 = 1, CRC-32C u32 of all that follows it, entry count i32, then per entry
//! producer id i64, epoch i16, last sequence i32, last offset i64, offset delta i32, timestamp i64,
//! coordinator epoch i32, first offset of the open transaction i64; -1 where there is none.
//! Source: Kafka `ProducerSnapshot.json`, `ProducerStateManager.writeSnapshot`.

use core::fmt;
use std::collections::BTreeMap;

use crc_fast::CrcAlgorithm;
use model::{Offset, ProducerEpoch, ProducerId};
use smallvec::smallvec;

use super::entry::{Entry, Written, advance};

const VERSION: i16 = 1;
/// Version and checksum.
const HEAD_BYTES: usize = 6;
const ENTRY_BYTES: usize = 46;

/// Why bytes are not a producer snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotError {
    Truncated {
        size_bytes: usize,
    },
    Version {
        got: i16,
    },
    Checksum {
        expected: u32,
        got: u32,
    },
    /// An entry that no broker writes; `at` counts entries from 0.
    Entry {
        at: usize,
    },
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { size_bytes } => {
                write!(f, "producer snapshot of {size_bytes} bytes ends early or too late")
            }
            Self::Version { got } => write!(f, "producer snapshot has version {got}, known is 1"),
            Self::Checksum { expected, got } => {
                write!(f, "producer snapshot says CRC {expected:#010x}, its bytes have {got:#010x}")
            }
            Self::Entry { at } => write!(f, "producer snapshot entry {at} contradicts itself"),
        }
    }
}

impl core::error::Error for SnapshotError {}

pub(super) fn encode(entries: &BTreeMap<ProducerId, Entry>) -> Vec<u8> {
    let count = i32::try_from(entries.len()).expect("the table is bounded far below 2^31");
    let mut body = Vec::with_capacity(4 + entries.len() * ENTRY_BYTES);
    body.extend(count.to_be_bytes());
    for (id, entry) in entries {
        let last = entry.batches.last();
        let delta = last.map_or(0, |last| last.record_count - 1);
        body.extend(id.0.to_be_bytes());
        body.extend(entry.epoch.unwrap_or_default().0.to_be_bytes());
        body.extend(last.map_or(-1, Written::last_sequence).to_be_bytes());
        body.extend(last.map_or(-1, |last| last.end().0 - 1).to_be_bytes());
        body.extend(delta.to_be_bytes());
        body.extend(entry.last_timestamp_ms.to_be_bytes());
        body.extend(entry.coordinator_epoch.unwrap_or(-1).to_be_bytes());
        body.extend(entry.transaction_start.map_or(-1, |first| first.0).to_be_bytes());
    }
    let mut file = Vec::with_capacity(HEAD_BYTES + body.len());
    file.extend(VERSION.to_be_bytes());
    file.extend(checksum(&body).to_be_bytes());
    file.append(&mut body);
    file
}

pub(super) fn decode(bytes: &[u8]) -> Result<BTreeMap<ProducerId, Entry>, SnapshotError> {
    let truncated = SnapshotError::Truncated { size_bytes: bytes.len() };
    let (version, rest) = bytes.split_first_chunk().ok_or(truncated)?;
    let version = i16::from_be_bytes(*version);
    if version != VERSION {
        return Err(SnapshotError::Version { got: version });
    }
    let (expected, body) = rest.split_first_chunk().ok_or(truncated)?;
    let (expected, got) = (u32::from_be_bytes(*expected), checksum(body));
    if expected != got {
        return Err(SnapshotError::Checksum { expected, got });
    }
    let (count, rows) = body.split_first_chunk().ok_or(truncated)?;
    let count = usize::try_from(i32::from_be_bytes(*count)).map_err(|_| truncated)?;
    let (rows, []) = rows.as_chunks::<ENTRY_BYTES>() else { return Err(truncated) };
    if rows.len() != count {
        return Err(truncated);
    }
    let mut entries = BTreeMap::new();
    for (at, row) in rows.iter().enumerate() {
        let (id, entry) = entry(row).ok_or(SnapshotError::Entry { at })?;
        if entries.insert(id, entry).is_some() {
            return Err(SnapshotError::Entry { at });
        }
    }
    Ok(entries)
}

fn entry(row: &[u8; ENTRY_BYTES]) -> Option<(ProducerId, Entry)> {
    let mut rest = row.as_slice();
    let id = ProducerId(i64::from_be_bytes(take(&mut rest)?));
    let epoch = ProducerEpoch(i16::from_be_bytes(take(&mut rest)?));
    let last_sequence = i32::from_be_bytes(take(&mut rest)?);
    let last_offset = i64::from_be_bytes(take(&mut rest)?);
    let offset_delta = u32::try_from(i32::from_be_bytes(take(&mut rest)?)).ok()?;
    let timestamp_ms = i64::from_be_bytes(take(&mut rest)?);
    let coordinator_epoch = i32::from_be_bytes(take(&mut rest)?);
    let transaction_start = i64::from_be_bytes(take(&mut rest)?);
    let mut entry = Entry {
        epoch: Some(epoch),
        last_timestamp_ms: timestamp_ms,
        last_use_ms: timestamp_ms,
        coordinator_epoch: (coordinator_epoch >= 0).then_some(coordinator_epoch),
        transaction_start: (transaction_start >= 0).then_some(Offset(transaction_start)),
        ..Entry::empty(0)
    };
    if last_sequence >= 0 {
        let base_offset = last_offset.checked_sub(offset_delta.into()).filter(|base| *base >= 0)?;
        last_offset.checked_add(1)?;
        entry.batches = smallvec![Written {
            // Going back by the delta is going forward by the rest of the 2^31 numbers.
            base_sequence: advance(last_sequence, (1 << 31) - offset_delta),
            record_count: offset_delta + 1,
            base_offset: Offset(base_offset),
            max_timestamp_ms: timestamp_ms,
        }];
    }
    Some((id, entry))
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk()?;
    *rest = tail;
    Some(*head)
}

fn checksum(bytes: &[u8]) -> u32 {
    u32::try_from(crc_fast::checksum(CrcAlgorithm::Crc32Iscsi, bytes)).expect("32 bits wide")
}
