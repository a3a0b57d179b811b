//! Who waits for records to be safe: producers, and the group coordinator that writes to its partition.
//!
//! Promises: waiters complete in the order of their ends, each once.
//! Does not: know what safe means (`replication` says "acknowledge up to here").

use std::collections::VecDeque;

use coordinator::Ticket;
use model::{Offset, TopicPartition};
use replication::Acks;
use runtime::Runtime;

use crate::produce::{Place, Placed, Refusal};
use crate::shard::Shard;

/// One batch whose writer wants to know what becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Waiter {
    /// Exclusive end of the batch.
    pub(crate) end: Offset,
    pub(crate) writer: Writer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writer {
    /// A Produce request.
    Producer(Place),
    /// The coordinator whose groups this partition holds.
    Coordinator(TopicPartition, Ticket),
}

impl Writer {
    /// The waiter for a batch that has no place in the log yet.
    pub(crate) fn waiter(self) -> Waiter {
        Waiter { end: Offset::ZERO, writer: self }
    }

    /// The batch has its place, and is not safe yet.
    pub(super) fn placed<R: Runtime>(self, shard: &Shard<R>, placed: Placed) {
        match self {
            Self::Producer(place) => shard.groups.placed(place, placed),
            Self::Coordinator(..) => {}
        }
    }

    /// The batch is safe.
    pub(super) fn done<R: Runtime>(self, shard: &Shard<R>) {
        match self {
            Self::Producer(place) => shard.groups.done(place, shard),
            Self::Coordinator(at, ticket) => shard.coordinators.durable(at, ticket),
        }
    }

    /// The batch is not in the log, or nobody can say whether it will stay there.
    pub(super) fn failed<R: Runtime>(self, shard: &Shard<R>, why: impl Into<Refusal>) {
        let why = why.into();
        match self {
            Self::Producer(place) => shard.groups.failed(place, why, shard),
            Self::Coordinator(at, ticket) => shard.coordinators.refused(at, ticket, why.code),
        }
    }
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
    use model::Slot;

    fn waiter(end: i64, item: u32) -> Waiter {
        let place = Place { group: Slot { index: 0, generation: 0 }, item };
        Waiter { end: Offset(end), writer: Writer::Producer(place) }
    }

    fn item(waiter: Waiter) -> u32 {
        match waiter.writer {
            Writer::Producer(place) => place.item,
            Writer::Coordinator(..) => panic!("only producers wait here"),
        }
    }

    #[test]
    fn a_duplicate_completes_with_its_original_and_not_behind_later_batches() {
        let mut waiters = Waiters::default();
        for (end, item) in [(10, 0), (20, 1), (10, 2)] {
            waiters.add(Acks::All, waiter(end, item));
        }
        let mut done = Vec::new();
        while let Some(waiter) = waiters.next_up_to(Acks::All, Offset(15)) {
            done.push(item(waiter));
        }
        assert_eq!(done, [0, 2]);
        assert_eq!(waiters.next_up_to(Acks::Leader, Offset(99)), None);
        assert_eq!(waiters.next_of_any().map(item), Some(1));
    }
}
