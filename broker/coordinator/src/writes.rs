//! Writes that the log has not reported durable yet, and what happens when it does.
//!
//! Promises: consequences follow in the order of the tickets, each exactly once: when its records are
//! durable, when they were refused, or when the partition is unloaded.
//! Does not: decide consequences.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use model::ErrorCode;

use crate::consumer::ConsumerRecord;
use crate::group::Group;
use crate::{
    Bytes, GenerationId, GroupId, JoinResponse, MemberId, Record, Response, Ticket, Token,
};

/// What waits for the records of one ticket.
#[derive(Debug)]
pub(crate) enum Then {
    Nothing,
    Reply {
        token: Token,
        response: Response,
    },
    /// Hand the leader's assignment to the members that wait for it.
    Assign {
        group: GroupId,
        generation_id: GenerationId,
        assignments: BTreeMap<MemberId, Bytes>,
    },
    /// A static member took its old place without a rebalance.
    StaticMemberReturned {
        group: GroupId,
        token: Token,
        response: JoinResponse,
    },
    /// The group's tombstone; somebody waits unless it expired.
    GroupDeleted {
        group: GroupId,
        token: Option<Token>,
    },
}

impl Then {
    /// Who waits, and the answer if all goes well. Members that wait for an assignment are not here:
    /// their group knows them.
    pub(crate) fn into_waiter(self) -> Option<(Token, Response)> {
        match self {
            Self::Nothing | Self::Assign { .. } => None,
            Self::Reply { token, response } => Some((token, response)),
            Self::StaticMemberReturned { token, response, .. } => {
                Some((token, Response::Join(Ok(response))))
            }
            Self::GroupDeleted { token, .. } => {
                token.map(|token| (token, Response::DeleteGroup(Ok(()))))
            }
        }
    }
}

/// How to take back what was changed before its records were durable.
#[derive(Debug)]
pub(crate) enum Undo {
    /// A consumer group changed: what each key had before, in the order of the changes.
    Records { group: GroupId, before: Vec<ConsumerRecord> },
    /// The group took the place of this one, of the other kind.
    Replaced { group: GroupId, before: Box<Group> },
}

#[derive(Debug)]
pub(crate) struct Write {
    pub(crate) ticket: Ticket,
    pub(crate) records: Arc<[Record]>,
    pub(crate) then: Then,
    pub(crate) undo: Option<Undo>,
    /// Answers that rest on this write or on an earlier one, in the order they were given.
    pub(crate) waiters: Vec<(Token, Response)>,
}

#[derive(Debug, Default)]
pub(crate) struct Writes {
    last: Ticket,
    /// The last ticket of earlier loads: what the log still says about those concerns nobody.
    forgotten: Ticket,
    /// In the order of their tickets.
    pending: VecDeque<Write>,
    /// Waiters of all pending writes together.
    waiter_count: usize,
}

impl Writes {
    pub(crate) fn begin(
        &mut self,
        records: Arc<[Record]>,
        then: Then,
        undo: Option<Undo>,
    ) -> Ticket {
        assert!(!records.is_empty(), "a write without records would never become durable");
        self.last.0 += 1;
        let ticket = self.last;
        self.pending.push_back(Write { ticket, records, then, undo, waiters: Vec::new() });
        ticket
    }

    /// Keeps an answer until the write is durable, and those before it; the write itself may have
    /// been refused.
    ///
    /// # Errors
    /// The answer itself: nothing that it could rest on is under way.
    pub(crate) fn wait(
        &mut self,
        ticket: Ticket,
        token: Token,
        response: Response,
    ) -> Result<(), Response> {
        let count = self.pending.partition_point(|write| write.ticket <= ticket);
        let newest = count.checked_sub(1).and_then(|at| self.pending.get_mut(at));
        let Some(write) = newest else { return Err(response) };
        write.waiters.push((token, response));
        self.waiter_count += 1;
        Ok(())
    }

    pub(crate) fn waiter_count(&self) -> usize {
        self.waiter_count
    }

    /// Takes the oldest write if its ticket is at most `durable`.
    pub(crate) fn pop_durable(&mut self, durable: Ticket) -> Option<Write> {
        assert!(durable <= self.last, "{durable:?} was never asked for, only {:?}", self.last);
        if self.pending.front()?.ticket > durable {
            return None;
        }
        let write = self.pending.pop_front()?;
        self.waiter_count -= write.waiters.len();
        Some(write)
    }

    /// Takes every write from `first` on, oldest first.
    pub(crate) fn take_refused(&mut self, first: Ticket) -> VecDeque<Write> {
        if first <= self.forgotten {
            return VecDeque::new();
        }
        let kept = self.pending.partition_point(|write| write.ticket < first);
        let refused = self.pending.split_off(kept);
        self.waiter_count -= refused.iter().map(|write| write.waiters.len()).sum::<usize>();
        refused
    }

    /// Takes everything: the partition was lost.
    pub(crate) fn take_all(&mut self) -> VecDeque<Write> {
        self.forgotten = self.last;
        self.waiter_count = 0;
        std::mem::take(&mut self.pending)
    }

    /// Writes under way, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Write> {
        self.pending.iter()
    }

    pub(crate) fn len(&self) -> usize {
        self.pending.len()
    }
}

/// What a client is told when the log refuses a write with `error`.
///
/// Source: Kafka `CoordinatorOperationExceptionHelper`.
pub(crate) fn told(error: ErrorCode) -> ErrorCode {
    if error == ErrorCode::NotLeaderOrFollower || error == ErrorCode::KafkaStorageError {
        return ErrorCode::NotCoordinator;
    }
    let too_large =
        [ErrorCode::MessageTooLarge, ErrorCode::RecordListTooLarge, ErrorCode::InvalidFetchSize];
    if too_large.contains(&error) {
        return ErrorCode::UnknownServerError;
    }
    // UNKNOWN_TOPIC_OR_PARTITION, NOT_ENOUGH_REPLICAS and whatever else may pass.
    ErrorCode::CoordinatorNotAvailable
}
