//! Carries a member's requests to the coordinator, beside the reader: heartbeats go on while records are processed.

use core::cell::{Cell, RefCell};
use core::future::Future;
use core::pin::Pin;
use core::time::Duration;
use model::{Buf, ErrorCode};
use runtime::sync::{First, Notify, race};
use runtime::{Runtime, TaskClass};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use wire::ApiKey;
use wire::messages::heartbeat::HeartbeatRequest;
use wire::messages::join_group::{
    JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse, JoinGroupResponseMember,
};
use wire::messages::leave_group::{LeaveGroupRequest, MemberIdentity};
use wire::messages::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment};

use super::consumer::GroupOptions;
use super::member::{
    Answer, Ask, Assignment, Effect, Event, Joined, JoinedMember, Member, Settings,
};
use super::protocol::{PROTOCOL_TYPE, encode_subscription};
use super::range;
use crate::{ClientError, Cluster, Connection, Router, Topic};

/// How often a leader looks for added partitions (Kafka's `metadata.max.age.ms`).
const LOOK_INTERVAL: Duration = Duration::from_secs(300);
/// How long the coordinator may be silent, beyond what it was asked to wait.
const SILENCE_LIMIT: Duration = Duration::from_secs(5);
/// From this version on a request names several members.
const LEAVE_SEVERAL: i16 = 3;

/// What the reader is told, in this order.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Assigned(Assignment),
    /// Let go, commit, say [`Membership::released`].
    Revoked,
    /// Let go.
    Lost,
    Failed(ClientError),
}

/// The reader's end.
pub(super) struct Membership(Rc<Shared>);

#[derive(Default)]
struct Shared {
    /// At most an assignment, its revocation and an end: a loss makes what is before it worthless.
    changes: RefCell<VecDeque<Change>>,
    /// There is another change.
    changed: Notify,
    released: Cell<bool>,
    polled: Cell<bool>,
    refused: RefCell<Option<(i32, ErrorCode)>>,
    closing: Cell<bool>,
    over: Cell<bool>,
    /// The reader said something.
    said: Notify,
}

impl Membership {
    pub(super) fn begin<R: Runtime>(router: Router<R>, options: GroupOptions) -> Self {
        let shared = Rc::new(Shared::default());
        let rt = router.runtime().clone();
        let line = Rc::new(Line { router, options, connection: RefCell::default() });
        rt.spawn("group member", TaskClass::Latency, drive(line, Rc::clone(&shared)));
        Self(shared)
    }

    /// The oldest change, until [`Membership::done`].
    pub(super) fn change(&self) -> Option<Change> {
        self.0.changes.borrow().front().cloned()
    }

    /// The oldest change was heeded.
    pub(super) fn done(&self) {
        self.0.changes.borrow_mut().pop_front();
    }

    pub(super) async fn changed(&self) {
        if self.0.changes.borrow().is_empty() {
            self.0.changed.notified().await;
        }
    }

    pub(super) fn released(&self) {
        self.0.released.set(true);
        self.0.said.notify();
    }

    pub(super) fn polled(&self) {
        self.0.polled.set(true);
        self.0.said.notify();
    }

    pub(super) fn commit_refused(&self, generation_id: i32, code: ErrorCode) {
        *self.0.refused.borrow_mut() = Some((generation_id, code));
        self.0.said.notify();
    }

    /// Leaves the group; completes when that is done or has failed.
    pub(super) async fn close(&self) {
        self.0.closing.set(true);
        self.0.said.notify();
        while !self.0.over.get() {
            self.0.changed.notified().await;
        }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.0.closing.set(true);
        self.0.said.notify();
    }
}

impl Shared {
    fn tell(&self, change: Change) {
        let mut changes = self.changes.borrow_mut();
        if matches!(change, Change::Lost) {
            changes.clear();
        }
        changes.push_back(change);
        drop(changes);
        self.changed.notify();
    }

