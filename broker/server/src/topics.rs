//! What this shard knows of the topics, in the form that the data path asks for.
//!
//! Derived from the metadata image whenever that changes ([`topics_changed`], [`topic_removed`]): the
//! data path looks here, not into the image. Replicas whose home is this shard are opened, told their
//! role and deleted here.

use core::time::Duration;
use std::collections::BTreeMap;
use std::rc::Rc;

use controller::{PartitionImage, TopicImage};
use model::{ErrorCode, LeaderEpoch, PartitionIndex, ShardId, TopicId, TopicPartition};
use replication::{Event, LogEnds, Producers, Replica};
use runtime::Runtime;
use runtime::sync::gather;
use storage::{Log, LogId, StorageError};

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
/// Pause between two attempts to bring a log back on a full disk.
const COME_BACK_RETRY: Duration = Duration::from_secs(1);

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
            shard.coordinators.follow(shard, &replica);
        }
    }
    // Last: whoever finds a topic finds its replicas open.
    for topic in &topics {
        shard.topics.borrow_mut().insert(Rc::clone(topic));
    }
    shard.coordinators.topics_changed(shard, &topics);
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

/// What the image says that this node's replica is.
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
    let mut recovery = producer_recovery(shard);
    let id = LogId { at, topic: topic.name.clone() };
    let log = shard.store().open_log(id, topic.settings.log.clone(), &mut recovery).await?;
    take_in(shard, topic, log, recovery);
    Ok(())
}

fn producer_recovery<R: Runtime>(shard: &Shard<R>) -> ProducerRecovery {
    let limits = &shard.limits;
    ProducerRecovery(Producers::new(limits.producers_per_partition, PRODUCER_EXPIRATION_MS))
}

/// The replica of a log that was just recovered, not yet told its role.
fn take_in<R: Runtime>(
    shard: &Shard<R>,
    topic: &Rc<Topic>,
    log: Log<R>,
    recovery: ProducerRecovery,
) -> Rc<Partition<R>> {
    let end = log.end_offset();
    // Recovery keeps only what is durable, and there is no other replica to agree with.
    let ends = LogEnds {
        log_start_offset: log.start_offset(),
        high_watermark: end,
        durable_end: end,
        log_end_offset: end,
    };
    let min_isr = topic.settings.min_isr;
    let replica = Replica::new(log.id().at, shard.boot.node_id, min_isr, ends, recovery.0);
    let partition = Rc::new(Partition::new(Rc::clone(topic), log, replica));
    let known = Rc::downgrade(&partition);
    let producers = move || Some(known.upgrade()?.replica().producers().snapshot());
    partition.log.ask_for_producers(producers);
    shard.put_partition(Rc::clone(&partition));
    partition
}

/// Brings a replica back whose log went offline because the disk was full; tries until it is there, deleted, or
/// cannot come back before a restart.
pub(crate) async fn come_back<R: Runtime>(shard: &Rc<Shard<R>>, at: TopicPartition) {
    while let Some(failed) = shard.partition(at) {
        let mut recovery = producer_recovery(shard);
        let config = failed.topic().settings.log.clone();
        let error = match shard.store().reopen_log(at, config, &mut recovery).await {
            Ok(log) => return replace(shard, &failed, log, recovery),
            Err(error) => error,
        };
        if !error.is_out_of_room() {
            let (name, index) = (&failed.topic().name, at.partition);
            let text = format!("log stays offline topic={name} partition={index}: {error}");
            return shard.log(Level::Error, text);
        }
        shard.rt.sleep_until(shard.rt.now().mono + COME_BACK_RETRY).await;
    }
}

/// Puts a recovered log and a new replica in the place of the failed ones, in one step.
fn replace<R: Runtime>(
    shard: &Rc<Shard<R>>,
    failed: &Rc<Partition<R>>,
    log: Log<R>,
    recovery: ProducerRecovery,
) {
    let at = failed.at;
    if shard.partition(at).is_none_or(|known| !Rc::ptr_eq(&known, failed)) {
        return; // The topic is being deleted, and the store is asked next.
    }
    let topic = failed.topic();
    log.set_config(topic.settings.log.clone());
    let partition = take_in(shard, &topic, log, recovery);
    let role = {
        let image = shard.image.borrow();
        let index = usize::try_from(at.partition.0).unwrap_or(usize::MAX);
        let known = image.topic(at.topic).and_then(|topic| topic.partitions.get(index));
        known.map(|known| role(shard, known))
    };
    if let Some(role) = role {
        partition.hear(shard, role);
        shard.coordinators.follow(shard, &partition);
    }
    OfflineLogs::report_return(shard, at);
    failed.let_go(shard);
    shard.wakes.send(shard);
    shard.log(Level::Info, format!("log is back topic={} partition={}", topic.name, at.partition));
}

/// Ends the replicas of a deleted topic and gives their files to deletion.
pub(crate) async fn topic_removed<R: Runtime>(shard: &Shard<R>, id: TopicId) {
    let topic = shard.topics.borrow_mut().remove(id);
    let unopened = topic.as_ref().map(|topic| unopened_logs(shard, topic)).unwrap_or_default();
    shard.offline.forget(id);
    if let Some(topic) = topic {
        shard.coordinators.topic_deleted(shard, &topic);
    }
    for partition in shard.take_partitions(id) {
        let leader_epoch = partition.replica().leader_epoch().unwrap_or_default();
        let leader_epoch = LeaderEpoch(leader_epoch.0.saturating_add(1));
        partition.hear(shard, Event::BecomeFollower { leader: None, leader_epoch });
        shard.coordinators.remove(shard, partition.at);
        delete_log(shard, &partition.log.id()).await;
    }
    for log in unopened {
        delete_log(shard, &log).await;
    }
    shard.wakes.send(shard);
}

/// Logs of a topic whose home is this shard and that could not be opened.
fn unopened_logs<R: Runtime>(shard: &Shard<R>, topic: &Topic) -> Vec<LogId> {
    let places = (0..topic.partition_count).map(|index| {
        let at = TopicPartition { topic: topic.id, partition: PartitionIndex(index) };
        LogId { at, topic: topic.name.clone() }
    });
    let is_unopened = |log: &LogId| {
        log.at.home(shard.shard_count) == shard.id
            && shard.offline.failure(log.at) == Some(Failure::Open)
    };
    places.filter(is_unopened).collect()
}

async fn delete_log<R: Runtime>(shard: &Shard<R>, log: &LogId) {
    if let Err(error) = shard.store().delete_log(log).await {
        let (name, index) = (&log.topic, log.at.partition);
        let text = format!("cannot delete log topic={name} partition={index}: {error}");
        shard.log(Level::Error, text);
    }
}
