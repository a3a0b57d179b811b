//! What follows once the records of a write are durable, or were refused.
//!
//! Promises: offsets count from the moment they are durable; a refused write leaves them as they
//! were; whoever waited for the write is answered then and not before.
//! Does not: write, or keep the order of writes (`writes`).

use model::{ErrorCode, Now, Probe};

use super::Coordinator;
use crate::writes::{Then, Write, told};
use crate::{Effect, Record, Response, Ticket};

impl Coordinator {
    pub(super) fn committed<P: Probe>(
        &mut self,
        now: Now,
        ticket: Ticket,
        effects: &mut Vec<Effect>,
        probe: &mut P,
    ) {
        while let Some(Write { ticket, records, then }) = self.writes.pop_durable(ticket) {
            self.stats.writes += 1;
            for record in &*records {
                if let Record::OffsetCommit { group, at, value } = record {
                    self.offsets.commit(ticket, group, at, value.as_ref());
                }
            }
            self.conclude(now, then, None, effects, probe);
        }
    }

    pub(super) fn refused<P: Probe>(
        &mut self,
        now: Now,
        ticket: Ticket,
        error: ErrorCode,
        effects: &mut Vec<Effect>,
        probe: &mut P,
    ) {
        let refused = self.writes.take_refused(ticket);
        for write in &refused {
            self.stats.refused_writes += 1;
            for record in &*write.records {
                if let Record::OffsetCommit { group, at, .. } = record {
                    self.offsets.revert(ticket, group, at);
                }
            }
        }
        self.restore_under_way();
        for write in refused {
            self.conclude(now, write.then, Some(told(error)), effects, probe);
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

    /// The records of a write are durable, or were refused.
    fn conclude<P: Probe>(
        &mut self,
        now: Now,
        then: Then,
        refused: Option<ErrorCode>,
        effects: &mut Vec<Effect>,
        probe: &mut P,
    ) {
        let (groups, mut cx) = self.split(now, effects, probe);
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
                let group = groups.get_mut(&group).expect("a group with members is not deleted");
                group.assigned(&mut cx, generation_id, &assignments, refused);
            }
            Then::StaticMemberReturned { group, token, response } => match groups.get(&group) {
                Some(group) => group.static_member_returned(&mut cx, token, response, refused),
                None => {
                    let response = Response::Join(Ok(response));
                    cx.reply(token, response.refused(ErrorCode::UnknownMemberId));
                }
            },
            Then::GroupDeleted { group, token } => {
                if refused.is_some() {
                    groups.get_mut(&group).expect("it is Dead, not gone").revive();
                } else {
                    cx.deadlines.cancel_group(&group);
                    groups.remove(&group);
                }
                if let Some(token) = token {
                    cx.reply(token, Response::DeleteGroup(refused.map_or(Ok(()), Err)));
                }
            }
        }
    }
}
