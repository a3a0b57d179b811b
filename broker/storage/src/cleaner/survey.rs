//! What a cleaning must know of a whole log before it may touch the first batch.
//!
//! Promises: bounded memory; past a bound more is kept, or the log is left as it is.
//! Does not: look at keys.
//! Source: Kafka `CleanedTransactionMetadata`, `ProducerStateManager.lastRecordsOfActiveProducers`. Kafka reads
//! both from its indexes and the live producer state; a look at every header needs neither.

use std::collections::{BTreeMap, BTreeSet};

use model::{Offset, ProducerId};
use wire::batch::BatchHeader;
use wire::batch::control::TxnOutcome;

use super::filter::{Fate, WhenEmpty};

/// Collected in offset order, one call of [`Survey::note`] per batch.
#[derive(Debug)]
pub(super) struct Survey {
    /// Older producers are forgotten, `producer.id.expiration.ms`.
    producers_since_ms: i64,
    entry_count_max: usize,
    last_batches: BTreeMap<ProducerId, LastBatch>,
    /// There were more producers than `last_batches` may hold.
    producers_overflowed: bool,
    /// Transactions without a marker yet: their first offset.
    open: BTreeMap<ProducerId, Offset>,
    /// First offset of each aborted transaction to its marker's offset.
    aborted: BTreeMap<(ProducerId, Offset), Offset>,
    transactions_overflowed: bool,
    /// Records in data batches that end past the first dirty offset: no more keys than these.
    dirty_record_count: u64,
}

#[derive(Debug, Clone, Copy)]
struct LastBatch {
    last_offset: Offset,
    is_control: bool,
}

impl Survey {
    /// `entry_count_max` bounds producers and transactions, each for itself.
    pub(super) fn new(producers_since_ms: i64, entry_count_max: usize) -> Self {
        Self {
            producers_since_ms,
            entry_count_max,
            last_batches: BTreeMap::new(),
            producers_overflowed: false,
            open: BTreeMap::new(),
            aborted: BTreeMap::new(),
            transactions_overflowed: false,
            dirty_record_count: 0,
        }
    }

    /// Takes a batch in; `marker` is what a transaction marker says.
    pub(super) fn note(
        &mut self,
        header: &BatchHeader,
        marker: Option<TxnOutcome>,
        first_dirty: Offset,
    ) {
        let is_control = header.attributes.is_control();
        if !is_control && header.end_offset() > first_dirty {
            self.dirty_record_count += u64::try_from(header.record_count).unwrap_or(0);
        }
        let Some(producer) = header.producer else { return };
        self.note_producer(producer.id, header);
        match marker {
            Some(outcome) => {
                let first = self.open.remove(&producer.id);
                if let (Some(first), TxnOutcome::Abort) = (first, outcome) {
                    self.transactions_overflowed |= self.aborted.len() >= self.entry_count_max;
                    if !self.transactions_overflowed {
                        self.aborted.insert((producer.id, first), header.base_offset);
                    }
                }
            }
            None if !is_control && header.attributes.is_transactional() => {
                let is_new = !self.open.contains_key(&producer.id);
                self.transactions_overflowed |= is_new && self.open.len() >= self.entry_count_max;
                if is_new && !self.transactions_overflowed {
                    self.open.insert(producer.id, header.base_offset);
                }
            }
            None => {}
        }
    }

    fn note_producer(&mut self, id: ProducerId, header: &BatchHeader) {
        if header.max_timestamp_ms < self.producers_since_ms {
            return;
        }
        let is_control = header.attributes.is_control();
        let known = self.last_batches.get(&id);
        // A marker has no sequence: it never takes the place of data.
        if known.is_some_and(|last| is_control && !last.is_control) {
            return;
        }
        if known.is_none() && self.last_batches.len() >= self.entry_count_max {
            self.producers_overflowed = true;
            return;
        }
        self.last_batches.insert(id, LastBatch { last_offset: header.last_offset(), is_control });
    }

    /// Whether the transactions are all known. Otherwise nobody can say which records count.
    pub(super) fn is_complete(&self) -> bool {
        !self.transactions_overflowed
    }

    /// First offset of the oldest transaction whose end was not seen: cleaning stops before it.
    pub(super) fn first_undecided(&self) -> Option<Offset> {
        self.open.values().min().copied()
    }

    pub(super) fn dirty_record_count(&self) -> u64 {
        self.dirty_record_count
    }

    pub(super) fn is_aborted(&self, header: &BatchHeader) -> bool {
        let Some(producer) = header.producer else { return false };
        if header.attributes.is_control() || !header.attributes.is_transactional() {
            return false;
        }
        let upto = (producer.id, header.base_offset);
        let before = self.aborted.range((producer.id, Offset(i64::MIN))..=upto).next_back();
        before.is_some_and(|(_, marker)| *marker > header.base_offset)
    }

    /// What happens to the batch when its records go.
    pub(super) fn when_empty(&self, header: &BatchHeader) -> WhenEmpty {
        let Some(producer) = header.producer else { return WhenEmpty::Drop };
        let keep = match self.last_batches.get(&producer.id) {
            Some(last) => last.last_offset == header.last_offset(),
            None => self.producers_overflowed && header.max_timestamp_ms >= self.producers_since_ms,
        };
        if keep { WhenEmpty::KeepHeader } else { WhenEmpty::Drop }
    }
}

/// Which markers have lost their transaction: fed with every batch of the log in offset order.
#[derive(Debug, Default)]
pub(super) struct Fates {
    /// Producers with a transactional batch since their last marker; at most as many as [`Survey`] allows.
    with_batches: BTreeSet<ProducerId>,
}

impl Fates {
    pub(super) fn next(
        &mut self,
        survey: &Survey,
        header: &BatchHeader,
        marker: Option<TxnOutcome>,
    ) -> Fate {
        if header.attributes.is_control() {
            let Some(producer) = header.producer.filter(|_| marker.is_some()) else {
                return Fate::Control;
            };
            let has_batches = self.with_batches.remove(&producer.id);
            return if has_batches { Fate::Control } else { Fate::MarkerOfNothing };
        }
        if let Some(producer) = header.producer.filter(|_| header.attributes.is_transactional()) {
            // A batch that goes in this very cleaning counts: its marker stays until the next.
            self.with_batches.insert(producer.id);
        }
        if survey.is_aborted(header) { Fate::Aborted } else { Fate::Records }
    }
}
