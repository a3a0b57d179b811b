//! Produce: append one batch per partition.
//!
//! Promises: batches are submitted to their home shards before the next request of the connection
//! is read, so that one producer's batches keep their order; nothing is spawned per partition. What is
//! not safe within `timeout_ms` is answered with REQUEST_TIMED_OUT, and may become safe later.
//! Source: KIP-98, KIP-467 (record errors); Kafka `ReplicaManager.appendRecords`.

use core::time::Duration;

use model::{ErrorCode, Instant, ShardId};
use replication::Acks;
use runtime::sync::{First, oneshot, race};
use runtime::{Disk, Runtime};
use smallvec::SmallVec;
use std::rc::Rc;
use wire::messages::produce::{
    BatchIndexAndErrorMessage, PartitionProduceResponse, ProduceResponse, TopicProduceResponse,
};
use wire::{ProducePartition, ProduceView, Reader};

use crate::mesh::{Reply, Request};
use crate::net::{Close, Outgoing, RequestContext};
use crate::produce::{Append, Outcome, Owner, Refusal, append_all, check};
use crate::shard::Shard;
use crate::topics::Topic;

/// The client id that may write internal topics (Kafka `AdminUtils.ADMIN_CLIENT_ID`).
const ADMIN_CLIENT_ID: &str = "__admin_client";

/// A shorter `timeout_ms` counts as this. In Kafka it does not cover the leader's own write, so that
/// clients may send 0; here the write is durable before it is acknowledged, and takes its time.
const TIMEOUT_MIN: Duration = Duration::from_millis(100);

/// A request whose records are on their way.
pub(crate) struct Pending<R: Runtime> {
    version: i16,
    correlation_id: i32,
    /// `acks=0`: nobody waits for an answer.
    silent: bool,
    /// Every partition of the request, without its outcome.
    response: ProduceResponse,
    /// Outcomes that need no shard.
    refused: Vec<Outcome>,
    awaited: SmallVec<[Awaited<R>; 2]>,
}

/// Outcomes of one shard.
enum Awaited<R: Runtime> {
    Here(runtime::sync::Reply<Vec<Outcome>>),
    There(runtime::sync::Reply<Reply<<R as Disk>::File>>),
    /// Nowhere: too many requests or bytes wait already. These places get the answer "try later".
    NotTaken(Vec<u32>),
}

impl<R: Runtime> Awaited<R> {
    async fn outcomes(self) -> Result<Vec<Outcome>, Close> {
        match self {
            // Without an answer the shard has stopped.
            Self::Here(outcomes) => outcomes.await.ok_or(Close::Stopping),
            Self::NotTaken(places) => {
                let code = ErrorCode::RequestTimedOut;
                Ok(places
                    .into_iter()
                    .map(|place| Outcome { place, result: Err(code.into()) })
                    .collect())
            }
            Self::There(reply) => match reply.await {
                Some(Reply::Produced(outcomes)) => Ok(outcomes),
                _ => Err(Close::Stopping),
            },
        }
    }
}

/// Reads, checks and submits a request.
pub(crate) async fn start<R: Runtime>(
    shard: &Rc<Shard<R>>,
    context: &RequestContext<'_>,
    mut reader: Reader<'_>,
) -> Result<Pending<R>, Close> {
    let view = ProduceView::decode(&mut reader, context.version)?;
    shard.count(|stats| stats.produce_requests += 1);
    let mut pending = Pending {
        version: context.version,
        correlation_id: context.correlation_id,
        silent: view.acks == 0,
        response: skeleton(&view),
        refused: Vec::new(),
        awaited: SmallVec::new(),
    };
    let acks = match view.acks {
        0 => Some(Acks::None),
        1 => Some(Acks::Leader),
        -1 => Some(Acks::All),
        _ => None,
    };
    let mut by_home: SmallVec<[(ShardId, Vec<Append>); 2]> = SmallVec::new();
    let mut place = 0;
    for topic_view in &view.topics {
        let topic = find_topic(shard, topic_view.name, context);
        for partition in view.partitions_of(topic_view) {
            let prepared = match (&topic, acks) {
                (_, None) => Err(ErrorCode::InvalidRequiredAcks.into()),
                (Err(code), _) => Err(Refusal::from(*code)),
                (Ok(topic), _) => prepare(shard, topic, partition, place, context.version).await,
            };
            match prepared {
                Ok((home, append)) => match by_home.iter_mut().find(|(it, _)| *it == home) {
                    Some((_, appends)) => appends.push(append),
                    None => by_home.push((home, vec![append])),
                },
                Err(refusal) => pending.refused.push(Outcome { place, result: Err(refusal) }),
            }
            place += 1;
        }
    }
    let acks = acks.unwrap_or(Acks::None);
    let timeout = Duration::from_millis(u64::try_from(view.timeout_ms).unwrap_or(0));
    let waits = acks != Acks::None;
    let deadline = waits.then(|| shard.rt.now().mono + timeout.max(TIMEOUT_MIN));
    for (home, appends) in by_home {
        pending.awaited.push(submit(shard, home, appends, acks, deadline).await);
    }
    Ok(pending)
}

