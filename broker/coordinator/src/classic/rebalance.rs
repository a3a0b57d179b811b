//! The join phase: when it begins, how long it waits, and the generation that it ends with.
//!
//! Promises: a generation begins only with members that joined (static members may be absent until
//! their session ends); each begins with exactly one answer per parked join.
//! Source: Kafka `GroupMetadataManager.prepareRebalance`, `completeClassicGroupJoin`.

use core::time::Duration;

use model::{ErrorCode, Probe};

use super::{ClassicGroup, GroupState};
use crate::context::Context;
use crate::deadlines::Reason;
use crate::writes::Then;
use crate::{MemberId, Response};

/// A new group waits a little for more members, so that it does not rebalance for each of them.
#[derive(Debug)]
pub(super) struct InitialDelay {
    /// What is left of the rebalance timeout for further delays.
    pub(super) remaining: Duration,
    /// Somebody came during this delay, so that another one is worth it.
    pub(super) member_added: bool,
}

impl ClassicGroup {
    /// A member came, left or changed: begin a rebalance, or see whether the one under way can end.
    pub(super) fn prepare_or_complete_join<P: Probe>(&mut self, cx: &mut Context<'_, P>) {
        match self.state {
            GroupState::Empty => self.begin_initial_delay(cx),
            GroupState::CompletingRebalance | GroupState::Stable => self.prepare_rebalance(cx),
            GroupState::PreparingRebalance => {
                if self.all_joined() && self.initial_delay.is_none() {
                    self.complete_join(cx);
                }
            }
            GroupState::Dead => {}
        }
    }

    fn begin_initial_delay<P: Probe>(&mut self, cx: &mut Context<'_, P>) {
        let delay = cx.settings.initial_rebalance_delay;
        let remaining = self.rebalance_timeout().saturating_sub(delay);
        self.initial_delay = Some(InitialDelay { remaining, member_added: false });
        cx.deadlines.set(&self.id, Reason::Join, cx.now.mono + delay);
        self.transition(GroupState::PreparingRebalance, cx.now);
    }

    /// Sends everyone back to JoinGroup.
    pub(super) fn prepare_rebalance<P: Probe>(&mut self, cx: &mut Context<'_, P>) {
        if self.is(GroupState::CompletingRebalance) {
            self.fail_syncs(cx, ErrorCode::RebalanceInProgress);
        }
        cx.deadlines.cancel(&self.id, Reason::Sync);
        self.transition(GroupState::PreparingRebalance, cx.now);
        if self.all_joined() {
            self.complete_join(cx);
        } else {
            cx.deadlines.set(&self.id, Reason::Join, cx.now.mono + self.rebalance_timeout());
        }
    }

    /// The deadline of the join phase has come.
    pub(crate) fn join_deadline<P: Probe>(&mut self, cx: &mut Context<'_, P>) {
        if !self.is(GroupState::PreparingRebalance) {
            return;
        }
        if let Some(initial) = &mut self.initial_delay
            && initial.member_added
            && !initial.remaining.is_zero()
        {
            let delay = cx.settings.initial_rebalance_delay.min(initial.remaining);
            initial.remaining -= delay;
            initial.member_added = false;
            cx.deadlines.set(&self.id, Reason::Join, cx.now.mono + delay);
            return;
        }
        self.complete_join(cx);
    }

    fn complete_join<P: Probe>(&mut self, cx: &mut Context<'_, P>) {
        cx.deadlines.cancel(&self.id, Reason::Join);
        self.initial_delay = None;
        let absent = self.members.values().filter(|m| m.join.is_none() && m.instance_id.is_none());
        let absent: Vec<MemberId> = absent.map(|m| m.id.clone()).collect();
        for member in absent {
            self.dismiss(cx, &member);
        }
        if !self.members.is_empty() && !self.elect_joined_leader() {
            // Only static members are left and none came: sessions decide how long that lasts.
            cx.deadlines.set(&self.id, Reason::Join, cx.now.mono + self.rebalance_timeout());
            return;
        }
        self.generation_id = self.generation_id.next();
        self.unsynced.clear();
        if self.members.is_empty() {
            self.become_empty(cx);
        } else {
            self.begin_generation(cx);
        }
    }

    /// Keeps the leader, or takes the first who joined; false when nobody did.
    fn elect_joined_leader(&mut self) -> bool {
        let joined = |id: &MemberId| self.members.get(id).is_some_and(|m| m.join.is_some());
        if self.leader.as_ref().is_some_and(joined) {
            return true;
        }
        let first = self.members.values().find(|m| m.join.is_some()).map(|m| m.id.clone());
        if first.is_some() {
            self.leader.clone_from(&first);
        }
        first.is_some()
    }

    fn become_empty<P: Probe>(&mut self, cx: &mut Context<'_, P>) {
        self.protocol = None;
        self.read_subscriptions(cx.embedded);
        self.transition(GroupState::Empty, cx.now);
        let record = self.to_record(None);
        // Nobody waits for it, and the next generation writes again if this record is refused.
        cx.write(vec![record], Then::Nothing);
    }

    fn begin_generation<P: Probe>(&mut self, cx: &mut Context<'_, P>) {
        self.protocol = Some(self.select_protocol());
        self.read_subscriptions(cx.embedded);
        self.set_assignments(|_| None);
        self.transition(GroupState::CompletingRebalance, cx.now);
        let members: Vec<MemberId> = self.members.keys().cloned().collect();
        for id in members {
            if let Some(token) = self.take_join(&id) {
                cx.reply(token, Response::Join(Ok(self.current_generation(&id))));
            }
            let member = self.members.get_mut(&id).expect("it is one of the keys");
            member.is_new = false;
            cx.set_session(&self.id, &id, member.session_timeout);
            self.unsynced.insert(id);
        }
        cx.deadlines.set(&self.id, Reason::Sync, cx.now.mono + self.rebalance_timeout());
    }
}
