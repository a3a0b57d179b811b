//! Many members against one coordinator, from a seed: they join, crash, pause, lose answers, change
//! subscriptions; partitions are added; the coordinator restarts and loses what was not durable.
//!
//! Judged: no two members that may believe it own one partition; once things are quiet every
//! partition has exactly one owner; epochs never go back; the log, compacted or not, rebuilds the
//! state.
//! A member takes new partitions only after its last heartbeat was answered: the protocol offers no
//! safety to a member that acts on an older answer while a newer one may be lost.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ::model::{ErrorCode, Instant, TopicPartition, splitmix};

use super::super::state::State;
use super::super::{ConsumerGroupState, ConsumerHeartbeatResponse, Refusal};
use super::*;
use crate::MemberId;

const SECOND: Duration = Duration::from_secs(1);
const TOPICS: [&str; 3] = ["t1", "t2", "u"];

struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        splitmix::next(&mut self.0) % end
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}

struct Member {
    id: MemberId,
    instance: Option<String>,
    epoch: i32,
    topics: BTreeSet<TopicName>,
    regex: Option<Text>,
    tells_subscription: bool,
    /// What it works on, and what it was last told to.
    owned: Partitions,
    assignment: Partitions,
    /// When it sent the last heartbeat that was granted.
    heard_at: Option<Instant>,
    sent_at: Instant,
    awaits_answer: bool,
    lost_answer: bool,
    paused_until: Instant,
}

impl Member {
    /// Whether its session may still hold; a client gives up by itself after that.
    fn believes(&self, now: Instant, session: Duration) -> bool {
        self.heard_at.is_some_and(|at| now.since(at) < session)
    }

    fn start_over(&mut self) {
        self.epoch = JOIN_EPOCH;
        self.owned.clear();
        self.assignment.clear();
        self.heard_at = None;
    }

    fn work(&mut self) {
        if self.lost_answer || self.awaits_answer {
            self.owned.retain(|it| self.assignment.contains(it));
        } else {
            self.owned = self.assignment.clone();
        }
    }

    fn heartbeat(&mut self, now: Instant, random: &mut Random) -> ConsumerHeartbeat {
        let full = self.epoch == JOIN_EPOCH || self.lost_answer || random.one_in(3);
        let subscribes = full || self.tells_subscription;
        self.sent_at = now;
        self.awaits_answer = true;
        self.tells_subscription = false;
        ConsumerHeartbeat {
            group: group(),
            member_id: self.id.clone(),
            member_epoch: self.epoch,
            instance_id: self.instance.as_deref().map(Into::into),
            rack_id: None,
            client: client(),
            rebalance_timeout: full.then_some(Duration::from_secs(300)),
            topic_names: subscribes.then(|| self.topics.clone()),
            topic_regex: subscribes.then(|| self.regex.clone().unwrap_or_else(|| "".into())),
            server_assignor: None,
            owned: (full || random.one_in(2)).then(|| self.owned.clone()),
        }
    }

    fn answered(&mut self, answer: Result<&ConsumerHeartbeatResponse, &Refusal>) {
        self.awaits_answer = false;
        self.lost_answer = false;
        match answer {
            Ok(it) => {
                assert!(it.member_epoch >= self.epoch, "{} went back from {}", self.id, self.epoch);
                self.epoch = it.member_epoch;
                self.heard_at = Some(self.sent_at);
                if let Some(assignment) = &it.assignment {
                    self.assignment = assignment.clone();
                }
            }
            Err(refusal) => match refusal.code {
                ErrorCode::NotCoordinator | ErrorCode::CoordinatorLoadInProgress => {
                    self.lost_answer = true;
                }
                ErrorCode::FencedMemberEpoch
                | ErrorCode::UnknownMemberId
                | ErrorCode::GroupIdNotFound
                | ErrorCode::FencedInstanceId
                | ErrorCode::UnreleasedInstanceId => self.start_over(),
                other => panic!("{} was refused with {other}", self.id),
            },
        }
    }
}

