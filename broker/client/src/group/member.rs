//! One member of a group, as a pure core: when to join, what to answer, when to give up.
//!
//! Promises: partitions are assigned only between a completed join and the next revocation or loss; a member rejoins
//! only after its reader has let go of what it had; a member whose reader takes nothing for the length of a rebalance
//! leaves the group; at most one request waits for an answer.
//! Does not: send, read the clock, or commit.
//! Source: Kafka `AbstractCoordinator`, `ConsumerCoordinator` (eager protocol); KIP-62, KIP-345, KIP-394.

use core::time::Duration;
use model::{ErrorCode, Instant};
use std::collections::{BTreeMap, BTreeSet};

use super::protocol::{assigned_partitions, decode_subscription, encode_assignment};
use super::range::{self, Subscriber};
use crate::backoff::Backoff;
use crate::{ClientError, NamedPartition};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) instance_id: Option<String>,
    pub(super) heartbeat_interval: Duration,
    /// Time for a member to rejoin, and for its reader to come back for more.
    pub(super) rebalance_timeout: Duration,
    /// How often the leader looks for added partitions.
    pub(super) look_interval: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    Answered(Answer),
    /// The reader has let go of its partitions, as [`Effect::Revoke`] asked.
    Released,
    /// The reader asks for records.
    Polled,
    /// The coordinator refused a commit of this generation.
    CommitRefused {
        generation_id: i32,
        code: ErrorCode,
    },
    /// Time has passed.
    Tick,
    /// The reader is done. What waits for an answer is given up.
    Close,
}

