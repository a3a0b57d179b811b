//! One group: its state, its timers, and the two epochs that drive everything.
//!
//! Promises: the group epoch grows whenever members, subscriptions or subscribed topics change; the
//! target assignment follows it, at once or after the assignment interval; every change is a record
//! that was applied as it will be after a restart.
//! Does not: wait for the log or hold back answers (`groups.rs` does).

use std::collections::{BTreeMap, BTreeSet};

use model::{Instant, Now};

use super::assignor::{AssignorInput, AssignorMember};
use super::pattern::TopicPattern;
use super::reconcile::Reconciliation;
use super::record::{
    CurrentAssignment, GroupValue, MemberState, Partitions, Record, ResolvedRegex,
};
use super::state::State;
use super::{ConsumerSettings, Topics};
use crate::{MemberId, Text, TopicName};

/// What a decision may look at beside the group.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) now: Now,
    pub(super) settings: &'a ConsumerSettings,
    pub(super) topics: &'a Topics,
}

#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) state: State,
    /// Compiled form of each pattern in use. One that a Kafka wrote and that does not compile here
    /// is missing, and keeps the topics that Kafka found.
    patterns: BTreeMap<Text, TopicPattern>,
    /// One for each member.
    pub(super) sessions: BTreeMap<MemberId, Session>,
    /// When the target assignment was last made in this life of the coordinator.
    assigned_at: Option<Instant>,
    /// Not after the first deadline. Heartbeats only move deadlines away, so it need not follow.
    due: Option<Instant>,
    /// Applied, and not yet handed to the log.
    pub(super) unwritten: Vec<Record>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Session {
    pub(super) deadline: Instant,
    /// Set while the member has partitions to give up.
    pub(super) revocation_deadline: Option<Instant>,
}

impl Session {
    fn first_deadline(self) -> Instant {
        self.revocation_deadline.map_or(self.deadline, |it| it.min(self.deadline))
    }
}

impl Group {
    /// Starts the timers of a group that was read from the log, and looks at the topics again.
    pub(super) fn loaded(&mut self, context: Context<'_>) {
        let patterns = self.state.regexes.keys();
        self.patterns =
            patterns.filter_map(|it| Some((it.clone(), TopicPattern::new(it).ok()?))).collect();
        let members: Vec<MemberId> = self.state.members.keys().cloned().collect();
        for member_id in members {
            self.extend_session(context, &member_id);
            self.time_revocation(context, &member_id);
        }
        let all = context.topics.names().cloned().collect();
        self.topics_changed(context, &all);
    }

    /// Resolves the patterns again for these topics alone.
    pub(super) fn topics_changed(&mut self, context: Context<'_>, names: &BTreeSet<TopicName>) {
        for (pattern, resolved) in self.state.regexes.clone() {
            let Some(compiled) = self.patterns.get(&pattern) else { continue };
            let mut topic_names = resolved.topic_names.clone();
            topic_names.retain(|it| context.topics.by_name(it).is_some());
            for name in names {
                if context.topics.by_name(name).is_some() && compiled.matches(name) {
                    topic_names.insert(name.clone());
                }
            }
            if topic_names != resolved.topic_names {
                let resolved_at_ms = context.now.wall_ms;
                let value = Some(ResolvedRegex { topic_names, resolved_at_ms });
                self.write(Record::Regex { pattern, value });
            }
        }
        let hash = self.state.metadata_hash(context.topics);
        if !self.state.members.is_empty() && hash != self.state.group.metadata_hash {
            self.bump_group_epoch(context);
        }
        self.assign_if_due(context);
    }

    /// Applies a record the way that a restart will.
    pub(super) fn write(&mut self, record: Record) {
        self.state.apply(&record);
        self.unwritten.push(record);
    }

    pub(super) fn bump_group_epoch(&mut self, context: Context<'_>) {
        let group_epoch = self.state.group.group_epoch.checked_add(1);
        let group_epoch = group_epoch.expect("a group does not change two billion times");
        let metadata_hash = self.state.metadata_hash(context.topics);
        self.write(Record::Group(Some(GroupValue { group_epoch, metadata_hash })));
    }

    /// Makes the target assignment of the group epoch, unless the last one is too fresh.
    pub(super) fn assign_if_due(&mut self, context: Context<'_>) {
        if self.state.target_epoch == self.state.group.group_epoch || self.state.members.is_empty()
        {
            return;
        }
        let next = self.assigned_at.map(|at| at + context.settings.assignment_interval);
        match next {
            Some(next) if next > context.now.mono && self.state.members.len() > 1 => {
                self.wake_by(next);
            }
            _ => self.assign(context),
        }
    }

