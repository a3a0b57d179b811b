//! What the log says about one consumer group.
//!
//! Promises: applying the group's records in order, on a running group or after a restart, gives
//! the same state; compaction may have removed any record that a later one replaces.
//! Does not: decide, or know time.

use std::collections::{BTreeMap, BTreeSet};

use model::TopicPartition;

use super::record::{
    ConsumerRecord, CurrentAssignment, GroupValue, INITIAL_GROUP_EPOCH, Partitions, ResolvedRegex,
    Subscription,
};
use super::{Assignor, STATIC_LEAVE_EPOCH, Topics};
use crate::{InstanceId, MemberId, Text, TopicName};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    pub(super) group: GroupValue,
    /// The members: whoever has a subscription.
    pub(super) members: BTreeMap<MemberId, Subscription>,
    pub(super) instances: BTreeMap<InstanceId, MemberId>,
    pub(super) target_epoch: i32,
    pub(super) targets: BTreeMap<MemberId, Partitions>,
    pub(super) currents: BTreeMap<MemberId, CurrentAssignment>,
    /// Who owns a partition or has yet to give it up.
    pub(super) owners: BTreeMap<TopicPartition, MemberId>,
    pub(super) regexes: BTreeMap<Text, ResolvedRegex>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            group: GroupValue::default(),
            members: BTreeMap::new(),
            instances: BTreeMap::new(),
            target_epoch: INITIAL_GROUP_EPOCH,
            targets: BTreeMap::new(),
            currents: BTreeMap::new(),
            owners: BTreeMap::new(),
            regexes: BTreeMap::new(),
        }
    }
}

impl State {
    pub(super) fn apply(&mut self, record: &ConsumerRecord) {
        match record {
            ConsumerRecord::Group(value) => self.group = value.unwrap_or_default(),
            ConsumerRecord::Member { member_id, value } => {
                self.apply_member(member_id, value.as_ref());
            }
            ConsumerRecord::TargetEpoch(value) => {
                self.target_epoch = value.unwrap_or(INITIAL_GROUP_EPOCH);
            }
            ConsumerRecord::TargetMember { member_id, value } => {
                put(&mut self.targets, member_id, value.as_ref());
            }
            ConsumerRecord::CurrentMember { member_id, value } => {
                self.apply_current(member_id, value.as_ref());
            }
            ConsumerRecord::Regex { pattern, value } => {
                put(&mut self.regexes, pattern, value.as_ref());
            }
        }
    }

    /// The record that brings back what the key of `record` has now.
    pub(super) fn current_of(&self, record: &ConsumerRecord) -> ConsumerRecord {
        match record {
            ConsumerRecord::Group(_) => {
                ConsumerRecord::Group(Some(self.group).filter(|it| *it != GroupValue::default()))
            }
            ConsumerRecord::Member { member_id, .. } => ConsumerRecord::Member {
                member_id: member_id.clone(),
                value: self.members.get(member_id).cloned(),
            },
            ConsumerRecord::TargetEpoch(_) => {
                let value = Some(self.target_epoch).filter(|it| *it != INITIAL_GROUP_EPOCH);
                ConsumerRecord::TargetEpoch(value)
            }
            ConsumerRecord::TargetMember { member_id, .. } => ConsumerRecord::TargetMember {
                member_id: member_id.clone(),
                value: self.targets.get(member_id).cloned(),
            },
            ConsumerRecord::CurrentMember { member_id, .. } => ConsumerRecord::CurrentMember {
                member_id: member_id.clone(),
                value: self.currents.get(member_id).cloned(),
            },
            ConsumerRecord::Regex { pattern, .. } => ConsumerRecord::Regex {
                pattern: pattern.clone(),
                value: self.regexes.get(pattern).cloned(),
            },
        }
    }

    /// What deletes everything, parts of members first.
    pub(super) fn tombstones(&self) -> Vec<ConsumerRecord> {
        let currents = self.currents.keys().cloned();
        let targets = self.targets.keys().cloned();
        let members = self.members.keys().cloned();
        let mut records: Vec<ConsumerRecord> = currents
            .map(|member_id| ConsumerRecord::CurrentMember { member_id, value: None })
            .chain(targets.map(|member_id| ConsumerRecord::TargetMember { member_id, value: None }))
            .chain(members.map(|member_id| ConsumerRecord::Member { member_id, value: None }))
            .collect();
        let patterns = self.regexes.keys().cloned();
        records.extend(patterns.map(|pattern| ConsumerRecord::Regex { pattern, value: None }));
        records.push(ConsumerRecord::TargetEpoch(None));
        records.push(ConsumerRecord::Group(None));
        records
    }

