//! What time alone brings about: late members, ended sessions, expired offsets.
//!
//! Promises: one step of the walk over offsets has a bound, so that requests get their turn between.
//! Does not: hold the deadlines of groups (`deadlines`), or say which offset is too old (`expiry`).

use core::ops::Bound;
use core::time::Duration;

use model::{Instant, Now, Probe};

use super::{Coordinator, Phase};
use crate::deadlines::Reason;
use crate::{Effect, GroupId};

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
    pub(super) fn tick<P: Probe>(&mut self, now: Now, effects: &mut Vec<Effect>, probe: &mut P) {
        if self.phase != Phase::Active {
            return;
        }
        let mut expired_sessions = 0;
        let (groups, mut cx) = self.split(now, effects, probe);
        while let Some((group, reason)) = cx.deadlines.pop_due(now.mono) {
            let group = groups.get_mut(&group).expect("a group takes its deadlines with it");
            match reason {
                Reason::Join => group.join_deadline(&mut cx),
                Reason::Sync => group.sync_deadline(&mut cx),
                Reason::Session(member) => {
                    expired_sessions += u64::from(group.session_deadline(&mut cx, &member));
                }
            }
            group.assert_invariants();
        }
        self.stats.expired_sessions += expired_sessions;
        if self.expiry.next <= now.mono {
            self.expire(now, effects, probe);
        }
    }

    /// Walks on over the groups; a long walk takes several steps.
    fn expire<P: Probe>(&mut self, now: Now, effects: &mut Vec<Effect>, probe: &mut P) {
        let mut after = self.expiry.after.take();
        let (groups, mut cx) = self.split(now, effects, probe);
        let from = after.take().map_or(Bound::Unbounded, Bound::Excluded);
        let mut looked_at = 0;
        for (id, group) in groups.range_mut((from, Bound::Unbounded)) {
            looked_at += group.expire_offsets(&mut cx);
            if looked_at >= EXPIRY_OFFSETS_PER_STEP || cx.writes.len() >= cx.settings.writes_max {
                after = Some(id.clone());
                break;
            }
        }
        let wait = if after.is_none() {
            self.settings.offsets_retention_check_interval
        } else {
            EXPIRY_PAUSE
        };
        self.expiry = Expiry { next: now.mono + wait, after };
    }
}
