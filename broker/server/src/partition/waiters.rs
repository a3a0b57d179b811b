//! Producers that wait for their records to be safe.
//!
//! Promises: waiters complete in the order of their ends, each once.
//! Does not: know what safe means (`replication` says "acknowledge up to here").

use std::collections::VecDeque;

use model::{Offset, Slot};
use replication::Acks;

/// One batch of one Produce request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Waiter {
    /// Exclusive end of the batch.
    pub(crate) end: Offset,
    /// The request's part that this shard works on, and the batch's place in it.
    pub(crate) group: Slot,
    pub(crate) item: u32,
}

#[derive(Debug, Default)]
pub(super) struct Waiters {
    leader: VecDeque<Waiter>,
    all: VecDeque<Waiter>,
}

impl Waiters {
    /// New batches end last; only a duplicate that joins its original goes further to the front.
    pub(super) fn add(&mut self, acks: Acks, waiter: Waiter) {
        let queue = self.queue(acks);
        let at = queue.partition_point(|earlier| earlier.end <= waiter.end);
        queue.insert(at, waiter);
    }

    /// The next waiter that ends at or below `end`.
    pub(super) fn next_up_to(&mut self, acks: Acks, end: Offset) -> Option<Waiter> {
        self.queue(acks).pop_front_if(|waiter| waiter.end <= end)
    }

    pub(super) fn next_of_any(&mut self) -> Option<Waiter> {
        self.leader.pop_front().or_else(|| self.all.pop_front())
    }

    fn queue(&mut self, acks: Acks) -> &mut VecDeque<Waiter> {
        match acks {
            Acks::Leader => &mut self.leader,
            Acks::All => &mut self.all,
            Acks::None => panic!("acks=0 waits for nothing"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiter(end: i64, item: u32) -> Waiter {
        Waiter { end: Offset(end), group: Slot { index: 0, generation: 0 }, item }
    }

    #[test]
    fn a_duplicate_completes_with_its_original_and_not_behind_later_batches() {
        let mut waiters = Waiters::default();
        for (end, item) in [(10, 0), (20, 1), (10, 2)] {
            waiters.add(Acks::All, waiter(end, item));
        }
        let mut done = Vec::new();
        while let Some(waiter) = waiters.next_up_to(Acks::All, Offset(15)) {
            done.push(waiter.item);
        }
        assert_eq!(done, [0, 2]);
        assert_eq!(waiters.next_up_to(Acks::Leader, Offset(99)), None);
        assert_eq!(waiters.next_of_any().map(|it| it.item), Some(1));
    }
}
