//! Which content is known to be at which offsets of one partition.
//!
//! Promises: content is compared where both sides know it: by record where both have records, else by
//! batch. Nobody cuts batches anew, so that bounds that differ are a difference, unless compaction may
//! have taken records out. What cannot be compared is no difference.

use model::Offset;
use std::collections::BTreeMap;

use super::event::{BatchSeen, Content, RecordContent, RecordSeen};

/// Content at consecutive offsets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) base_offset: Offset,
    /// Exclusive.
    pub(super) end_offset: Offset,
    count: u32,
    hash: Option<u64>,
    records: Vec<RecordSeen>,
}

impl Piece {
    pub(super) fn of_batch(batch: &BatchSeen) -> Self {
        Self {
            base_offset: batch.base_offset,
            end_offset: batch.last_offset.after(1),
            count: batch.count,
            hash: batch.hash,
            records: batch.records.clone(),
        }
    }

    pub(super) fn of_content(base_offset: Offset, content: &Content) -> Self {
        let offsets = (base_offset.0..).map(Offset);
        let records = offsets.zip(&content.records);
        Self {
            base_offset,
            end_offset: base_offset.after(content.count),
            count: content.count,
            hash: content.hash,
            records: records
                .map(|(offset, content)| RecordSeen { offset, content: *content })
                .collect(),
        }
    }

    pub(super) fn record(&self, offset: Offset) -> Option<&RecordSeen> {
        let at = self.records.binary_search_by_key(&offset, |record| record.offset).ok()?;
        self.records.get(at)
    }

    /// The first offset at which the two say different things.
    pub(super) fn difference(&self, other: &Self) -> Option<Offset> {
        for record in &self.records {
            if other.record(record.offset).is_some_and(|it| differs(it.content, record.content)) {
                return Some(record.offset);
            }
        }
        let by_record = !self.records.is_empty() && !other.records.is_empty();
        if by_record || !self.is_whole() || !other.is_whole() {
            return None;
        }
        let bounds = |piece: &Self| (piece.base_offset, piece.end_offset);
        let hashes = self.hash.zip(other.hash);
        let differ = bounds(self) != bounds(other) || hashes.is_some_and(|(a, b)| a != b);
        differ.then_some(self.base_offset.max(other.base_offset))
    }

    /// It has a record at every offset.
    fn is_whole(&self) -> bool {
        i64::from(self.count) == self.end_offset.0 - self.base_offset.0
    }
}

/// Timestamps are left out: an append with `LogAppendTime` changes them.
fn differs(a: RecordContent, b: RecordContent) -> bool {
    (a.key, a.value) != (b.key, b.value)
}

/// Pieces that do not overlap, by their end.
#[derive(Debug, Default)]
pub(super) struct Pieces(BTreeMap<Offset, Piece>);

impl Pieces {
    /// Remembers a piece. One that overlaps what is known stays out; [`Pieces::overlapping`] says
    /// with what.
    pub(super) fn insert(&mut self, piece: Piece) {
        if self.overlapping(piece.base_offset, piece.end_offset).next().is_none() {
            self.0.insert(piece.end_offset, piece);
        }
    }

    /// Known pieces that have an offset in `from..end`.
    pub(super) fn overlapping(&self, from: Offset, end: Offset) -> impl Iterator<Item = &Piece> {
        let later = self.0.range(from.after(1)..).map(|(_, piece)| piece);
        later.take_while(move |piece| piece.base_offset < end)
    }

    /// Forgets what ends at or before this offset.
    pub(super) fn forget_below(&mut self, offset: Offset) {
        self.0 = self.0.split_off(&offset.after(1));
    }
}
