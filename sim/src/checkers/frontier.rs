//! The batches of each partition once and in offset order, out of what many readers are given.

use model::{Offset, TopicPartition};
use std::collections::BTreeMap;

use super::event::BatchSeen;

#[derive(Debug, Default)]
pub(super) struct Frontier(BTreeMap<TopicPartition, Offset>);

/// How a batch lies to what was read before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Some reader was given it before.
    Old,
    /// The next one; the first of a partition if that begins at offset 0.
    Follows,
    /// Nobody has read what is in between.
    Jumps,
}

impl Frontier {
    pub(super) fn step(&mut self, at: TopicPartition, batch: &BatchSeen) -> Step {
        let next = self.0.entry(at).or_insert(Offset::ZERO);
        if batch.base_offset < *next {
            return Step::Old;
        }
        let follows = batch.base_offset == *next;
        *next = batch.last_offset.after(1);
        if follows { Step::Follows } else { Step::Jumps }
    }
}
