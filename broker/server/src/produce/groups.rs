//! Batches of one request on one shard: who counts down until all outcomes are known, or time is up.
//!
//! Promises: an owner is told once, when the last of its batches is settled or at its deadline. What is
//! settled after that finds nobody and is dropped: the records may still become safe.

use core::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use model::{ErrorCode, Instant, ShardId, Slot, Slots};
use runtime::Runtime;
use runtime::sync::{Notify, Promise, race};

use super::{Append, Outcome, Placed, Refusal};
use crate::mesh::Reply;
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

/// One batch of a request: the request's part that this shard works on, and the batch's place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) group: Slot,
    pub(crate) item: u32,
}

struct Group {
    owner: Owner,
    items: Vec<Item>,
    /// Items that are not settled, and one until all have been started.
    open_count: usize,
    deadline: Option<Instant>,
}

struct Item {
    outcome: Outcome,
    is_settled: bool,
}

impl Group {
    /// `None` for a batch that was settled before: such news comes late and changes nothing.
    fn unsettled(&mut self, item: u32) -> Option<&mut Item> {
        self.items.get_mut(item as usize).filter(|item| !item.is_settled)
    }

    fn tell<R: Runtime>(self, shard: &Shard<R>) {
        self.owner.tell(shard, self.items.into_iter().map(|item| item.outcome).collect());
    }
}

pub(crate) struct Groups {
    open: RefCell<Slots<Group>>,
    /// Of the open groups, earliest first.
    deadlines: RefCell<BTreeSet<(Instant, Slot)>>,
    /// When [`expire`] looks next; `None` while it waits to be told.
    looks_at: Cell<Option<Instant>>,
    earlier: Notify,
}

impl Groups {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            open: RefCell::new(Slots::new(limit)),
            deadlines: RefCell::default(),
            looks_at: Cell::new(None),
            earlier: Notify::new(),
        }
    }

    /// Starts a group of these batches; gives the owner back when there are too many groups.
    pub(super) fn open(
        &self,
        appends: &[Append],
        owner: Owner,
        deadline: Option<Instant>,
    ) -> Result<Slot, Owner> {
        let unsettled = |append: &Append| Item {
            outcome: Outcome {
                place: append.place,
                result: Err(Refusal::from(ErrorCode::UnknownServerError)),
            },
            is_settled: false,
        };
        let items = appends.iter().map(unsettled).collect();
        let group = Group { owner, items, open_count: appends.len() + 1, deadline };
        let slot = self.open.borrow_mut().insert(group).map_err(|group| group.owner)?;
        if let Some(deadline) = deadline {
            self.deadlines.borrow_mut().insert((deadline, slot));
            // Timeouts of one kind of client are alike, so this is rare.
            if self.looks_at.get().is_none_or(|at| deadline < at) {
                self.looks_at.set(Some(deadline));
                self.earlier.notify();
            }
        }
        Ok(slot)
    }

    /// The batch has its place, and is not safe yet.
    pub(crate) fn placed(&self, place: Place, placed: Placed) {
        let mut open = self.open.borrow_mut();
        if let Some(item) = open.get_mut(place.group).and_then(|it| it.unsettled(place.item)) {
            item.outcome.result = Ok(placed);
        }
    }

    /// The batch is safe.
    pub(crate) fn done<R: Runtime>(&self, place: Place, shard: &Shard<R>) {
        self.settle(place, None, shard);
    }

    pub(crate) fn failed<R: Runtime>(
        &self,
        place: Place,
        why: impl Into<Refusal>,
        shard: &Shard<R>,
    ) {
        self.settle(place, Some(why.into()), shard);
    }

    fn settle<R: Runtime>(&self, place: Place, refusal: Option<Refusal>, shard: &Shard<R>) {
        {
            let mut open = self.open.borrow_mut();
            let group = open.get_mut(place.group);
            let Some(item) = group.and_then(|group| group.unsettled(place.item)) else { return };
            item.is_settled = true;
            if let Some(refusal) = refusal {
                item.outcome.result = Err(refusal);
            }
        }
        self.count_down(place.group, shard);
    }

    pub(super) fn all_started<R: Runtime>(&self, group: Slot, shard: &Shard<R>) {
        self.count_down(group, shard);
    }

    fn count_down<R: Runtime>(&self, slot: Slot, shard: &Shard<R>) {
        let complete = {
            let mut open = self.open.borrow_mut();
            let group = open.get_mut(slot).expect("an open group was seen in this step");
            group.open_count -= 1;
            if group.open_count > 0 {
                return;
            }
            open.remove(slot).expect("looked up above")
        };
        if let Some(deadline) = complete.deadline {
            self.deadlines.borrow_mut().remove(&(deadline, slot));
        }
        complete.tell(shard);
    }

    /// Tells the owners whose time is up; batches without an outcome have timed out.
    fn expire<R: Runtime>(&self, shard: &Shard<R>) {
        let now = shard.rt.now().mono;
        loop {
            let due = {
                let mut deadlines = self.deadlines.borrow_mut();
                match deadlines.first() {
                    Some((deadline, _)) if *deadline <= now => deadlines.pop_first(),
                    _ => None,
                }
            };
            let Some((_, slot)) = due else { return };
            let group = self.open.borrow_mut().remove(slot);
            let mut group = group.expect("a group leaves together with its deadline");
            for item in group.items.iter_mut().filter(|item| !item.is_settled) {
                item.outcome.result = Err(ErrorCode::RequestTimedOut.into());
                shard.count(|stats| stats.produce_timeouts += 1);
            }
            group.tell(shard);
        }
    }

    /// Waits until a deadline may have come.
    async fn due<R: Runtime>(&self, shard: &Shard<R>) {
        let first = self.deadlines.borrow().first().map(|(deadline, _)| *deadline);
        self.looks_at.set(first);
        match first {
            Some(at) => {
                race(shard.rt.sleep_until(at), self.earlier.notified()).await;
            }
            None => self.earlier.notified().await,
        }
    }
}

/// Answers what is not safe in time, for as long as the shard runs.
pub(crate) async fn expire<R: Runtime>(shard: &Shard<R>) {
    loop {
        shard.groups.due(shard).await;
        shard.groups.expire(shard);
    }
}
