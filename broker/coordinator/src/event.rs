//! What the coordinator hears and asks for.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::ErrorCode;

use crate::{Record, Request, Response, TopicName};

/// The driver's name for a request; comes back with the answer and means nothing here.
pub type Token = u64;

/// Names one write; counts up from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Ticket(pub u64);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// This node leads the partition now; the records that its log holds follow.
    BeginLoading,
    /// The next records of the log, in order. Only while loading.
    Replay {
        records: Vec<Record>,
    },
    /// Every record of the log was replayed.
    Loaded,
    /// This node does not lead the partition any more, or its log has failed. Everything is dropped
    /// and every waiter is answered NOT_COORDINATOR.
    Unload,
    Request {
        token: Token,
        request: Request,
    },
    /// The records of every ticket up to this one are durable.
    Committed {
        ticket: Ticket,
    },
    /// The log has refused this ticket's records and those of every later one: none of them is or
    /// will be in the log. `error` is the log's own code.
    Refused {
        ticket: Ticket,
        error: ErrorCode,
    },
    /// These topics do not exist any more: their offsets go.
    TopicsDeleted {
        topics: Vec<TopicName>,
    },
    /// These topics were created, deleted, or have more partitions; the view that is passed to
    /// [`crate::Coordinator::step`] shows it already.
    TopicsChanged {
        names: BTreeSet<TopicName>,
    },
    /// The time of [`crate::Coordinator::next_deadline`] has come.
    Tick,
}

/// What to do, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Append these records as one batch, after those of every earlier ticket; not empty.
    Write {
        ticket: Ticket,
        records: Arc<[Record]>,
    },
    Reply {
        token: Token,
        response: Response,
    },
}
