//! One partition in memory: the batches of the last few moments.

use model::{Buf, LeaderEpoch, Offset};
use std::collections::VecDeque;
use wire::batch::{BatchHeader, patched_head};

/// Kept per partition; readers that fall further behind lose records, which the floor run reports.
const KEPT_BYTES: usize = 16 << 20;

struct Batch {
    base_offset: Offset,
    end_offset: Offset,
    bytes: Buf,
}

pub(super) struct Log {
    end: Offset,
    batches: VecDeque<Batch>,
    kept_bytes: usize,
}

impl Log {
    pub(super) fn new() -> Self {
        Self { end: Offset::ZERO, batches: VecDeque::new(), kept_bytes: 0 }
    }

    /// The offset of the next record.
    pub(super) fn end(&self) -> Offset {
        self.end
    }

    /// Keeps one batch and gives it its offsets; `None` when it is no batch.
    pub(super) fn append(&mut self, bytes: Buf) -> Option<Offset> {
        let header = BatchHeader::decode(&bytes).ok()?;
        let base_offset = self.end;
        let count = u32::try_from(header.record_count).ok()?;
        self.end = base_offset.after(count);
        self.kept_bytes += bytes.len();
        self.batches.push_back(Batch { base_offset, end_offset: self.end, bytes });
        while self.kept_bytes > KEPT_BYTES {
            let oldest = self.batches.pop_front()?;
            self.kept_bytes -= oldest.bytes.len();
        }
        Some(base_offset)
    }

    /// Whole batches from the one that holds `from`, at least one, up to `bytes_max`.
    pub(super) fn read(&self, from: Offset, bytes_max: usize) -> Buf {
        let first = self.batches.partition_point(|batch| batch.end_offset <= from);
        let mut records = Vec::new();
        for batch in self.batches.iter().skip(first) {
            if !records.is_empty() && records.len() + batch.bytes.len() > bytes_max {
                break;
            }
            // The one copy of the sink: a fetch response holds one stretch of bytes per partition.
            let Ok(header) = BatchHeader::decode(&batch.bytes) else { break };
            let head = patched_head(&header, batch.base_offset, LeaderEpoch(0));
            records.extend_from_slice(&head);
            records.extend_from_slice(&batch.bytes[head.len()..]);
        }
        Buf::from(records)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::batch::{BatchBuilder, BatchStamp, batches};

    fn batch(records: u32) -> Buf {
        let mut builder = BatchBuilder::new(Vec::new());
        for _ in 0..records {
            builder.append(1, None, Some(b"value"), &[]);
        }
        Buf::from(builder.finish(&BatchStamp::default()))
    }

    #[test]
    fn batches_come_back_with_their_offsets() {
        let mut log = Log::new();
        assert_eq!(log.append(batch(3)), Some(Offset(0)));
        assert_eq!(log.append(batch(2)), Some(Offset(3)));
        let read = log.read(Offset(1), 1 << 20);
        let bases: Vec<_> = batches(&read).map(|it| it.unwrap().header.base_offset.0).collect();
        assert_eq!(bases, [0, 3]);
        assert_eq!(log.read(Offset(5), 1 << 20).len(), 0);
        let one = log.read(Offset(0), 1);
        assert_eq!(batches(&one).count(), 1);
        assert_eq!(log.append(Buf::from_static(b"junk")), None);
    }
}