    /// What the reader said since the last time; its end goes before everything else.
    fn take(&self) -> Vec<Event> {
        let mut events = Vec::new();
        if self.closing.take() {
            return vec![Event::Close];
        }
        if self.polled.take() {
            events.push(Event::Polled);
        }
        if let Some((generation_id, code)) = self.refused.borrow_mut().take() {
            events.push(Event::CommitRefused { generation_id, code });
        }
        if self.released.take() {
            events.push(Event::Released);
        }
        events
    }
}

/// Steps the member until it is over.
async fn drive<R: Runtime>(line: Rc<Line<R>>, shared: Rc<Shared>) {
    let rt = line.router.runtime().clone();
    let mut member = Member::new(rt.now().mono, line.settings());
    let mut asked: Option<Pin<Box<dyn Future<Output = Answer>>>> = None;
    let mut events = vec![Event::Tick];
    loop {
        let mut effects = Vec::new();
        for event in events {
            if event == Event::Close {
                // It may be parked, and hold up the connection: leaving takes another one.
                asked = None;
                line.connection.take();
            }
            member.step(rt.now().mono, event, &mut effects);
        }
        for effect in effects {
            match effect {
                Effect::Ask(ask) => {
                    let line = Rc::clone(&line);
                    asked = Some(Box::pin(async move { line.ask(ask).await }));
                }
                Effect::Assign(assignment) => shared.tell(Change::Assigned(assignment)),
                Effect::Revoke => shared.tell(Change::Revoked),
                Effect::Lost => shared.tell(Change::Lost),
                Effect::Fail(error) => shared.tell(Change::Failed(error)),
            }
        }
        if member.is_over() {
            break;
        }
        let answer = async {
            match asked.as_mut() {
                Some(asked) => asked.await,
                None => core::future::pending().await,
            }
        };
        let timer = rt.sleep_until(member.deadline());
        events = match race(answer, race(shared.said.notified(), timer)).await {
            First::Left(answer) => {
                asked = None;
                vec![Event::Answered(answer)]
            }
            First::Right(First::Left(())) => shared.take(),
            First::Right(First::Right(())) => vec![Event::Tick],
        };
    }
    shared.over.set(true);
    shared.changed.notify();
}

/// The way to the coordinator.
struct Line<R: Runtime> {
    router: Router<R>,
    options: GroupOptions,
    /// For the member alone: a join holds it up.
    connection: RefCell<Option<Connection<R>>>,
}

impl<R: Runtime> Line<R> {
    fn settings(&self) -> Settings {
        Settings {
            instance_id: self.options.instance_id.clone(),
            heartbeat_interval: self.options.session_timeout / 3,
            rebalance_timeout: self.options.rebalance_timeout,
            look_interval: LOOK_INTERVAL,
        }
    }

    async fn ask(&self, ask: Ask) -> Answer {
        let answer = match ask {
            Ask::Join { member_id } => self.join(member_id).await,
            Ask::Counts { topics } => self.counts(&topics).await,
            Ask::Sync { generation_id, member_id, assignments } => {
                self.sync(generation_id, member_id, assignments).await
            }
            Ask::Heartbeat { generation_id, member_id } => {
                self.heartbeat(generation_id, member_id).await
            }
            Ask::Leave { member_id } => self.leave(member_id).await,
        };
        answer.unwrap_or_else(|error| {
            let moved = [ErrorCode::NotCoordinator, ErrorCode::CoordinatorNotAvailable];
            if error.code().is_none_or(|code| moved.contains(&code)) {
                self.connection.take();
            }
            self.router.heed(&error);
            Answer::Failed(error)
        })
    }

    async fn connection(&self) -> Result<Connection<R>, ClientError> {
        let open = self.connection.borrow().clone().filter(|it| !it.is_broken());
        if let Some(connection) = open {
            return Ok(connection);
        }
        let id = self.router.coordinator(&self.options.group).await?;
        let connection = self.router.open(id, |_| {}).await?;
        *self.connection.borrow_mut() = Some(connection.clone());
        Ok(connection)
    }