/// What came of the last [`Ask`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    Joined(Joined),
    /// Ask again under this member id (KIP-394).
    MemberId(String),
    Counts(BTreeMap<String, i32>),
    /// The assignment as the leader wrote it.
    Synced(Vec<u8>),
    Beaten,
    /// Also when the coordinator did not hear of it: it will find out.
    Left,
    Failed(ClientError),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Joined {
    pub(super) generation_id: i32,
    pub(super) member_id: String,
    /// Every member with its subscription, for the leader; `None` for the others.
    pub(super) members: Option<Vec<JoinedMember>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JoinedMember {
    pub(super) member_id: String,
    pub(super) instance_id: Option<String>,
    pub(super) subscription: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    Ask(Ask),
    /// Stop reading, commit, then say [`Event::Released`].
    Revoke,
    /// Stop reading; others may have the partitions already.
    Lost,
    Assign(Assignment),
    /// The member is no more, for good.
    Fail(ClientError),
}

/// Partitions that are this member's, and as whom it commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Assignment {
    pub(super) generation_id: i32,
    pub(super) member_id: String,
    pub(super) partitions: BTreeSet<NamedPartition>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ask {
    Join {
        /// Empty for a new member.
        member_id: String,
    },
    /// How many partitions the topics have.
    Counts {
        topics: BTreeSet<String>,
    },
    Sync {
        generation_id: i32,
        member_id: String,
        /// From the leader, for each member.
        assignments: BTreeMap<String, Vec<u8>>,
    },
    Heartbeat {
        generation_id: i32,
        member_id: String,
    },
    Leave {
        member_id: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    Joining,
    /// The leader needs to know what there is to share out.
    Counting {
        members: Vec<Subscriber>,
    },
    Syncing {
        assignments: BTreeMap<String, Vec<u8>>,
    },
    Stable,
    /// The reader is asked to let go; the coordinator still hears from us.
    Releasing,
    Leaving {
        then: Then,
    },
    /// The reader does not read: no member until it does.
    Away,
    Over,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Away,
    Over,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct SharedOut {
    /// All that somebody subscribed to.
    topics: BTreeSet<String>,
    /// Of those that exist.
    partition_counts: BTreeMap<String, i32>,
}

#[derive(Debug)]
pub(super) struct Member {
    settings: Settings,
    phase: Phase,
    /// Empty until the coordinator gives one.
    member_id: String,
    generation_id: i32,
    /// What the leader has shared out; `None` for the others.
    shared_out: Option<SharedOut>,
    /// When the phase asks next.
    due: Instant,
    /// When the leader looks at the topics next.
    look_at: Instant,
    polled_at: Instant,
    /// An ask waits for its answer.
    asked: bool,
    backoff: Backoff,
}

impl Member {
    /// A member that joins at its first event.
    pub(super) fn new(now: Instant, settings: Settings) -> Self {
        Self {
            settings,
            phase: Phase::Joining,
            member_id: String::new(),
            generation_id: -1,
            shared_out: None,
            due: now,
            look_at: Instant::FAR,
            polled_at: now,
            asked: false,
            backoff: Backoff::new(),
        }
    }

    /// When to say [`Event::Tick`] at the latest.
    pub(super) fn deadline(&self) -> Instant {
        let reader = match self.phase {
            Phase::Stable => self.polled_at + self.settings.rebalance_timeout,
            _ => Instant::FAR,
        };
        let ask = if self.asked { Instant::FAR } else { self.due.min(self.look_at) };
        ask.min(reader)
    }

    pub(super) fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    pub(super) fn step(&mut self, now: Instant, event: Event, effects: &mut Vec<Effect>) {
        match event {
            Event::Answered(answer) => {
                self.asked = false;
                self.on_answer(now, answer, effects);
            }
            Event::Released if self.phase == Phase::Releasing => self.join(now),
            Event::Polled => self.on_polled(now),
            Event::CommitRefused { generation_id, code } if generation_id == self.generation_id => {
                self.on_refused(now, code, effects);
            }
            Event::Close => self.on_close(now),
            Event::Released | Event::CommitRefused { .. } | Event::Tick => {}
        }
        self.look_at_reader(now, effects);
        self.ask(now, effects);
    }

    fn on_answer(&mut self, now: Instant, answer: Answer, effects: &mut Vec<Effect>) {
        match (answer, &mut self.phase) {
            (Answer::Failed(error), _) => self.on_failed(now, error, effects),
            (Answer::Left, Phase::Leaving { then }) => {
                self.phase = match then {
                    Then::Away => Phase::Away,
                    Then::Over => Phase::Over,
                };
                self.due = Instant::FAR;
            }
            (Answer::MemberId(member_id), Phase::Joining) => {
                self.member_id = member_id;
                self.due = now;
            }
            (Answer::Joined(joined), Phase::Joining) => self.on_joined(now, joined),
            (Answer::Counts(counts), Phase::Counting { members }) => {
                let assignments = range::assign(members, &counts)
                    .into_iter()
                    .map(|(member_id, partitions)| (member_id, encode_assignment(&partitions)))
                    .collect();
                let topics = topics_of(members);
                self.shared_out = Some(SharedOut { topics, partition_counts: counts });
                self.phase = Phase::Syncing { assignments };
                self.due = now;
            }
            (Answer::Counts(counts), Phase::Stable) => {
                self.look_at = now + self.settings.look_interval;
                if self.shared_out.as_ref().is_some_and(|it| it.partition_counts != counts) {
                    self.release(now, effects);
                }
            }
            (Answer::Synced(bytes), Phase::Syncing { .. }) => self.on_synced(now, &bytes, effects),
            (Answer::Beaten, Phase::Stable | Phase::Releasing) => {
                self.backoff = Backoff::new();
                self.due = now + self.settings.heartbeat_interval;
            }
            // The answer to what was asked in a phase that is over.
            _ => {}
        }
    }

    fn on_joined(&mut self, now: Instant, joined: Joined) {
        self.backoff = Backoff::new();
        self.member_id = joined.member_id;
        self.generation_id = joined.generation_id;
        self.due = now;
        self.phase = match joined.members {
            None => {
                self.shared_out = None;
                Phase::Syncing { assignments: BTreeMap::new() }
            }
            Some(members) => {
                let subscriber = |member: JoinedMember| Subscriber {
                    topics: decode_subscription(&member.subscription).unwrap_or_default(),
                    member_id: member.member_id,
                    instance_id: member.instance_id,
                };
                Phase::Counting { members: members.into_iter().map(subscriber).collect() }
            }
        };
    }

    fn on_synced(&mut self, now: Instant, bytes: &[u8], effects: &mut Vec<Effect>) {
        let Some(partitions) = assigned_partitions(bytes) else {
            let what = "reading the assignment of the group's leader";
            let code = ErrorCode::InconsistentGroupProtocol.code();
            return self.fail(ClientError::refused(what, code, None), effects);
        };
        self.phase = Phase::Stable;
        self.backoff = Backoff::new();
        self.due = now + self.settings.heartbeat_interval;
        let leads = self.shared_out.is_some();
        self.look_at = if leads { now + self.settings.look_interval } else { Instant::FAR };
        effects.push(Effect::Assign(Assignment {
            generation_id: self.generation_id,
            member_id: self.member_id.clone(),
            partitions,
        }));
    }

    fn on_failed(&mut self, now: Instant, error: ClientError, effects: &mut Vec<Effect>) {
        if self.phase == Phase::Stable && self.look_at <= now {
            // Perhaps it was the look at the topics that failed, and it must not be made again at once.
            self.look_at = now + self.settings.look_interval;
        }
        match error.code() {
            Some(
                code @ (ErrorCode::UnknownMemberId
                | ErrorCode::IllegalGeneration
                | ErrorCode::RebalanceInProgress),
            ) => self.on_refused(now, code, effects),
            _ if error.is_retriable() => self.on_unavailable(now),
            _ if matches!(self.phase, Phase::Leaving { .. }) => {
                self.on_answer(now, Answer::Left, effects);
            }
            _ => self.fail(error, effects),
        }
    }

    /// The coordinator does not know this member as what it says it is.
    fn on_refused(&mut self, now: Instant, code: ErrorCode, effects: &mut Vec<Effect>) {
        if code == ErrorCode::UnknownMemberId {
            self.member_id.clear();
        }
        match self.phase {
            Phase::Stable if code == ErrorCode::RebalanceInProgress => self.release(now, effects),
            Phase::Releasing if code == ErrorCode::RebalanceInProgress => {
                self.due = now + self.settings.heartbeat_interval;
            }
            Phase::Stable | Phase::Releasing => {
                effects.push(Effect::Lost);
                self.join(now);
            }
            Phase::Joining | Phase::Counting { .. } | Phase::Syncing { .. } => {
                self.join(now);
                self.due = now + self.backoff.pause(0);
            }
            Phase::Leaving { .. } => self.on_answer(now, Answer::Left, effects),
            Phase::Away | Phase::Over => {}
        }
    }

    /// Nobody answered, or not the coordinator: the same again, a little later.
    fn on_unavailable(&mut self, now: Instant) {
        let pause = self.backoff.pause(0);
        match self.phase {
            // Whether the coordinator has our assignments is not known; a join tells.
            Phase::Syncing { .. } => self.join(now),
            Phase::Leaving { then } => {
                // It learns from the missing heartbeats.
                self.phase = match then {
                    Then::Away => Phase::Away,
                    Then::Over => Phase::Over,
                };
                self.due = Instant::FAR;
                return;
            }
            _ => {}
        }
        self.due = now + pause;
    }

    fn on_polled(&mut self, now: Instant) {
        self.polled_at = now;
        if self.phase == Phase::Away {
            self.join(now);
        }
    }

    fn on_close(&mut self, now: Instant) {
        self.asked = false;
        // A static member stays: it is expected back within its session (KIP-345).
        let leaves = !self.member_id.is_empty() && self.settings.instance_id.is_none();
        match self.phase {
            Phase::Over => {}
            _ if leaves => {
                self.phase = Phase::Leaving { then: Then::Over };
                self.due = now;
            }
            _ => self.phase = Phase::Over,
        }
    }

    fn look_at_reader(&mut self, now: Instant, effects: &mut Vec<Effect>) {
        let slow = now >= self.polled_at + self.settings.rebalance_timeout;
        if self.phase == Phase::Stable && slow {
            effects.push(Effect::Lost);
            self.look_at = Instant::FAR;
            self.phase = Phase::Leaving { then: Then::Away };
            self.due = now;
        }
    }

    fn release(&mut self, now: Instant, effects: &mut Vec<Effect>) {
        self.phase = Phase::Releasing;
        self.due = now + self.settings.heartbeat_interval;
        self.look_at = Instant::FAR;
        effects.push(Effect::Revoke);
    }

    fn join(&mut self, now: Instant) {
        self.phase = Phase::Joining;
        self.look_at = Instant::FAR;
        self.due = now;
    }

    fn fail(&mut self, error: ClientError, effects: &mut Vec<Effect>) {
        self.phase = Phase::Over;
        effects.push(Effect::Fail(error));
    }

    /// Asks what the phase asks, once it is due and nothing else waits.
    fn ask(&mut self, now: Instant, effects: &mut Vec<Effect>) {
        if self.asked || now < self.due.min(self.look_at) {
            return;
        }
        let (generation_id, member_id) = (self.generation_id, self.member_id.clone());
        let ask = match &self.phase {
            Phase::Joining => Ask::Join { member_id },
            Phase::Counting { members } => Ask::Counts { topics: topics_of(members) },
            Phase::Syncing { assignments } => {
                Ask::Sync { generation_id, member_id, assignments: assignments.clone() }
            }
            // The heartbeat first: it is what keeps the member.
            Phase::Stable | Phase::Releasing if now >= self.due => {
                Ask::Heartbeat { generation_id, member_id }
            }
            Phase::Stable => {
                let topics = self.shared_out.as_ref().map(|it| it.topics.clone());
                Ask::Counts { topics: topics.unwrap_or_default() }
            }
            Phase::Leaving { .. } => Ask::Leave { member_id },
            Phase::Releasing | Phase::Away | Phase::Over => return,
        };
        self.asked = true;
        effects.push(Effect::Ask(ask));
    }
}

fn topics_of(members: &[Subscriber]) -> BTreeSet<String> {
    members.iter().flat_map(|member| member.topics.iter().cloned()).collect()
}

#[cfg(test)]
mod tests;
