//! The coordinator of one `__consumer_offsets` partition: its phase, its groups, and the one door.
//!
//! Promises: every request is answered exactly once, at once or later; while the partition loads or
//! is elsewhere, with the error that sends clients on. After [`Event::Unload`] nothing is left but
//! the count of tickets.
//! Does not: keep a log. The driver appends what [`Effect::Write`] asks for and reports it durable.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use model::{ErrorCode, Instant, Now, Probe};

use crate::classic::{ClassicGroup, GroupState};
use crate::commit;
use crate::context::Context;
use crate::deadlines::{Deadlines, Reason};
use crate::writes::{Then, Write, Writes, told};
use crate::{
    Effect, Event, GroupId, JoinRequest, LeaveRequest, MemberIdentity, OffsetCommitRequest,
    OffsetDeleteRequest, Offsets, PartitionError, Record, Request, Response, Settings, SyncRequest,
    Ticket, Token, TopicName,
};

/// Offsets that one step looks at for expiry before it lets others run.
const EXPIRY_OFFSETS_PER_STEP: usize = 10_000;
/// Between two such steps, so that the tombstones of the first can become durable.
const EXPIRY_PAUSE: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub struct Coordinator {
    settings: Settings,
    phase: Phase,
    groups: BTreeMap<GroupId, ClassicGroup>,
    offsets: Offsets,
    deadlines: Deadlines,
    writes: Writes,
    expiry: Expiry,
    stats: Stats,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Unloaded,
    Loading,
    Active,
}

/// The walk over all groups for expired offsets.
#[derive(Debug, Default)]
struct Expiry {
    next: Instant,
    /// The walk under way goes on after this group.
    after: Option<GroupId>,
}

/// Counts since the coordinator was created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    pub requests: u64,
    pub replayed_records: u64,
    pub writes: u64,
    pub refused_writes: u64,
    /// Sessions that ended without a LeaveGroup, and member ids that were never used.
    pub expired_sessions: u64,
}