    async fn join(&self, member_id: String) -> Result<Answer, ClientError> {
        let options = &self.options;
        let request = JoinGroupRequest {
            group_id: options.group.clone(),
            session_timeout_ms: milliseconds(options.session_timeout),
            rebalance_timeout_ms: milliseconds(options.rebalance_timeout),
            member_id,
            group_instance_id: options.instance_id.clone(),
            protocol_type: PROTOCOL_TYPE.to_owned(),
            protocols: vec![JoinGroupRequestProtocol {
                name: range::NAME.to_owned(),
                metadata: Buf::from(encode_subscription(&options.topics)),
            }],
            reason: None,
        };
        let limit = options.rebalance_timeout + SILENCE_LIMIT;
        let response = self.connection().await?.call(&request, limit).await?;
        if response.error_code == ErrorCode::MemberIdRequired.code() {
            return Ok(Answer::MemberId(response.member_id));
        }
        self.check("joining", response.error_code)?;
        Ok(Answer::Joined(joined(response)))
    }

    async fn counts(&self, topics: &BTreeSet<String>) -> Result<Answer, ClientError> {
        let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
        let cluster = Cluster::of(&self.router.metadata(Some(&topics)).await?);
        let count = |topic: &Topic| i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX);
        let counts = cluster.topics.iter().map(|(name, topic)| (name.clone(), count(topic)));
        Ok(Answer::Counts(counts.collect()))
    }

    async fn sync(
        &self,
        generation_id: i32,
        member_id: String,
        assignments: BTreeMap<String, Vec<u8>>,
    ) -> Result<Answer, ClientError> {
        let assignment = |(member_id, bytes): (String, Vec<u8>)| SyncGroupRequestAssignment {
            member_id,
            assignment: Buf::from(bytes),
        };
        let request = SyncGroupRequest {
            group_id: self.options.group.clone(),
            generation_id,
            member_id,
            group_instance_id: self.options.instance_id.clone(),
            protocol_type: Some(PROTOCOL_TYPE.to_owned()),
            protocol_name: Some(range::NAME.to_owned()),
            assignments: assignments.into_iter().map(assignment).collect(),
        };
        let limit = self.options.rebalance_timeout + SILENCE_LIMIT;
        let response = self.connection().await?.call(&request, limit).await?;
        self.check("taking part", response.error_code)?;
        Ok(Answer::Synced(response.assignment.to_vec()))
    }

    async fn heartbeat(
        &self,
        generation_id: i32,
        member_id: String,
    ) -> Result<Answer, ClientError> {
        let request = HeartbeatRequest {
            group_id: self.options.group.clone(),
            generation_id,
            member_id,
            group_instance_id: self.options.instance_id.clone(),
        };
        let response = self.connection().await?.call(&request, SILENCE_LIMIT).await?;
        self.check("staying", response.error_code)?;
        Ok(Answer::Beaten)
    }

    async fn leave(&self, member_id: String) -> Result<Answer, ClientError> {
        let connection = self.connection().await?;
        let version = connection.versions().of_api(ApiKey::LeaveGroup)?;
        let group_id = self.options.group.clone();
        let request = if version >= LEAVE_SEVERAL {
            let member = MemberIdentity { member_id, ..MemberIdentity::default() };
            LeaveGroupRequest { group_id, members: vec![member], ..LeaveGroupRequest::default() }
        } else {
            LeaveGroupRequest { group_id, member_id, ..LeaveGroupRequest::default() }
        };
        let response = connection.call(&request, SILENCE_LIMIT).await?;
        self.check("leaving", response.error_code)?;
        Ok(Answer::Left)
    }

    fn check(&self, doing: &str, code: i16) -> Result<(), ClientError> {
        ClientError::check(&format!("{doing} in group {}", self.options.group), code, None)
    }
}

fn joined(response: JoinGroupResponse) -> Joined {
    // A leader that need not assign is like everybody else (KIP-814).
    let leads = response.leader == response.member_id && !response.skip_assignment;
    let member = |member: JoinGroupResponseMember| JoinedMember {
        member_id: member.member_id,
        instance_id: member.group_instance_id,
        subscription: member.metadata.to_vec(),
    };
    Joined {
        generation_id: response.generation_id,
        member_id: response.member_id,
        members: leads.then(|| response.members.into_iter().map(member).collect()),
    }
}

fn milliseconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}
