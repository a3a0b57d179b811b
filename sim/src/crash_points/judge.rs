//! Compares what recovery made of a crash with what was promised before it.
//!
//! Promises: reads the files from the first byte to the last with the batch decoder of `wire` and
//! nothing of `storage`. Source: simulator.md section 10, C14.

use std::collections::BTreeMap;
use std::path::Path;

use model::Offset;
use runtime::memory::{NodeIndex, World};
use wire::batch::BatchView;

use super::node::DATA;
use super::promise::{Deletion, Producers, Promise, Written, WrittenRecord};
use crate::checkers::event::digest;

/// A log as its recovered store tells of it.
pub(super) struct Recovered {
    pub(super) start: Offset,
    pub(super) end: Offset,
    pub(super) producers: Producers,
}

/// Kind of a broken promise, and a sentence.
pub(super) type Finding = (&'static str, String);

/// A batch as a file holds it.
struct Found {
    base: Offset,
    end: Offset,
    digest: u64,
    records: Vec<WrittenRecord>,
}

/// Judges one recovered log.
pub(super) fn judge(
    world: &World,
    node: NodeIndex,
    promise: &Promise,
    recovered: &Recovered,
) -> Result<(), Finding> {
    let found = read_files(world, node, &promise.id.directory_name())?;
    let is_gone = found.is_empty() && recovered.end == Offset::ZERO;
    match promise.deletion {
        Deletion::Done if is_gone => return Ok(()),
        Deletion::Done => return Err(("deleted-log", "a deleted log came back".to_owned())),
        Deletion::Asked if is_gone => return Ok(()),
        Deletion::Asked | Deletion::None => {}
    }
    check_ends(promise, recovered, &found)?;
    if promise.is_compacted {
        check_compacted(promise, &found)?;
    } else {
        check_prefix(promise, &found)?;
    }
    check_producers(promise, recovered)
}

/// Whoever has a record in the log is known with its last sequence. One whose records were all
/// deleted may be forgotten (KIP-360).
fn check_producers(promise: &Promise, recovered: &Recovered) -> Result<(), Finding> {
    let known = promise.producers_at(recovered.end);
    let mut needed = known.clone();
    let deleted = promise.batches.iter().take_while(|batch| batch.end <= recovered.start);
    let deleted: Producers = deleted.map(|it| (it.producer, it.last_sequence)).collect();
    needed.retain(|producer, last| deleted.get(producer) != Some(last));
    let is_wrong = recovered.producers.iter().any(|(id, last)| known.get(id) != Some(last));
    if is_wrong || needed.keys().any(|id| !recovered.producers.contains_key(id)) {
        let text = format!("producers are {:?}, expected {known:?}", recovered.producers);
        return Err(("producers", text));
    }
    Ok(())
}

fn check_ends(promise: &Promise, recovered: &Recovered, found: &[Found]) -> Result<(), Finding> {
    let Recovered { start, end, .. } = *recovered;
    if end < promise.durable_end {
        let text = format!("it ends at {end}, {} was durable", promise.durable_end);
        return Err(("lost", text));
    }
    let (low, high) = (promise.start_min, promise.start_max.max(promise.start_min));
    if start < low || start > high {
        return Err(("log-start", format!("it starts at {start}, expected {low} to {high}")));
    }
    let first = found.first().map_or(end, |batch| batch.base);
    if first > start && !promise.is_compacted {
        return Err(("lost-front", format!("it starts at {start}, the files at {first}")));
    }
    let last = found.last().map_or(start, |batch| batch.end);
    if last > end || last < end && !found.is_empty() {
        return Err(("end", format!("it ends at {end}, the files at {last}")));
    }
    Ok(())
}

/// The files hold a run of what was written, byte for byte.
fn check_prefix(promise: &Promise, found: &[Found]) -> Result<(), Finding> {
    let mut lineage = promise.batches.iter().chain(&promise.leaving);
    for (at, batch) in found.iter().enumerate() {
        let written = if at == 0 {
            lineage.by_ref().find(|written| written.base == batch.base)
        } else {
            lineage.next()
        };
        let Some(written) = written else {
            return Err(("invented", format!("nobody wrote the batch at {}", batch.base)));
        };
        if (written.base, written.end) != (batch.base, batch.end) {
            let text = format!("the batch at {} follows, {} expected", batch.base, written.base);
            return Err(("gap", text));
        }
        if written.digest != batch.digest {
            return Err(("bytes", format!("the batch at {} has other bytes", batch.base)));
        }
    }
    Ok(())
}

/// Offsets never change, every key keeps its last durable record, tombstones included: none is old
/// enough to go.
fn check_compacted(promise: &Promise, found: &[Found]) -> Result<(), Finding> {
    for batch in found {
        let is_it = |written: &&Written| (written.base, written.end) == (batch.base, batch.end);
        let Some(written) = promise.batches.iter().find(is_it) else {
            return Err(("invented", format!("nobody wrote the batch at {}", batch.base)));
        };
        if let Some(record) = batch.records.iter().find(|it| !written.records.contains(it)) {
            return Err(("bytes", format!("the record at {} is another one", record.offset)));
        }
    }
    let kept: Vec<&WrittenRecord> = found.iter().flat_map(|batch| &batch.records).collect();
    let durable = promise.batches.iter().flat_map(|batch| &batch.records);
    for record in durable.filter(|record| record.offset < promise.durable_end) {
        let is_newer = |it: &&&WrittenRecord| it.key == record.key && it.offset >= record.offset;
        if !kept.iter().any(|it| is_newer(&it)) {
            let what = if record.value.is_none() { "tombstone" } else { "record" };
            let text = format!("the last {what} of a key, at {}, is gone", record.offset);
            return Err(("compacted-away", text));
        }
    }
    check_last_batches(promise, found)
}

/// Of each producer the last batch stays, if only its header: it knows the sequence.
fn check_last_batches(promise: &Promise, found: &[Found]) -> Result<(), Finding> {
    let durable = promise.batches.iter().take_while(|batch| batch.end <= promise.durable_end);
    let last: BTreeMap<i64, Offset> = durable.map(|batch| (batch.producer, batch.base)).collect();
    for (producer, base) in last {
        if !found.iter().any(|batch| batch.base == base) {
            let text = format!("the last batch of producer {producer}, at {base}, is gone");
            return Err(("producer-forgotten", text));
        }
    }
    Ok(())
}

fn read_files(world: &World, node: NodeIndex, log: &str) -> Result<Vec<Found>, Finding> {
    let directory = Path::new(DATA).join(log);
    let Ok(entries) = world.list(node, &directory) else { return Ok(Vec::new()) };
    let mut found: Vec<Found> = Vec::new();
    for entry in entries.iter().filter(|entry| entry.name.ends_with(".log")) {
        let bytes = world.read_file(node, &directory.join(&entry.name)).unwrap_or_default();
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let batch = read_batch(rest).map_err(|why| {
                let at = bytes.len() - rest.len();
                ("unreadable", format!("{log}/{} at byte {at}: {why}", entry.name))
            })?;
            if found.last().is_some_and(|last| last.end > batch.0.base) {
                return Err(("order", format!("{log} repeats offset {}", batch.0.base)));
            }
            found.push(batch.0);
            rest = &rest[batch.1..];
        }
    }
    Ok(found)
}

/// The first batch and its size.
fn read_batch(bytes: &[u8]) -> Result<(Found, usize), String> {
    let batch = BatchView::new(bytes).map_err(|error| error.to_string())?;
    batch.check_crc().map_err(|error| error.to_string())?;
    let header = batch.header;
    let (mut scratch, mut records) = (Vec::new(), Vec::new());
    for record in batch.records(&mut scratch, 1 << 20).map_err(|error| error.to_string())? {
        let record = record.map_err(|error| error.to_string())?;
        records.push(WrittenRecord {
            offset: Offset(header.base_offset.0 + i64::from(record.offset_delta)),
            key: digest(record.key.unwrap_or_default()),
            value: record.value.map(digest),
        });
    }
    let found = Found {
        base: header.base_offset,
        end: header.end_offset(),
        digest: digest(batch.bytes()),
        records,
    };
    Ok((found, header.size_bytes as usize))
}
