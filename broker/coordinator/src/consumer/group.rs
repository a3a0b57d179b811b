//! One group: its state, its deadlines, and the two epochs that drive everything.
//!
//! Promises: the group epoch grows whenever members, subscriptions or subscribed topics change; the
//! target assignment follows it, at once or after the assignment interval; every change is a record
//! that was applied as it will be after a restart, and can be taken back.
//! Does not: hold back answers (the coordinator does).

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use model::{Bug, Instant, Probe};

use super::Topics;
use super::assignor::{AssignorInput, AssignorMember};
use super::pattern::TopicPattern;
use super::reconcile::Reconciliation;
use super::record::{
    ConsumerRecord, CurrentAssignment, GroupValue, MemberState, Partitions, ResolvedRegex,
};
use super::state::State;
use crate::context::Context;
use crate::deadlines::Reason;
use crate::writes::{Then, Undo};
use crate::{GroupId, MemberId, Record, Text, Ticket, TopicName};

/// After a refused write, before the group looks at the topics again.
const REFUSED_PAUSE: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(crate) struct ConsumerGroup {
    pub(crate) id: GroupId,
    pub(super) state: State,
    /// Compiled form of each pattern in use. One that a Kafka wrote and that does not compile here
    /// is missing, and keeps the topics that Kafka found.
    patterns: BTreeMap<Text, TopicPattern>,
    /// When the target assignment was last made in this life of the coordinator.
    assigned_at: Option<Instant>,
    /// Applied, and not yet handed to the log.
    unwritten: Vec<Change>,
    /// Answers rest on this write and those before it.
    last_write: Ticket,
}

#[derive(Debug)]
struct Change {
    record: ConsumerRecord,
    /// What brings back what the key had before.
    before: ConsumerRecord,
}

impl ConsumerGroup {
    pub(crate) fn new(id: GroupId) -> Self {
        Self {
            id,
            state: State::default(),
            patterns: BTreeMap::new(),
            assigned_at: None,
            unwritten: Vec::new(),
            last_write: Ticket::default(),
        }
    }

    /// Takes a record that the log holds.
    pub(crate) fn replay(&mut self, record: &ConsumerRecord) {
        self.state.apply(record);
    }

    /// Starts the deadlines of a group that was read from the log, and looks at the topics again.
    pub(crate) fn activate<P: Probe>(&mut self, cx: &mut Context<'_, P>) {
        self.compile_patterns();
        self.resume(cx);
        self.look_at_topics(cx);
    }

    /// Starts the deadlines of a group that was changed back because its write was refused. It looks at
    /// the topics after a pause: a log that refuses at once would be asked for ever.
    pub(crate) fn resume_refused<P: Probe>(&mut self, cx: &mut Context<'_, P>) {
        self.compile_patterns();
        self.resume(cx);
        cx.deadlines.set(&self.id, Reason::Topics, cx.now.mono + REFUSED_PAUSE);
    }

    fn compile_patterns(&mut self) {
        let patterns = self.state.regexes.keys();
        let compiled = patterns.filter_map(|it| Some((it.clone(), TopicPattern::new(it).ok()?)));
        self.patterns = compiled.collect();
    }

    pub(crate) fn look_at_topics<P: Probe>(&mut self, cx: &mut Context<'_, P>) {
        // Only patterns look at topics that nobody has named.
        let has_patterns = !self.patterns.is_empty();
        let names = cx.topics.names().filter(|_| has_patterns).cloned().collect();
        self.topics_changed(cx, &names);
    }

