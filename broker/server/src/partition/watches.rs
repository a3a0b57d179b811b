//! Fetches that wait for a partition to have more to read.
//!
//! A watch fires once. It is not taken back when its fetch ends otherwise: its token finds nothing
//! then, and the list is thinned whenever it has doubled.

use model::{Instant, ShardId, Slot};

/// Whom to wake, and until when it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Watch {
    pub(crate) shard: ShardId,
    pub(crate) token: Slot,
    pub(crate) deadline: Instant,
}

const LEN_MIN: usize = 16;

#[derive(Debug)]
pub(super) struct Watches {
    list: Vec<Watch>,
    /// Length at which dead watches are looked for.
    thin_at: usize,
}

impl Default for Watches {
    fn default() -> Self {
        Self { list: Vec::new(), thin_at: LEN_MIN }
    }
}

impl Watches {
    pub(super) fn add(&mut self, watch: Watch, is_live: impl Fn(&Watch) -> bool) {
        if self.list.len() >= self.thin_at {
            self.list.retain(is_live);
            self.thin_at = LEN_MIN.max(self.list.len() * 2);
        }
        self.list.push(watch);
    }

    /// Fires all of them.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Watch> {
        self.list.drain(..)
    }
}
