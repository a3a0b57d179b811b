//! Static members: one name, one life at a time (KIP-345).
//!
//! Promises: a member that was replaced is marked with the moment, after which it is to be refused; of
//! two lives that asked at once, the one that goes on is the one that stayed.
//! Does not: judge what a life owns or commits (`group`).

use super::super::group_facts::{GroupProtocol, MemberName};
use super::group::{Found, Group};

/// The present life of a static member.
#[derive(Debug, Clone)]
pub(super) struct Life {
    member_id: String,
    /// It was told of its place.
    told_ns: u64,
    /// The coordinator heard of it at this time or later.
    pub(super) heard_ns: u64,
    session_ns: u64,
    pub(super) left: bool,
    /// Another life that asked at the same time.
    contender: Option<Contender>,
}

/// One of two lives replaced the other before both were told; who goes on is the one that stayed.
#[derive(Debug, Clone)]
struct Contender {
    member_id: String,
    told_ns: u64,
}

impl Group {
    /// The present life of a static member, if it is this one.
    pub(super) fn life(&mut self, name: &MemberName) -> Option<&mut Life> {
        let life = self.instances.get_mut(name.instance_id.as_ref()?)?;
        (life.member_id == name.member_id).then_some(life)
    }

    /// A static member has one life at a time.
    pub(super) fn take_over(
        &mut self,
        at_ns: u64,
        name: &MemberName,
        invoked_ns: u64,
        session_ns: u64,
    ) -> Found {
        let Some(instance) = &name.instance_id else { return Ok(()) };
        if let Some(known) = self.members.get_mut(&name.member_id)
            && let Some(replaced_ns) = known.replaced_ns.take()
            // What was asked for before may have been answered before: who goes on will show it.
            && replaced_ns < invoked_ns
        {
            return Err(("fenced", format!("static member {instance} got partitions once more")));
        }
        if let Some(life) = self.life(name) {
            life.left = false;
            return Ok(());
        }
        let member_id = name.member_id.clone();
        if let Some(life) = self.instances.get_mut(instance).filter(|it| it.told_ns > invoked_ns) {
            // Both were asking at once: who of them came last is not known.
            life.contender = Some(Contender { member_id, told_ns: at_ns });
            return Ok(());
        }
        let (told_ns, contender) = (at_ns, None);
        let life = Life { member_id, told_ns, heard_ns: 0, session_ns, left: false, contender };
        let Some(before) = self.instances.insert(instance.clone(), life) else { return Ok(()) };
        if let Some(known) = self.members.get_mut(&before.member_id) {
            known.replaced_ns = Some(at_ns);
        }
        // Half of the session: clocks may run at unlike rates.
        let is_held = !before.left && at_ns < before.heard_ns + before.session_ns / 2;
        if name.protocol == GroupProtocol::Consumer && is_held {
            let text = format!("static member {instance} was replaced within its session");
            return Err(("replaced", text));
        }
        Ok(())
    }

    /// Ends the contest for a static member's name once one of the two goes on.
    pub(super) fn decide(&mut self, name: &MemberName, invoked_ns: u64) {
        let instance = name.instance_id.as_ref();
        let Some(life) = instance.and_then(|it| self.instances.get_mut(it)) else { return };
        let Some(contender) = &life.contender else { return };
        let both_told_ns = life.told_ns.max(contender.told_ns);
        if invoked_ns <= both_told_ns {
            return;
        }
        let loser = if life.member_id == name.member_id {
            contender.member_id.clone()
        } else if contender.member_id == name.member_id {
            core::mem::replace(&mut life.member_id, contender.member_id.clone())
        } else {
            return;
        };
        life.contender = None;
        if let Some(known) = self.members.get_mut(&loser) {
            known.replaced_ns = Some(both_told_ns);
        }
    }
}
