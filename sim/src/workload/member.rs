//! A member of a group: rounds of a heartbeat, a fetch and now and then a commit, and mischief.
//!
//! Promises: tells what it owns before it reads it, and that it owns nothing before it asks for anything
//! new. A fenced static member ends, as real clients do, and is started again after the faults: what fenced
//! it may have been a late copy of its own request.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use model::{ErrorCode, Offset, TopicPartition};

use super::Seat;
use super::channel::Channel;
use super::classic_member::ClassicMember;
use super::consumer::Consumer;
use super::consumer_member::ConsumerMember;
use super::coordination::Coordination;
use crate::checkers::group_facts::{GroupChange, MemberName};
use crate::plan::{MemberPlan, Protocol, Through};

/// Fetches of one partition in one round.
const POLLS_MAX: u32 = 16;
/// How often a fenced member looks whether the faults are over.
const FENCED_LOOK_US: u64 = 500_000;

/// What one heartbeat, or one attempt to join, has brought.
pub(super) enum Turn {
    /// All is as it was.
    Stays,
    /// These partitions and no others.
    Assigned(BTreeSet<TopicPartition>),
    /// No partitions for now; `may_commit`: it is still a member of the generation.
    Released { may_commit: bool },
    /// No answer, or one that says nothing of the member: once more.
    Silent,
    /// Another life of this static member is there.
    Fenced,
}

enum Standing {
    Classic(ClassicMember),
    Consumer(ConsumerMember),
}

impl Standing {
    fn name(&self, plan: &MemberPlan) -> MemberName {
        match self {
            Self::Classic(it) => it.name(),
            Self::Consumer(it) => it.name(plan),
        }
    }
}

/// Why a life ended.
enum End {
    /// The client is done.
    Done,
    /// Another process comes after so long.
    Again { pause: Duration },
    /// Another one had its name.
    Fenced,
}

/// A commit that a member could make in the name of an earlier epoch.
struct Past {
    name: MemberName,
    offsets: BTreeMap<TopicPartition, Offset>,
}

/// One process of the member.
struct Member<'a> {
    plan: &'a MemberPlan,
    line: Coordination,
    standing: Standing,
    /// As what it owns the partitions; none between two assignments.
    name: Option<MemberName>,
    owned: BTreeSet<TopicPartition>,
    readers: BTreeMap<String, Consumer>,
    committed: BTreeMap<TopicPartition, Offset>,
    rounds_to_commit: u16,
}

pub(super) async fn take_part(mut seat: Seat, plan: MemberPlan) {
    let mut rounds_left = plan.rounds_max.unwrap_or(u64::MAX);
    if rounds_left == 0 || !seat.wait(plan.starts_us).await {
        return;
    }
    let mut past = None;
    for life in 0.. {
        let mut member = Member::new(&mut seat, &plan, life);
        match member.live(&mut seat, &mut rounds_left, &mut past).await {
            End::Done => return,
            End::Again { pause } => {
                drop(member);
                seat.sleep(pause).await;
            }
            End::Fenced => {
                drop(member);
                while !seat.shared.calm.get() {
                    if !seat.wait(FENCED_LOOK_US).await {
                        return;
                    }
                }
                if !seat.wait(u64::from(plan.session_ms) * 1_000).await {
                    return;
                }
            }
        }
    }
}

impl<'a> Member<'a> {
    fn new(seat: &mut Seat, plan: &'a MemberPlan, life: u32) -> Self {
        let standing = match plan.protocol {
            Protocol::Classic => Standing::Classic(ClassicMember::new()),
            Protocol::Consumer => Standing::Consumer(ConsumerMember::new(seat, life)),
            Protocol::Tool => unreachable!("a tool is no member"),
        };
        Self {
            plan,
            line: Coordination::new(&plan.group, plan.through, seat),
            standing,
            name: None,
            owned: BTreeSet::new(),
            readers: BTreeMap::new(),
            committed: BTreeMap::new(),
            rounds_to_commit: plan.commit_every,
        }
    }

    async fn live(
        &mut self,
        seat: &mut Seat,
        rounds_left: &mut u64,
        past: &mut Option<Past>,
    ) -> End {
        self.line.find(seat).await;
        loop {
            if *rounds_left == 0 {
                self.end(seat, false);
                return End::Done;
            }
            *rounds_left -= 1;
            if !seat.pause(self.plan.pause_us).await {
                self.end(seat, true);
                if seat.dice.one_in(2) {
                    self.leave(seat).await;
                }
                return End::Done;
            }
            seat.performs();
            if let Some(end) = self.misbehave(seat, past).await {
                return end;
            }
            let invoked_ns = seat.now_ns();
            match self.turn(seat).await {
                Turn::Stays => {}
                Turn::Assigned(partitions) => self.own(seat, partitions, invoked_ns, past),
                Turn::Released { may_commit } => {
                    if may_commit {
                        self.commit(seat).await;
                    }
                    self.release(seat, past);
                }
                Turn::Silent => self.line.find(seat).await,
                Turn::Fenced => {
                    self.end(seat, false);
                    return End::Fenced;
                }
            }
            self.read(seat).await;
            self.rounds_to_commit = self.rounds_to_commit.saturating_sub(1);
            if self.rounds_to_commit == 0 {
                self.rounds_to_commit = self.plan.commit_every;
                self.commit(seat).await;
            }
        }
    }

    async fn turn(&mut self, seat: &Seat) -> Turn {
        match &mut self.standing {
            Standing::Classic(it) => it.turn(seat, &mut self.line, self.plan).await,
            Standing::Consumer(it) => it.turn(seat, &mut self.line, self.plan, &self.owned).await,
        }
    }

