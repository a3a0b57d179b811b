//! The partition comes and goes: its log is replayed into groups and offsets, or all is given up.
//!
//! Promises: no group acts before the whole log was read; whoever waits when the partition leaves is
//! told so.
//! Does not: read the log; the driver hands over its records in order.

use std::collections::BTreeSet;

use model::{Bug, ErrorCode, Probe};

use super::timers::Expiry;
use super::{Coordinator, Phase, Step};
use crate::classic::ClassicGroup;
use crate::consumer::{ConsumerGroup, ConsumerRecord};
use crate::deadlines::Deadlines;
use crate::group::Group;
use crate::{Effect, GroupId, Offsets, Record};

impl Coordinator {
    pub(super) fn replay<P: Probe>(&mut self, step: &mut Step<'_, P>, records: Vec<Record>) {
        assert_eq!(self.phase, Phase::Loading, "records are replayed while loading");
        for record in records {
            self.stats.replayed_records += 1;
            if record.is_tombstone() && step.probe.planted(Bug::TombstoneLoadsAsLive) {
                continue;
            }
            match record {
                Record::OffsetCommit { group, at, value } => {
                    let keeps_first = step.probe.planted(Bug::OlderCommitLoaded);
                    if keeps_first && value.is_some() && self.offsets.get(&group, &at).is_some() {
                        continue;
                    }
                    self.offsets.replay(&group, &at, value.as_ref());
                }
                Record::GroupMetadata { group, value: Some(value) } => {
                    let (now, embedded) = (step.now, self.embedded);
                    let loaded = ClassicGroup::from_record(group.clone(), &value, now, embedded);
                    self.groups.insert(group, Group::Classic(loaded));
                }
                Record::GroupMetadata { group, value: None } => {
                    // After a migration compaction may leave it behind what replaced the group.
                    if matches!(self.groups.get(&group), Some(Group::Classic(_))) {
                        self.groups.remove(&group);
                    }
                }
                Record::ConsumerGroup { group, record } => self.replay_part(group, &record),
            }
        }
    }

    /// The later record says which kind a group is; tombstones say nothing of the kind.
    fn replay_part(&mut self, id: GroupId, record: &ConsumerRecord) {
        match self.groups.get_mut(&id) {
            Some(Group::Consumer(group)) => group.replay(record),
            Some(Group::Classic(_)) | None if record.is_tombstone() => {}
            Some(Group::Classic(_)) | None => {
                let mut group = ConsumerGroup::new(id.clone());
                group.replay(record);
                self.groups.insert(id, Group::Consumer(group));
            }
        }
    }

    pub(super) fn loaded<P: Probe>(&mut self, step: &mut Step<'_, P>) {
        assert_eq!(self.phase, Phase::Loading, "loading ends once");
        self.phase = Phase::Active;
        let next = step.now.mono + self.settings.offsets_retention_check_interval;
        self.expiry = Expiry { next, after: None };
        let is_blank = |group: &Group| matches!(group, Group::Consumer(group) if group.is_blank());
        self.groups.retain(|_, group| !is_blank(group));
        let with_offsets: BTreeSet<GroupId> = self.offsets.groups().cloned().collect();
        for group in with_offsets {
            let classic = |id: &GroupId| Group::Classic(ClassicGroup::new(id.clone(), step.now));
            self.groups.entry(group).or_insert_with_key(classic);
        }
        let (groups, mut cx) = self.split(step);
        for group in groups.values_mut() {
            group.activate(&mut cx);
            if let Group::Consumer(group) = group {
                group.flush(&mut cx);
            }
        }
    }

    pub(super) fn unload<P: Probe>(&mut self, step: &mut Step<'_, P>) {
        self.phase = Phase::Unloaded;
        let error = ErrorCode::NotCoordinator;
        for write in self.writes.take_all() {
            let waiters = write.then.into_waiter().into_iter().chain(write.waiters);
            for (token, response) in waiters {
                step.effects.push(Effect::Reply { token, response: response.refused(error) });
            }
        }
        for mut group in std::mem::take(&mut self.groups).into_values() {
            for (token, response) in group.take_waiters(error) {
                step.effects.push(Effect::Reply { token, response });
            }
        }
        self.offsets = Offsets::default();
        self.deadlines = Deadlines::default();
    }
}
