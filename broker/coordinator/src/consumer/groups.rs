//! All consumer groups of one `__consumer_offsets` partition, and the one door.
//!
//! Promises: answers leave in the order of the writes that they rest on, and an answer without
//! records of its own waits for those it may have seen; while the log is being loaded, and after it
//! was lost, every request is refused with Kafka's code.
//! Does not: survive a write that the log refuses: the driver sends `Unload` and loads again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use model::{ErrorCode, Instant, Now, Probe};

use super::group::{Context, Group};
use super::validate::validate;
use super::{
    ConsumerEffect, ConsumerEvent, ConsumerGroupState, ConsumerRequest, ConsumerResponse,
    ConsumerSettings, Heartbeat, HeartbeatResponse, JOIN_EPOCH, LEAVE_EPOCH, Record, Refusal,
    STATIC_LEAVE_EPOCH, Topics,
};
use crate::{GroupId, MemberId, Ticket, Token, TopicName};

/// The groups; the view of the topics is passed in, because a shard has one for all partitions.
#[derive(Debug)]
pub struct ConsumerGroups {
    settings: ConsumerSettings,
    phase: Phase,
    groups: BTreeMap<GroupId, Group>,
    /// The first deadline of each group that has one, both ways round.
    wakes: BTreeSet<(Instant, GroupId)>,
    wake_of: BTreeMap<GroupId, Instant>,
    last: Ticket,
    committed: Ticket,
    /// Answers that wait for their ticket, in ticket order.
    waiting: VecDeque<(Ticket, Token, ConsumerResponse)>,
    stats: ConsumerStats,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Unloaded,
    Loading,
    Active,
}

/// Counts since the core was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConsumerStats {
    pub heartbeats: u64,
    pub refused_heartbeats: u64,
    pub written_records: u64,
}

impl ConsumerGroups {
    /// Nothing is known yet: requests are refused until the log is loaded.
    #[must_use]
    pub fn new(settings: ConsumerSettings) -> Self {
        Self {
            settings,
            phase: Phase::Unloaded,
            groups: BTreeMap::new(),
            wakes: BTreeSet::new(),
            wake_of: BTreeMap::new(),
            last: Ticket::default(),
            committed: Ticket::default(),
            waiting: VecDeque::new(),
            stats: ConsumerStats::default(),
        }
    }

    /// Takes one event and appends what must be done, in order, to `effects`.
    ///
    /// Cost of a heartbeat that changes nothing: logarithmic in groups and members, linear in the
    /// member's own subscription and assignment. A change costs as much as the whole group.
    pub fn step<P: Probe>(
        &mut self,
        now: Now,
        event: ConsumerEvent,
        topics: &Topics,
        effects: &mut Vec<ConsumerEffect>,
        _probe: &mut P,
    ) {
        match event {
            ConsumerEvent::BeginLoading => {
                self.unload(effects);
                self.phase = Phase::Loading;
            }
            ConsumerEvent::Replay { records } => self.replay(&records),
            ConsumerEvent::Loaded => self.loaded(now, topics, effects),
            ConsumerEvent::Unload => self.unload(effects),
            ConsumerEvent::Request { token, request } => {
                let response = self.request(now, &request, topics, effects);
                self.reply(token, response, effects);
            }
            ConsumerEvent::Committed { ticket } => self.committed(ticket, effects),
            ConsumerEvent::TopicsChanged { names } => {
                self.topics_changed(now, &names, topics, effects);
            }
            ConsumerEvent::Tick => self.tick(now, topics, effects),
        }
    }

    /// When the driver must send `Tick`.
    #[must_use]
    pub fn wakes_at(&self) -> Option<Instant> {
        self.wakes.first().map(|(at, _)| *at)
    }

    #[must_use]
    pub fn stats(&self) -> ConsumerStats {
        self.stats
    }

    /// Groups in id order, as ListGroups tells them.
    pub fn list(&self) -> impl Iterator<Item = (&GroupId, ConsumerGroupState)> {
        self.groups.iter().map(|(id, group)| (id, group.group_state()))
    }

    /// Whether a member subscribes to the topic, so that its offsets must stay (OffsetDelete).
    #[must_use]
    pub fn is_subscribed(&self, group: &GroupId, topic: &TopicName) -> bool {
        self.groups.get(group).is_some_and(|it| it.state.all_subscribed().contains(topic))
    }

