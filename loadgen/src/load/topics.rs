//! The topics of a run: created for it, or given; and what the cluster says about them.

use client::{Broker, Client, ClientError, NewTopic};
use core::time::Duration;
use model::{NodeId, Offset, PartitionIndex, TopicId};
use runtime::Runtime;
use std::collections::BTreeMap;

use super::{RunError, broker};
use crate::plan::Plan;

/// Leaders of new partitions are elected within this time.
const SETTLE_LIMIT: Duration = Duration::from_secs(30);

/// Pause between two questions to a broker that is not ready yet.
const ASK_AGAIN: Duration = Duration::from_millis(20);

/// `UNKNOWN_TOPIC_OR_PARTITION`, `LEADER_NOT_AVAILABLE`, `NOT_LEADER_OR_FOLLOWER`,
/// `COORDINATOR_LOAD_IN_PROGRESS`, `COORDINATOR_NOT_AVAILABLE`, `NOT_COORDINATOR`,
/// `OFFSET_NOT_AVAILABLE`, `UNKNOWN_TOPIC_ID`.
const NOT_YET: [i16; 8] = [3, 5, 6, 14, 15, 16, 78, 100];

/// Topics that records can be sent to.
pub(super) struct Prepared {
    pub(super) topics: Vec<Topic>,
    pub(super) brokers: BTreeMap<NodeId, Broker>,
    pub(super) replication_factor: u32,
    /// They were created for this run and go with it.
    ours: bool,
}

pub(super) struct Topic {
    pub(super) name: String,
    pub(super) id: TopicId,
    /// Leader of each partition, by partition number.
    pub(super) leaders: Vec<NodeId>,
    /// Where each partition's log ended when the run began.
    pub(super) ends: Vec<Offset>,
}

/// What the broker says about the topics, for the labels.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    pub flush_messages: Option<String>,
    pub min_insync_replicas: Option<String>,
    pub replication_factor: u32,
}

pub(super) async fn prepare<R: Runtime>(
    rt: &R,
    client: &Client<R>,
    plan: &Plan,
    random: u64,
) -> Result<Prepared, RunError> {
    let partition_count = usize::try_from(plan.partitions).expect("checked by the plan");
    let names = match &plan.topic {
        Some(name) => vec![name.clone()],
        None => create(client, plan, random).await?,
    };
    let asked: Vec<_> = names.iter().map(String::as_str).collect();
    let cluster = match plan.topic {
        Some(_) => client.metadata(&asked).await,
        None => client.settled(&asked, partition_count, SETTLE_LIMIT).await,
    };
    let cluster = cluster.map_err(broker("asking for the topics"))?;
    let mut topics = Vec::new();
    let mut replication_factor = 0;
    for name in names {
        let found = cluster.topics.get(&name).ok_or_else(|| {
            RunError::Topic(format!(
                "topic {name} does not exist: leave out --topic to have one made"
            ))
        })?;
        if found.partitions.len() != partition_count {
            let count = found.partitions.len();
            return Err(RunError::Topic(format!(
                "topic {name} has {count} partitions: run with --partitions {count}"
            )));
        }
        let mut leaders = Vec::new();
        for (index, partition) in &found.partitions {
            let leader = partition.leader.ok_or_else(|| {
                RunError::Topic(format!("topic {name} has no leader for partition {index}"))
            })?;
            leaders.push(leader);
            let replicas = u32::try_from(partition.replica_count).unwrap_or(u32::MAX);
            replication_factor = replication_factor.max(replicas);
        }
        topics.push(Topic { name, id: found.id, ends: vec![Offset::ZERO; leaders.len()], leaders });
    }
    let ours = plan.topic.is_none();
    let mut prepared = Prepared { topics, brokers: cluster.brokers, replication_factor, ours };
    find_ends(rt, client, &mut prepared)
        .await
        .map_err(broker("asking for the ends of the logs"))?;
    Ok(prepared)
}

/// Asks until the broker no longer says that it is not ready.
pub(super) async fn until_ready<R: Runtime, T>(
    rt: &R,
    ask: impl AsyncFn() -> Result<T, ClientError>,
) -> Result<T, ClientError> {
    let deadline = rt.now().mono + SETTLE_LIMIT;
    loop {
        match ask().await {
            Err(ClientError::Refused { code, .. })
                if NOT_YET.contains(&code) && rt.now().mono < deadline =>
            {
                rt.sleep_until(rt.now().mono + ASK_AGAIN).await;
            }
            other => return other,
        }
    }
}

