//! What a consumer group sees of the metadata image: names, ids and partition counts.
//!
//! Promises: a name and an id find each other; a topic created again under an old name replaces it.
//! Does not: know leaders, replicas or configurations; the shard that owns it applies the deltas.

use std::collections::BTreeMap;

use model::{PartitionIndex, TopicId, TopicPartition};

use crate::TopicName;

/// A topic as an assignor needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicView {
    pub id: TopicId,
    pub partition_count: i32,
}

impl TopicView {
    pub(super) fn partitions(self) -> impl Iterator<Item = TopicPartition> {
        (0..self.partition_count)
            .map(move |it| TopicPartition { topic: self.id, partition: PartitionIndex(it) })
    }
}

/// Every topic of the image. Bounded by the image's own limit on topics.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Topics {
    by_name: BTreeMap<TopicName, TopicView>,
    names: BTreeMap<TopicId, TopicName>,
}

impl Topics {
    /// Notes that a topic exists, or has another number of partitions.
    pub fn insert(&mut self, name: impl Into<TopicName>, topic: TopicView) {
        let name = name.into();
        self.names.insert(topic.id, name.clone());
        if let Some(old) = self.by_name.insert(name, topic)
            && old.id != topic.id
        {
            self.names.remove(&old.id);
        }
    }

    pub fn remove(&mut self, name: &str) {
        if let Some(topic) = self.by_name.remove(name) {
            self.names.remove(&topic.id);
        }
    }

    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<TopicView> {
        self.by_name.get(name).copied()
    }

    #[must_use]
    pub fn name(&self, id: TopicId) -> Option<&TopicName> {
        self.names.get(&id)
    }

    /// Topic names in order.
    pub fn names(&self) -> impl Iterator<Item = &TopicName> {
        self.by_name.keys()
    }
}
