//! Fetches that wait for a partition to have news.
//!
//! A watch fires once. It is not taken back when its fetch or session ends otherwise: its token finds
//! nothing then. A waiter's place is used again, so that a partition keeps at most one watch for each
//! place of each shard.

use std::collections::BTreeMap;

use model::{ShardId, Slot};

/// Whom to wake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Watch {
    pub(crate) shard: ShardId,
    pub(crate) token: Slot,
    /// What the waiter calls this partition.
    pub(crate) part: u64,
}

#[derive(Debug, Default)]
pub(super) struct Watches(BTreeMap<(ShardId, u32), Watch>);

impl Watches {
    /// Whoever had this place on that shard before has ended, or asks again.
    pub(super) fn add(&mut self, watch: Watch) {
        self.0.insert((watch.shard, watch.token.index), watch);
    }

    /// Fires all of them.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Watch> {
        core::mem::take(&mut self.0).into_values()
    }
}