    /// Whether offsets may be committed for the group; `Ok` also for a group that is not one of these.
    /// A member epoch of `None` is the wire's -1: an administrator, or a consumer that assigns itself.
    ///
    /// # Errors
    /// UNKNOWN_MEMBER_ID or STALE_MEMBER_EPOCH (Kafka `ConsumerGroup.validateOffsetCommit`).
    pub fn check_commit(
        &self,
        group: &GroupId,
        member_id: Option<&MemberId>,
        member_epoch: Option<i32>,
    ) -> Result<(), ErrorCode> {
        let Some(group) = self.groups.get(group) else { return Ok(()) };
        if member_epoch.is_none() && group.state.members.is_empty() {
            return Ok(());
        }
        let known = member_id.filter(|it| group.state.members.contains_key(it));
        let current = group.state.current(known.ok_or(ErrorCode::UnknownMemberId)?);
        if member_epoch == Some(current.member_epoch) {
            Ok(())
        } else {
            Err(ErrorCode::StaleMemberEpoch)
        }
    }

    /// Like [`Self::check_commit`], but anybody may read without being a member.
    ///
    /// # Errors
    /// UNKNOWN_MEMBER_ID or STALE_MEMBER_EPOCH (Kafka `ConsumerGroup.validateOffsetFetch`).
    pub fn check_fetch(
        &self,
        group: &GroupId,
        member_id: Option<&MemberId>,
        member_epoch: Option<i32>,
    ) -> Result<(), ErrorCode> {
        if member_id.is_none() && member_epoch.is_none() {
            return Ok(());
        }
        self.check_commit(group, member_id, member_epoch)
    }

    #[cfg(test)]
    pub(super) fn group(&self, id: &GroupId) -> Option<&Group> {
        self.groups.get(id)
    }

    fn replay(&mut self, records: &[(GroupId, Record)]) {
        assert_eq!(self.phase, Phase::Loading, "records are replayed only while loading");
        for (id, record) in records {
            // The number of groups in the log was bounded when they were written.
            let group = self.groups.entry(id.clone()).or_default();
            group.state.apply(record);
        }
    }

    fn loaded(&mut self, now: Now, topics: &Topics, effects: &mut Vec<ConsumerEffect>) {
        assert_eq!(self.phase, Phase::Loading, "loading ends once");
        self.phase = Phase::Active;
        self.groups.retain(|_, group| !group.state.is_blank());
        for id in self.groups.keys().cloned().collect::<Vec<_>>() {
            self.with_group(now, &id, topics, effects, |group, context| group.loaded(context));
        }
    }

    fn unload(&mut self, effects: &mut Vec<ConsumerEffect>) {
        self.phase = Phase::Unloaded;
        self.groups.clear();
        self.wakes.clear();
        self.wake_of.clear();
        // Nothing will be reported for these any more: the log decides, and the next load reads it.
        self.committed = self.last;
        for (_, token, response) in core::mem::take(&mut self.waiting) {
            let lost = Refusal::new(ErrorCode::NotCoordinator, "The coordinator has moved.");
            effects.push(ConsumerEffect::Reply { token, response: response.refused(lost) });
        }
    }

    fn request(
        &mut self,
        now: Now,
        request: &ConsumerRequest,
        topics: &Topics,
        effects: &mut Vec<ConsumerEffect>,
    ) -> ConsumerResponse {
        let refuse = |code, message: &str| request.refused(Refusal::new(code, message));
        match self.phase {
            Phase::Unloaded => {
                return refuse(ErrorCode::NotCoordinator, "This is not the correct coordinator.");
            }
            Phase::Loading => {
                let message = "The coordinator is loading and can't process requests.";
                return refuse(ErrorCode::CoordinatorLoadInProgress, message);
            }
            Phase::Active if self.waiting.len() >= self.settings.waiting_max => {
                let message = "Too many requests wait for the log.";
                return refuse(ErrorCode::CoordinatorNotAvailable, message);
            }
            Phase::Active => {}
        }
        match request {
            ConsumerRequest::Heartbeat(it) => {
                ConsumerResponse::Heartbeat(self.heartbeat(now, it, topics, effects))
            }
            ConsumerRequest::Describe { group } => {
                let group = self.groups.get(group).ok_or_else(|| unknown_group(group));
                ConsumerResponse::Describe(group.map(Group::describe))
            }
            ConsumerRequest::Delete { group } => {
                ConsumerResponse::Delete(self.delete(now, group, topics, effects))
            }
        }
    }

    fn heartbeat(
        &mut self,
        now: Now,
        heartbeat: &Heartbeat,
        topics: &Topics,
        effects: &mut Vec<ConsumerEffect>,
    ) -> Result<HeartbeatResponse, Refusal> {
        self.stats.heartbeats += 1;
        let result = self.heartbeat_of_group(now, heartbeat, topics, effects);
        self.stats.refused_heartbeats += u64::from(result.is_err());
        result
    }

