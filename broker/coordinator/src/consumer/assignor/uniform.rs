//! The uniform assignor: as even as subscriptions allow, moving as little as that takes.
//!
//! Promises: no partition could move to a subscriber that owns at least two partitions fewer, so
//! members with equal subscriptions differ by at most one; a partition leaves its previous owner
//! only if the owner is gone, no longer subscribes, or owns too much.
//! Does not: spread each single topic evenly (that is what `range` is for).

use std::collections::{BTreeMap, BTreeSet};

use model::{TopicId, TopicPartition};

use super::AssignorInput;
use crate::MemberId;
use crate::consumer::record::Partitions;
use crate::consumer::topics::TopicView;

pub(super) fn assign(input: &AssignorInput<'_>) -> BTreeMap<MemberId, Partitions> {
    let mut balance = Balance::new(input);
    balance.keep_previous();
    balance.hand_out_rest();
    balance.level();
    let names = input.members.keys();
    names.cloned().zip(balance.owned.into_iter().map(flatten)).collect()
}

type ByTopic = BTreeMap<TopicId, BTreeSet<TopicPartition>>;

fn flatten(by_topic: ByTopic) -> Partitions {
    by_topic.into_values().flatten().collect()
}

/// Members are numbered in the order of their ids. Those with equal subscriptions form a class:
/// the usual group is a single class, and its least loaded member is found in one step.
struct Balance<'a> {
    input: &'a AssignorInput<'a>,
    class_of: Vec<usize>,
    /// Of each class: its members by the number of their partitions.
    by_load: Vec<BTreeSet<(usize, usize)>>,
    /// The classes that subscribe to a topic.
    subscribers: BTreeMap<TopicId, Vec<usize>>,
    owned: Vec<ByTopic>,
    loads: Vec<usize>,
    owner: BTreeMap<TopicPartition, usize>,
}

impl<'a> Balance<'a> {
    fn new(input: &'a AssignorInput<'a>) -> Self {
        let member_count = input.members.len();
        let mut classes: BTreeMap<&BTreeSet<TopicId>, usize> = BTreeMap::new();
        let mut class_of = Vec::with_capacity(member_count);
        let mut by_load: Vec<BTreeSet<(usize, usize)>> = Vec::new();
        for (at, member) in input.members.values().enumerate() {
            let class = *classes.entry(&member.topics).or_insert(by_load.len());
            if class == by_load.len() {
                by_load.push(BTreeSet::new());
            }
            by_load[class].insert((0, at));
            class_of.push(class);
        }
        let mut subscribers: BTreeMap<TopicId, Vec<usize>> = BTreeMap::new();
        for (topics, class) in classes {
            for topic in topics.iter().filter(|it| input.topics.contains_key(it)) {
                subscribers.entry(*topic).or_default().push(class);
            }
        }
        Self {
            input,
            class_of,
            by_load,
            subscribers,
            owned: vec![ByTopic::new(); member_count],
            loads: vec![0; member_count],
            owner: BTreeMap::new(),
        }
    }

    fn keep_previous(&mut self) {
        for (at, member) in self.input.members.values().enumerate() {
            for partition in member.previous {
                let exists = self.input.topics.get(&partition.topic);
                let exists = exists.is_some_and(|count| partition.partition.0 < *count);
                let subscribed = member.topics.contains(&partition.topic);
                if exists && subscribed && !self.owner.contains_key(partition) {
                    self.give(*partition, at);
                }
            }
        }
    }

    /// Topics with few subscribers first: the others can make up for them.
    fn hand_out_rest(&mut self) {
        let members_of = |classes: &Vec<usize>| -> usize {
            classes.iter().map(|class| self.by_load[*class].len()).sum()
        };
        let mut topics: Vec<(usize, TopicId)> =
            self.subscribers.iter().map(|(topic, it)| (members_of(it), *topic)).collect();
        topics.sort_unstable();
        for (_, id) in topics {
            for partition in
                (TopicView { id, partition_count: self.input.topics[&id] }).partitions()
            {
                if !self.owner.contains_key(&partition) {
                    let (_, to) = self.least_loaded(id);
                    self.give(partition, to);
                }
            }
        }
    }

    /// Takes from the most loaded first, so that all come down to the level together and nobody
    /// gives up what it would get back. Ends, because every move makes the sum of squared loads
    /// smaller.
    fn level(&mut self) {
        loop {
            let mut moved = false;
            let mut active: BTreeSet<(usize, usize)> =
                self.loads.iter().copied().zip(0..).collect();
            while let Some((load, from)) = active.pop_last() {
                let Some((topic, to)) = self.relief(from) else { continue };
                let partition = self.owned[from][&topic].last().copied();
                let partition = partition.expect("a topic without partitions is not kept");
                if active.remove(&(self.loads[to], to)) {
                    active.insert((self.loads[to] + 1, to));
                }
                self.take(partition, from);
                self.give(partition, to);
                active.insert((load - 1, from));
                moved = true;
            }
            if !moved {
                return;
            }
        }
    }

    /// A topic of `from` and the least loaded member that could take a partition of it.
    fn relief(&self, from: usize) -> Option<(TopicId, usize)> {
        let candidates = self.owned[from].keys().map(|topic| {
            let (load, to) = self.least_loaded(*topic);
            (load, to, *topic)
        });
        let (load, to, topic) = candidates.min()?;
        (load + 2 <= self.loads[from]).then_some((topic, to))
    }

    fn least_loaded(&self, topic: TopicId) -> (usize, usize) {
        let classes = self.subscribers[&topic].iter();
        let first = classes.filter_map(|class| self.by_load[*class].first()).min();
        *first.expect("a topic has subscribers")
    }

    fn give(&mut self, partition: TopicPartition, to: usize) {
        self.owner.insert(partition, to);
        self.owned[to].entry(partition.topic).or_default().insert(partition);
        self.set_load(to, self.loads[to] + 1);
    }

    fn take(&mut self, partition: TopicPartition, from: usize) {
        self.owner.remove(&partition);
        let of_topic = self.owned[from].get_mut(&partition.topic).expect("owns the partition");
        of_topic.remove(&partition);
        if of_topic.is_empty() {
            self.owned[from].remove(&partition.topic);
        }
        self.set_load(from, self.loads[from] - 1);
    }

    fn set_load(&mut self, member: usize, load: usize) {
        let by_load = &mut self.by_load[self.class_of[member]];
        by_load.remove(&(self.loads[member], member));
        by_load.insert((load, member));
        self.loads[member] = load;
    }
}