    async fn misbehave(&mut self, seat: &mut Seat, past: &mut Option<Past>) -> Option<End> {
        if seat.shared.calm.get() {
            return None;
        }
        let mischief = self.plan.mischief;
        let mut now = |every: u16| every > 0 && seat.dice.one_in(every.into());
        let (crashes, leaves) = (now(mischief.crash_every), now(mischief.leave_every));
        let (is_silent, is_late) = (now(mischief.silence_every), now(mischief.late_commit_every));
        let session_us = u64::from(self.plan.session_ms) * 1_000;
        let pause = Duration::from_micros(seat.dice.within(0..=2 * session_us));
        if is_late && let Some(past) = past {
            self.commit_late(seat, past).await;
        }
        if crashes || leaves {
            self.remember(past);
            self.end(seat, leaves);
            if leaves {
                self.leave(seat).await;
            }
            return Some(End::Again { pause });
        }
        if is_silent {
            seat.sleep(Duration::from_micros(session_us) + pause / 2).await;
            self.commit(seat).await;
        }
        None
    }

    /// Owns these partitions and no others from now on.
    fn own(
        &mut self,
        seat: &Seat,
        partitions: BTreeSet<TopicPartition>,
        invoked_ns: u64,
        past: &mut Option<Past>,
    ) {
        self.remember(past);
        let name = self.standing.name(self.plan);
        self.owned = partitions;
        self.drop_readers();
        self.line.tell(
            seat,
            GroupChange::Assigned {
                member: name.clone(),
                partitions: self.owned.iter().copied().collect(),
                invoked_ns,
                session_ns: u64::from(self.plan.session_ms) * 1_000_000,
            },
        );
        self.name = Some(name);
    }

    fn release(&mut self, seat: &Seat, past: &mut Option<Past>) {
        self.remember(past);
        self.owned.clear();
        self.drop_readers();
        if let Some(member) = self.name.take() {
            self.line.tell(seat, GroupChange::Released { member });
        }
    }

    fn drop_readers(&mut self) {
        let owned = &self.owned;
        self.readers.values_mut().for_each(|it| it.retain(|at| owned.contains(&at)));
        self.committed.retain(|at, _| owned.contains(at));
    }

    /// Told before it leaves: the coordinator may give its place away before it answers.
    fn end(&mut self, seat: &Seat, left: bool) {
        self.owned.clear();
        let member = self.name.take().unwrap_or_else(|| self.standing.name(self.plan));
        self.line.tell(seat, GroupChange::Ended { member, left });
    }

    async fn leave(&mut self, seat: &Seat) {
        match &mut self.standing {
            Standing::Classic(it) => it.leave(seat, &mut self.line).await,
            Standing::Consumer(it) => it.leave(seat, &mut self.line, self.plan).await,
        }
    }

    // Records and offsets.

    /// Reads what it owns, each partition from its committed offset on.
    async fn read(&mut self, seat: &mut Seat) {
        let mut topics: BTreeMap<String, Vec<TopicPartition>> = BTreeMap::new();
        for at in &self.owned {
            // One that nobody has heard of yet is read later.
            let Some(name) = seat.shared.name_of(at.topic) else { continue };
            topics.entry(name).or_default().push(*at);
        }
        for (name, partitions) in topics {
            let Some(topic) = seat.shared.topic(&name) else { continue };
            let max_bytes = self.plan.max_bytes;
            if !self.readers.contains_key(&name) {
                let channel = Channel::new(Through::Frames, seat);
                let reader = Consumer::reader(name.clone(), max_bytes, channel);
                self.readers.insert(name.clone(), reader);
            }
            let reader = self.readers.get_mut(&name).expect("just put there");
            let positions = reader.positions();
            let new: Vec<TopicPartition> =
                partitions.into_iter().filter(|at| !positions.contains_key(at)).collect();
            if !new.is_empty() {
                let Some(found) = self.line.offsets(seat, &name, &new).await else { continue };
                for (at, offset) in found {
                    reader.seek(at, offset.unwrap_or(Offset::ZERO));
                    self.committed.extend(offset.map(|offset| (at, offset)));
                }
            }
            reader.poll_each(seat, topic, POLLS_MAX).await;
        }
    }

    /// Commits how far it has read, where that is news.
    async fn commit(&mut self, seat: &Seat) {
        let Some(name) = self.name.clone() else { return };
        for (topic, reader) in &self.readers {
            let mut news = reader.positions();
            news.retain(|at, offset| self.committed.get(at) != Some(offset));
            if news.is_empty() {
                continue;
            }
            let said = self.line.commit(seat, Some(&name), topic, &news).await;
            news.retain(|at, _| said.get(at) == Some(&Some(ErrorCode::None)));
            self.committed.extend(news);
        }
    }

    /// Keeps what the member was, for a commit that comes too late.
    fn remember(&self, past: &mut Option<Past>) {
        let offsets =
            self.readers.values().flat_map(Consumer::positions).collect::<BTreeMap<_, _>>();
        if let Some(name) = self.name.clone()
            && !offsets.is_empty()
        {
            *past = Some(Past { name, offsets });
        }
    }

    async fn commit_late(&mut self, seat: &Seat, past: &Past) {
        for (at, offset) in &past.offsets {
            let Some(topic) = seat.shared.name_of(at.topic) else { continue };
            let offsets = BTreeMap::from([(*at, *offset)]);
            self.line.commit(seat, Some(&past.name), &topic, &offsets).await;
        }
    }
}
