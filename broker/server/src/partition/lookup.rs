//! Questions about a partition's offsets, and the deletion of its oldest records.
//!
//! Source: KIP-79 and KIP-734 (ListOffsets), KIP-320 (epochs), KIP-107 (DeleteRecords).

use model::{ErrorCode, LeaderEpoch, Offset};
use replication::Event;
use runtime::Runtime;

use super::Partition;
use crate::query::{Found, OffsetOf};
use crate::shard::Shard;

impl<R: Runtime> Partition<R> {
    /// The offset that ListOffsets asks for; `None` when no record is like that.
    ///
    /// # Errors
    /// This replica does not lead in that epoch, or the disk failed.
    pub(crate) async fn find_offset(
        &self,
        leader_epoch: Option<LeaderEpoch>,
        of: OffsetOf,
        committed_only: bool,
    ) -> Result<Option<Found>, ErrorCode> {
        let visible = self.visible(leader_epoch).map_err(|error| error.code())?;
        let end =
            if committed_only { visible.last_stable_offset } else { visible.ends.high_watermark };
        let found = match of {
            OffsetOf::Latest => {
                let leader_epoch = Some(visible.leader_epoch);
                return Ok(Some(Found { offset: end, timestamp_ms: None, leader_epoch }));
            }
            OffsetOf::Earliest => {
                let offset = visible.ends.log_start_offset;
                let leader_epoch = self.epoch_at(offset);
                return Ok(Some(Found { offset, timestamp_ms: None, leader_epoch }));
            }
            OffsetOf::Remote => return Ok(None),
            OffsetOf::MaxTimestamp => self.log.max_timestamp(end).await,
            OffsetOf::Timestamp(at) => self.log.offset_for_time(at).await,
        };
        let found = found.map_err(|_| ErrorCode::KafkaStorageError)?;
        Ok(found.filter(|found| found.offset < end).map(|found| Found {
            offset: found.offset,
            timestamp_ms: Some(found.timestamp_ms),
            leader_epoch: self.epoch_at(found.offset),
        }))
    }

    /// Where an epoch ends: the newest epoch that is not above it, and its exclusive end.
    pub(crate) fn leader_epoch_end(&self, epoch: LeaderEpoch) -> Option<(LeaderEpoch, Offset)> {
        self.log.leader_epoch_end(epoch)
    }

    /// The leader epoch that wrote the record at `offset`.
    fn epoch_at(&self, offset: Offset) -> Option<LeaderEpoch> {
        let mut wrote = None;
        let mut newest = LeaderEpoch(i32::MAX);
        // From the newest epoch down; the first that ends at or below the offset is one too far.
        while let Some((epoch, end)) = self.log.leader_epoch_end(newest)
            && end > offset
        {
            wrote = Some(epoch);
            if epoch.0 == 0 {
                break;
            }
            newest = LeaderEpoch(epoch.0 - 1);
        }
        wrote
    }

    /// Moves the log start up to `offset`, or to the high watermark. Below the start is a success
    /// without a change. Returns the log start.
    ///
    /// # Errors
    /// OFFSET_OUT_OF_RANGE above the high watermark, POLICY_VIOLATION for a topic that only compacts,
    /// KAFKA_STORAGE_ERROR after a failed write.
    pub(crate) async fn delete_before(
        &self,
        shard: &Shard<R>,
        offset: Option<Offset>,
    ) -> Result<Offset, ErrorCode> {
        let ends = self.visible(None).map_err(|error| error.code())?.ends;
        if self.is_offline() {
            return Err(ErrorCode::KafkaStorageError);
        }
        if !self.topic().settings.deletes_records() {
            return Err(ErrorCode::PolicyViolation);
        }
        let offset = offset.unwrap_or(ends.high_watermark);
        if offset > ends.high_watermark {
            return Err(ErrorCode::OffsetOutOfRange);
        }
        if offset > ends.log_start_offset {
            self.log.delete_before(offset).map_err(|_| ErrorCode::KafkaStorageError)?;
            self.log_start_moved(shard);
        }
        Ok(self.replica().ends().log_start_offset)
    }

    /// Tells the core where the log starts now, after a deletion by request or retention.
    pub(crate) fn log_start_moved(&self, shard: &Shard<R>) {
        let log_start_offset = self.log.start_offset();
        if log_start_offset > self.replica().ends().log_start_offset {
            self.hear(shard, Event::LogStartMoved { log_start_offset });
            // A session is told of a new log start (KIP-227), and a reader below it of its error.
            self.wake_readers(shard);
        }
    }

    /// Data directory by its place in `log.dirs`, and bytes in it.
    pub(crate) fn size(&self) -> (usize, u64) {
        (self.log.directory(), self.log.size_bytes())
    }
}