impl Coordinator {
    /// A coordinator that leads nothing yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            phase: Phase::Unloaded,
            groups: BTreeMap::new(),
            offsets: Offsets::default(),
            deadlines: Deadlines::default(),
            writes: Writes::default(),
            expiry: Expiry::default(),
            stats: Stats::default(),
        }
    }

    /// Takes one event and appends what must be done, in order, to `effects`.
    ///
    /// Cost: logarithmic in groups and members per request; linear in the group's members when a
    /// generation begins or ends.
    pub fn step<P: Probe>(
        &mut self,
        now: Now,
        event: Event,
        effects: &mut Vec<Effect>,
        probe: &mut P,
    ) {
        match event {
            Event::BeginLoading => {
                assert_eq!(self.phase, Phase::Unloaded, "loading begins with nothing");
                self.phase = Phase::Loading;
            }
            Event::Replay { records } => self.replay(now, &records),
            Event::Loaded => self.loaded(now, effects, probe),
            Event::Unload => self.unload(effects),
            Event::Request { token, request } => self.request(now, token, request, effects, probe),
            Event::Committed { ticket } => self.committed(now, ticket, effects, probe),
            Event::Refused { ticket, error } => self.refused(now, ticket, error, effects, probe),
            Event::TopicsDeleted { topics } => self.topics_deleted(now, &topics, effects, probe),
            Event::Tick => self.tick(now, effects, probe),
        }
        self.assert_invariants();
    }

    /// When [`Event::Tick`] is due; `None` while there is nothing to wait for.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        if self.phase != Phase::Active {
            return None;
        }
        Some(self.deadlines.first().map_or(self.expiry.next, |first| first.min(self.expiry.next)))
    }

    #[must_use]
    pub fn stats(&self) -> Stats {
        self.stats
    }

    pub(crate) fn offsets(&self) -> &Offsets {
        &self.offsets
    }

    pub(crate) fn groups(&self) -> &BTreeMap<GroupId, ClassicGroup> {
        &self.groups
    }

    pub(crate) fn check_active(&self) -> Result<(), ErrorCode> {
        match self.phase {
            Phase::Active => Ok(()),
            Phase::Loading => Err(ErrorCode::CoordinatorLoadInProgress),
            Phase::Unloaded => Err(ErrorCode::NotCoordinator),
        }
    }

    fn replay(&mut self, now: Now, records: &[Record]) {
        assert_eq!(self.phase, Phase::Loading, "records are replayed while loading");
        for record in records {
            self.stats.replayed_records += 1;
            match record {
                Record::OffsetCommit { group, at, value } => {
                    self.offsets.replay(group, at, value.as_ref());
                }
                Record::GroupMetadata { group, value: Some(value) } => {
                    let loaded = ClassicGroup::from_record(group.clone(), value, now);
                    self.groups.insert(group.clone(), loaded);
                }
                Record::GroupMetadata { group, value: None } => {
                    self.groups.remove(group);
                }
            }
        }
    }

    fn loaded<P: Probe>(&mut self, now: Now, effects: &mut Vec<Effect>, probe: &mut P) {
        assert_eq!(self.phase, Phase::Loading, "loading ends once");
        self.phase = Phase::Active;
        self.expiry =
            Expiry { next: now.mono + self.settings.offsets_retention_check_interval, after: None };
        let with_offsets: BTreeSet<GroupId> = self.offsets.groups().cloned().collect();
        for group in with_offsets {
            self.groups.entry(group).or_insert_with_key(|id| ClassicGroup::new(id.clone(), now));
        }
        let (groups, mut cx) = self.split(now, effects, probe);
        for group in groups.values_mut() {
            group.activate(&mut cx);
        }
    }

    fn unload(&mut self, effects: &mut Vec<Effect>) {
        self.phase = Phase::Unloaded;
        let error = ErrorCode::NotCoordinator;
        for write in self.writes.take_all() {
            if let Some((token, response)) = write.then.into_waiter() {
                effects.push(Effect::Reply { token, response: response.refused(error) });
            }
        }
        for group in std::mem::take(&mut self.groups).into_values() {
            for (token, response) in group.into_waiters(error) {
                effects.push(Effect::Reply { token, response });
            }
        }
        self.offsets = Offsets::default();
        self.deadlines = Deadlines::default();
    }

    fn request<P: Probe>(
        &mut self,
        now: Now,
        token: Token,
        request: Request,
        effects: &mut Vec<Effect>,
        probe: &mut P,
    ) {
        self.stats.requests += 1;
        if let Some(response) = self.refuse_at_the_door(&request) {
            effects.push(Effect::Reply { token, response });
            return;
        }
        let response = match request {
            Request::Join(join) => return self.join(now, token, join, effects, probe),
            Request::Sync(sync) => return self.sync(now, token, sync, effects, probe),
            Request::OffsetCommit(commit) => {
                return self.commit(now, token, commit, effects, probe);
            }
            Request::OffsetDelete(delete) => {
                return self.delete_offsets(now, token, delete, effects, probe);
            }
            Request::DeleteGroup { group } => {
                return self.delete_group(now, token, &group, effects, probe);
            }
            Request::Heartbeat(from) => self.heartbeat(now, &from, effects, probe),
            Request::Leave(leave) => self.leave(now, leave, effects, probe),
        };
        effects.push(Effect::Reply { token, response });
    }

    fn refuse_at_the_door(&self, request: &Request) -> Option<Response> {
        let heartbeat = matches!(request, Request::Heartbeat(_));
        let error = match self.check_active() {
            // Its group may well be in the part of the log that is not read yet: keep the member
            // calm until that is known, as Kafka does.
            Err(ErrorCode::CoordinatorLoadInProgress) if heartbeat => {
                return Some(Response::Heartbeat(Ok(())));
            }
            Err(error) => error,
            Ok(()) if heartbeat || self.writes.len() < self.settings.writes_max => return None,
            Ok(()) => ErrorCode::CoordinatorNotAvailable,
        };
        Some(request.refused(error))
    }

    fn join<P: Probe>(
        &mut self,
        now: Now,
        token: Token,
        request: JoinRequest,
        effects: &mut Vec<Effect>,
        probe: &mut P,
    ) {
        if let Some(error) = self.check_join(&request) {
            let response = Request::Join(request).refused(error);
            effects.push(Effect::Reply { token, response });
            return;
        }
        let (groups, mut cx) = self.split(now, effects, probe);
        let group = groups.entry(request.group.clone());
        let group = group.or_insert_with_key(|id| ClassicGroup::new(id.clone(), now));
        group.join(&mut cx, token, request);
        group.assert_invariants();
    }

    fn check_join(&self, request: &JoinRequest) -> Option<ErrorCode> {
        if request.group.as_str().is_empty() {
            return Some(ErrorCode::InvalidGroupId);
        }
        let (min, max) = (self.settings.session_timeout_min, self.settings.session_timeout_max);
        if request.session_timeout < min || request.session_timeout > max {
            return Some(ErrorCode::InvalidSessionTimeout);
        }
        if self.groups.contains_key(&request.group) {
            return None;
        }
        if request.member_id.is_some() {
            return Some(ErrorCode::UnknownMemberId);
        }
        (self.groups.len() >= self.settings.groups_max)
            .then_some(ErrorCode::CoordinatorNotAvailable)
    }

    fn sync<P: Probe>(
        &mut self,
        now: Now,
        token: Token,
        request: SyncRequest,
        effects: &mut Vec<Effect>,
        probe: &mut P,
    ) {
        let (groups, mut cx) = self.split(now, effects, probe);
        let Some(group) = groups.get_mut(&request.from.group) else {
            cx.reply(token, Response::Sync(Err(ErrorCode::UnknownMemberId)));
            return;
        };
        group.sync(&mut cx, token, request);
        group.assert_invariants();
    }

    fn heartbeat<P: Probe>(
        &mut self,
        now: Now,
        from: &MemberIdentity,
        effects: &mut Vec<Effect>,
        probe: &mut P,
    ) -> Response {
        let (groups, mut cx) = self.split(now, effects, probe);
        Response::Heartbeat(match groups.get_mut(&from.group) {
            Some(group) => group.heartbeat(&mut cx, from),
            None => Err(ErrorCode::UnknownMemberId),
        })
    }

    fn leave<P: Probe>(
        &mut self,
        now: Now,
        request: LeaveRequest,
        effects: &mut Vec<Effect>,
        probe: &mut P,
    ) -> Response {
        let (groups, mut cx) = self.split(now, effects, probe);
        let Some(group) = groups.get_mut(&request.group) else {
            return Response::Leave(Err(ErrorCode::UnknownMemberId));
        };
        let left = group.leave(&mut cx, request);
        group.assert_invariants();
        Response::Leave(left)
    }

    /// A group that nobody knows is refused with GROUP_ID_NOT_FOUND when the commit names a
    /// generation; OffsetCommit below version 9 calls that ILLEGAL_GENERATION.
    fn commit<P: Probe>(
        &mut self,
        now: Now,
        token: Token,
        request: OffsetCommitRequest,
        effects: &mut Vec<Effect>,
        probe: &mut P,
    ) {
        let full = self.groups.len() >= self.settings.groups_max;
        let (groups, mut cx) = self.split(now, effects, probe);
        let checked = match groups.get_mut(&request.group) {
            Some(group) => group.check_commit(&mut cx, &request),
            None if request.generation_id.is_some() => Err(ErrorCode::GroupIdNotFound),
            None if full => Err(ErrorCode::CoordinatorNotAvailable),
            None => {
                let id = request.group.clone();
                groups.insert(id.clone(), ClassicGroup::new(id, now));
                Ok(())
            }
        };
        match checked {
            Ok(()) => commit::commit(&mut cx, token, request),
            Err(error) => cx.reply(token, request.refused(error)),
        }
    }

    fn delete_offsets<P: Probe>(
        &mut self,
        now: Now,
        token: Token,
        request: OffsetDeleteRequest,
        effects: &mut Vec<Effect>,
        probe: &mut P,
    ) {
        let (groups, mut cx) = self.split(now, effects, probe);
        let group = groups.get(&request.group).filter(|group| !group.is(GroupState::Dead));
        let error = match group {
            None => Some(ErrorCode::GroupIdNotFound),
            Some(group) if !group.is(GroupState::Empty) && !group.uses_consumer_protocol() => {
                Some(ErrorCode::NonEmptyGroup)
            }
            Some(_) => None,
        };
        let Some(group) = group.filter(|_| error.is_none()) else {
            cx.reply(token, Response::OffsetDelete(error.map_or(Ok(Vec::new()), Err)));
            return;
        };
        let refuse = |topic: &TopicName| !group.is(GroupState::Empty) && group.is_subscribed(topic);
        let answer = |at: crate::NamedPartition| {
            let subscribed = refuse(&at.topic);
            let error =
                if subscribed { ErrorCode::GroupSubscribedToTopic } else { ErrorCode::None };
            PartitionError { at, error }
        };
        let answers = request.partitions.into_iter().map(answer).collect();
        commit::delete(&mut cx, token, &request.group, answers);
    }

    fn delete_group<P: Probe>(
        &mut self,
        now: Now,
        token: Token,
        group: &GroupId,
        effects: &mut Vec<Effect>,
        probe: &mut P,
    ) {
        let (groups, mut cx) = self.split(now, effects, probe);
        let group = groups.get_mut(group).filter(|group| !group.is(GroupState::Dead));
        let error = match group {
            Some(group) if group.is(GroupState::Empty) => {
                return group.delete(&mut cx, Some(token));
            }
            Some(_) => ErrorCode::NonEmptyGroup,
            None => ErrorCode::GroupIdNotFound,
        };
        cx.reply(token, Response::DeleteGroup(Err(error)));
    }

    fn topics_deleted<P: Probe>(
        &mut self,
        now: Now,
        topics: &[TopicName],
        effects: &mut Vec<Effect>,
        probe: &mut P,
    ) {
        // While loading, the log may still name them; retention removes those offsets.
        if self.phase != Phase::Active {
            return;
        }
        let (groups, mut cx) = self.split(now, effects, probe);
        for group in groups.keys() {
            commit::forget_topics(&mut cx, group, topics);
        }
    }

    fn committed<P: Probe>(
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

    fn refused<P: Probe>(
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

    fn tick<P: Probe>(&mut self, now: Now, effects: &mut Vec<Effect>, probe: &mut P) {
        if self.phase != Phase::Active {
            return;
        }
        let mut expired_sessions = 0;
        let (groups, mut cx) = self.split(now, effects, probe);
        while let Some((group, reason)) = cx.deadlines.pop_due(now.mono) {
            let group = groups.get_mut(&group).expect("a group takes its deadlines with it");
            match reason {
                Reason::Join => group.join_deadline(&mut cx),
                Reason::Sync => group.sync_deadline(&mut cx),
                Reason::Session(member) => {
                    expired_sessions += u64::from(group.session_deadline(&mut cx, &member));
                }
            }
            group.assert_invariants();
        }
        self.stats.expired_sessions += expired_sessions;
        if self.expiry.next <= now.mono {
            self.expire(now, effects, probe);
        }
    }

    /// Walks on over the groups; a long walk takes several steps.
    fn expire<P: Probe>(&mut self, now: Now, effects: &mut Vec<Effect>, probe: &mut P) {
        use core::ops::Bound;
        let mut after = self.expiry.after.take();
        let (groups, mut cx) = self.split(now, effects, probe);
        let from = after.take().map_or(Bound::Unbounded, Bound::Excluded);
        let mut looked_at = 0;
        for (id, group) in groups.range_mut((from, Bound::Unbounded)) {
            looked_at += group.expire_offsets(&mut cx);
            if looked_at >= EXPIRY_OFFSETS_PER_STEP || cx.writes.len() >= cx.settings.writes_max {
                after = Some(id.clone());
                break;
            }
        }
        let wait = if after.is_none() {
            self.settings.offsets_retention_check_interval
        } else {
            EXPIRY_PAUSE
        };
        self.expiry = Expiry { next: now.mono + wait, after };
    }

    /// The groups, and what they may use.
    fn split<'a, P: Probe>(
        &'a mut self,
        now: Now,
        effects: &'a mut Vec<Effect>,
        probe: &'a mut P,
    ) -> (&'a mut BTreeMap<GroupId, ClassicGroup>, Context<'a, P>) {
        let cx = Context {
            now,
            settings: &self.settings,
            deadlines: &mut self.deadlines,
            writes: &mut self.writes,
            offsets: &mut self.offsets,
            effects,
            probe,
        };
        (&mut self.groups, cx)
    }

    fn assert_invariants(&self) {
        if self.phase == Phase::Unloaded {
            assert!(self.groups.is_empty(), "an unloaded coordinator has groups");
            assert!(self.offsets.is_empty(), "an unloaded coordinator has offsets");
            assert_eq!(self.deadlines.first(), None, "an unloaded coordinator has deadlines");
        }
    }
}
