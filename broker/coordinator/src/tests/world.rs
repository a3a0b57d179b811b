//! A coordinator with a log that becomes durable when told, and a clock that moves when told.

use core::time::Duration;
use std::collections::BTreeMap;

use model::{
    Bug, ErrorCode, Instant, Now, Observation, Offset, PartitionIndex, Probe, Site, TopicId,
};

use super::embedded::EMBEDDED;
use crate::consumer::Topics;
use crate::group::Group;
use crate::request::{JoinRefusal, MemberIdRequired, SkipAssignment};
use crate::*;

pub(super) const GROUP: &str = "g";
pub(super) const SESSION: Duration = Duration::from_secs(10);
pub(super) const REBALANCE: Duration = Duration::from_secs(60);

pub(super) struct World {
    pub(super) coordinator: Coordinator,
    pub(super) topics: Topics,
    /// A mistake that is switched on.
    pub(super) planted: Option<Bug>,
    pub(super) now: Now,
    pub(super) answers: BTreeMap<Token, Response>,
    /// Writes that are not durable yet.
    pub(super) under_way: Vec<(Ticket, Vec<Record>)>,
    /// Everything durable, in order.
    pub(super) log: Vec<Record>,
    /// Whether the log becomes durable at once.
    pub(super) durable_at_once: bool,
    next_token: Token,
    drawn: u128,
}

#[derive(Clone)]
struct Planted(Option<Bug>);

impl Probe for Planted {
    const ON: bool = true;

    fn planted(&self, bug: Bug) -> bool {
        self.0 == Some(bug)
    }

    fn observe(&mut self, _: Observation) {}

    fn sometimes(&mut self, _: Site) {}

    fn copied(&mut self, _: usize) {}
}

pub(super) fn settings() -> Settings {
    Settings { group_size_max: 3, writes_max: 8, ..Settings::PRODUCTION }
}

impl World {
    /// An active coordinator with nothing in it.
    pub(super) fn new() -> Self {
        Self::with(settings())
    }

    pub(super) fn with(settings: Settings) -> Self {
        let mut world = Self::unloaded(settings);
        world.step(Event::BeginLoading);
        world.step(Event::Loaded);
        world
    }

    pub(super) fn unloaded(settings: Settings) -> Self {
        Self {
            coordinator: Coordinator::new(settings, EMBEDDED),
            topics: Topics::default(),
            planted: None,
            now: Now { mono: Instant(0), wall_ms: 1_000_000 },
            answers: BTreeMap::new(),
            under_way: Vec::new(),
            log: Vec::new(),
            durable_at_once: true,
            next_token: 0,
            drawn: 0,
        }
    }

    pub(super) fn step(&mut self, event: Event) {
        let mut effects = Vec::new();
        let probe = &mut Planted(self.planted);
        self.coordinator.step(self.now, event, &self.topics, &mut effects, probe);
        for effect in effects {
            match effect {
                Effect::Write { ticket, records } => {
                    self.under_way.push((ticket, records.to_vec()));
                }
                Effect::Reply { token, response } => {
                    let before = self.answers.insert(token, response);
                    assert_eq!(before, None, "request {token} was answered twice");
                }
            }
        }
        if self.durable_at_once && !self.under_way.is_empty() {
            self.persist();
        }
    }

    /// Everything written so far becomes durable.
    pub(super) fn persist(&mut self) {
        self.persist_first(self.under_way.len());
    }

    /// The oldest writes become durable.
    pub(super) fn persist_first(&mut self, count: usize) {
        if let Some(ticket) = self.append_first(count) {
            self.step(Event::Committed { ticket });
        }
    }

    /// Another coordinator takes the partition over; the oldest writes had reached the log although
    /// nobody was told, and the others are lost.
    pub(super) fn fail_over(&mut self, written: usize) {
        self.append_first(written);
        self.under_way.clear();
        self.step(Event::Unload);
        self.step(Event::BeginLoading);
        self.step(Event::Replay { records: self.log.clone() });
        self.step(Event::Loaded);
    }

    fn append_first(&mut self, count: usize) -> Option<Ticket> {
        let mut last = None;
        for (ticket, records) in self.under_way.drain(..count) {
            self.log.extend(records);
            last = Some(ticket);
        }
        last
    }

