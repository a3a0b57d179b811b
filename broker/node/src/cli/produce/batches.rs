//! Collects records into one open batch for each partition.

use client::{NamedPartition, partition_of_key};
use model::PartitionIndex;
use std::collections::BTreeMap;
use std::rc::Rc;
use wire::batch::{BatchBuilder, Header};

use super::line::NewRecord;

/// The open batches of one topic.
#[derive(Debug)]
pub(super) struct Batches {
    topic: Rc<str>,
    partition_count: u32,
    /// Records without a partition or a key of their own go here; another one after each delivery.
    keyless: u32,
    open: BTreeMap<NamedPartition, BatchBuilder>,
    /// Before compression, all batches together.
    size_bytes: usize,
    record_count: u64,
}

impl Batches {
    /// `first` is where records without a key begin, among `partition_count` partitions.
    pub(super) fn new(topic: &str, partition_count: u32, first: u64) -> Self {
        let keyless = first % u64::from(partition_count);
        Self {
            topic: Rc::from(topic),
            partition_count,
            keyless: u32::try_from(keyless).expect("less than the partition count"),
            open: BTreeMap::new(),
            size_bytes: 0,
            record_count: 0,
        }
    }

    /// Adds a record: to the partition it names, that of its key, or the one of this delivery.
    ///
    /// # Errors
    /// There is no such partition.
    pub(super) fn add(&mut self, record: &NewRecord, timestamp_ms: i64) -> Result<(), String> {
        let partition = match (record.partition, &record.key) {
            (Some(partition), _) => self.existing(partition)?,
            (None, Some(key)) => partition_of_key(key, self.partition_count),
            (None, None) => PartitionIndex(self.keyless.cast_signed()),
        };
        let at = NamedPartition { topic: Rc::clone(&self.topic), partition };
        let batch = self.open.entry(at).or_insert_with(|| BatchBuilder::new(Vec::new()));
        let headers: Vec<Header<'_>> = record
            .headers
            .iter()
            .map(|(key, value)| Header { key, value: value.as_deref() })
            .collect();
        let before = batch.size_bytes();
        batch.append(timestamp_ms, record.key.as_deref(), record.value.as_deref(), &headers);
        self.size_bytes += batch.size_bytes() - before;
        self.record_count += 1;
        Ok(())
    }

    fn existing(&self, partition: i32) -> Result<PartitionIndex, String> {
        match u32::try_from(partition) {
            Ok(known) if known < self.partition_count => Ok(PartitionIndex(partition)),
            _ => Err(format!(
                "no partition {partition}: {} has 0 to {}",
                self.topic,
                self.partition_count - 1
            )),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Whether one batch, or all together, are as large as they should get.
    pub(super) fn are_full(&self, batch_bytes: usize, all_bytes: usize) -> bool {
        self.size_bytes >= all_bytes
            || (self.size_bytes >= batch_bytes
                && self.open.values().any(|batch| batch.size_bytes() >= batch_bytes))
    }

    pub(super) fn record_count(&self) -> u64 {
        self.record_count
    }

    pub(super) fn size_bytes(&self) -> usize {
        self.size_bytes
    }

    /// Everything, to be delivered; none is open afterwards.
    pub(super) fn take(&mut self) -> Vec<(NamedPartition, BatchBuilder)> {
        self.keyless = (self.keyless + 1) % self.partition_count;
        self.size_bytes = 0;
        self.record_count = 0;
        core::mem::take(&mut self.open).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(partition: Option<i32>, key: Option<&str>) -> NewRecord {
        let key = key.map(|key| key.as_bytes().to_vec());
        NewRecord { partition, key, value: Some(vec![0; 100]), ..NewRecord::default() }
    }

    fn places(batches: &mut Batches) -> Vec<(i32, u32)> {
        let taken = batches.take();
        taken.iter().map(|(at, batch)| (at.partition.0, batch.record_count())).collect()
    }

    #[test]
    fn records_without_a_key_share_a_batch_and_move_on_after_it() {
        let mut batches = Batches::new("t", 3, 5);
        for expected in [[(2, 2)], [(0, 2)], [(1, 2)]] {
            batches.add(&record(None, None), 0).unwrap();
            batches.add(&record(None, None), 0).unwrap();
            assert_eq!(places(&mut batches), expected);
        }
    }

    #[test]
    fn a_named_partition_goes_before_a_key() {
        let mut batches = Batches::new("t", 12, 0);
        let of_key = partition_of_key(b"foobar", 12).0;
        let other = (of_key + 1) % 12;
        batches.add(&record(None, Some("foobar")), 0).unwrap();
        batches.add(&record(Some(other), Some("foobar")), 0).unwrap();
        let mut expected = [(of_key, 1), (other, 1)];
        expected.sort_unstable();
        assert_eq!(places(&mut batches), expected);
        let refused = batches.add(&record(Some(12), None), 0).unwrap_err();
        assert_eq!(refused, "no partition 12: t has 0 to 11");
    }

    #[test]
    fn batches_are_full_one_by_one_or_together() {
        let mut batches = Batches::new("t", 2, 0);
        batches.add(&record(Some(0), None), 0).unwrap();
        batches.add(&record(Some(1), None), 0).unwrap();
        assert!(!batches.are_full(200, 1_000));
        assert!(batches.are_full(200, 150), "together");
        batches.add(&record(Some(1), None), 0).unwrap();
        assert!(batches.are_full(200, 1_000), "one of them");
        assert_eq!(batches.record_count(), 3);
        batches.take();
        assert!(batches.is_empty() && !batches.are_full(1, 1));
    }
}
