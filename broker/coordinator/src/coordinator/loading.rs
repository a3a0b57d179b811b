//! The partition comes and goes: its log is replayed into groups and offsets, or all is given up.
//!
//! Promises: no group acts before the whole log was read; whoever waits when the partition leaves is
//! told so.
//! Does not: read the log; the driver hands over its records in order.

use std::collections::BTreeSet;

use model::{ErrorCode, Now, Probe};

use super::timers::Expiry;
use super::{Coordinator, Phase};
use crate::classic::ClassicGroup;
use crate::deadlines::Deadlines;
use crate::{Effect, GroupId, Offsets, Record};

impl Coordinator {
    pub(super) fn replay(&mut self, now: Now, records: &[Record]) {
        assert_eq!(self.phase, Phase::Loading, "records are replayed while loading");
        for record in records {
            self.stats.replayed_records += 1;
            match record {
                Record::OffsetCommit { group, at, value } => {
                    self.offsets.replay(group, at, value.as_ref());
                }
                Record::GroupMetadata { group, value: Some(value) } => {
                    let loaded = ClassicGroup::from_record(group.clone(), value, now);
                    self.groups.insert(group.clone(), loaded);
                }
                Record::GroupMetadata { group, value: None } => {
                    self.groups.remove(group);
                }
            }
        }
    }

    pub(super) fn loaded<P: Probe>(&mut self, now: Now, effects: &mut Vec<Effect>, probe: &mut P) {
        assert_eq!(self.phase, Phase::Loading, "loading ends once");
        self.phase = Phase::Active;
        self.expiry =
            Expiry { next: now.mono + self.settings.offsets_retention_check_interval, after: None };
        let with_offsets: BTreeSet<GroupId> = self.offsets.groups().cloned().collect();
        for group in with_offsets {
            self.groups.entry(group).or_insert_with_key(|id| ClassicGroup::new(id.clone(), now));
        }
        let (groups, mut cx) = self.split(now, effects, probe);
        for group in groups.values_mut() {
            group.activate(&mut cx);
        }
    }

    pub(super) fn unload(&mut self, effects: &mut Vec<Effect>) {
        self.phase = Phase::Unloaded;
        let error = ErrorCode::NotCoordinator;
        for write in self.writes.take_all() {
            if let Some((token, response)) = write.then.into_waiter() {
                effects.push(Effect::Reply { token, response: response.refused(error) });
            }
        }
        for group in std::mem::take(&mut self.groups).into_values() {
            for (token, response) in group.into_waiters(error) {
                effects.push(Effect::Reply { token, response });
            }
        }
        self.offsets = Offsets::default();
        self.deadlines = Deadlines::default();
    }
}