    fn heartbeat_of_group(
        &mut self,
        now: Now,
        heartbeat: &Heartbeat,
        topics: &Topics,
        effects: &mut Vec<ConsumerEffect>,
    ) -> Result<HeartbeatResponse, Refusal> {
        validate(heartbeat, &self.settings)?;
        let id = &heartbeat.group;
        if !self.groups.contains_key(id) {
            if heartbeat.member_epoch != JOIN_EPOCH {
                return Err(unknown_group(id));
            }
            if self.groups.len() >= self.settings.groups_max {
                let message = "There are too many groups.";
                return Err(Refusal::new(ErrorCode::CoordinatorNotAvailable, message));
            }
            self.groups.insert(id.clone(), Group::default());
        }
        let leaves = [LEAVE_EPOCH, STATIC_LEAVE_EPOCH].contains(&heartbeat.member_epoch);
        self.with_group(now, id, topics, effects, |group, context| {
            if leaves {
                group.leave(context, heartbeat)
            } else {
                group.heartbeat(context, heartbeat)
            }
        })
    }

    fn delete(
        &mut self,
        now: Now,
        id: &GroupId,
        topics: &Topics,
        effects: &mut Vec<ConsumerEffect>,
    ) -> Result<(), Refusal> {
        let group = self.groups.get(id).ok_or_else(|| unknown_group(id))?;
        if !group.state.members.is_empty() {
            let message = format!("Group {id} has members.");
            return Err(Refusal::new(ErrorCode::NonEmptyGroup, message));
        }
        self.with_group(now, id, topics, effects, |group, _| group.delete());
        Ok(())
    }

    fn topics_changed(
        &mut self,
        now: Now,
        names: &BTreeSet<TopicName>,
        topics: &Topics,
        effects: &mut Vec<ConsumerEffect>,
    ) {
        if self.phase != Phase::Active {
            return;
        }
        for id in self.groups.keys().cloned().collect::<Vec<_>>() {
            self.with_group(now, &id, topics, effects, |group, context| {
                group.topics_changed(context, names);
            });
        }
    }

    fn tick(&mut self, now: Now, topics: &Topics, effects: &mut Vec<ConsumerEffect>) {
        let due = self.wakes.iter().take_while(|(at, _)| *at <= now.mono);
        for id in due.map(|(_, id)| id.clone()).collect::<Vec<_>>() {
            self.with_group(now, &id, topics, effects, |group, context| group.tick(context));
        }
    }

    /// Changes one group, hands its records to the log and keeps its place among the deadlines.
    fn with_group<T>(
        &mut self,
        now: Now,
        id: &GroupId,
        topics: &Topics,
        effects: &mut Vec<ConsumerEffect>,
        change: impl FnOnce(&mut Group, Context<'_>) -> T,
    ) -> T {
        let group = self.groups.get_mut(id).expect("the caller has seen the group");
        let result = change(group, Context { now, settings: &self.settings, topics });
        let records = core::mem::take(&mut group.unwritten);
        let blank = group.state.is_blank();
        let due = group.due().filter(|_| !blank);
        if blank {
            self.groups.remove(id);
        }
        self.wake(id, due);
        if !records.is_empty() {
            self.last.0 += 1;
            self.stats.written_records += records.len() as u64;
            let (ticket, group) = (self.last, id.clone());
            effects.push(ConsumerEffect::Write { ticket, group, records: Arc::from(records) });
        }
        result
    }

    fn wake(&mut self, id: &GroupId, due: Option<Instant>) {
        if self.wake_of.get(id).copied() == due {
            return;
        }
        if let Some(at) = self.wake_of.remove(id) {
            self.wakes.remove(&(at, id.clone()));
        }
        if let Some(at) = due {
            self.wake_of.insert(id.clone(), at);
            self.wakes.insert((at, id.clone()));
        }
    }

    fn reply(
        &mut self,
        token: Token,
        response: ConsumerResponse,
        effects: &mut Vec<ConsumerEffect>,
    ) {
        if self.phase == Phase::Active && self.committed < self.last {
            self.waiting.push_back((self.last, token, response));
        } else {
            effects.push(ConsumerEffect::Reply { token, response });
        }
    }

    fn committed(&mut self, ticket: Ticket, effects: &mut Vec<ConsumerEffect>) {
        assert!(ticket <= self.last, "{ticket:?} was never written, the last was {:?}", self.last);
        // A report that was under way while the partition was unloaded says nothing new.
        self.committed = self.committed.max(ticket);
        while let Some((_, token, response)) = self.waiting.pop_front_if(|it| it.0 <= ticket) {
            effects.push(ConsumerEffect::Reply { token, response });
        }
    }
}

fn unknown_group(id: &GroupId) -> Refusal {
    Refusal::new(ErrorCode::GroupIdNotFound, format!("Group {id} not found."))
}
