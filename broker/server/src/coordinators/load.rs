//! Reads the log of a partition back into its coordinator.
//!
//! Promises: one log at a time; every committed record, in the order of the log, each in a step that
//! leaves room for other work; nothing is served before the last one. A record type that this broker
//! does not know is skipped, as Kafka does.
//! Does not: read transactions. Their batches are skipped with a line: no broker of this kind writes any.
//! Source: Kafka `CoordinatorLoaderImpl`.

use core::cell::RefCell;
use std::collections::VecDeque;

use coordinator::{Event, Record};
use model::TopicPartition;
use runtime::Runtime;
use runtime::sync::Notify;
use wire::batch::{BatchView, batches};

use super::records::{Names, decode};
use crate::boot::Level;
use crate::partition::Partition;
use crate::shard::Shard;

/// One read of the log, longer where a batch is. Finding where it ends walks over the headers of its
/// batches in one go, and commits are batches of a hundred bytes.
const READ_BYTES: usize = 1 << 16;
/// Records between two chances for other tasks; decoding and taking one in costs around a microsecond.
const RECORDS_PER_STEP: usize = 64;
/// Largest decompressed batch. What this broker writes is not compressed.
const DECOMPRESSED_BYTES_MAX: usize = 100 << 20;

/// Asks for the log of a partition that has come here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) at: TopicPartition,
    /// See `Host::load`.
    pub(super) number: u64,
}

/// Logs that wait to be read; at most one for each time that a partition came here.
#[derive(Default)]
pub(super) struct Loads {
    waiting: RefCell<VecDeque<Load>>,
    added: Notify,
}

impl Loads {
    pub(super) fn add(&self, load: Load) {
        self.waiting.borrow_mut().push_back(load);
        self.added.notify();
    }

    async fn next(&self) -> Load {
        loop {
            if let Some(load) = self.waiting.borrow_mut().pop_front() {
                return load;
            }
            self.added.notified().await;
        }
    }
}

/// Loads what is asked for, one after the other.
pub(super) async fn load_all<R: Runtime>(shard: &Shard<R>) {
    loop {
        let load = shard.coordinators.loads.next().await;
        let Some(partition) = shard.partition(load.at) else { continue };
        if let Err(reason) = read(shard, &partition, load).await
            && shard.coordinators.is_wanted(load)
        {
            let (name, index) = (&partition.topic().name, load.at.partition);
            let text = format!("cannot load groups topic={name} partition={index}: {reason}");
            shard.log(Level::Error, text);
            shard.coordinators.leave(shard, load.at);
        }
    }
}

async fn read<R: Runtime>(
    shard: &Shard<R>,
    partition: &Partition<R>,
    load: Load,
) -> Result<(), String> {
    let end = partition.log.end_offset();
    // What an earlier leader wrote counts once it is committed.
    while partition.replica().ends().high_watermark < end {
        if !shard.coordinators.is_wanted(load) {
            return Ok(());
        }
        shard.progress().await;
    }
    let mut reading = Reading { shard, load, names: Names::default(), records: Vec::new() };
    let mut from = partition.log.start_offset();
    let mut skipped = 0;
    while from < end {
        let bytes = partition.log.read_batches(from, READ_BYTES).await;
        let bytes = bytes.map_err(|error| error.to_string())?;
        let mut next = from;
        for batch in batches(&bytes) {
            let batch = batch.map_err(|error| error.to_string())?;
            next = batch.header.end_offset();
            if batch.header.attributes.is_transactional() {
                skipped += u64::from(!batch.header.attributes.is_control());
            } else if !reading.batch(&batch).await? {
                return Ok(());
            }
        }
        if next == from {
            break; // Compaction took the last records.
        }
        from = next;
    }
    if skipped > 0 {
        let index = load.at.partition;
        let text = format!("skipped {skipped} transactional batches of offsets partition={index}");
        shard.log(Level::Warn, text);
    }
    let records = core::mem::take(&mut reading.records);
    shard.coordinators.loading(shard, load, Event::Replay { records });
    shard.coordinators.loading(shard, load, Event::Loaded);
    Ok(())
}

struct Reading<'s, R: Runtime> {
    shard: &'s Shard<R>,
    load: Load,
    names: Names,
    /// Read and not taken in yet.
    records: Vec<Record>,
}

impl<R: Runtime> Reading<'_, R> {
    /// Takes a batch in; false when nobody wants it any more.
    async fn batch(&mut self, batch: &BatchView<'_>) -> Result<bool, String> {
        batch.check_crc().map_err(|error| error.to_string())?;
        if batch.header.attributes.is_control() {
            return Ok(true);
        }
        let mut scratch = Vec::new();
        let records = batch.records(&mut scratch, DECOMPRESSED_BYTES_MAX);
        for record in records.map_err(|error| error.to_string())? {
            let record = record.map_err(|error| error.to_string())?;
            let decoded = decode(record.key, record.value, &mut self.names);
            let decoded = decoded.map_err(|error| {
                let offset = batch.header.base_offset.0 + i64::from(record.offset_delta);
                format!("record at offset {offset}: {error}")
            })?;
            self.records.extend(decoded);
            if self.records.len() >= RECORDS_PER_STEP && !self.take_in().await {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn take_in(&mut self) -> bool {
        let records = core::mem::take(&mut self.records);
        let event = Event::Replay { records };
        let is_wanted = self.shard.coordinators.loading(self.shard, self.load, event);
        self.shard.rt.yield_now().await;
        is_wanted
    }
}
