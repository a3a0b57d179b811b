//! What this shard knows of the topics, in the form that the data path asks for.
//!
//! Derived from the metadata image whenever that changes ([`topics_changed`], [`topic_removed`]): the
//! data path looks here, not into the image. Replicas whose home is this shard are opened, told their
//! role and deleted here.

use std::collections::BTreeMap;
use std::rc::Rc;

use controller::{PartitionImage, TopicImage};
use model::{ErrorCode, LeaderEpoch, PartitionIndex, ShardId, TopicId, TopicPartition};
use replication::{Event, LogEnds, Producers, Replica};
use runtime::Runtime;
use runtime::sync::gather;
use storage::{LogId, StorageError};

use crate::boot::Level;
use crate::control::view;
use crate::offline::{Failure, OfflineLogs};
use crate::partition::{Partition, ProducerRecovery};
use crate::settings::TopicSettings;
use crate::shard::Shard;

/// One topic.
pub(crate) struct Topic {
    pub(crate) id: TopicId,
    pub(crate) name: String,
    /// Partitions are dense from 0.
    pub(crate) partition_count: i32,
    pub(crate) settings: TopicSettings,
}

impl Topic {
    /// The partition of this topic that a request names, and the shard that owns it.
    pub(crate) fn partition(
        &self,
        index: i32,
        shard_count: u16,
    ) -> Result<(TopicPartition, ShardId), ErrorCode> {
        if !(0..self.partition_count).contains(&index) {
            return Err(ErrorCode::UnknownTopicOrPartition);
        }
        let at = TopicPartition { topic: self.id, partition: PartitionIndex(index) };
        Ok((at, at.home(shard_count)))
    }

    /// Written by the broker itself; clients may only read it (Kafka `Topic.isInternal`).
    pub(crate) fn is_internal(&self) -> bool {
        view::is_internal(&self.name)
    }
}

#[derive(Default)]
pub(crate) struct Topics {
    by_id: BTreeMap<TopicId, Rc<Topic>>,
    by_name: BTreeMap<String, Rc<Topic>>,
}

impl Topics {
    pub(crate) fn by_id(&self, id: TopicId) -> Option<&Rc<Topic>> {
        self.by_id.get(&id)
    }

    pub(crate) fn by_name(&self, name: &str) -> Option<&Rc<Topic>> {
        self.by_name.get(name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Rc<Topic>> {
        self.by_name.values()
    }

    pub(crate) fn insert(&mut self, topic: Rc<Topic>) {
        self.by_name.insert(topic.name.clone(), Rc::clone(&topic));
        self.by_id.insert(topic.id, topic);
    }

    pub(crate) fn remove(&mut self, id: TopicId) -> Option<Rc<Topic>> {
        let topic = self.by_id.remove(&id)?;
        // The name may belong to a newer topic already.
        if self.by_name.get(&topic.name).is_some_and(|named| named.id == id) {
            self.by_name.remove(&topic.name);
        }
        Some(topic)
    }
}

/// `producer.id.expiration.ms`.
pub(crate) const PRODUCER_EXPIRATION_MS: i64 = 86_400_000;

/// Logs that are opened side by side: each has a handful of small reads to wait for.
const LOGS_OPENING: usize = 32;

/// Makes this shard's view of the topics what the image says, and its replicas with it.
pub(crate) async fn topics_changed<R: Runtime>(
    shard: &Shard<R>,
    changed: Vec<(TopicImage, TopicSettings)>,
) {
    let mut topics = Vec::new();
    let mut replicas = Vec::new();
    for (image, settings) in changed {
        let topic = Rc::new(Topic {
            id: image.id,
            name: image.name.clone(),
            partition_count: i32::try_from(image.partitions.len()).unwrap_or(i32::MAX),
            settings,
        });
        for (partition, index) in image.partitions.into_iter().zip(0..) {
            let at = TopicPartition { topic: topic.id, partition: PartitionIndex(index) };
            let is_replica = partition.replicas.contains(&shard.boot.node_id);
            if is_replica && at.home(shard.shard_count) == shard.id {
                replicas.push((at, Rc::clone(&topic), partition));
            }
        }
        topics.push(topic);
    }
    // One that failed before stays closed until a restart.
    let absent = replicas
        .iter()
        .filter(|(at, ..)| shard.partition(*at).is_none() && shard.offline.failure(*at).is_none());
    gather(absent.map(|(at, topic, _)| open_or_report(shard, *at, topic)), LOGS_OPENING).await;
    for (at, topic, image) in &replicas {
        if let Some(replica) = shard.partition(*at) {
            replica.set_topic(shard, Rc::clone(topic));
            replica.hear(shard, role(shard, image));
        }
    }
    // Last: whoever finds a topic finds its replicas open.
    for topic in topics {
        shard.topics.borrow_mut().insert(topic);
    }
    shard.wakes.send(shard);
}

/// A log that does not open concerns its partition alone.
async fn open_or_report<R: Runtime>(shard: &Shard<R>, at: TopicPartition, topic: &Rc<Topic>) {
    if let Err(error) = open(shard, at, topic).await {
        let (name, index) = (&topic.name, at.partition);
        let text = format!("cannot open log topic={name} partition={index}: {error}");
        OfflineLogs::report(shard, at, Failure::Open);
        shard.log(Level::Error, text);
    }
}

fn role<R: Runtime>(shard: &Shard<R>, image: &PartitionImage) -> Event {
    let leader_epoch = image.leader_epoch;
    if image.leader == Some(shard.boot.node_id) {
        let (isr, replicas) = (image.isr.clone(), image.replicas.clone());
        Event::BecomeLeader { leader_epoch, isr, replicas }
    } else {
        Event::BecomeFollower { leader: image.leader, leader_epoch }
    }
}

async fn open<R: Runtime>(
    shard: &Shard<R>,
    at: TopicPartition,
    topic: &Rc<Topic>,
) -> Result<(), StorageError> {
    let producers = Producers::new(shard.limits.producers_per_partition, PRODUCER_EXPIRATION_MS);
    let mut recovery = ProducerRecovery(producers);
    let id = LogId { at, topic: topic.name.clone() };
    let log = shard.store().open_log(id, topic.settings.log.clone(), &mut recovery).await?;
    let end = log.end_offset();
    // Recovery keeps only what is durable, and there is no other replica to agree with.
    let ends = LogEnds {
        log_start_offset: log.start_offset(),
        high_watermark: end,
        durable_end: end,
        log_end_offset: end,
    };
    let min_isr = topic.settings.min_isr;
    let replica = Replica::new(at, shard.boot.node_id, min_isr, ends, recovery.0);
    shard.put_partition(Rc::new(Partition::new(Rc::clone(topic), log, replica)));
    Ok(())
}

/// Ends the replicas of a deleted topic and gives their files to deletion.
pub(crate) async fn topic_removed<R: Runtime>(shard: &Shard<R>, id: TopicId) {
    shard.topics.borrow_mut().remove(id);
    shard.offline.forget(id);
    for partition in shard.take_partitions(id) {
        let leader_epoch = partition.replica().leader_epoch().unwrap_or_default();
        let leader_epoch = LeaderEpoch(leader_epoch.0.saturating_add(1));
        partition.hear(shard, Event::BecomeFollower { leader: None, leader_epoch });
        if let Err(error) = shard.store().delete_log(partition.at).await {
            shard.log(Level::Error, format!("cannot delete a log of topic {id}: {error}"));
        }
    }
    shard.wakes.send(shard);
}
