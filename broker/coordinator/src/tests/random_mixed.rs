//! One group, members of both protocols: they join, work, pause, crash and come back, in either
//! protocol, while writes become durable late, are refused, or are lost with the coordinator.
//!
//! Invariants: no two members that may believe in their sessions work on one partition; a commit is
//! accepted only in the member's own generation or epoch; in the end everyone who waited has an
//! answer, every partition has one owner, and the log, compacted or not, rebuilds the group.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use model::{ErrorCode, Instant, PartitionIndex, TopicId, TopicPartition, splitmix};

use super::compaction::compacted;
use super::embedded::{EMBEDDED, write_subscription};
use super::world::*;
use crate::consumer::{
    ConsumerHeartbeat, ConsumerHeartbeatResponse, ConsumerSettings, JOIN_EPOCH, LEAVE_EPOCH,
    Partitions, TopicView,
};
use crate::group::Group;
use crate::{
    Bytes, Event, GroupStatus, InstanceId, JoinRequest, JoinResponse, LeavingMember, MemberId,
    MemberIdentity, OffsetCommitRequest, Protocol, Record, Request, Response, Settings,
    SyncRequest, Token,
};

const SEEDS: u64 = 200;
const STEPS: u32 = 900;
const TOPIC: TopicId = TopicId([7; 16]);
const PARTITIONS: i32 = 6;

