//! The coordinator of one `__consumer_offsets` partition: its phase, its groups, and the one door.
//!
//! Promises: every request is answered exactly once, at once or later; while the partition loads or
//! is elsewhere, with the error that sends clients on. After [`Event::Unload`] nothing is left but
//! the count of tickets.
//! Does not: keep a log. The driver appends what [`Effect::Write`] asks for and reports it durable.
//!
//! Reading order: this file (the door), `loading`, `group_requests`, `committed_offsets`, `written`
//! (what a durable write lets happen), `timers`.

mod committed_offsets;
mod group_requests;
mod loading;
mod timers;
mod written;

use std::collections::BTreeMap;

use model::{ErrorCode, Instant, Now, Probe};

use crate::classic::ClassicGroup;
use crate::context::Context;
use crate::deadlines::Deadlines;
use crate::writes::Writes;
use crate::{Effect, Event, GroupId, Offsets, Request, Response, Settings, Token};
use timers::Expiry;

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