fn find_topic<R: Runtime>(
    shard: &Shard<R>,
    name: &str,
    context: &RequestContext<'_>,
) -> Result<Rc<Topic>, ErrorCode> {
    let topics = shard.topics.borrow();
    let topic = topics.by_name(name).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    if topic.is_internal() && context.client_id != Some(ADMIN_CLIENT_ID) {
        return Err(ErrorCode::InvalidTopicException);
    }
    Ok(Rc::clone(topic))
}

async fn prepare<R: Runtime>(
    shard: &Shard<R>,
    topic: &Topic,
    partition: &ProducePartition,
    place: u32,
    version: i16,
) -> Result<(ShardId, Append), Refusal> {
    let (at, home) = topic.partition(partition.index, shard.shard_count)?;
    let batch = check(shard, topic, partition.records.as_ref(), version).await?;
    shard.count(|stats| {
        stats.produce_batches += 1;
        stats.produce_records += u64::from(batch.facts.record_count);
        stats.produce_bytes += batch.bytes.len() as u64;
    });
    Ok((home, Append { place, at, batch }))
}

async fn submit<R: Runtime>(
    shard: &Rc<Shard<R>>,
    home: ShardId,
    appends: Vec<Append>,
    acks: Acks,
    deadline: Option<Instant>,
) -> Awaited<R> {
    let places = |appends: &[Append]| appends.iter().map(|append| append.place).collect();
    if home == shard.id {
        let size_bytes = appends.iter().map(|append| append.batch.bytes.len()).sum();
        if !room(shard, size_bytes, deadline).await {
            return Awaited::NotTaken(places(&appends));
        }
        let (promise, outcomes) = oneshot();
        append_all(shard, &appends, acks, deadline, Owner::Connection(promise));
        return Awaited::Here(outcomes);
    }
    let places = places(&appends);
    let request = Request::Produce { appends, acks, deadline };
    match shard.mesh.submit(home, request).await {
        Some(reply) => Awaited::There(reply),
        None => Awaited::NotTaken(places),
    }
}

/// Waits until so many bytes may be appended; false when the deadline comes first.
async fn room<R: Runtime>(shard: &Shard<R>, size_bytes: usize, deadline: Option<Instant>) -> bool {
    let Some(deadline) = deadline.filter(|_| !shard.has_room(size_bytes)) else {
        shard.room(size_bytes).await;
        return true;
    };
    let waited = race(shard.room(size_bytes), shard.rt.sleep_until(deadline)).await;
    matches!(waited, First::Left(()))
}

fn skeleton(view: &ProduceView<'_>) -> ProduceResponse {
    let partition = |it: &ProducePartition| PartitionProduceResponse {
        index: it.index,
        base_offset: -1,
        ..PartitionProduceResponse::default()
    };
    let topics = view.topics.iter().map(|topic| TopicProduceResponse {
        name: topic.name.to_owned(),
        topic_id: topic.topic_id,
        partition_responses: view.partitions_of(topic).iter().map(partition).collect(),
    });
    ProduceResponse { responses: topics.collect(), ..ProduceResponse::default() }
}

impl<R: Runtime> Pending<R> {
    /// Whether every outcome has come: [`Pending::settle`] would not wait.
    pub(crate) fn is_known(&self) -> bool {
        self.awaited.iter().all(|awaited| match awaited {
            Awaited::Here(outcomes) => outcomes.is_ready(),
            Awaited::There(reply) => reply.is_ready(),
            Awaited::NotTaken(_) => true,
        })
    }

    /// Waits for every outcome and encodes the answer; `None` for a request without one.
    ///
    /// # Errors
    /// A failure that nobody asked to hear of ends the connection, as in Kafka.
    pub(crate) async fn settle(self, shard: &Shard<R>) -> Result<Option<Outgoing<R>>, Close> {
        let mut outcomes = self.refused;
        for awaited in self.awaited {
            outcomes.extend(awaited.outcomes().await?);
        }
        let failed = outcomes.iter().filter(|outcome| outcome.result.is_err()).count();
        shard.count(|stats| stats.produce_failures += failed as u64);
        if self.silent {
            let failure = outcomes.into_iter().find_map(|outcome| outcome.result.err());
            return match failure {
                Some(refusal) => Err(Close::UnacknowledgedFailure(refusal.code)),
                None => Ok(None),
            };
        }
        let mut response = self.response;
        outcomes.sort_unstable_by_key(|outcome| outcome.place);
        let partitions = response.responses.iter_mut().flat_map(|it| &mut it.partition_responses);
        for (partition, outcome) in partitions.zip(outcomes) {
            fill(partition, outcome, self.version);
        }
        Outgoing::encode(&response, self.version, self.correlation_id, shard).map(Some)
    }
}

fn fill(partition: &mut PartitionProduceResponse, outcome: Outcome, version: i16) {
    match outcome.result {
        Ok(placed) => {
            partition.base_offset = placed.base_offset.0;
            partition.log_append_time_ms = placed.log_append_time_ms.unwrap_or(-1);
            partition.log_start_offset = placed.log_start_offset.0;
        }
        Err(refusal) => {
            partition.error_code = refusal.code.code();
            if version >= 8 {
                partition.error_message = refusal.message;
                partition.record_errors = refusal
                    .records
                    .iter()
                    .map(|record| BatchIndexAndErrorMessage {
                        batch_index: i32::try_from(record.index).unwrap_or(i32::MAX),
                        batch_index_error_message: Some(record.fault.to_string()),
                    })
                    .collect();
            }
        }
    }
}
