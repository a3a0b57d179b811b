//! Batches of one request on one shard: who counts down until all outcomes are known.
//!
//! Promises: an owner is told once, when the last of its batches is settled.

use core::cell::RefCell;

use model::{ShardId, Slot, Slots};
use runtime::Runtime;
use runtime::sync::Promise;

use super::{Append, Outcome, Placed, Refusal};
use crate::mesh::Reply;
use crate::partition::Waiter;
use crate::shard::Shard;

/// Who wants to know.
pub(crate) enum Owner {
    Connection(Promise<Vec<Outcome>>),
    /// A connection of another shard.
    Mesh {
        shard: ShardId,
        token: Slot,
    },
}

impl Owner {
    pub(crate) fn tell<R: Runtime>(self, shard: &Shard<R>, outcomes: Vec<Outcome>) {
        match self {
            Self::Connection(promise) => promise.fulfil(outcomes),
            Self::Mesh { shard: to, token } => {
                shard.mesh.reply(to, token, Reply::Produced(outcomes));
            }
        }
    }
}

struct Group {
    owner: Owner,
    outcomes: Vec<Outcome>,
    /// Batches without a final outcome, and one until all have been started.
    open_count: usize,
}

pub(crate) struct Groups(RefCell<Slots<Group>>);

impl Groups {
    pub(crate) fn new(limit: usize) -> Self {
        Self(RefCell::new(Slots::new(limit)))
    }

    /// Starts a group of these batches; gives the owner back when there are too many groups.
    pub(super) fn open(&self, appends: &[Append], owner: Owner) -> Result<Slot, Owner> {
        let unsettled = |append: &Append| Outcome {
            place: append.place,
            result: Err(Refusal::from(model::ErrorCode::UnknownServerError)),
        };
        let outcomes = appends.iter().map(unsettled).collect();
        let group = Group { owner, outcomes, open_count: appends.len() + 1 };
        self.0.borrow_mut().insert(group).map_err(|group| group.owner)
    }

    /// The batch has its place, and is not safe yet.
    pub(crate) fn placed(&self, waiter: Waiter, placed: Placed) {
        if let Some(group) = self.0.borrow_mut().get_mut(waiter.group) {
            group.outcomes[waiter.item as usize].result = Ok(placed);
        }
    }

    /// The batch is safe.
    pub(crate) fn done<R: Runtime>(&self, waiter: Waiter, shard: &Shard<R>) {
        self.count_down(waiter.group, shard);
    }

    pub(crate) fn failed<R: Runtime>(
        &self,
        waiter: Waiter,
        why: impl Into<Refusal>,
        shard: &Shard<R>,
    ) {
        if let Some(group) = self.0.borrow_mut().get_mut(waiter.group) {
            group.outcomes[waiter.item as usize].result = Err(why.into());
        }
        self.count_down(waiter.group, shard);
    }

    pub(super) fn all_started<R: Runtime>(&self, group: Slot, shard: &Shard<R>) {
        self.count_down(group, shard);
    }

    fn count_down<R: Runtime>(&self, slot: Slot, shard: &Shard<R>) {
        let complete = {
            let mut groups = self.0.borrow_mut();
            let group =
                groups.get_mut(slot).expect("a group lives until its last batch is settled");
            group.open_count -= 1;
            if group.open_count > 0 {
                return;
            }
            groups.remove(slot).expect("looked up above")
        };
        complete.owner.tell(shard, complete.outcomes);
    }
}
