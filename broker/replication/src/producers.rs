//! Idempotent producers of one partition: what each wrote last, so that a retry is not a second copy.
//!
//! Promises: the last five batches of a producer are recognised when they come again; a gap is
//! refused; an older epoch is refused. At most `limit` producers are remembered, and the one that
//! was silent longest is forgotten first, never one with an open transaction while another exists.
//! Does not: make a batch durable, or say when a duplicate may be answered (`replica`).
//! Source: KIP-98, KIP-360; Kafka `ProducerStateManager`, `ProducerAppendInfo`.

mod entry;
mod snapshot;

use std::collections::{BTreeMap, BTreeSet};

use model::{Bug, Offset, Probe, ProducerEpoch, ProducerId};
use wire::batch::BatchHeader;

pub use entry::BATCHES_KEPT;
use entry::Entry;
pub(crate) use entry::Written;
pub use snapshot::SnapshotError;

use crate::{AppendError, Batch};

/// The producer table of one partition.
#[derive(Debug, Clone)]
pub struct Producers {
    entries: BTreeMap<ProducerId, Entry>,
    /// Order of last use; the key counts up, so that a stepping wall clock cannot reorder it.
    by_use: BTreeMap<u64, ProducerId>,
    next_use: u64,
    /// First offsets of open transactions.
    open_transactions: BTreeSet<Offset>,
    limit: usize,
    expiration_ms: i64,
    evicted_count: u64,
}

/// A batch that is in the log already, as recovery meets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplayedBatch {
    pub base_offset: Offset,
    pub batch: Batch,
    /// Set for a control batch that ends a transaction: the epoch of the coordinator that wrote it.
    /// Other control batches carry no producer and are not replayed.
    pub coordinator_epoch: Option<i32>,
}

impl ReplayedBatch {
    /// What recovery knows of a batch from its header, and for the end of a transaction from its
    /// control record. A compacted batch still stands for every offset that it once held.
    ///
    /// `None`: the batch tells nothing about a producer, or its numbers cannot be a batch's.
    #[must_use]
    pub fn from_header(header: &BatchHeader, coordinator_epoch: Option<i32>) -> Option<Self> {
        let producer = header.producer.as_ref()?;
        if header.attributes.is_control() && coordinator_epoch.is_none() {
            return None;
        }
        let record_count = u32::try_from(header.last_offset_delta).ok()?.checked_add(1)?;
        header.base_offset.0.checked_add(record_count.into())?;
        if coordinator_epoch.is_none() && producer.base_sequence < 0 {
            return None;
        }
        let batch = Batch {
            record_count,
            max_timestamp_ms: header.max_timestamp_ms,
            producer: Some(producer.into()),
            transactional: header.attributes.is_transactional(),
        };
        Some(Self { base_offset: header.base_offset, batch, coordinator_epoch })
    }
}

/// One row of DescribeProducers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProducerDescription {
    pub id: ProducerId,
    pub epoch: ProducerEpoch,
    /// `None` when nothing but a transaction marker was written in this epoch.
    pub last_sequence: Option<i32>,
    pub last_timestamp_ms: i64,
    pub coordinator_epoch: Option<i32>,
    pub transaction_start: Option<Offset>,
}

impl Producers {
    /// - `limit`: producers remembered, at least 1 (`Limits::producers_per_partition`).
    /// - `expiration_ms`: silence after which one is forgotten (`producer.id.expiration.ms`).
    #[must_use]
    pub fn new(limit: usize, expiration_ms: i64) -> Self {
        assert!(limit > 0, "a table of no producers recognises nothing");
        Self {
            entries: BTreeMap::new(),
            by_use: BTreeMap::new(),
            next_use: 0,
            open_transactions: BTreeSet::new(),
            limit,
            expiration_ms,
            evicted_count: 0,
        }
    }

    /// Where the log already holds this very batch.
    pub(crate) fn find_duplicate<P: Probe>(&self, batch: &Batch, probe: &P) -> Option<Written> {
        let stamp = batch.producer?;
        let entry = self.entries.get(&stamp.id)?;
        let window = if probe.planted(Bug::DedupWindowOfOne) { 1 } else { BATCHES_KEPT };
        entry.find_duplicate(stamp, batch.record_count, window)
    }

    /// Whether a batch that is no duplicate may follow what its producer wrote before.
    pub(crate) fn check(&self, batch: &Batch) -> Result<(), AppendError> {
        let Some(stamp) = batch.producer else { return Ok(()) };
        // Without state any sequence is accepted: it was deleted with the records (KIP-360).
        let Some(entry) = self.entries.get(&stamp.id) else { return Ok(()) };
        entry.check(stamp, batch.transactional)
    }