    fn apply_member(&mut self, member_id: &MemberId, value: Option<&Subscription>) {
        if let Some(instance_id) =
            self.members.get(member_id).and_then(|old| old.instance_id.as_ref())
            && self.instances.get(instance_id) == Some(member_id)
        {
            self.instances.remove(instance_id);
        }
        if let Some(instance_id) = value.and_then(|it| it.instance_id.as_ref()) {
            self.instances.insert(instance_id.clone(), member_id.clone());
        }
        put(&mut self.members, member_id, value);
    }

    fn apply_current(&mut self, member_id: &MemberId, value: Option<&CurrentAssignment>) {
        if let Some(old) = self.currents.get(member_id) {
            for partition in old.owned() {
                if self.owners.get(partition) == Some(member_id) {
                    self.owners.remove(partition);
                }
            }
        }
        for partition in value.into_iter().flat_map(CurrentAssignment::owned) {
            self.owners.insert(*partition, member_id.clone());
        }
        put(&mut self.currents, member_id, value);
    }

    /// Whether nothing was ever written, or everything was deleted.
    pub(super) fn is_blank(&self) -> bool {
        *self == Self::default()
    }

    /// The member's progress; a member that has just joined has none yet.
    pub(super) fn current(&self, member_id: &MemberId) -> CurrentAssignment {
        self.currents.get(member_id).cloned().unwrap_or_default()
    }

    pub(super) fn is_away(&self, member_id: &MemberId) -> bool {
        self.currents.get(member_id).is_some_and(|it| it.member_epoch == STATIC_LEAVE_EPOCH)
    }

    /// Names that the member subscribes to, through its list and its pattern; also names of topics
    /// that do not exist.
    pub(super) fn subscribed<'a>(
        &'a self,
        member: &'a Subscription,
    ) -> impl Iterator<Item = &'a TopicName> {
        let resolved = member.topic_regex.as_ref().and_then(|it| self.regexes.get(it));
        member.topic_names.iter().chain(resolved.into_iter().flat_map(|it| &it.topic_names))
    }

    pub(super) fn subscribed_ids(
        &self,
        member: &Subscription,
        topics: &Topics,
    ) -> BTreeSet<model::TopicId> {
        let existing = self.subscribed(member).filter_map(|name| topics.by_name(name));
        existing.map(|topic| topic.id).collect()
    }

    /// Names that any member subscribes to.
    pub(super) fn all_subscribed(&self) -> BTreeSet<&TopicName> {
        self.members.values().flat_map(|member| self.subscribed(member)).collect()
    }

    /// Stands for all that an assignment depends on beside the members: names, ids and partition
    /// counts of the subscribed topics that exist. 0 for none. The function (FNV-1a) is our own: a
    /// group that was written by a Kafka bumps its epoch once.
    pub(super) fn metadata_hash(&self, topics: &Topics) -> i64 {
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        let mut any = false;
        for name in self.all_subscribed() {
            let Some(topic) = topics.by_name(name) else { continue };
            any = true;
            let length = name.len().to_be_bytes();
            let count = topic.partition_count.to_be_bytes();
            let bytes = length.iter().chain(name.as_bytes()).chain(&topic.id.0).chain(&count);
            for byte in bytes {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        }
        if any { hash.cast_signed() } else { 0 }
    }

    /// The assignor that most members prefer; the first of Kafka's list among equals and by default.
    pub(super) fn preferred_assignor(&self) -> Assignor {
        let votes = |assignor| {
            self.members.values().filter(|it| it.server_assignor == Some(assignor)).count()
        };
        let best = Assignor::ALL.iter().rev().copied().max_by_key(|it| votes(*it));
        best.expect("there are assignors")
    }
}

fn put<K: Ord + Clone, V: Clone>(map: &mut BTreeMap<K, V>, key: &K, value: Option<&V>) {
    match value {
        Some(value) => {
            map.insert(key.clone(), value.clone());
        }
        None => {
            map.remove(key);
        }
    }
}
