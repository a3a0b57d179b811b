//! The tasks of one shard and who is polled next.
//!
//! Promises: tasks that are ready run in rounds, in a drawn order; who becomes ready during a round
//! waits for the next one. So a task that yields lets every other ready task run once, and nothing
//! else about the order can be relied upon.

use core::future::Future;
use core::pin::Pin;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::Waker;
use model::splitmix::mix;
use model::{Instant, ShardId};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Wake;

use super::post::{Note, Post};
use super::random::{Concern, Random, moment};
use super::slab::{Slab, SlotKey};
use super::state::Process;
use super::trace::Fold;

/// Tasks of one shard. A simulated node that reaches this leaks tasks.
const TASKS_MAX: usize = 1 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TaskId {
    pub(super) process: Process,
    pub(super) shard: ShardId,
    pub(super) key: SlotKey,
}

pub(super) type Body = Pin<Box<dyn Future<Output = ()>>>;

/// Who decides something: the same task in two runs, even if other tasks come and go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) name: &'static str,
    pub(super) name_hash: u64,
    /// Node, shard, name, and how many of that name came before.
    pub(super) word: u64,
}

struct Task {
    identity: Identity,
    /// Absent while it is being polled.
    body: Option<Body>,
    bell: Arc<Bell>,
    waker: Waker,
    poll_count: u64,
    /// The next poll is one without need, and calls for no other.
    unneeded: bool,
    manner: Manner,
}

/// Draws that hold for one task during one moment.
#[derive(Debug, Clone, Copy)]
struct Manner {
    moment: u64,
    /// From half (64) to five times (640) of the cost of a poll, in parts of 128.
    cost_parts: u64,
    polls_again: bool,
}

/// Polls without need: one in so many.
const SPURIOUS_ONE_IN: u64 = 100;

/// Wakes one task, once until it is polled.
struct Bell {
    rung: AtomicBool,
    task: TaskId,
    post: Post,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            self.post.put(Note::Woken(self.task));
        }
    }
}

/// A task on its way into a poll.
pub(super) struct Turn {
    pub(super) key: SlotKey,
    pub(super) identity: Identity,
    pub(super) poll_count: u64,
    pub(super) cost_parts: u64,
    /// Nobody woke it.
    pub(super) unneeded: bool,
    /// To be polled once more without need.
    pub(super) again: bool,
    pub(super) waker: Waker,
    pub(super) body: Body,
}

pub(super) struct Shard {
    /// Node and shard as one word.
    place: u64,
    tasks: Slab<Task>,
    named: BTreeMap<&'static str, u64>,
    /// The next one is the last.
    round: Vec<SlotKey>,
    next_round: Vec<SlotKey>,
    /// The core is taken until then.
    pub(super) busy_until: Instant,
    /// A turn is in the event queue.
    pub(super) turn_scheduled: bool,
    /// All processor time is multiplied by this.
    pub(super) slowness: u64,
}

impl Shard {
    pub(super) fn new(node: usize, shard: ShardId, slowness: u64, booted_at: Instant) -> Self {
        Self {
            place: (node as u64) << 16 | u64::from(shard.0),
            tasks: Slab::default(),
            named: BTreeMap::new(),
            round: Vec::new(),
            next_round: Vec::new(),
            busy_until: booted_at,
            turn_scheduled: false,
            slowness,
        }
    }

    /// Adds a task that is ready to run.
    pub(super) fn spawn(
        &mut self,
        process: Process,
        shard: ShardId,
        name: &'static str,
        post: &Post,
        body: Body,
    ) -> Identity {
        assert!(self.tasks.len() < TASKS_MAX, "{TASKS_MAX} tasks on one shard, the next: {name}");
        let earlier = self.named.entry(name).or_insert(0);
        *earlier += 1;
        let name_hash = Fold::bytes(name.as_bytes());
        let word = mix(mix(self.place ^ name_hash).wrapping_add(*earlier));
        let identity = Identity { name, name_hash, word };
        let manner = Manner { moment: u64::MAX, cost_parts: 0, polls_again: false };
        let key = self.tasks.insert_with(|key| {
            let task = TaskId { process, shard, key };
            let bell = Bell { rung: AtomicBool::new(true), task, post: post.clone() };
            let bell = Arc::new(bell);
            let waker = Waker::from(Arc::clone(&bell));
            Task { identity, body: Some(body), bell, waker, poll_count: 0, unneeded: false, manner }
        });
        self.next_round.push(key);
        identity
    }

    /// Marks the task ready; nothing happens when it has ended.
    pub(super) fn wake(&mut self, key: SlotKey) {
        if self.tasks.get(key).is_some() {
            self.next_round.push(key);
        }
    }

    pub(super) fn has_ready(&self) -> bool {
        !self.round.is_empty() || !self.next_round.is_empty()
    }

    /// Nothing to do and nothing being done.
    pub(super) fn sleeps(&self, now: Instant) -> bool {
        !self.has_ready() && self.busy_until <= now
    }

    /// Takes a ready task out for its poll; `None` when those that were ready have ended.
    pub(super) fn begin(&mut self, now: Instant, random: Random) -> Option<Turn> {
        let moment = moment(now);
        loop {
            if self.round.is_empty() {
                self.begin_round(moment, random);
            }
            let key = self.round.pop()?;
            let Some(task) = self.tasks.get_mut(key) else { continue };
            task.bell.rung.store(false, Ordering::Release);
            task.poll_count += 1;
            if task.manner.moment != moment {
                task.manner = Manner::draw(task.identity, moment, random);
            }
            let unneeded = core::mem::take(&mut task.unneeded);
            return Some(Turn {
                key,
                identity: task.identity,
                poll_count: task.poll_count,
                cost_parts: task.manner.cost_parts,
                unneeded,
                again: task.manner.polls_again && !unneeded,
                waker: task.waker.clone(),
                body: task.body.take().expect("a task is polled by one turn at a time"),
            });
        }
    }

    /// Each ready task draws its place by its own name: one more task moves no other.
    fn begin_round(&mut self, moment: u64, random: Random) {
        core::mem::swap(&mut self.round, &mut self.next_round);
        if self.round.len() > 1 {
            let tasks = &self.tasks;
            self.round.sort_by_cached_key(|key| {
                let identity = tasks.get(*key).map_or(0, |task| task.identity.word);
                random.draw(Concern::Schedule, &[identity, moment])
            });
        }
    }

    /// Puts a task back that waits for something.
    pub(super) fn put_back(&mut self, key: SlotKey, body: Body, again: bool) {
        let task = self.tasks.get_mut(key).expect("a task stays while it is polled");
        task.body = Some(body);
        if again && !task.bell.rung.swap(true, Ordering::AcqRel) {
            task.unneeded = true;
            self.next_round.push(key);
        }
    }

    /// Forgets a task whose future has completed.
    pub(super) fn end(&mut self, key: SlotKey) {
        self.tasks.remove(key);
    }
}

impl Manner {
    fn draw(identity: Identity, moment: u64, random: Random) -> Self {
        let key = [identity.word, moment];
        Self {
            moment,
            cost_parts: random.within(Concern::PollCost, &key, 64..=640),
            polls_again: random.one_in(SPURIOUS_ONE_IN, Concern::SpuriousPoll, &key),
        }
    }
}
