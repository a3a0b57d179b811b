//! Which committed offsets have outlived their group (KIP-211), and the end of empty groups.
//!
//! Promises: an offset that a member may still need is kept; a deserted group whose last offset is
//! gone ends with a tombstone. Does not: know when to look.
//! Source: Kafka `ClassicGroup.offsetExpirationCondition`, `OffsetExpirationConditionImpl`.

use model::Probe;

use crate::classic::{ClassicGroup, GroupState};
use crate::commit;
use crate::context::Context;
use crate::writes::Then;
use crate::{CommittedOffset, GroupId, NamedPartition, Record};

/// How many offsets of a group were looked at, and those of them that have expired. `since_ms` says
/// when an offset's retention begins; `None` keeps it for as long as the group is like this.
pub(crate) fn expired<P: Probe>(
    cx: &Context<'_, P>,
    group: &GroupId,
    since_ms: impl Fn(&NamedPartition, &CommittedOffset) -> Option<i64>,
) -> (usize, Vec<NamedPartition>) {
    let mut looked_at = 1;
    let mut expired = Vec::new();
    for (at, offset) in cx.offsets.of_group(group) {
        looked_at += 1;
        // A newer commit is on its way.
        let newer = cx.offsets.under_way(group, at).is_some();
        if !newer && since_ms(at, offset).is_some_and(|since| is_expired(cx, since, offset)) {
            expired.push(at.clone());
        }
    }
    (looked_at, expired)
}

fn is_expired<P: Probe>(cx: &Context<'_, P>, since_ms: i64, offset: &CommittedOffset) -> bool {
    if let Some(expire_ms) = offset.expire_timestamp_ms {
        return cx.now.wall_ms >= expire_ms;
    }
    let age_ms = i128::from(cx.now.wall_ms) - i128::from(since_ms);
    age_ms >= i128::try_from(cx.settings.offsets_retention.as_millis()).unwrap_or(i128::MAX)
}

impl ClassicGroup {
    /// Expires what may go; returns how many offsets it looked at.
    pub(crate) fn expire_offsets<P: Probe>(&mut self, cx: &mut Context<'_, P>) -> usize {
        if self.is(GroupState::Dead) {
            return 1;
        }
        let since_ms =
            |at: &NamedPartition, offset: &CommittedOffset| self.retention_begins_ms(at, offset);
        let (looked_at, expired) = expired(cx, &self.id, since_ms);
        let last = cx.offsets.latest_keys(&self.id).len() == expired.len();
        if last && self.is_deserted() {
            self.delete(cx, None);
        } else {
            commit::forget(cx, &self.id, expired);
        }
        looked_at
    }

    /// Tombstones for all that the group has; it is Dead until they are durable.
    pub(crate) fn delete<P: Probe>(
        &mut self,
        cx: &mut Context<'_, P>,
        token: Option<crate::Token>,
    ) {
        assert!(self.is(GroupState::Empty), "group {} is {}", self.id, self.state());
        let offsets = cx.offsets.latest_keys(&self.id).into_iter();
        let mut records: Vec<Record> = offsets
            .map(|at| Record::OffsetCommit { group: self.id.clone(), at, value: None })
            .collect();
        records.push(Record::GroupMetadata { group: self.id.clone(), value: None });
        self.set_dead();
        cx.write_in_pieces(records, Then::GroupDeleted { group: self.id.clone(), token });
    }

    /// `None`: kept for as long as the group is like this.
    fn retention_begins_ms(&self, at: &NamedPartition, offset: &CommittedOffset) -> Option<i64> {
        if !self.has_protocol_type() {
            // Nobody ever joined: a commit is the only sign of life.
            return Some(offset.commit_timestamp_ms);
        }
        if self.is(GroupState::Empty) {
            return Some(self.state_since_ms().unwrap_or(offset.commit_timestamp_ms));
        }
        let unread = self.is(GroupState::Stable)
            && self.uses_consumer_protocol()
            && self.subscribed().is_some_and(|topics| !topics.contains(&at.topic));
        unread.then_some(offset.commit_timestamp_ms)
    }
}