struct World {
    bench: Bench,
    random: Random,
    members: Vec<Member>,
    lives: u32,
    /// Members whose answers are under way, by token.
    tokens: BTreeMap<u64, MemberId>,
    next_token: u64,
    /// Tickets that the log has not confirmed.
    unconfirmed: VecDeque<Ticket>,
    group_epoch: i32,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut bench = Bench::new(ConsumerSettings::PRODUCTION);
        bench.set_topic("t1", 3);
        bench.set_topic("u", 2);
        Self {
            bench,
            random: Random(seed),
            members: Vec::new(),
            lives: 0,
            tokens: BTreeMap::new(),
            next_token: 1,
            unconfirmed: VecDeque::new(),
            group_epoch: 0,
        }
    }

    fn send(&mut self, at: usize) {
        let now = self.bench.now.mono;
        let heartbeat = self.members[at].heartbeat(now, &mut self.random);
        let token = self.next_token;
        self.next_token += 1;
        self.tokens.insert(token, self.members[at].id.clone());
        let request = Request::ConsumerGroupHeartbeat(Box::new(heartbeat));
        let effects = self.bench.step(Event::Request { token, request });
        self.take(effects);
    }

    fn take(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Write { ticket, .. } => self.unconfirmed.push_back(ticket),
                Effect::Reply { token, response } => {
                    let id = self.tokens.remove(&token);
                    let Response::ConsumerGroupHeartbeat(answer) = response else { continue };
                    let member = self.members.iter_mut().find(|it| Some(&it.id) == id.as_ref());
                    let Some(member) = member.filter(|it| it.awaits_answer) else { continue };
                    if self.random.one_in(10) {
                        member.awaits_answer = false;
                        member.lost_answer = true;
                    } else {
                        member.answered(answer.as_ref());
                    }
                }
            }
        }
        self.judge();
    }

    fn confirm(&mut self, count: usize) {
        let count = count.min(self.unconfirmed.len());
        let last = self.unconfirmed.drain(..count).next_back();
        if let Some(ticket) = last {
            let effects = self.bench.step(Event::Committed { ticket });
            self.take(effects);
        }
    }

    fn pass(&mut self, time: Duration) {
        let effects = self.bench.pass(time);
        self.take(effects);
        let (now, session) = (self.bench.now.mono, self.bench.settings.session_timeout);
        for member in &mut self.members {
            if member.heard_at.is_some() && !member.believes(now, session) {
                let epoch = member.epoch;
                member.start_over();
                // It has dropped its partitions; the coordinator decides whether it is fenced.
                member.epoch = epoch;
            }
        }
    }

    fn join(&mut self) {
        self.lives += 1;
        let instance = self.random.one_in(3).then(|| format!("i{}", self.random.below(2)));
        let taken = self.members.iter().any(|it| it.instance.is_some() && it.instance == instance);
        let mut member = Member {
            id: MemberId(format!("m{:04}", self.lives).into()),
            instance: instance.filter(|_| !taken),
            epoch: JOIN_EPOCH,
            topics: BTreeSet::new(),
            regex: None,
            tells_subscription: true,
            owned: Partitions::new(),
            assignment: Partitions::new(),
            heard_at: None,
            sent_at: Instant::default(),
            awaits_answer: false,
            lost_answer: false,
            paused_until: Instant::default(),
        };
        self.subscribe(&mut member);
        self.members.push(member);
    }

    fn subscribe(&mut self, member: &mut Member) {
        let random = &mut self.random;
        let chosen = TOPICS.iter().filter(|_| random.one_in(2));
        member.topics = chosen.map(|it| TopicName::from(*it)).collect();
        member.regex = self.random.one_in(4).then(|| Text::from("t.*"));
        member.tells_subscription = true;
    }

    fn act(&mut self) {
        let member_count = self.members.len() as u64;
        let at = usize::try_from(self.random.below(member_count.max(1))).unwrap();
        let now = self.bench.now.mono;
        let able = self.members.get(at).is_some_and(|it| it.paused_until <= now);
        match self.random.below(40) {
            0 | 1 if member_count < 6 => self.join(),
            2 if able => {
                self.members.swap_remove(at);
            }
            3 if able => {
                let seconds = 20 * (1 + self.random.below(4));
                self.members[at].paused_until = now + Duration::from_secs(seconds);
            }
            4 if able => {
                let mut member = self.members.swap_remove(at);
                self.subscribe(&mut member);
                self.members.push(member);
            }
            5 if able && !self.members[at].awaits_answer => {
                let mut member = self.members.swap_remove(at);
                let mut heartbeat = member.heartbeat(now, &mut self.random);
                heartbeat.member_epoch = match member.instance {
                    Some(_) if self.random.one_in(2) => STATIC_LEAVE_EPOCH,
                    _ => LEAVE_EPOCH,
                };
                let request = Request::ConsumerGroupHeartbeat(Box::new(heartbeat));
                let effects = self.bench.step(Event::Request { token: 0, request });
                self.take(effects);
            }
            6 => {
                let name = TOPICS[usize::try_from(self.random.below(3)).unwrap()];
                let count = self.bench.topics.by_name(name).map_or(0, |it| it.partition_count);
                let count = (count + 1).min(12);
                let effects = self.bench.set_topic(name, count);
                self.take(effects);
            }
            7 if self.random.one_in(4) => self.crash(),
            8..12 => {
                let seconds = 1 + self.random.below(5);
                self.pass(Duration::from_secs(seconds));
            }
            12..20 => {
                let count = usize::try_from(1 + self.random.below(3)).unwrap();
                self.confirm(count);
            }
            20..28 if able => self.members[at].work(),
            _ if able && !self.members[at].awaits_answer => self.send(at),
            _ => {}
        }
    }

    /// The coordinator dies. What it was told is durable is there again; of the rest, a part is.
    fn crash(&mut self) {
        let lost = usize::try_from(self.random.below(1 + self.unconfirmed.len() as u64)).unwrap();
        let kept = self.bench.log.len() - lost;
        self.bench.log.truncate(kept);
        self.unconfirmed.clear();
        self.tokens.clear();
        for member in &mut self.members {
            member.lost_answer |= member.awaits_answer;
            member.awaits_answer = false;
        }
        self.group_epoch = 0;
        if self.random.one_in(2) {
            let records = compacted(&self.bench.log);
            self.bench.log = vec![(Ticket::default(), records)];
        }
        let effects = self.bench.restart();
        self.take(effects);
    }

    fn judge(&mut self) {
        let now = self.bench.now.mono;
        let session = self.bench.settings.session_timeout;
        let mut owners: BTreeMap<TopicPartition, &MemberId> = BTreeMap::new();
        for member in self.members.iter().filter(|it| it.believes(now, session)) {
            for partition in &member.owned {
                let other = owners.insert(*partition, &member.id);
                assert_eq!(other, None, "{partition:?} is also with {}", member.id);
            }
        }
        let Some(group) = self.bench.group() else { return };
        let mut owners: BTreeMap<TopicPartition, &MemberId> = BTreeMap::new();
        for (id, current) in &group.state.currents {
            for partition in current.owned() {
                assert_eq!(owners.insert(*partition, id), None, "{partition:?} is also with {id}");
            }
        }
        let group_epoch = group.state.group.group_epoch;
        assert!(group_epoch >= self.group_epoch && group_epoch >= group.state.target_epoch);
        self.group_epoch = group_epoch;
    }

    /// Nobody fails any more: within a few session timeouts everything has one owner.
    fn settle(&mut self) {
        if self.members.is_empty() {
            self.join();
        }
        for member in &mut self.members {
            member.paused_until = Instant::default();
        }
        for _ in 0..60 {
            self.pass(SECOND * 4);
            for at in 0..self.members.len() {
                self.members[at].work();
                if !self.members[at].awaits_answer {
                    self.send(at);
                }
            }
            self.confirm(usize::MAX);
        }
        for member in &mut self.members {
            member.work();
        }
        self.judge();
        let group = self.bench.group().expect("there are members");
        assert_eq!(group.group_state(), ConsumerGroupState::Stable);
        let mut expected = Partitions::new();
        for name in group.state.all_subscribed() {
            expected.extend(
                self.bench.topics.by_name(name).into_iter().flat_map(TopicView::partitions),
            );
        }
        let owned: Partitions = self.members.iter().flat_map(|it| it.owned.clone()).collect();
        assert_eq!(owned, expected, "every partition has its owner");
        assert_eq!(group.state.members.len(), self.members.len());
    }

    fn compare_replayed(&self) {
        let group = self.bench.group().expect("there are members");
        let whole: Vec<Record> =
            self.bench.log.iter().flat_map(|(_, records)| records.clone()).collect();
        assert_eq!(rebuilt(&whole), group.state, "the log rebuilds the state");
        let compacted = compacted(&self.bench.log);
        assert_eq!(rebuilt(&compacted), group.state, "the compacted log rebuilds the state");
    }
}

fn rebuilt(records: &[Record]) -> State {
    let mut state = State::default();
    for record in records {
        let Record::ConsumerGroup { record, .. } = record else { panic!("{record:?}") };
        state.apply(record);
    }
    state
}

#[test]
fn members_that_fail_in_every_way_never_share_a_partition_and_leave_none_behind() {
    for seed in 0..60 {
        std::println!("seed {seed}");
        let mut world = World::new(seed);
        for _ in 0..3 {
            for _ in 0..400 {
                world.act();
            }
            world.settle();
            world.compare_replayed();
        }
    }
}
