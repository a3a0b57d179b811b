//! The coordinator of one `__consumer_offsets` partition: its phase, its groups, and the one door.
//!
//! Promises: every request is answered exactly once, at once or later; while the partition loads or
//! is elsewhere, with the error that sends clients on. After [`Event::Unload`] nothing is left but
//! the count of tickets.
//! Does not: keep a log. The driver appends what [`Effect::Write`] asks for and reports it durable.
//!
//! Reading order: this file (the door), `loading`, `group_requests` (classic members and deletion),
//! `consumer_requests` (members of KIP-848), `committed_offsets`, `written` (what a durable or a
//! refused write brings about), `timers`.

mod committed_offsets;
mod consumer_requests;
mod group_requests;
mod loading;
mod timers;
mod written;

use std::collections::BTreeMap;

use model::{ErrorCode, Instant, Now, Probe};

use crate::consumer::Topics;
use crate::context::Context;
use crate::deadlines::Deadlines;
use crate::group::Group;
use crate::writes::Writes;
use crate::{
    Effect, EmbeddedProtocol, Event, GroupId, Offsets, Request, Response, Settings, Token,
};
use timers::Expiry;

#[derive(Debug)]
pub struct Coordinator {
    settings: Settings,
    embedded: EmbeddedProtocol,
    phase: Phase,
    groups: BTreeMap<GroupId, Group>,
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

/// One event's surroundings.
struct Step<'a, P> {
    now: Now,
    topics: &'a Topics,
    effects: &'a mut Vec<Effect>,
    probe: &'a mut P,
}

/// Counts since the coordinator was created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    pub requests: u64,
    /// Heartbeats of KIP-848 members; part of `requests`.
    pub consumer_heartbeats: u64,
    pub replayed_records: u64,
    pub writes: u64,
    pub refused_writes: u64,
    /// Sessions that ended without a LeaveGroup, and member ids that were never used.
    pub expired_sessions: u64,
}

impl Coordinator {
    /// A coordinator that leads nothing yet.
    #[must_use]
    pub fn new(settings: Settings, embedded: EmbeddedProtocol) -> Self {
        Self {
            settings,
            embedded,
            phase: Phase::Unloaded,
            groups: BTreeMap::new(),
            offsets: Offsets::default(),
            deadlines: Deadlines::default(),
            writes: Writes::default(),
            expiry: Expiry::default(),
            stats: Stats::default(),
        }
    }

    /// Takes one event and appends what must be done, in order, to `effects`. `topics` is the shard's
    /// view of the metadata image, the same for all its coordinators.
    ///
    /// Cost: logarithmic in groups and members per request; linear in the group's members when a
    /// generation begins or ends, and when a consumer group changes.
    pub fn step<P: Probe>(
        &mut self,
        now: Now,
        event: Event,
        topics: &Topics,
        effects: &mut Vec<Effect>,
        probe: &mut P,
    ) {
        let step = &mut Step { now, topics, effects, probe };
        match event {
            Event::BeginLoading => {
                assert_eq!(self.phase, Phase::Unloaded, "loading begins with nothing");
                self.phase = Phase::Loading;
            }
            Event::Replay { records } => self.replay(step, records),
            Event::Loaded => self.loaded(step),
            Event::Unload => self.unload(step),
            Event::Request { token, request } => self.request(step, token, request),
            Event::Committed { ticket } => self.committed(step, ticket),
            Event::Refused { ticket, error } => self.refused(step, ticket, error),
            Event::TopicsDeleted { topics } => self.topics_deleted(step, &topics),
            Event::TopicsChanged { names } => self.topics_changed(step, &names),
            Event::Tick => self.tick(step),
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

    pub(crate) fn groups(&self) -> &BTreeMap<GroupId, Group> {
        &self.groups
    }

    pub(crate) fn check_active(&self) -> Result<(), ErrorCode> {
        match self.phase {
            Phase::Active => Ok(()),
            Phase::Loading => Err(ErrorCode::CoordinatorLoadInProgress),
            Phase::Unloaded => Err(ErrorCode::NotCoordinator),
        }
    }

    fn request<P: Probe>(&mut self, step: &mut Step<'_, P>, token: Token, request: Request) {
        self.stats.requests += 1;
        if let Some(response) = self.refuse_at_the_door(&request) {
            step.effects.push(Effect::Reply { token, response });
            return;
        }
        match request {
            Request::Join(join) => self.join(step, token, join),
            Request::Sync(sync) => self.sync(step, token, sync),
            Request::Heartbeat(from) => self.heartbeat(step, token, &from),
            Request::Leave(leave) => self.leave(step, token, leave),
            Request::OffsetCommit(commit) => self.commit(step, token, commit),
            Request::OffsetDelete(delete) => self.delete_offsets(step, token, delete),
            Request::DeleteGroup { group } => self.delete_group(step, token, &group),
            Request::ConsumerGroupHeartbeat(heartbeat) => {
                self.consumer_heartbeat(step, token, &heartbeat);
            }
            Request::ConsumerGroupDescribe { group } => {
                self.describe_consumer_group(step, token, &group);
            }
        }
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
            Ok(()) if heartbeat || !self.is_full() => return None,
            Ok(()) => ErrorCode::CoordinatorNotAvailable,
        };
        Some(request.refused(error))
    }

    /// Too much waits for the log.
    fn is_full(&self) -> bool {
        self.writes.len() >= self.settings.writes_max
            || self.writes.waiter_count() >= self.settings.waiters_max
    }

    /// The groups, and what they may use.
    fn split<'a, P: Probe>(
        &'a mut self,
        step: &'a mut Step<'_, P>,
    ) -> (&'a mut BTreeMap<GroupId, Group>, Context<'a, P>) {
        let cx = Context {
            now: step.now,
            settings: &self.settings,
            embedded: self.embedded,
            topics: step.topics,
            deadlines: &mut self.deadlines,
            writes: &mut self.writes,
            offsets: &mut self.offsets,
            effects: step.effects,
            probe: step.probe,
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