#[test]
fn no_partition_has_two_owners_whatever_its_members_speak() {
    let (mut upgrades, mut downgrades, mut accepted) = (0, 0, 0);
    for seed in 0..SEEDS {
        println!("seed {seed}");
        let mut run = Run::new(seed);
        for _ in 0..STEPS {
            run.step();
        }
        run.settle();
        upgrades += run.upgrades;
        downgrades += run.downgrades;
        accepted += run.accepted;
    }
    // The run would prove nothing if groups never got as far as this.
    assert!(upgrades > 200 && downgrades > 100, "{upgrades} upgrades, {downgrades} downgrades");
    assert!(accepted > 1_000, "{accepted} commits were accepted");
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Speaks {
    #[default]
    Classic,
    Modern,
}

#[derive(Debug, Default)]
struct Client {
    name: String,
    instance: Option<InstanceId>,
    speaks: Speaks,
    member: Option<MemberId>,
    /// Its generation or member epoch; none before it has joined.
    epoch: Option<i32>,
    owned: BTreeSet<i32>,
    /// It has to join again, or to say everything.
    starts_again: bool,
    /// The one request it has sent and not heard of, and when.
    waits: Option<(Token, Instant)>,
    /// When it sent the last request that was granted.
    heard_at: Option<Instant>,
    paused_until: Instant,
}

impl Client {
    /// Whether its session may still hold; it gives up by itself after that.
    fn believes(&self, now: Instant) -> bool {
        self.heard_at.is_some_and(|at| now.since(at) < SESSION)
    }

    /// Its session may have ended unnoticed: it owns nothing that it could still work on.
    fn give_up_late(&mut self, now: Instant) {
        if !self.believes(now) && !self.owned.is_empty() {
            self.owned.clear();
            self.starts_again = true;
        }
    }

    /// It was thrown out.
    fn lose_everything(&mut self) {
        self.owned.clear();
        self.epoch = None;
        self.heard_at = None;
    }
}

struct Run {
    world: World,
    random: Random,
    clients: Vec<Client>,
    /// Whether members give up everything before they join.
    eager: bool,
    /// Members named so far; KIP-848 lets clients choose.
    named: u32,
    commits: BTreeMap<Token, bool>,
    abandoned: Vec<Token>,
    was_consumer: bool,
    upgrades: u32,
    downgrades: u32,
    accepted: u32,
    seed: u64,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut world = World::unloaded(bounds());
        world.topics.insert("t", TopicView { id: TOPIC, partition_count: PARTITIONS });
        world.step(Event::BeginLoading);
        world.step(Event::Loaded);
        world.durable_at_once = false;
        let mut random = Random(seed);
        let eager = random.below(2) == 0;
        let client = |index: usize| Client {
            name: format!("c{index}"),
            instance: (index == 0).then(|| "c0".into()),
            ..Client::default()
        };
        Self {
            world,
            random,
            clients: (0..4).map(client).collect(),
            eager,
            named: 0,
            commits: BTreeMap::new(),
            abandoned: Vec::new(),
            was_consumer: false,
            upgrades: 0,
            downgrades: 0,
            accepted: 0,
            seed,
        }
    }

    fn step(&mut self) {
        let under_way = self.world.under_way.len() as u64;
        match self.random.below(60) {
            0 => {
                let written = self.random.below(under_way + 1);
                self.world.fail_over(usize::try_from(written).unwrap());
            }
            1 if under_way > 0 => self.world.refuse(ErrorCode::NotEnoughReplicas),
            2..14 => {
                let count = self.random.below(under_way + 1);
                self.world.persist_first(usize::try_from(count).unwrap());
            }
            14..20 => {
                let millis = self.random.below(2_000);
                self.world.pass(Duration::from_millis(millis));
            }
            _ => {
                let index = usize::try_from(self.random.below(self.clients.len() as u64)).unwrap();
                self.act(index);
            }
        }
        self.judge();
    }

    fn act(&mut self, index: usize) {
        let now = self.world.now.mono;
        if self.clients[index].paused_until > now {
            return;
        }
        match self.random.below(150) {
            0 => return self.crash(index),
            1 => {
                let seconds = self.random.below(25);
                self.clients[index].paused_until = now + Duration::from_secs(seconds);
                return;
            }
            _ => {}
        }
        let client = &mut self.clients[index];
        client.give_up_late(now);
        if let Some((token, sent_at)) = client.waits {
            if let Some(answer) = self.world.answers.get(&token).cloned() {
                client.waits = None;
                return self.hear(index, answer, sent_at);
            }
            // Clients have a patience of their own; then they ask again.
            if self.random.below(25) > 0 {
                return;
            }
            self.abandoned.push(token);
            self.clients[index].waits = None;
            self.clients[index].starts_again = true;
        }
        self.speak(index);
    }

    fn speak(&mut self, index: usize) {
        let client = &self.clients[index];
        let joined = client.epoch.zip(client.member.clone());
        match (client.speaks, joined) {
            (Speaks::Modern, None) => self.beat(index, JOIN_EPOCH),
            (Speaks::Modern, Some(_)) if self.random.below(60) == 0 => self.leave_modern(index),
            (Speaks::Modern, Some((epoch, _))) if client.starts_again => self.beat(index, epoch),
            (Speaks::Classic, None) => self.join(index),
            (Speaks::Classic, Some(_)) if client.starts_again => self.join(index),
            (Speaks::Classic, Some((_, member))) if self.random.below(60) == 0 => {
                self.leave_classic(index, member);
            }
            (_, Some((epoch, member))) if self.random.below(4) == 0 => {
                self.commit(index, &member, epoch);
            }
            (Speaks::Modern, Some((epoch, _))) => self.beat(index, epoch),
            (Speaks::Classic, Some((epoch, member))) => {
                let from = self.identity(index, &member, epoch);
                self.send(index, Request::Heartbeat(from));
            }
        }
    }

    fn send(&mut self, index: usize, request: Request) {
        let now = self.world.now.mono;
        let token = match request {
            Request::Join(join) => self.world.join(join),
            other => self.world.send(other),
        };
        self.clients[index].waits = Some((token, now));
    }

    /// It is gone with all it did, and may come back speaking the other protocol.
    fn crash(&mut self, index: usize) {
        let Client { name, instance, waits, .. } = std::mem::take(&mut self.clients[index]);
        let speaks = if self.random.below(3) > 0 { Speaks::Classic } else { Speaks::Modern };
        self.clients[index] = Client { name, instance, speaks, ..Client::default() };
        self.abandoned.extend(waits.map(|(token, _)| token));
    }

    fn identity(&self, index: usize, member: &MemberId, epoch: i32) -> MemberIdentity {
        let instance_id = self.clients[index].instance.clone();
        MemberIdentity { instance_id, ..identity(member, epoch) }
    }

    fn join(&mut self, index: usize) {
        let client = &mut self.clients[index];
        if self.eager {
            client.owned.clear();
        }
        client.starts_again = false;
        client.epoch = None;
        let owned = client.owned.iter().map(|it| partition(*it)).collect();
        let metadata = write_subscription(&["t"], &owned);
        let request = JoinRequest {
            member_id: client.member.clone(),
            instance_id: client.instance.clone(),
            rebalance_timeout: Duration::from_secs(20),
            protocols: vec![Protocol { name: "p".into(), metadata }],
            ..joining(&client.name)
        };
        self.send(index, Request::Join(request));
    }

    fn beat(&mut self, index: usize, member_epoch: i32) {
        let client = &mut self.clients[index];
        let joins = member_epoch == JOIN_EPOCH;
        if joins {
            self.named += 1;
            client.member = Some(MemberId(format!("m{:04}", self.named).into()));
            client.owned.clear();
        }
        let full = joins || client.starts_again;
        let owned: Partitions = client
            .owned
            .iter()
            .map(|it| TopicPartition { topic: TOPIC, partition: PartitionIndex(*it) })
            .collect();
        let heartbeat = ConsumerHeartbeat {
            group: GROUP.into(),
            member_id: client.member.clone().expect("it has a name"),
            member_epoch,
            instance_id: client.instance.clone(),
            rack_id: None,
            client: joining(&client.name).client,
            rebalance_timeout: full.then_some(Duration::from_secs(20)),
            topic_names: full.then(|| ["t".into()].into()),
            topic_regex: None,
            server_assignor: None,
            owned: Some(owned),
        };
        self.send(index, Request::ConsumerGroupHeartbeat(Box::new(heartbeat)));
    }

    fn leave_modern(&mut self, index: usize) {
        self.beat(index, LEAVE_EPOCH);
        self.abandoned.extend(self.clients[index].waits.take().map(|(token, _)| token));
        self.crash(index);
    }

    fn leave_classic(&mut self, index: usize, member: MemberId) {
        let instance_id = self.clients[index].instance.clone();
        let leaving = LeavingMember { member_id: Some(member), instance_id };
        self.send(index, leave(&[leaving]));
        self.crash(index);
    }

    fn commit(&mut self, index: usize, member: &MemberId, epoch: i32) {
        // Now and then somebody that should know better commits from the past.
        let epoch = epoch - i32::from(self.random.below(5) == 0);
        let committed = TopicPartition { topic: TOPIC, partition: partition(0).partition };
        let may_be_accepted = match self.world.coordinator.groups().get(&GROUP.into()) {
            Some(Group::Classic(group)) => group.generation_id().0 == epoch,
            // An older epoch does for what the member has not given up since.
            Some(Group::Consumer(group)) => {
                let described = group.describe();
                let known = described.members.iter().find(|it| it.member_id == *member);
                known.is_some_and(|it| {
                    let owns = it.assigned.contains(&committed)
                        || self.clients[index].owned.contains(&committed.partition.0);
                    it.member_epoch == epoch || (it.member_epoch > epoch && owns)
                })
            }
            None => false,
        };
        let request = OffsetCommitRequest {
            instance_id: self.clients[index].instance.clone(),
            ..commit(Some((member, epoch)), 1)
        };
        let token = self.world.send(Request::OffsetCommit(request));
        self.commits.insert(token, may_be_accepted);
    }

    fn hear(&mut self, index: usize, answer: Response, sent_at: Instant) {
        let error = match answer {
            Response::Join(Ok(join)) => return self.joined(index, join, sent_at),
            Response::Sync(Ok(sync)) => return self.synced(index, &sync.assignment, sent_at),
            Response::ConsumerGroupHeartbeat(Ok(told)) => return self.told(index, told, sent_at),
            Response::Heartbeat(Ok(())) => {
                self.clients[index].heard_at = Some(sent_at);
                return;
            }
            Response::Join(Err(refusal)) => {
                if refusal.error == ErrorCode::MemberIdRequired {
                    self.clients[index].member = refusal.member_id;
                }
                refusal.error
            }
            Response::Sync(Err(error)) | Response::Heartbeat(Err(error)) => error,
            Response::ConsumerGroupHeartbeat(Err(refusal)) => refusal.code,
            other => panic!("seed {}: {other:?}", self.seed),
        };
        let client = &mut self.clients[index];
        client.starts_again = true;
        match error {
            ErrorCode::UnknownMemberId
            | ErrorCode::FencedInstanceId
            | ErrorCode::FencedMemberEpoch
            | ErrorCode::GroupIdNotFound
            | ErrorCode::UnreleasedInstanceId => {
                client.lose_everything();
                client.member = None;
            }
            ErrorCode::IllegalGeneration => client.lose_everything(),
            ErrorCode::RebalanceInProgress
            | ErrorCode::MemberIdRequired
            | ErrorCode::NotCoordinator
            | ErrorCode::CoordinatorNotAvailable => {}
            other => panic!("seed {}: {} was told {other}", self.seed, client.name),
        }
    }

    fn joined(&mut self, index: usize, join: JoinResponse, sent_at: Instant) {
        let client = &mut self.clients[index];
        client.member = Some(join.member_id.clone());
        client.epoch = Some(join.generation_id.0);
        client.heard_at = client.heard_at.max(Some(sent_at));
        let assignments = if join.skip_assignment || join.members.is_empty() {
            Vec::new()
        } else {
            divide(&join)
        };
        let request = SyncRequest {
            from: self.identity(index, &join.member_id, join.generation_id.0),
            protocol_type: Some(join.protocol_type),
            protocol: Some(join.protocol),
            assignments,
        };
        self.send(index, Request::Sync(request));
    }

    fn synced(&mut self, index: usize, assignment: &Bytes, sent_at: Instant) {
        let client = &mut self.clients[index];
        if client.epoch.is_none() {
            return;
        }
        // A member without an assignment of its own gets no bytes.
        let read = (EMBEDDED.read_assignment)(assignment).unwrap_or_default();
        let assigned: BTreeSet<i32> = read.partitions.iter().map(|it| it.partition.0).collect();
        // What it gave up it says by joining again.
        client.starts_again |= !client.owned.is_subset(&assigned);
        client.owned = assigned;
        client.heard_at = Some(sent_at);
    }

    fn told(&mut self, index: usize, told: ConsumerHeartbeatResponse, sent_at: Instant) {
        let client = &mut self.clients[index];
        client.epoch = Some(told.member_epoch);
        client.heard_at = Some(sent_at);
        if let Some(assignment) = told.assignment {
            client.owned = assignment.iter().map(|it| it.partition.0).collect();
            client.starts_again = false;
        }
    }

    fn judge(&mut self) {
        let now = self.world.now.mono;
        let seed = self.seed;
        let mut owners: BTreeMap<i32, &Client> = BTreeMap::new();
        for client in self.clients.iter().filter(|it| it.believes(now)) {
            for partition in &client.owned {
                let other = owners.insert(*partition, client);
                assert!(other.is_none(), "seed {seed}: {partition} has {client:?} and {other:?}");
            }
        }
        let (world, accepted) = (&self.world, &mut self.accepted);
        self.commits.retain(|token, may_be_accepted| {
            let Some(answer) = world.answers.get(token) else { return true };
            let Response::OffsetCommit(partitions) = answer else { panic!("{answer:?}") };
            if partitions[0].error == ErrorCode::None {
                assert!(*may_be_accepted, "seed {seed}: a commit came from an old generation");
                *accepted += 1;
            }
            false
        });
        let group = world.coordinator.groups().get(&GROUP.into());
        let is_consumer = matches!(group, Some(Group::Consumer(_)));
        self.upgrades += u32::from(is_consumer && !self.was_consumer);
        self.downgrades += u32::from(!is_consumer && self.was_consumer);
        self.was_consumer = is_consumer;
    }

    /// Nobody fails any more: within a few session timeouts everything has one owner.
    fn settle(&mut self) {
        self.world.durable_at_once = true;
        self.world.persist();
        for client in &mut self.clients {
            client.paused_until = Instant::default();
        }
        for _ in 0..120 {
            self.world.pass(Duration::from_secs(1));
            for index in 0..self.clients.len() {
                if self.random.below(3) > 0 || self.clients[index].waits.is_some() {
                    self.settle_one(index);
                }
            }
            self.judge();
        }
        let owned = self.clients.iter().flat_map(|it| &it.owned).count();
        let seed = self.seed;
        assert_eq!(owned, usize::try_from(PARTITIONS).unwrap(), "seed {seed}: {:?}", self.clients);
        for token in self.abandoned.drain(..) {
            let answered = self.world.answers.contains_key(&token);
            assert!(answered, "seed {seed}: nobody answers {token}");
        }
        let described = describe(&mut self.world);
        for log in [self.world.log.clone(), compacted(&self.world.log)] {
            assert_eq!(self.reloaded(log), described, "seed {seed}: the log rebuilds the group");
        }
    }

    fn settle_one(&mut self, index: usize) {
        let now = self.world.now.mono;
        let client = &mut self.clients[index];
        client.give_up_late(now);
        if let Some((token, sent_at)) = client.waits {
            let Some(answer) = self.world.answers.get(&token).cloned() else { return };
            client.waits = None;
            return self.hear(index, answer, sent_at);
        }
        match (client.speaks, client.epoch, client.member.clone()) {
            (Speaks::Modern, epoch, _) => self.beat(index, epoch.unwrap_or(JOIN_EPOCH)),
            (Speaks::Classic, Some(epoch), Some(member)) if !client.starts_again => {
                let from = self.identity(index, &member, epoch);
                self.send(index, Request::Heartbeat(from));
            }
            (Speaks::Classic, ..) => self.join(index),
        }
    }

    fn reloaded(&self, records: Vec<Record>) -> String {
        let mut other = World::unloaded(bounds());
        other.topics = self.world.topics.clone();
        other.now = self.world.now;
        other.step(Event::BeginLoading);
        other.step(Event::Replay { records });
        other.step(Event::Loaded);
        describe(&mut other)
    }
}