    pub(super) fn refuse(&mut self, error: ErrorCode) {
        let ticket = self.under_way.first().expect("something to refuse").0;
        self.under_way.clear();
        self.step(Event::Refused { ticket, error });
    }

    /// Time passes; every deadline on the way is kept exactly.
    pub(super) fn pass(&mut self, time: Duration) {
        let until = self.now.mono + time;
        while let Some(at) = self.coordinator.next_deadline().filter(|at| *at <= until) {
            let at = at.max(self.now.mono);
            self.set_time(at);
            self.step(Event::Tick);
        }
        self.set_time(until);
    }

    fn set_time(&mut self, mono: Instant) {
        let passed = mono.since(self.now.mono);
        self.now.wall_ms += i64::try_from(passed.as_millis()).unwrap();
        self.now.mono = mono;
    }

    pub(super) fn send(&mut self, request: Request) -> Token {
        self.next_token += 1;
        let token = self.next_token;
        self.step(Event::Request { token, request });
        token
    }

    pub(super) fn ask(&mut self, request: Request) -> String {
        let token = self.send(request);
        self.answer(token)
    }

    /// The answer in a few words; "waits" while there is none.
    pub(super) fn answer(&self, token: Token) -> String {
        self.answers.get(&token).map_or_else(|| "waits".to_owned(), describe)
    }

    pub(super) fn join(&mut self, join: JoinRequest) -> Token {
        self.drawn += 1;
        self.send(Request::Join(JoinRequest { random: self.drawn, ..join }))
    }

    /// Joins under a new id and comes again with it, as clients do.
    pub(super) fn enter(&mut self, client: &str) -> (MemberId, Token) {
        let token = self.join(joining(client));
        let Response::Join(Err(JoinRefusal { member_id: Some(id), .. })) = &self.answers[&token]
        else {
            panic!("{client} should get a member id: {}", self.answer(token));
        };
        let id = id.clone();
        let token = self.join(again(client, &id));
        (id, token)
    }

    /// A stable group of these clients; the first leads and each gets its own name as assignment.
    pub(super) fn stable(&mut self, clients: &[&str]) -> Vec<MemberId> {
        let members: Vec<MemberId> = clients.iter().map(|client| self.enter(client).0).collect();
        while self.state().starts_with("Preparing") {
            self.pass(settings().initial_rebalance_delay);
        }
        let assignments: Vec<_> = members.iter().map(|m| (m.clone(), bytes(&short(m)))).collect();
        let generation = self.generation();
        for member in &members {
            let token = self.send(sync(member, generation, assignments.clone()));
            assert!(self.answer(token).starts_with("assigned"), "{}", self.answer(token));
        }
        members
    }

    pub(super) fn generation(&self) -> i32 {
        let Some(Group::Classic(group)) = self.coordinator.groups().get(&GroupId::from(GROUP))
        else {
            panic!("there is no classic group");
        };
        group.generation_id().0
    }

    pub(super) fn state(&self) -> String {
        match self.coordinator.describe(&GROUP.into()) {
            Ok(group) => format!("{} {}", group.state, group.members.len()),
            Err(error) => error.name().to_owned(),
        }
    }
}

pub(super) fn joining(client: &str) -> JoinRequest {
    JoinRequest {
        group: GROUP.into(),
        member_id: None,
        instance_id: None,
        client: Client { id: client.into(), host: "/127.0.0.1".into() },
        session_timeout: SESSION,
        rebalance_timeout: REBALANCE,
        protocol_type: "consumer".into(),
        protocols: protocols(&["range"]),
        random: 0,
        member_id_required: MemberIdRequired::Yes,
        skip_assignment: SkipAssignment::Supported,
    }
}

pub(super) fn again(client: &str, id: &MemberId) -> JoinRequest {
    JoinRequest { member_id: Some(id.clone()), ..joining(client) }
}

pub(super) fn static_joining(instance: &str) -> JoinRequest {
    JoinRequest { instance_id: Some(instance.into()), ..joining("client") }
}

/// Each with a subscription to the topic `t`.
pub(super) fn protocols(names: &[&str]) -> Vec<Protocol> {
    let metadata = Bytes::from(*b"\0\0\0\0\0\x01\0\x01t\0\0\0\0");
    names.iter().map(|n| Protocol { name: (*n).into(), metadata: metadata.clone() }).collect()
}

