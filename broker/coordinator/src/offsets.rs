//! Committed offsets of one `__consumer_offsets` partition.
//!
//! Promises: [`Offsets::get`] shows what the log has reported durable and nothing newer;
//! [`Offsets::latest`] shows it with every write that is under way, for decisions about what to write
//! next. Does not: know groups, time or retention.

use std::collections::BTreeMap;

use model::{LeaderEpoch, Offset, PartitionIndex, TopicId};

use crate::{GroupId, Text, Ticket, TopicName};

/// A partition by its topic's name, as offset commits are keyed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamedPartition {
    pub topic: TopicName,
    pub partition: PartitionIndex,
}

/// Where a group goes on reading a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommittedOffset {
    pub offset: Offset,
    pub leader_epoch: Option<LeaderEpoch>,
    /// The client's own note, byte for byte.
    pub metadata: Text,
    pub commit_timestamp_ms: i64,
    /// Only of a commit that asked for its own retention (OffsetCommit versions 2 to 4).
    pub expire_timestamp_ms: Option<i64>,
    /// [`TopicId::ZERO`] when the client named its topic only.
    pub topic_id: TopicId,
}

type ByPartition<V> = BTreeMap<NamedPartition, V>;

#[derive(Debug, Default)]
pub struct Offsets {
    /// Never holds an empty inner map.
    durable: BTreeMap<GroupId, ByPartition<CommittedOffset>>,
    /// The newest write under way of each key; `None` is a tombstone. Never holds an empty inner map.
    under_way: BTreeMap<GroupId, ByPartition<(Ticket, Option<CommittedOffset>)>>,
    durable_count: usize,
    under_way_count: usize,
}

impl Offsets {
    /// The durable offset; what a consumer may be told.
    #[must_use]
    pub fn get(&self, group: &GroupId, at: &NamedPartition) -> Option<&CommittedOffset> {
        self.durable.get(group)?.get(at)
    }

    /// All durable offsets of a group, by topic and partition.
    pub fn of_group(
        &self,
        group: &GroupId,
    ) -> impl Iterator<Item = (&NamedPartition, &CommittedOffset)> {
        self.durable.get(group).into_iter().flatten()
    }

    /// Groups that have a durable offset, in order.
    pub fn groups(&self) -> impl Iterator<Item = &GroupId> {
        self.durable.keys()
    }

