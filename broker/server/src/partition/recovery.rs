//! Producer state, rebuilt while a log is recovered.

use model::Offset;
use replication::{Producers, ReplayedBatch};
use storage::RecoverySink;
use wire::batch::BatchHeader;

/// Feeds snapshots and batches of a log to its producer table.
pub(crate) struct ProducerRecovery(pub(crate) Producers);

impl RecoverySink for ProducerRecovery {
    fn load_snapshot(&mut self, _: Offset, bytes: &[u8]) -> bool {
        self.0.load_snapshot(bytes).is_ok()
    }

    fn batch(&mut self, header: &BatchHeader) {
        // Transactions do not exist here, so no control batch ends one.
        if let Some(replayed) = ReplayedBatch::from_header(header, None) {
            self.0.replay(&replayed);
        }
    }
}
