//! A producer for tools: whole batches, delivered or refused.
//!
//! Promises: batches of one partition are appended in the order of [`Producer::deliver`]; with [`Acks::All`] each is
//! appended exactly once, also when an answer was lost and the batch went out again (KIP-98); a batch is sent again
//! only for reasons that pass, and only until the limit.
//! Does not: collect records or choose partitions; the caller waits for one delivery before the next.

use core::cell::RefCell;
use core::time::Duration;
use model::{Buf, ErrorCode, NodeId, Offset};
use runtime::Runtime;
use runtime::sync::gather;
use std::collections::{BTreeMap, BTreeSet};
use wire::batch::{BatchBuilder, BatchProducer, BatchStamp};
use wire::compression::{Codec, Compression};
use wire::messages::produce::{
    PartitionProduceData, PartitionProduceResponse, ProduceRequest, ProduceResponse,
    TopicProduceData,
};

use crate::{ClientError, Cluster, NamedPartition, Router};

/// What a broker waits for before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acks {
    /// It does not answer: nothing is known of the batch.
    None,
    /// The leader has appended the batch. Sent again after a lost answer it may be there twice.
    Leader,
    /// All replicas in sync have it.
    All,
}

impl Acks {
    fn wire(self) -> i16 {
        match self {
            Self::None => 0,
            Self::Leader => 1,
            Self::All => -1,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProducerOptions {
    pub acks: Acks,
    pub compression: Compression,
    /// How long one delivery may take, all tries together.
    pub limit: Duration,
}

/// A batch that the cluster has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    pub at: NamedPartition,
    /// Of the first record; `None` when the broker did not say.
    pub base_offset: Option<Offset>,
    pub record_count: u32,
}

pub struct Producer<R: Runtime> {
    router: Router<R>,
    options: ProducerOptions,
    /// With [`Acks::All`]. The sequence of its batches starts anew in each partition.
    identity: Option<BatchProducer>,
    /// Next sequence of each partition that was written to.
    sequences: BTreeMap<NamedPartition, i32>,
}

/// Leaders that are spoken to side by side.
const LEADERS_AT_ONCE: usize = 16;
/// Beyond the time that the broker gives itself.
const ANSWER_MARGIN: Duration = Duration::from_secs(5);

impl<R: Runtime> Producer<R> {
    /// # Errors
    /// With [`Acks::All`]: no broker gives a producer id within the limit.
    pub async fn open(router: Router<R>, options: ProducerOptions) -> Result<Self, ClientError> {
        let identity = match options.acks {
            Acks::All => {
                let drawn = router
                    .retry(options.limit, async || router.any().await?.init_producer_id().await);
                let (id, epoch) = drawn.await?;
                Some(BatchProducer { id, epoch, base_sequence: 0 })
            }
            Acks::None | Acks::Leader => None,
        };
        Ok(Self { router, options, identity, sequences: BTreeMap::new() })
    }

    /// Sends one batch to each of several partitions and waits until the cluster has them all.
    ///
    /// # Errors
    /// The first batch that was refused for good, or had no success within the limit; others may have been appended.
    /// Give the producer up then: its sequence has a gap.
    ///
    /// # Panics
    /// When a partition is named twice, or a batch has no record.
    pub async fn deliver(
        &mut self,
        batches: Vec<(NamedPartition, BatchBuilder)>,
    ) -> Result<Vec<Delivered>, ClientError> {
        let mut pending = BTreeMap::new();
        for (at, builder) in batches {
            let batch = self.seal(&at, builder);
            assert!(pending.insert(at.clone(), batch).is_none(), "{at} is named twice");
        }
        let pending = RefCell::new(pending);
        let delivered = RefCell::new(Vec::new());
        let round = async || self.round(&pending, &delivered).await;
        self.router.retry_if(self.options.limit, passes, round).await?;
        Ok(delivered.into_inner())
    }

    /// The bytes to send, with the partition's next sequence.
    fn seal(&mut self, at: &NamedPartition, builder: BatchBuilder) -> Batch {
        let record_count = builder.record_count();
        let producer = self.identity.map(|identity| {
            let next = self.sequences.entry(at.clone()).or_insert(0);
            let base_sequence = *next;
            *next = after(base_sequence, record_count);
            BatchProducer { base_sequence, ..identity }
        });
        let stamp = BatchStamp { producer, ..BatchStamp::default() };
        let compression = self.options.compression;
        let bytes = if compression.codec == Codec::None {
            builder.finish(&stamp)
        } else {
            let mut bytes = Vec::new();
            builder.finish_compressed(&stamp, compression, &mut bytes);
            bytes
        };
        Batch { bytes: Buf::from(bytes), record_count }
    }

    /// Sends what is pending to its leaders; the first error when something still is.
    async fn round(
        &self,
        pending: &RefCell<BTreeMap<NamedPartition, Batch>>,
        delivered: &RefCell<Vec<Delivered>>,
    ) -> Result<(), ClientError> {
        let sent: Vec<(NamedPartition, Batch)> =
            pending.borrow().iter().map(|(at, batch)| (at.clone(), batch.clone())).collect();
        let topics: BTreeSet<&str> = sent.iter().map(|(at, _)| &*at.topic).collect();
        let topics: Vec<&str> = topics.into_iter().collect();
        let cluster = Cluster::of(&self.router.metadata(Some(&topics)).await?);
        let mut by_leader: BTreeMap<NodeId, Vec<&(NamedPartition, Batch)>> = BTreeMap::new();
        let mut outcome = Ok(());
        for entry in &sent {
            match cluster.leader(&entry.0) {
                Ok(leader) => by_leader.entry(leader).or_default().push(entry),
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        let requests = by_leader.into_iter().map(|(leader, batches)| {
            let cluster = &cluster;
            async move { (self.send(leader, cluster, &batches).await, batches) }
        });
        for (answer, batches) in gather(requests, LEADERS_AT_ONCE).await {
            for (at, batch) in batches {
                let done = answer.clone().and_then(|answers| answers.base_offset(at));
                match done {
                    Ok(base_offset) => {
                        pending.borrow_mut().remove(at);
                        let (at, record_count) = (at.clone(), batch.record_count);
                        delivered.borrow_mut().push(Delivered { at, base_offset, record_count });
                    }
                    Err(error) => outcome = outcome.and(Err(error)),
                }
            }
        }
        outcome
    }

    async fn send(
        &self,
        leader: NodeId,
        cluster: &Cluster,
        batches: &[&(NamedPartition, Batch)],
    ) -> Result<Answers, ClientError> {
        let request = self.request(cluster, batches);
        let connection = self.router.node(leader).await?;
        if self.options.acks == Acks::None {
            connection.submit_unanswered(&request).await?;
            return Ok(Answers(None));
        }
        let response = connection.call(&request, self.options.limit + ANSWER_MARGIN).await?;
        Ok(Answers(Some(index(response, cluster))))
    }

    fn request(&self, cluster: &Cluster, batches: &[&(NamedPartition, Batch)]) -> ProduceRequest {
        let mut topic_data: Vec<TopicProduceData> = Vec::new();
        for (at, batch) in batches {
            let part =
                PartitionProduceData { index: at.partition.0, records: Some(batch.bytes.clone()) };
            match topic_data.last_mut() {
                Some(topic) if *topic.name == *at.topic => topic.partition_data.push(part),
                _ => topic_data.push(TopicProduceData {
                    name: at.topic.to_string(),
                    topic_id: cluster.topics.get(&*at.topic).map(|it| it.id).unwrap_or_default(),
                    partition_data: vec![part],
                }),
            }
        }
        ProduceRequest {
            transactional_id: None,
            acks: self.options.acks.wire(),
            timeout_ms: i32::try_from(self.options.limit.as_millis()).unwrap_or(i32::MAX),
            topic_data,
        }
    }
}

/// A batch as it travels; clones share the bytes.
#[derive(Debug, Clone)]
struct Batch {
    bytes: Buf,
    record_count: u32,
}

/// What one broker said to one request; nothing with [`Acks::None`].
#[derive(Clone)]
struct Answers(Option<BTreeMap<(String, i32), PartitionProduceResponse>>);

/// By the topic's name, which answers from version 13 on carry as an id.
fn index(
    response: ProduceResponse,
    cluster: &Cluster,
) -> BTreeMap<(String, i32), PartitionProduceResponse> {
    let mut answers = BTreeMap::new();
    for topic in response.responses {
        let named = cluster.topics.iter().find(|(_, it)| it.id == topic.topic_id);
        let name = match named {
            Some((name, _)) if topic.name.is_empty() => name.clone(),
            _ => topic.name,
        };
        for answer in topic.partition_responses {
            answers.insert((name.clone(), answer.index), answer);
        }
    }
    answers
}

impl Answers {
    fn base_offset(&self, at: &NamedPartition) -> Result<Option<Offset>, ClientError> {
        let Some(answers) = &self.0 else { return Ok(None) };
        let what = || format!("producing to {at}");
        let Some(answer) = answers.get(&(at.topic.to_string(), at.partition.0)) else {
            return Err(ClientError::refused(what(), ErrorCode::UnknownServerError.code(), None));
        };
        // The batch is there: an earlier answer was lost.
        if answer.error_code == ErrorCode::DuplicateSequenceNumber.code() {
            return Ok(None);
        }
        ClientError::check(&what(), answer.error_code, answer.error_message.as_ref())?;
        Ok((answer.base_offset >= 0).then_some(Offset(answer.base_offset)))
    }
}

/// Whether to send again. A topic that was there may be unknown to a broker that has just begun to lead it.
fn passes(error: &ClientError) -> bool {
    let unknown = [ErrorCode::UnknownTopicOrPartition, ErrorCode::UnknownTopicId];
    error.is_retriable() || error.code().is_some_and(|code| unknown.contains(&code))
}

/// The sequence `count` records later; it starts over at 0 after the largest number (KIP-98).
fn after(sequence: i32, count: u32) -> i32 {
    let next = i64::from(sequence) + i64::from(count);
    i32::try_from(next & i64::from(i32::MAX)).expect("31 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_start_over_after_the_largest() {
        assert_eq!(after(0, 5), 5);
        assert_eq!(after(i32::MAX, 1), 0);
        assert_eq!(after(i32::MAX - 1, 3), 1);
    }

    #[test]
    fn a_batch_that_is_there_already_counts_as_delivered() {
        let answer = |error_code| PartitionProduceResponse {
            error_code,
            base_offset: 7,
            ..PartitionProduceResponse::default()
        };
        let at = NamedPartition::new(&"t".into(), 0);
        let said = |code| {
            let answers = BTreeMap::from([(("t".to_owned(), 0), answer(code))]);
            Answers(Some(answers)).base_offset(&at)
        };
        assert_eq!(said(0), Ok(Some(Offset(7))));
        assert_eq!(said(ErrorCode::DuplicateSequenceNumber.code()), Ok(None));
        assert!(said(ErrorCode::MessageTooLarge.code()).is_err());
        assert_eq!(Answers(None).base_offset(&at), Ok(None));
    }
}
