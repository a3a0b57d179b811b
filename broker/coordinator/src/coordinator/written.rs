//! What follows once the records of a write are durable, or were refused.
//!
//! Promises: offsets count from the moment they are durable; a refused write leaves them, and the
//! groups that changed with it, as they were; whoever waited for the write is answered then and not
//! before.
//! Does not: write, or keep the order of writes (`writes`).

use std::collections::BTreeSet;

use model::{ErrorCode, Probe};

use super::{Coordinator, Step};
use crate::consumer::ConsumerGroup;
use crate::group::Group;
use crate::writes::{Then, Undo, Write, told};
use crate::{GroupId, Record, Response, Ticket};

impl Coordinator {
    pub(super) fn committed<P: Probe>(&mut self, step: &mut Step<'_, P>, ticket: Ticket) {
        while let Some(Write { ticket, records, then, waiters, .. }) =
            self.writes.pop_durable(ticket)
        {
            self.stats.writes += 1;
            for record in &*records {
                if let Record::OffsetCommit { group, at, value } = record {
                    self.offsets.commit(ticket, group, at, value.as_ref());
                }
            }
            self.conclude(step, then, None);
            let (_, mut cx) = self.split(step);
            for (token, response) in waiters {
                cx.reply(token, response);
            }
        }
    }

    pub(super) fn refused<P: Probe>(
        &mut self,
        step: &mut Step<'_, P>,
        ticket: Ticket,
        error: ErrorCode,
    ) {
        let mut refused = self.writes.take_refused(ticket);
        for write in &refused {
            self.stats.refused_writes += 1;
            for record in &*write.records {
                if let Record::OffsetCommit { group, at, .. } = record {
                    self.offsets.revert(ticket, group, at);
                }
            }
        }
        self.restore_under_way();
        let error = told(error);
        let mut changed_back = BTreeSet::new();
        for undo in refused.iter_mut().rev().filter_map(|write| write.undo.take()) {
            changed_back.insert(self.undo(step, undo, error));
        }
        for write in refused {
            self.conclude(step, write.then, Some(error));
            let (_, mut cx) = self.split(step);
            for (token, response) in write.waiters {
                cx.reply(token, response.refused(error));
            }
        }
        let (groups, mut cx) = self.split(step);
        for id in changed_back {
            cx.deadlines.cancel_group(&id);
            match groups.get_mut(&id) {
                Some(Group::Classic(group)) => group.activate(&mut cx),
                Some(Group::Consumer(group)) if group.is_blank() => drop(groups.remove(&id)),
                Some(Group::Consumer(group)) => group.resume_refused(&mut cx),
                None => {}
            }
        }
    }

    /// A refused write may have hidden an earlier one of the same key that is still under way.
    fn restore_under_way(&mut self) {
        for write in self.writes.iter() {
            for record in &*write.records {
                if let Record::OffsetCommit { group, at, value } = record {
                    self.offsets.begin(write.ticket, group, at, value.as_ref());
                }
            }
        }
    }

    /// Takes a change back; names its group, whose deadlines are wrong now.
    fn undo<P: Probe>(&mut self, step: &mut Step<'_, P>, undo: Undo, error: ErrorCode) -> GroupId {
        let (groups, mut cx) = self.split(step);
        let (id, given_up) = match undo {
            Undo::Replaced { group: id, before } => {
                let given_up = groups.insert(id.clone(), *before);
                (id, given_up)
            }
            Undo::Records { group: id, before } => {
                let group = groups.remove(&id);
                let (mut group, given_up) = match group {
                    Some(Group::Consumer(group)) => (group, None),
                    // It was deleted, and somebody has made a classic one since.
                    other => (ConsumerGroup::new(id.clone()), other),
                };
                group.revert(&before);
                groups.insert(id.clone(), Group::Consumer(group));
                (id, given_up)
            }
        };
        for (token, response) in given_up.into_iter().flat_map(|mut it| it.take_waiters(error)) {
            cx.reply(token, response);
        }
        id
    }

    /// The records of a write are durable, or were refused.
    fn conclude<P: Probe>(
        &mut self,
        step: &mut Step<'_, P>,
        then: Then,
        refused: Option<ErrorCode>,
    ) {
        let (groups, mut cx) = self.split(step);
        match then {
            Then::Nothing => {}
            Then::Reply { token, response } => {
                let response = match refused {
                    Some(error) => response.refused(error),
                    None => response,
                };
                cx.reply(token, response);
            }
            Then::Assign { group, generation_id, assignments } => {
                // Else it is a consumer group by now, and its members have been told.
                if let Some(Group::Classic(group)) = groups.get_mut(&group) {
                    group.assigned(&mut cx, generation_id, &assignments, refused);
                }
            }
            Then::StaticMemberReturned { group, token, response } => match groups.get(&group) {
                Some(Group::Classic(group)) => {
                    group.static_member_returned(&mut cx, token, response, refused);
                }
                Some(Group::Consumer(_)) | None => {
                    let response = Response::Join(Ok(response));
                    cx.reply(token, response.refused(ErrorCode::UnknownMemberId));
                }
            },
            Then::GroupDeleted { group: id, token } => {
                if let Some(Group::Classic(group)) = groups.get_mut(&id).filter(|it| it.is_dead()) {
                    if refused.is_some() {
                        group.revive();
                    } else {
                        cx.deadlines.cancel_group(&id);
                        groups.remove(&id);
                    }
                }
                if let Some(token) = token {
                    cx.reply(token, Response::DeleteGroup(refused.map_or(Ok(()), Err)));
                }
            }
        }
    }
}
