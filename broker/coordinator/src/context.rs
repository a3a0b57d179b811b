//! What a group may use while it handles one event.

use std::sync::Arc;

use model::{Now, Probe};

use crate::consumer::Topics;
use crate::deadlines::{Deadlines, Reason};
use crate::writes::{Then, Undo, Writes};
use crate::{
    Effect, EmbeddedProtocol, GroupId, MemberId, Offsets, Record, Response, Settings, Ticket, Token,
};

pub(crate) struct Context<'a, P> {
    pub(crate) now: Now,
    pub(crate) settings: &'a Settings,
    pub(crate) embedded: EmbeddedProtocol,
    pub(crate) topics: &'a Topics,
    pub(crate) deadlines: &'a mut Deadlines,
    pub(crate) writes: &'a mut Writes,
    pub(crate) offsets: &'a mut Offsets,
    pub(crate) effects: &'a mut Vec<Effect>,
    pub(crate) probe: &'a mut P,
}

impl<P: Probe> Context<'_, P> {
    pub(crate) fn reply(&mut self, token: Token, response: Response) {
        self.effects.push(Effect::Reply { token, response });
    }

    /// Replies once the write is durable; at once when it is.
    pub(crate) fn reply_after(&mut self, ticket: Ticket, token: Token, response: Response) {
        if let Err(response) = self.writes.wait(ticket, token, response) {
            self.reply(token, response);
        }
    }

    /// Asks for a write; `then` follows when it is durable, or refused.
    pub(crate) fn write(&mut self, records: Vec<Record>, then: Then) -> Ticket {
        self.write_undoable(records, then, None)
    }

    /// Like [`Context::write`], for a change that was made already and is taken back if it is refused.
    pub(crate) fn write_undoable(
        &mut self,
        records: Vec<Record>,
        then: Then,
        undo: Option<Undo>,
    ) -> Ticket {
        let records: Arc<[Record]> = records.into();
        let ticket = self.writes.begin(Arc::clone(&records), then, undo);
        for record in &*records {
            if let Record::OffsetCommit { group, at, value } = record {
                self.offsets.begin(ticket, group, at, value.as_ref());
            }
        }
        self.effects.push(Effect::Write { ticket, records });
        ticket
    }

    /// Like [`Context::write`], as several writes where there are many records. `then` follows the
    /// last one; the earlier ones may be durable without it.
    pub(crate) fn write_in_pieces(&mut self, mut records: Vec<Record>, then: Then) {
        let piece_len = self.settings.write_records_max.max(1);
        while records.len() > piece_len {
            let rest = records.split_off(piece_len);
            self.write(std::mem::replace(&mut records, rest), Then::Nothing);
        }
        self.write(records, then);
    }

    /// Sets or moves the end of a member's session.
    pub(crate) fn set_session(
        &mut self,
        group: &GroupId,
        member: &MemberId,
        after: core::time::Duration,
    ) {
        self.deadlines.set(group, Reason::Session(member.clone()), self.now.mono + after);
    }

    pub(crate) fn cancel_session(&mut self, group: &GroupId, member: &MemberId) {
        self.deadlines.cancel(group, Reason::Session(member.clone()));
    }
}
