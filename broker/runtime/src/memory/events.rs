//! Everything that will happen, in the order in which it will.

use core::task::Waker;
use model::{Instant, ShardId};
use std::collections::BTreeMap;
use std::rc::Rc;

use super::mesh::Doorbell;
use super::net::NetEvent;
use super::state::{Process, State};

/// When an event happens. Events of one instant are ordered by a drawn word, so that no test can
/// come to rely on the order in which they were scheduled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    at: Instant,
    tie: u64,
    ordinal: u64,
}

/// The end of a disk operation. `Some(draw)` says that the process died meanwhile and that only a
/// drawn part of the operation happens.
pub(super) type DiskWork = Box<dyn FnOnce(&mut State, Option<u64>)>;

pub(super) enum Event {
    /// The shard polls one ready task.
    Turn {
        process: Process,
        shard: ShardId,
    },
    Timer {
        process: Process,
        waker: Waker,
    },
    /// A message of the mesh becomes visible to its receiver.
    Doorbell {
        process: Process,
        bell: Rc<Doorbell>,
    },
    Disk {
        process: Process,
        work: DiskWork,
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

#[derive(Default)]
pub(super) struct Events {
    queue: BTreeMap<Key, Event>,
    scheduled: u64,
}

impl Events {
    pub(super) fn push(&mut self, at: Instant, tie: u64, event: Event) -> Key {
        let key = Key { at, tie, ordinal: self.scheduled };
        self.scheduled += 1;
        self.queue.insert(key, event);
        key
    }

    pub(super) fn pop(&mut self) -> Option<(Instant, Event)> {
        self.queue.pop_first().map(|(key, event)| (key.at, event))
    }

    pub(super) fn next_at(&self) -> Option<Instant> {
        self.queue.first_key_value().map(|(key, _)| key.at)
    }

    pub(super) fn cancel(&mut self, key: Key) {
        self.queue.remove(&key);
    }

    /// Takes out all that a dead process had scheduled, in order.
    pub(super) fn take_of(&mut self, process: Process) -> Vec<Event> {
        self.queue
            .extract_if(.., |_, event| event.process() == Some(process))
            .map(|(_, event)| event)
            .collect()
    }
}