    /// Durable offsets, and writes under way: the bound on both together is the caller's.
    #[must_use]
    pub fn len(&self) -> usize {
        self.durable_count + self.under_way_count
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The offset as it will be once every write under way is durable.
    pub(crate) fn latest(&self, group: &GroupId, at: &NamedPartition) -> Option<&CommittedOffset> {
        match self.under_way.get(group).and_then(|writes| writes.get(at)) {
            Some((_, value)) => value.as_ref(),
            None => self.get(group, at),
        }
    }

    /// The newest write of this key that is under way.
    pub(crate) fn under_way(&self, group: &GroupId, at: &NamedPartition) -> Option<Ticket> {
        self.under_way.get(group)?.get(at).map(|(ticket, _)| *ticket)
    }

    /// Keys that exist once every write under way is durable, in order.
    pub(crate) fn latest_keys(&self, group: &GroupId) -> Vec<NamedPartition> {
        let durable = self.durable.get(group).into_iter().flat_map(BTreeMap::keys);
        let under_way = self.under_way.get(group).into_iter().flat_map(BTreeMap::keys);
        let mut keys: Vec<_> = durable.chain(under_way).cloned().collect();
        keys.sort_unstable();
        keys.dedup();
        keys.retain(|at| self.latest(group, at).is_some());
        keys
    }

    /// A write was asked for under `ticket`.
    pub(crate) fn begin(
        &mut self,
        ticket: Ticket,
        group: &GroupId,
        at: &NamedPartition,
        value: Option<&CommittedOffset>,
    ) {
        let writes = self.under_way.entry(group.clone()).or_default();
        if writes.insert(at.clone(), (ticket, value.cloned())).is_none() {
            self.under_way_count += 1;
        }
    }

    /// The write of this key under `ticket` is durable.
    pub(crate) fn commit(
        &mut self,
        ticket: Ticket,
        group: &GroupId,
        at: &NamedPartition,
        value: Option<&CommittedOffset>,
    ) {
        self.end(group, at, |newest| newest == ticket);
        self.replay(group, at, value);
    }

    /// Forgets the newest write of this key if it carries `ticket` or a later one.
    pub(crate) fn revert(&mut self, ticket: Ticket, group: &GroupId, at: &NamedPartition) {
        self.end(group, at, |newest| newest >= ticket);
    }

    /// Takes a record that the log holds.
    pub(crate) fn replay(
        &mut self,
        group: &GroupId,
        at: &NamedPartition,
        value: Option<&CommittedOffset>,
    ) {
        let Some(value) = value else {
            let Some(offsets) = self.durable.get_mut(group) else { return };
            self.durable_count -= usize::from(offsets.remove(at).is_some());
            if offsets.is_empty() {
                self.durable.remove(group);
            }
            return;
        };
        let offsets = self.durable.entry(group.clone()).or_default();
        if offsets.insert(at.clone(), value.clone()).is_none() {
            self.durable_count += 1;
        }
    }

    fn end(&mut self, group: &GroupId, at: &NamedPartition, which: impl Fn(Ticket) -> bool) {
        let Some(writes) = self.under_way.get_mut(group) else { return };
        if writes.get(at).is_some_and(|(newest, _)| which(*newest)) {
            writes.remove(at);
            self.under_way_count -= 1;
        }
        if writes.is_empty() {
            self.under_way.remove(group);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(offset: i64) -> CommittedOffset {
        CommittedOffset {
            offset: Offset(offset),
            leader_epoch: None,
            metadata: Text::from(""),
            commit_timestamp_ms: 0,
            expire_timestamp_ms: None,
            topic_id: TopicId::ZERO,
        }
    }

    fn key() -> (GroupId, NamedPartition) {
        let partition = NamedPartition { topic: "t".into(), partition: PartitionIndex(0) };
        (GroupId::from("g"), partition)
    }

    #[test]
    fn a_write_shows_only_once_it_is_durable() {
        let (group, key) = key();
        let mut offsets = Offsets::default();
        offsets.begin(Ticket(1), &group, &key, Some(&at(5)));
        assert_eq!(offsets.get(&group, &key), None);
        assert_eq!(offsets.latest(&group, &key), Some(&at(5)));
        offsets.begin(Ticket(2), &group, &key, Some(&at(9)));
        offsets.commit(Ticket(1), &group, &key, Some(&at(5)));
        assert_eq!(offsets.get(&group, &key), Some(&at(5)));
        assert_eq!(offsets.latest(&group, &key), Some(&at(9)));
        offsets.commit(Ticket(2), &group, &key, Some(&at(9)));
        assert_eq!((offsets.get(&group, &key), offsets.len()), (Some(&at(9)), 1));
    }

    #[test]
    fn a_tombstone_under_way_hides_the_key_from_the_next_decision_only() {
        let (group, key) = key();
        let mut offsets = Offsets::default();
        offsets.replay(&group, &key, Some(&at(5)));
        offsets.begin(Ticket(1), &group, &key, None);
        assert_eq!(offsets.latest_keys(&group), []);
        assert_eq!(offsets.get(&group, &key), Some(&at(5)));
        offsets.revert(Ticket(1), &group, &key);
        assert_eq!(offsets.latest_keys(&group), std::slice::from_ref(&key));
        offsets.commit(Ticket(2), &group, &key, None);
        assert!(offsets.is_empty());
        assert_eq!(offsets.groups().count(), 0);
    }
}
