//! Everything that will happen, in the order in which it will.

use core::cmp::Reverse;
use core::task::Waker;
use model::{Instant, ShardId};
use std::collections::BinaryHeap;
use std::rc::Rc;

use super::mesh::Doorbell;
use super::net::NetEvent;
use super::slab::{Slab, SlotKey};
use super::state::Process;

/// Names an event until it has happened or was cancelled.
pub(super) type Key = SlotKey;

/// When an event happens. Events of one instant are ordered by a drawn word, so that no test can
/// come to rely on the order in which they were scheduled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    at: Instant,
    tie: u64,
    ordinal: u64,
    key: Key,
}

pub(super) enum Event {
    /// The shard polls one ready task.
    Turn {
        process: Process,
        shard: ShardId,
    },
    Timer {
        process: Process,
        waker: Waker,
        /// On the node's own clock.
        local: Instant,
    },
    /// A message of the mesh becomes visible to its receiver.
    Doorbell {
        process: Process,
        bell: Rc<Doorbell>,
    },
    /// An operation of the node's disk ends, or a part of it is seen.
    Disk {
        process: Process,
        operation: u64,
    },
    Offload {
        process: Process,
        work: Box<dyn FnOnce()>,
    },
    Net(NetEvent),
}

impl Event {
    /// The process that dies together with this event; network packets outlive their sender.
    fn process(&self) -> Option<Process> {
        match self {
            Self::Turn { process, .. }
            | Self::Timer { process, .. }
            | Self::Doorbell { process, .. }
            | Self::Disk { process, .. }
            | Self::Offload { process, .. } => Some(*process),
            Self::Net(_) => None,
        }
    }
}

struct Queued {
    /// The place that counts; the queue may still hold earlier ones.
    ordinal: u64,
    event: Event,
}

/// A heap of places over a slab of events. Cancelling empties the slot and leaves the place, which is
/// passed over; too many such places are swept out together.
#[derive(Default)]
pub(super) struct Events {
    heap: BinaryHeap<Reverse<Place>>,
    /// One place beside the heap: most events are the next to happen when they are scheduled.
    front: Option<Place>,
    queued: Slab<Queued>,
    scheduled: u64,
}

/// Places without an event that are worth a sweep.
const STALE_MIN: usize = 1 << 10;

impl Events {
    pub(super) fn push(&mut self, at: Instant, tie: u64, event: Event) -> Key {
        let ordinal = self.scheduled;
        let key = self.queued.insert(Queued { ordinal, event });
        self.place(at, tie, key);
        key
    }

    fn place(&mut self, at: Instant, tie: u64, key: Key) {
        let place = Place { at, tie, ordinal: self.scheduled, key };
        self.scheduled += 1;
        match self.front {
            None => self.front = Some(place),
            Some(front) if place < front => {
                self.front = Some(place);
                self.heap.push(Reverse(front));
            }
            Some(_) => self.heap.push(Reverse(place)),
        }
    }

    pub(super) fn pop(&mut self) -> Option<(Instant, Event)> {
        let place = self.settle()?;
        self.remove_first(place);
        let queued = self.queued.remove(place.key).expect("settled on it");
        Some((place.at, queued.event))
    }

    pub(super) fn next_at(&mut self) -> Option<Instant> {
        self.settle().map(|place| place.at)
    }

    /// The first place that still counts.
    fn settle(&mut self) -> Option<Place> {
        loop {
            let heap = self.heap.peek().map(|Reverse(place)| *place);
            let place = match (self.front, heap) {
                (Some(front), Some(heap)) => front.min(heap),
                (front, heap) => front.or(heap)?,
            };
            if self.counts(place) {
                return Some(place);
            }
            self.remove_first(place);
        }
    }

    fn counts(&self, place: Place) -> bool {
        self.queued.get(place.key).is_some_and(|queued| queued.ordinal == place.ordinal)
    }