pub(super) fn identity(member: &MemberId, generation: i32) -> MemberIdentity {
    let generation_id = GenerationId(generation);
    MemberIdentity {
        group: GROUP.into(),
        generation_id,
        member_id: member.clone(),
        instance_id: None,
    }
}

pub(super) fn heartbeat(member: &MemberId, generation: i32) -> Request {
    Request::Heartbeat(identity(member, generation))
}

pub(super) fn sync(
    member: &MemberId,
    generation: i32,
    assignments: Vec<(MemberId, Bytes)>,
) -> Request {
    let from = identity(member, generation);
    Request::Sync(SyncRequest { from, protocol_type: None, protocol: None, assignments })
}

pub(super) fn leave(members: &[LeavingMember]) -> Request {
    Request::Leave(LeaveRequest { group: GROUP.into(), members: members.to_vec() })
}

pub(super) fn leaving(member: &MemberId) -> LeavingMember {
    LeavingMember { member_id: Some(member.clone()), instance_id: None }
}

pub(super) fn partition(partition: i32) -> NamedPartition {
    NamedPartition { topic: "t".into(), partition: PartitionIndex(partition) }
}

/// A commit of one offset; by a member of a generation, or by an outsider.
pub(super) fn commit(from: Option<(&MemberId, i32)>, offset: i64) -> OffsetCommitRequest {
    OffsetCommitRequest {
        group: GROUP.into(),
        generation_id: from.map(|(_, generation)| GenerationId(generation)),
        member_id: from.map(|(member, _)| member.clone()),
        instance_id: None,
        retention: None,
        offsets: vec![OffsetToCommit {
            at: partition(0),
            topic_id: TopicId::ZERO,
            offset: Offset(offset),
            leader_epoch: None,
            metadata: "".into(),
        }],
    }
}

pub(super) fn bytes(text: &str) -> Bytes {
    Bytes::from(text.as_bytes())
}

/// `client-00000000-...-000000000007` as `client#7`.
pub(super) fn short(member: &MemberId) -> String {
    let text = member.as_str();
    let Some((prefix, uuid)) = text.split_at_checked(text.len().saturating_sub(37)) else {
        return text.to_owned();
    };
    let number = u128::from_str_radix(&uuid.replace('-', ""), 16);
    number.map_or_else(|_| text.to_owned(), |number| format!("{prefix}#{number}"))
}

fn describe(response: &Response) -> String {
    let name = |error: &ErrorCode| error.name().to_owned();
    let partitions =
        |all: &[PartitionError]| all.iter().map(|p| name(&p.error)).collect::<Vec<_>>().join(" ");
    match response {
        Response::Join(Ok(join)) => {
            let members: Vec<String> = join.members.iter().map(|m| short(&m.member_id)).collect();
            let skip = if join.skip_assignment { " skip" } else { "" };
            format!(
                "joined {} as {}, leader {}, {} [{}]{skip}",
                join.generation_id,
                short(&join.member_id),
                short(&join.leader),
                join.protocol,
                members.join(" ")
            )
        }
        Response::Join(Err(refusal)) => name(&refusal.error),
        Response::Sync(Ok(sync)) => {
            format!("assigned '{}'", core::str::from_utf8(&sync.assignment).unwrap())
        }
        Response::Leave(Ok(leave)) => {
            leave.members.iter().map(|(_, e)| name(e)).collect::<Vec<_>>().join(" ")
        }
        Response::OffsetCommit(all) | Response::OffsetDelete(Ok(all)) => partitions(all),
        Response::Heartbeat(Ok(())) | Response::DeleteGroup(Ok(())) => "ok".to_owned(),
        Response::ConsumerGroupHeartbeat(Ok(it)) => format!("epoch {}", it.member_epoch),
        Response::ConsumerGroupDescribe(Ok(it)) => format!("{} {}", it.state, it.members.len()),
        Response::ConsumerGroupHeartbeat(Err(refusal))
        | Response::ConsumerGroupDescribe(Err(refusal)) => name(&refusal.code),
        Response::Sync(Err(error))
        | Response::Heartbeat(Err(error))
        | Response::Leave(Err(error))
        | Response::OffsetDelete(Err(error))
        | Response::DeleteGroup(Err(error)) => name(error),
    }
}
