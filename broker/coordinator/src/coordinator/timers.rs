//! What time alone brings about: late members, ended sessions, expired offsets.
//!
//! Promises: one step of the walk over offsets has a bound, so that requests get their turn between.
//! Does not: hold the deadlines of groups (`deadlines`), or say which offset is too old (`expiry`).

use core::ops::Bound;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use model::{Bug, Instant, Probe};

use super::consumer_requests::settle;
use super::{Coordinator, Phase, Step};
use crate::deadlines::Reason;
use crate::group::Group;
use crate::{GroupId, MemberId};

/// Offsets that one step looks at for expiry before it lets others run.
const EXPIRY_OFFSETS_PER_STEP: usize = 10_000;
/// Between two such steps, so that the tombstones of the first can become durable.
const EXPIRY_PAUSE: Duration = Duration::from_millis(10);

/// The walk over all groups for expired offsets.
#[derive(Debug, Default)]
pub(super) struct Expiry {
    pub(super) next: Instant,
    /// The walk under way goes on after this group.
    pub(super) after: Option<GroupId>,
}

impl Coordinator {
    pub(super) fn tick<P: Probe>(&mut self, step: &mut Step<'_, P>) {
        if self.phase != Phase::Active {
            return;
        }
        let mut expired_sessions = 0;
        // Members of one consumer group that are due together cost it one assignment.
        let mut late: BTreeMap<GroupId, BTreeSet<MemberId>> = BTreeMap::new();
        let (groups, mut cx) = self.split(step);
        while let Some((id, reason)) = cx.deadlines.pop_due(cx.now.mono) {
            let is_session = matches!(reason, Reason::Session(_));
            if is_session && cx.probe.planted(Bug::SessionNeverExpires) {
                continue;
            }
            let group = groups.get_mut(&id).expect("a group takes its deadlines with it");
            match (group, reason) {
                (Group::Classic(group), Reason::Join) => group.join_deadline(&mut cx),
                (Group::Classic(group), Reason::Sync) => group.sync_deadline(&mut cx),
                (Group::Classic(group), Reason::Session(member)) => {
                    expired_sessions += u64::from(group.session_deadline(&mut cx, &member));
                    group.assert_invariants();
                }
                (Group::Consumer(_), Reason::Assignment) => {
                    late.entry(id).or_default();
                }
                (Group::Consumer(group), Reason::Topics) => {
                    group.look_at_topics(&mut cx);
                    late.entry(id).or_default();
                }
                (
                    Group::Consumer(_),
                    Reason::Session(member)
                    | Reason::Revocation(member)
                    | Reason::MemberJoin(member)
                    | Reason::MemberSync(member),
                ) => {
                    late.entry(id).or_default().insert(member);
                }
                (group, reason) => panic!("{reason:?} concerns no group like {group:?}"),
            }
        }
        for (id, members) in late {
            if let Some(Group::Consumer(group)) = groups.get_mut(&id) {
                expired_sessions += group.expire_members(&mut cx, &members);
            }
            settle(groups, &mut cx, &id);
        }
        self.stats.expired_sessions += expired_sessions;
        if self.expiry.next <= step.now.mono {
            self.expire(step);
        }
    }

    /// Walks on over the groups; a long walk takes several steps.
    fn expire<P: Probe>(&mut self, step: &mut Step<'_, P>) {
        let now = step.now;
        let mut after = self.expiry.after.take();
        let (groups, mut cx) = self.split(step);
        let from = after.take().map_or(Bound::Unbounded, Bound::Excluded);
        let mut looked_at = 0;
        let mut deleted = Vec::new();
        for (id, group) in groups.range_mut((from, Bound::Unbounded)) {
            looked_at += match group {
                Group::Classic(group) => group.expire_offsets(&mut cx),
                Group::Consumer(group) => {
                    let looked_at = group.expire_offsets(&mut cx);
                    deleted.extend(group.is_blank().then(|| id.clone()));
                    looked_at
                }
            };
            if looked_at >= EXPIRY_OFFSETS_PER_STEP || cx.writes.len() >= cx.settings.writes_max {
                after = Some(id.clone());
                break;
            }
        }
        for id in deleted {
            settle(groups, &mut cx, &id);
        }
        let wait = if after.is_none() {
            self.settings.offsets_retention_check_interval
        } else {
            EXPIRY_PAUSE
        };
        self.expiry = Expiry { next: now.mono + wait, after };
    }
}