    /// Remembers an appended batch. `now_ms` is wall time and drives expiry only.
    pub(crate) fn wrote(&mut self, batch: &Batch, base_offset: Offset, now_ms: i64) {
        let Some(stamp) = batch.producer else { return };
        self.touch(stamp.id, now_ms);
        let entry = self.entries.get_mut(&stamp.id).expect("touched above");
        let opened = entry.wrote(stamp, batch, base_offset);
        if let Some(first) = opened {
            self.open_transactions.insert(first);
        }
    }

    /// Feeds one batch of the log, in offset order, while the table is rebuilt. Never refuses:
    /// what is in the log was accepted once.
    pub fn replay(&mut self, replayed: &ReplayedBatch) {
        let Some(stamp) = replayed.batch.producer else { return };
        let timestamp_ms = replayed.batch.max_timestamp_ms;
        let Some(coordinator_epoch) = replayed.coordinator_epoch else {
            return self.wrote(&replayed.batch, replayed.base_offset, timestamp_ms);
        };
        self.touch(stamp.id, timestamp_ms);
        let entry = self.entries.get_mut(&stamp.id).expect("touched above");
        if let Some(first) = entry.ended(stamp.epoch, coordinator_epoch, timestamp_ms) {
            self.open_transactions.remove(&first);
        }
    }

    /// Forgets every producer that has been silent for the expiration time, except those with an
    /// open transaction.
    pub fn expire(&mut self, now_ms: i64) {
        let expired = |entry: &Entry| {
            entry.transaction_start.is_none()
                && now_ms.saturating_sub(entry.last_use_ms) >= self.expiration_ms
        };
        let by_use = &mut self.by_use;
        self.entries.retain(|_, entry| {
            let keep = !expired(entry);
            if !keep {
                by_use.remove(&entry.last_use);
            }
            keep
        });
    }

    /// Kafka's `.snapshot` file: every producer with its last batch (a snapshot keeps only one of
    /// the five).
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        snapshot::encode(&self.entries)
    }

    /// Replaces the table with a snapshot's content. A snapshot of more producers than the limit
    /// keeps those that wrote last.
    ///
    /// # Errors
    /// The bytes are not an intact version 1 snapshot; the table is left as it was. Rebuild it from
    /// the batches instead.
    pub fn load_snapshot(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        let mut loaded: Vec<_> = snapshot::decode(bytes)?.into_iter().collect();
        loaded.sort_by_key(|(id, entry)| (entry.last_use_ms, *id));
        let mut table = Self::new(self.limit, self.expiration_ms);
        for (id, entry) in loaded {
            table.touch(id, entry.last_use_ms);
            let last_use = table.entries.get(&id).expect("touched above").last_use;
            table.open_transactions.extend(entry.transaction_start);
            table.entries.insert(id, Entry { last_use, ..entry });
        }
        *self = table;
        Ok(())
    }

    /// The active producers in id order.
    pub fn describe(&self) -> impl Iterator<Item = ProducerDescription> {
        self.entries.iter().map(|(id, entry)| entry.describe(*id))
    }

    /// First offset of the oldest open transaction.
    #[must_use]
    pub fn first_open_transaction(&self) -> Option<Offset> {
        self.open_transactions.first().copied()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Producers forgotten because the table was full.
    #[must_use]
    pub fn evicted_count(&self) -> u64 {
        self.evicted_count
    }

    /// Makes `id` the most recently used producer, with an empty entry if it is new.
    fn touch(&mut self, id: ProducerId, now_ms: i64) {
        if !self.entries.contains_key(&id) && self.entries.len() == self.limit {
            self.evict();
        }
        let last_use = self.next_use;
        self.next_use += 1;
        let entry = self.entries.entry(id).or_insert_with(|| Entry::empty(last_use));
        self.by_use.remove(&entry.last_use);
        entry.last_use = last_use;
        entry.last_use_ms = now_ms;
        self.by_use.insert(last_use, id);
    }

    fn evict(&mut self) {
        let is_idle = |id: &&ProducerId| self.entries[*id].transaction_start.is_none();
        let oldest = self.by_use.values().find(is_idle).or(self.by_use.values().next());
        let id = *oldest.expect("a full table holds at least one producer");
        let entry = self.entries.remove(&id).expect("both maps hold the same producers");
        self.by_use.remove(&entry.last_use);
        if let Some(first) = entry.transaction_start {
            self.open_transactions.remove(&first);
        }
        self.evicted_count += 1;
    }

    /// Both maps name the same producers, and the set of open transactions is theirs.
    pub(crate) fn assert_invariants(&self) {
        assert!(self.entries.len() <= self.limit, "{} producers", self.entries.len());
        assert_eq!(self.entries.len(), self.by_use.len(), "the orders differ");
        if cfg!(debug_assertions) {
            for (last_use, id) in &self.by_use {
                assert_eq!(self.entries[id].last_use, *last_use, "use order of {id}");
            }
            let open: BTreeSet<_> =
                self.entries.values().filter_map(|entry| entry.transaction_start).collect();
            assert_eq!(open, self.open_transactions, "open transactions");
        }
    }
}

#[cfg(test)]
mod tests;