    fn assign(&mut self, context: Context<'_>) {
        let nothing = Partitions::new();
        let members = self.state.members.iter().map(|(member_id, member)| {
            let topics = self.state.subscribed_ids(member, context.topics);
            let previous = self.state.targets.get(member_id).unwrap_or(&nothing);
            let instance_id = member.instance_id.as_ref();
            (member_id.clone(), AssignorMember { instance_id, topics, previous })
        });
        let topics = self.state.all_subscribed();
        let topics = topics.into_iter().filter_map(|name| context.topics.by_name(name));
        let input = AssignorInput {
            members: members.collect(),
            topics: topics.map(|it| (it.id, it.partition_count)).collect(),
        };
        let assignment = self.state.preferred_assignor().assign(&input);
        for (member_id, target) in assignment {
            if self.state.targets.get(&member_id) != Some(&target) {
                self.write(Record::TargetMember { member_id, value: Some(target) });
            }
        }
        self.write(Record::TargetEpoch(Some(self.state.group.group_epoch)));
        self.assigned_at = Some(context.now.mono);
    }

    /// Moves the member one step towards its target; returns whether its assignment changed.
    pub(super) fn reconcile(
        &mut self,
        context: Context<'_>,
        member_id: &MemberId,
        owned: Option<&Partitions>,
        subscription_changed: bool,
    ) -> bool {
        let state = &self.state;
        let current = state.current(member_id);
        let nothing = Partitions::new();
        let next = Reconciliation {
            current: &current,
            target_epoch: state.target_epoch,
            target: state.targets.get(member_id).unwrap_or(&nothing),
            subscribed: &state.subscribed_ids(&state.members[member_id], context.topics),
            owned,
            subscription_changed,
        }
        .next(|partition| !state.owners.contains_key(partition));
        if next == current {
            return false;
        }
        let changed = next.assigned != current.assigned;
        self.write_current(member_id, next);
        self.time_revocation(context, member_id);
        changed
    }

    pub(super) fn write_current(&mut self, member_id: &MemberId, next: CurrentAssignment) {
        for partition in next.owned() {
            let owner = self.state.owners.get(partition);
            assert!(
                owner.is_none_or(|it| it == member_id),
                "{partition:?} is given to {member_id} and owned by {owner:?}"
            );
        }
        self.write(Record::CurrentMember { member_id: member_id.clone(), value: Some(next) });
    }

    /// Compiles and resolves a pattern that no member has used before. It was checked.
    pub(super) fn add_pattern(&mut self, context: Context<'_>, pattern: &Text, it: TopicPattern) {
        let names = context.topics.names().filter(|name| it.matches(name)).cloned();
        let value =
            ResolvedRegex { topic_names: names.collect(), resolved_at_ms: context.now.wall_ms };
        self.patterns.insert(pattern.clone(), it);
        self.write(Record::Regex { pattern: pattern.clone(), value: Some(value) });
    }

    /// Forgets a pattern once no member uses it.
    pub(super) fn drop_unused_pattern(&mut self, pattern: &Text) {
        let used = self.state.members.values().any(|it| it.topic_regex.as_ref() == Some(pattern));
        if !used && self.state.regexes.contains_key(pattern) {
            self.patterns.remove(pattern);
            self.write(Record::Regex { pattern: pattern.clone(), value: None });
        }
    }

    pub(super) fn extend_session(&mut self, context: Context<'_>, member_id: &MemberId) {
        let deadline = context.now.mono + context.settings.session_timeout;
        let fresh = Session { deadline, revocation_deadline: None };
        self.sessions.entry(member_id.clone()).or_insert(fresh).deadline = deadline;
        self.wake_by(deadline);
    }

    /// Starts the rebalance timeout of a member that must give up partitions, or stops it.
    pub(super) fn time_revocation(&mut self, context: Context<'_>, member_id: &MemberId) {
        let revokes = self.state.current(member_id).state == MemberState::UnrevokedPartitions;
        let timeout = self.state.members[member_id].rebalance_timeout;
        let deadline = revokes.then(|| context.now.mono + timeout);
        let session = self.sessions.get_mut(member_id).expect("every member has a session");
        session.revocation_deadline = deadline;
        if let Some(deadline) = deadline {
            self.wake_by(deadline);
        }
    }

    fn wake_by(&mut self, at: Instant) {
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Acts on every deadline that has passed, and finds the next one.
    pub(super) fn tick(&mut self, context: Context<'_>) {
        let now = context.now.mono;
        let expired = self.sessions.iter().filter(|(_, it)| it.first_deadline() <= now);
        let expired: Vec<MemberId> = expired.map(|(member_id, _)| member_id.clone()).collect();
        self.due =
            self.sessions.values().map(|it| it.first_deadline()).filter(|it| *it > now).min();
        self.remove(context, &expired);
        self.assign_if_due(context);
    }
}