/// Asks each leader where its logs end, until it knows that it leads: the metadata names a leader a
/// moment before that broker has heard of it.
async fn find_ends<R: Runtime>(
    rt: &R,
    client: &Client<R>,
    prepared: &mut Prepared,
) -> Result<(), ClientError> {
    for (leader, partitions) in prepared.by_leader(|_| true) {
        let connection = client.open(&prepared.brokers[&leader], |_| {}).await?;
        for (at, topic) in prepared.topics.iter_mut().enumerate() {
            let of_topic = partitions.iter().filter(|(of, _)| *of == at);
            let asked: Vec<_> = of_topic.map(|(_, partition)| *partition).collect();
            let ask = async || connection.end_offsets(&topic.name, &asked).await;
            let found = until_ready(rt, ask).await?;
            for (partition, end) in found {
                let place = usize::try_from(partition.0).ok().and_then(|at| topic.ends.get_mut(at));
                if let Some(place) = place {
                    *place = end;
                }
            }
        }
    }
    Ok(())
}

async fn create<R: Runtime>(
    client: &Client<R>,
    plan: &Plan,
    random: u64,
) -> Result<Vec<String>, RunError> {
    let mut names = Vec::new();
    for topic in 0..plan.topics {
        let name = format!("loadgen-{random:016x}-{topic}");
        let new = NewTopic {
            name: name.clone(),
            partition_count: i32::try_from(plan.partitions).expect("checked by the plan"),
            replication_factor: plan.replication_factor,
            configs: plan.topic_configs.clone(),
        };
        client.create_topic(new).await.map_err(broker("creating a topic"))?;
        names.push(name);
    }
    Ok(names)
}

/// The flush policy is asked for, not assumed: it decides what an acknowledgement is worth.
pub(super) async fn settings<R: Runtime>(client: &Client<R>, prepared: &Prepared) -> Settings {
    const FLUSH: &str = "flush.messages";
    const MIN_ISR: &str = "min.insync.replicas";
    let mut settings =
        Settings { replication_factor: prepared.replication_factor, ..Settings::default() };
    for topic in &prepared.topics {
        let Ok(configs) = client.topic_configs(&topic.name, &[FLUSH, MIN_ISR]).await else {
            // A broker may refuse to tell; the label then says so.
            continue;
        };
        note(&mut settings.flush_messages, configs.get(FLUSH));
        note(&mut settings.min_insync_replicas, configs.get(MIN_ISR));
    }
    settings
}

fn note(label: &mut Option<String>, value: Option<&String>) {
    match (label.as_ref(), value) {
        (Some(old), Some(new)) if old != new => *label = Some("mixed".to_owned()),
        (None, Some(new)) => *label = Some(new.clone()),
        _ => {}
    }
}

/// Removes what was made for the run. A failure leaves the topics behind and costs no result.
pub(super) async fn clean_up<R: Runtime>(client: &Client<R>, prepared: &Prepared) {
    for topic in prepared.topics.iter().filter(|_| prepared.ours) {
        let _ = client.delete_topic(&topic.name).await;
    }
}

impl Prepared {
    /// Topics without a cluster.
    pub(super) fn given(topics: Vec<Topic>) -> Self {
        Self { topics, brokers: BTreeMap::new(), replication_factor: 0, ours: false }
    }

    /// The partitions that each broker leads: topic index and partition, by node.
    pub(super) fn by_leader(
        &self,
        mine: impl Fn(usize) -> bool,
    ) -> BTreeMap<NodeId, Vec<(usize, PartitionIndex)>> {
        let mut led: BTreeMap<NodeId, Vec<_>> = BTreeMap::new();
        let mut number = 0;
        for (at, topic) in self.topics.iter().enumerate() {
            for (partition, leader) in (0..).zip(&topic.leaders) {
                if mine(number) {
                    led.entry(*leader).or_default().push((at, PartitionIndex(partition)));
                }
                number += 1;
            }
        }
        led
    }
}