    fn remove_first(&mut self, place: Place) {
        if self.front == Some(place) {
            self.front = None;
        } else {
            self.heap.pop();
        }
    }

    /// Takes the event out; nothing happens when it has happened already.
    pub(super) fn cancel(&mut self, key: Key) -> Option<Event> {
        let cancelled = self.queued.remove(key)?.event;
        if self.heap.len() > STALE_MIN && self.heap.len() > 2 * self.queued.len() {
            let mut heap = core::mem::take(&mut self.heap);
            heap.retain(|Reverse(place)| self.counts(*place));
            self.heap = heap;
        }
        Some(cancelled)
    }

    /// Moves the timers of a process to other instants, since its clock changed.
    pub(super) fn move_timers(&mut self, process: Process, at: impl Fn(Instant) -> Instant) {
        for place in self.places() {
            let Some(queued) = self.queued.get_mut(place.key) else { continue };
            let Event::Timer { process: owner, local, .. } = &queued.event else { continue };
            if *owner == process {
                let at = at(*local);
                queued.ordinal = self.scheduled;
                self.place(at, place.tie, place.key);
            }
        }
    }

    /// Takes out all that a dead process had scheduled, in order.
    pub(super) fn take_of(&mut self, process: Process) -> Vec<Event> {
        let places = self.places().into_iter();
        let owned = |place: &Place| {
            self.queued.get(place.key).is_some_and(|queued| queued.event.process() == Some(process))
        };
        let owned: Vec<Place> = places.filter(owned).collect();
        owned.into_iter().filter_map(|place| self.cancel(place.key)).collect()
    }

    /// All places that count, in order.
    fn places(&self) -> Vec<Place> {
        let heap = self.heap.iter().map(|Reverse(place)| *place);
        let mut places: Vec<Place> =
            heap.chain(self.front).filter(|place| self.counts(*place)).collect();
        places.sort_unstable();
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROCESS: Process = Process { node: 0, incarnation: 1 };

    fn timer(local: u64) -> Event {
        Event::Timer { process: PROCESS, waker: Waker::noop().clone(), local: Instant(local) }
    }

    fn drain(events: &mut Events) -> Vec<u64> {
        core::iter::from_fn(|| events.pop()).map(|(at, _)| at.0).collect()
    }

    #[test]
    fn events_come_by_time_and_cancelled_ones_do_not_come() {
        let mut events = Events::default();
        let keys: Vec<Key> =
            [5, 3, 9, 1, 7].map(|at| events.push(Instant(at), 0, timer(at))).to_vec();
        events.cancel(keys[1]);
        events.cancel(keys[1]);
        assert_eq!(events.next_at(), Some(Instant(1)));
        assert_eq!(drain(&mut events), [1, 5, 7, 9]);
        assert_eq!(events.next_at(), None);
    }

    #[test]
    fn cancelled_events_do_not_pile_up() {
        let mut events = Events::default();
        for at in 0..100_000 {
            let key = events.push(Instant(1_000_000 + at), 0, timer(at));
            events.cancel(key);
        }
        assert!(events.heap.len() <= STALE_MIN + 1, "{}", events.heap.len());
    }

    #[test]
    fn timers_move_with_the_clock_of_their_node() {
        let mut events = Events::default();
        for at in [10, 20, 30] {
            events.push(Instant(at), 0, timer(at));
        }
        events.move_timers(PROCESS, |local| Instant(100 - local.0));
        assert_eq!(drain(&mut events), [70, 80, 90]);
    }

    #[test]
    fn a_dead_process_leaves_no_event() {
        let mut events = Events::default();
        let other = Process { node: 1, incarnation: 1 };
        for at in 0..10 {
            let process = if at % 2 == 0 { PROCESS } else { other };
            events.push(Instant(at), 0, Event::Turn { process, shard: ShardId(0) });
        }
        assert_eq!(events.take_of(PROCESS).len(), 5);
        assert_eq!(drain(&mut events), [1, 3, 5, 7, 9]);
    }
}