    /// Starts the deadlines of all members anew.
    pub(crate) fn resume<P: Probe>(&mut self, cx: &mut Context<'_, P>) {
        for member_id in self.state.members.keys().cloned().collect::<Vec<_>>() {
            self.extend_session(cx, &member_id);
            self.time_revocation(cx, &member_id);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.state.members.is_empty()
    }

    /// Whether nothing is left of the group.
    pub(crate) fn is_blank(&self) -> bool {
        self.state.is_blank()
    }

    pub(crate) fn last_write(&self) -> Ticket {
        self.last_write
    }

    pub(crate) fn set_last_write(&mut self, ticket: Ticket) {
        self.last_write = ticket;
    }

    /// Hands what has changed to the log.
    pub(crate) fn flush<P: Probe>(&mut self, cx: &mut Context<'_, P>) {
        if self.unwritten.is_empty() {
            return;
        }
        let (records, before) = self.take_changes();
        let undo = Undo::Records { group: self.id.clone(), before };
        self.last_write = cx.write_undoable(records, Then::Nothing, Some(undo));
    }

    /// What has changed since the last write: records, and what takes them back.
    pub(crate) fn take_changes(&mut self) -> (Vec<Record>, Vec<ConsumerRecord>) {
        let changes = core::mem::take(&mut self.unwritten).into_iter();
        let of_group = |record| Record::ConsumerGroup { group: self.id.clone(), record };
        changes.map(|it| (of_group(it.record), it.before)).unzip()
    }

    /// Takes changes back; `before` is in the order of the changes.
    pub(crate) fn revert(&mut self, before: &[ConsumerRecord]) {
        for record in before.iter().rev() {
            self.state.apply(record);
        }
    }

    /// Tombstones for all that the log holds of the group.
    pub(crate) fn tombstones(&self) -> Vec<Record> {
        let records = self.state.tombstones().into_iter();
        records.map(|record| Record::ConsumerGroup { group: self.id.clone(), record }).collect()
    }

    /// Resolves the patterns again for these topics alone.
    pub(crate) fn topics_changed<P: Probe>(
        &mut self,
        cx: &mut Context<'_, P>,
        names: &BTreeSet<TopicName>,
    ) {
        self.refresh_patterns(cx, names);
        let hash = self.state.metadata_hash(cx.topics);
        if !self.state.members.is_empty() && hash != self.state.group.metadata_hash {
            self.bump_group_epoch(cx.topics);
        }
        self.assign_if_due(cx);
    }

    fn refresh_patterns<P: Probe>(&mut self, cx: &Context<'_, P>, names: &BTreeSet<TopicName>) {
        if cx.probe.planted(Bug::RegexNeverRefreshed) {
            return;
        }
        for (pattern, resolved) in self.state.regexes.clone() {
            let Some(compiled) = self.patterns.get(&pattern) else { continue };
            let mut topic_names = resolved.topic_names.clone();
            topic_names.retain(|it| cx.topics.by_name(it).is_some());
            for name in names {
                if cx.topics.by_name(name).is_some() && compiled.matches(name) {
                    topic_names.insert(name.clone());
                }
            }
            if topic_names != resolved.topic_names {
                let resolved_at_ms = cx.now.wall_ms;
                let value = Some(ResolvedRegex { topic_names, resolved_at_ms });
                self.write(ConsumerRecord::Regex { pattern, value });
            }
        }
    }

    /// Applies a record the way that a restart will.
    pub(super) fn write(&mut self, record: ConsumerRecord) {
        let before = self.state.current_of(&record);
        self.state.apply(&record);
        self.unwritten.push(Change { record, before });
    }

    pub(super) fn bump_group_epoch(&mut self, topics: &Topics) {
        let group_epoch = self.state.group.group_epoch.checked_add(1);
        let group_epoch = group_epoch.expect("a group does not change two billion times");
        let metadata_hash = self.state.metadata_hash(topics);
        self.write(ConsumerRecord::Group(Some(GroupValue { group_epoch, metadata_hash })));
    }

    /// Makes the target assignment of the group epoch, unless the last one is too fresh.
    pub(super) fn assign_if_due<P: Probe>(&mut self, cx: &mut Context<'_, P>) {
        if self.state.target_epoch == self.state.group.group_epoch || self.state.members.is_empty()
        {
            return;
        }
        let next = self.assigned_at.map(|at| at + cx.settings.consumer.assignment_interval);
        match next {
            Some(next) if next > cx.now.mono && self.state.members.len() > 1 => {
                cx.deadlines.set(&self.id, Reason::Assignment, next);
            }
            _ => {
                cx.deadlines.cancel(&self.id, Reason::Assignment);
                self.assign(cx);
            }
        }
    }

    fn assign<P: Probe>(&mut self, cx: &mut Context<'_, P>) {
        let nothing = Partitions::new();
        let members = self.state.members.iter().map(|(member_id, member)| {
            let topics = self.state.subscribed_ids(member, cx.topics);
            let previous = self.state.targets.get(member_id).unwrap_or(&nothing);
            let instance_id = member.instance_id.as_ref();
            (member_id.clone(), AssignorMember { instance_id, topics, previous })
        });
        let topics = self.state.all_subscribed();
        let topics = topics.into_iter().filter_map(|name| cx.topics.by_name(name));
        let input = AssignorInput {
            members: members.collect(),
            topics: topics.map(|it| (it.id, it.partition_count)).collect(),
        };
        let mut assignment = self.state.preferred_assignor().assign(&input);
        if cx.probe.planted(Bug::PartitionLostInRebalance) && assignment.len() > 1 {
            assignment.values_mut().find_map(Partitions::pop_last);
        }
        for (member_id, target) in assignment {
            if self.state.targets.get(&member_id) != Some(&target) {
                self.write(ConsumerRecord::TargetMember { member_id, value: Some(target) });
            }
        }
        self.write(ConsumerRecord::TargetEpoch(Some(self.state.group.group_epoch)));
        self.assigned_at = Some(cx.now.mono);
    }

    /// Moves the member one step towards its target; returns whether its assignment changed.
    pub(super) fn reconcile<P: Probe>(
        &mut self,
        cx: &mut Context<'_, P>,
        member_id: &MemberId,
        owned: Option<&Partitions>,
        subscription_changed: bool,
    ) -> bool {
        let state = &self.state;
        let gives_early = cx.probe.planted(Bug::PartitionGivenBeforeRelease);
        let current = state.current(member_id);
        let nothing = Partitions::new();
        let next = Reconciliation {
            current: &current,
            target_epoch: state.target_epoch,
            target: state.targets.get(member_id).unwrap_or(&nothing),
            subscribed: &state.subscribed_ids(&state.members[member_id], cx.topics),
            owned,
            subscription_changed,
        }
        .next(|partition| gives_early || !state.owners.contains_key(partition));
        if next == current {
            return false;
        }
        let changed = next.assigned != current.assigned;
        self.write_current(cx, member_id, next);
        self.time_revocation(cx, member_id);
        changed
    }

    pub(super) fn write_current<P: Probe>(
        &mut self,
        cx: &Context<'_, P>,
        member_id: &MemberId,
        next: CurrentAssignment,
    ) {
        let gives_early = cx.probe.planted(Bug::PartitionGivenBeforeRelease);
        for partition in next.owned() {
            let owner = self.state.owners.get(partition);
            assert!(
                gives_early || owner.is_none_or(|it| it == member_id),
                "{partition:?} is given to {member_id} and owned by {owner:?}"
            );
        }
        let (member_id, value) = (member_id.clone(), Some(next));
        self.write(ConsumerRecord::CurrentMember { member_id, value });
    }

    /// Compiles and resolves a pattern that no member has used before. It was checked.
    pub(super) fn add_pattern<P: Probe>(
        &mut self,
        cx: &Context<'_, P>,
        pattern: &Text,
        it: TopicPattern,
    ) {
        let names = cx.topics.names().filter(|name| it.matches(name)).cloned();
        let value = ResolvedRegex { topic_names: names.collect(), resolved_at_ms: cx.now.wall_ms };
        self.patterns.insert(pattern.clone(), it);
        self.write(ConsumerRecord::Regex { pattern: pattern.clone(), value: Some(value) });
    }

    /// Forgets a pattern once no member uses it.
    pub(super) fn drop_unused_pattern(&mut self, pattern: &Text) {
        let used = self.state.members.values().any(|it| it.topic_regex.as_ref() == Some(pattern));
        if !used && self.state.regexes.contains_key(pattern) {
            self.patterns.remove(pattern);
            self.write(ConsumerRecord::Regex { pattern: pattern.clone(), value: None });
        }
    }

    pub(super) fn extend_session<P: Probe>(&self, cx: &mut Context<'_, P>, member_id: &MemberId) {
        let classic = self.state.members[member_id].classic.as_ref();
        let of_group = cx.settings.consumer.session_timeout;
        let timeout: Duration = classic.map_or(of_group, |it| it.session_timeout);
        cx.set_session(&self.id, member_id, timeout);
    }

    /// Starts the rebalance timeout of a member that must give up partitions, or stops it. A classic
    /// member is timed from what it is told to what it does (`classic_member`).
    pub(super) fn time_revocation<P: Probe>(&self, cx: &mut Context<'_, P>, member_id: &MemberId) {
        let member = &self.state.members[member_id];
        let revokes = self.state.current(member_id).state == MemberState::UnrevokedPartitions;
        let reason = Reason::Revocation(member_id.clone());
        if revokes && member.classic.is_none() {
            cx.deadlines.set(&self.id, reason, cx.now.mono + member.rebalance_timeout);
        } else {
            cx.deadlines.cancel(&self.id, reason);
        }
    }

    /// Removes the members whose time is over, and makes the assignment that is due; how many were
    /// removed.
    pub(crate) fn expire_members<P: Probe>(
        &mut self,
        cx: &mut Context<'_, P>,
        member_ids: &BTreeSet<MemberId>,
    ) -> u64 {
        let known = member_ids.iter().filter(|it| self.state.members.contains_key(it));
        let expired: Vec<MemberId> = known.cloned().collect();
        self.remove(cx, &expired);
        self.assign_if_due(cx);
        expired.len() as u64
    }
}