fn bounds() -> Settings {
    let consumer = ConsumerSettings { session_timeout: SESSION, ..settings().consumer };
    Settings { group_size_max: 10, consumer, ..settings() }
}

fn describe(world: &mut World) -> String {
    let listed = world.coordinator.list().unwrap();
    match listed[0].status {
        GroupStatus::Classic(_) => format!("{:?}", world.coordinator.describe(&GROUP.into())),
        GroupStatus::Consumer(_) => {
            let token = world.send(Request::ConsumerGroupDescribe { group: GROUP.into() });
            format!("{:?}", world.answers[&token])
        }
    }
}

/// A cooperative leader: everyone keeps what they own up to their share; what nobody owns is given
/// out; what somebody owns beyond the share goes to nobody yet.
fn divide(join: &JoinResponse) -> Vec<(MemberId, Bytes)> {
    let partitions = usize::try_from(PARTITIONS).unwrap();
    let share = partitions.div_ceil(join.members.len());
    let mut free: BTreeSet<i32> = (0..PARTITIONS).collect();
    let mut shares: Vec<BTreeSet<i32>> = Vec::new();
    for member in &join.members {
        let spoken = (EMBEDDED.read_subscription)(&member.metadata).unwrap();
        let owned: BTreeSet<i32> = spoken.owned.iter().map(|it| it.partition.0).collect();
        let claimed: BTreeSet<i32> = owned.intersection(&free).copied().collect();
        free.retain(|it| !claimed.contains(it));
        shares.push(claimed.into_iter().take(share).collect());
    }
    for partition in free {
        let least = shares.iter_mut().min_by_key(|it| it.len()).expect("there are members");
        least.insert(partition);
    }
    let write = |share: &BTreeSet<i32>| {
        let partitions = share.iter().map(|it| partition(*it)).collect();
        (EMBEDDED.write_assignment)(1, &partitions)
    };
    let ids = join.members.iter().map(|it| it.member_id.clone());
    ids.zip(shares.iter().map(write)).collect()
}

struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        splitmix::next(&mut self.0) % end
    }
}
