//! Producer state, rebuilt while a log is recovered.

use model::Offset;
use replication::{Producers, ReplayedBatch};
use storage::RecoverySink;
use wire::batch::BatchView;
use wire::batch::control::ControlRecord;

/// A control record is a few dozen bytes; compressed it would still not come near this.
const CONTROL_BYTES_MAX: usize = 64 << 10;

/// Feeds snapshots and batches of a log to its producer table.
pub(crate) struct ProducerRecovery(pub(crate) Producers);

impl RecoverySink for ProducerRecovery {
    fn load_snapshot(&mut self, _: Offset, bytes: &[u8]) -> bool {
        self.0.load_snapshot(bytes).is_ok()
    }

    fn batch(&mut self, batch: &BatchView<'_>) {
        if let Some(replayed) = ReplayedBatch::from_header(&batch.header, ended_by(batch)) {
            self.0.replay(&replayed);
        }
    }
}

/// The epoch of the coordinator that ended a transaction with this batch. This broker writes no such batch, but a Kafka
/// whose directory was taken over did: skipped, the last stable offset would stay before that transaction for ever.
fn ended_by(batch: &BatchView<'_>) -> Option<i32> {
    if !batch.header.attributes.is_control() {
        return None;
    }
    let mut scratch = Vec::new();
    let record = batch.records(&mut scratch, CONTROL_BYTES_MAX).ok()?.next()?.ok()?;
    match ControlRecord::decode(&record).ok()? {
        ControlRecord::EndTxn { coordinator_epoch, .. } => Some(coordinator_epoch),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use model::{LeaderEpoch, ProducerEpoch, ProducerId};
    use wire::batch::control::{ControlStamp, TxnOutcome, control_batch};
    use wire::batch::{Attributes, BatchBuilder, BatchProducer, BatchStamp};

    use super::*;

    fn producer(id: i64, base_sequence: i32) -> BatchProducer {
        BatchProducer { id: ProducerId(id), epoch: ProducerEpoch(0), base_sequence }
    }

    fn data(base: i64, id: i64) -> Vec<u8> {
        let mut builder = BatchBuilder::new(Vec::new());
        builder.append(1_000, None, Some(b"value"), &[]);
        builder.finish(&BatchStamp {
            base_offset: Offset(base),
            partition_leader_epoch: Some(LeaderEpoch(1)),
            producer: Some(producer(id, 0)),
            attributes: Attributes::default().transactional(),
        })
    }

    fn control(base: i64, id: Option<i64>, record: &ControlRecord) -> Vec<u8> {
        let stamp = ControlStamp {
            base_offset: Offset(base),
            leader_epoch: LeaderEpoch(1),
            timestamp_ms: 1_000,
            producer: id.map(|id| producer(id, -1)),
        };
        control_batch(record, &stamp).unwrap()
    }

    fn first_open(batches: &[Vec<u8>]) -> Option<i64> {
        let mut recovery = ProducerRecovery(Producers::new(8, 86_400_000));
        batches.iter().for_each(|bytes| recovery.batch(&BatchView::new(bytes).unwrap()));
        recovery.0.first_open_transaction().map(|first| first.0)
    }

    #[test]
    fn a_marker_in_the_log_ends_the_transaction_of_its_producer() {
        for outcome in [TxnOutcome::Commit, TxnOutcome::Abort] {
            let marker = ControlRecord::EndTxn { outcome, coordinator_epoch: 3 };
            let (first, second) = (data(10, 7), data(11, 8));
            assert_eq!(first_open(&[first.clone(), second.clone()]), Some(10));
            let ended = control(12, Some(7), &marker);
            assert_eq!(first_open(&[first.clone(), second.clone(), ended.clone()]), Some(11));
            let both = control(13, Some(8), &marker);
            assert_eq!(first_open(&[first, second, ended, both]), None);
        }
    }

    #[test]
    fn other_control_batches_end_nothing() {
        let unrelated = ControlRecord::LeaderChange(Default::default());
        assert_eq!(first_open(&[data(10, 7), control(11, None, &unrelated)]), Some(10));
    }
}
