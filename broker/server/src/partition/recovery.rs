//! Producer state, rebuilt while a log is recovered.

use model::Offset;
use replication::{Batch, ProducerStamp, Producers, ReplayedBatch};
use storage::RecoverySink;
use wire::batch::BatchHeader;

/// Feeds snapshots and batches of a log to its producer table.
pub(crate) struct ProducerRecovery(pub(crate) Producers);

impl RecoverySink for ProducerRecovery {
    fn load_snapshot(&mut self, _: Offset, bytes: &[u8]) -> bool {
        self.0.load_snapshot(bytes).is_ok()
    }

    fn batch(&mut self, header: &BatchHeader) {
        let Ok(record_count) = u32::try_from(i64::from(header.last_offset_delta) + 1) else {
            return;
        };
        // Transactions do not exist here, so no control batch ends one.
        if header.attributes.is_control() || record_count == 0 {
            return;
        }
        let stamp = header.producer.filter(|producer| producer.base_sequence >= 0);
        self.0.replay(&ReplayedBatch {
            base_offset: header.base_offset,
            batch: Batch {
                record_count,
                max_timestamp_ms: header.max_timestamp_ms,
                producer: stamp.map(|it| ProducerStamp {
                    id: it.id,
                    epoch: it.epoch,
                    base_sequence: it.base_sequence,
                }),
                transactional: header.attributes.is_transactional(),
            },
            coordinator_epoch: None,
        });
    }
}
