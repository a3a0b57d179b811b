//! Producers: turn ready batches into requests, and answers into latencies.

use client::history::ProducedOutcome;
use client::{Client, Connection, Reply};
use model::{NodeId, Offset};
use runtime::sync::{First, Receiver, Sender, channel, race};
use runtime::{Runtime, TaskClass};
use std::collections::BTreeSet;
use std::rc::Rc;
use wire::batch::{BatchProducer, BatchStamp};
use wire::compression::Codec;
use wire::messages::produce::{
    PartitionProduceData, ProduceRequest, ProduceResponse, TopicProduceData, TopicProduceResponse,
};

use super::lanes::OpenBatch;
use super::tally::SentBatch;
use super::topics::{Prepared, until_ready};
use super::{Load, RunError, broker};
use crate::plan::Acks;

/// How long the broker may take for one request, on its side and on ours.
const REQUEST_TIMEOUT_MS: i32 = 30_000;

/// Counted like an error code when an answer leaves a partition out (Kafka's `UNKNOWN_SERVER_ERROR`).
const NOT_ANSWERED: i16 = -1;

/// One connection of one producer to one broker.
struct Link<R: Runtime> {
    load: Rc<Load<R>>,
    producer: usize,
    leader: NodeId,
    topics: Rc<[String]>,
    connection: Connection<R>,
    identity: Option<(model::ProducerId, model::ProducerEpoch)>,
    /// Its number in the history.
    number: u16,
}

/// A request on its way.
struct Flight<R: Runtime> {
    reply: Reply<R, ProduceRequest>,
    batches: Vec<SentBatch>,
}

/// Connects every producer to the brokers that lead its lanes, and starts their tasks.
pub(super) async fn start<R: Runtime>(
    load: &Rc<Load<R>>,
    client: &Client<R>,
    prepared: &Prepared,
) -> Result<(), RunError> {
    let topics: Rc<[String]> = prepared.topics.iter().map(|topic| topic.name.clone()).collect();
    for producer in 0..load.work.len() {
        let identity = if load.plan.idempotent {
            let drawn = until_ready(&load.rt, async || client.init_producer_id().await).await;
            Some(drawn.map_err(broker("asking for a producer id"))?)
        } else {
            None
        };
        let leaders: BTreeSet<NodeId> = {
            let mut lanes = load.lanes.borrow_mut();
            let mine = lanes.of_producer(producer).to_vec();
            mine.into_iter().map(|number| lanes.lane(number).leader).collect()
        };
        for leader in leaders {
            let connection = client
                .open(&prepared.brokers[&leader], |_| {})
                .await
                .map_err(broker("connecting a producer"))?;
            let link = Link {
                load: Rc::clone(load),
                producer,
                leader,
                topics: Rc::clone(&topics),
                connection,
                identity,
                number: load.history.as_ref().map_or(0, |history| history.connection()),
            };
            let (flights, landed) = channel(load.plan.in_flight);
            let landing = land(Rc::clone(load), Rc::clone(&topics), landed);
            load.rt.spawn("acks", TaskClass::Latency, landing);
            load.rt.spawn("producer", TaskClass::Latency, link.send_all(flights));
        }
    }
    Ok(())
}

impl<R: Runtime> Link<R> {
    async fn send_all(self, flights: Sender<Flight<R>>) {
        loop {
            if let Err(error) = self.connection.room().await {
                return self.load.fail(broker("producing")(error));
            }
            let batches = self.next_batches().await;
            if batches.is_empty() {
                return;
            }
            if let Err(error) = self.send(batches, &flights).await {
                return self.load.fail(error);
            }
        }
    }

    /// Waits for something to send. Empty when the run is over.
    async fn next_batches(&self) -> Vec<(u16, OpenBatch)> {
        let load = &self.load;
        loop {
            let last_call = load.placed_all.get();
            let ready = load.lanes.borrow().is_ready(self.producer, load.now_ns());
            if ready {
                let taken = load.lanes.borrow_mut().take(self.producer, self.leader);
                if !taken.is_empty() {
                    return taken;
                }
            }
            if last_call {
                return Vec::new();
            }
            load.work[self.producer].notified().await;
        }
    }

    async fn send(
        &self,
        taken: Vec<(u16, OpenBatch)>,
        flights: &Sender<Flight<R>>,
    ) -> Result<(), RunError> {
        let load = &self.load;
        let mut batches = Vec::with_capacity(taken.len());
        let request = self.request(taken, &mut batches);
        if load.plan.acks == Acks::None {
            let sent = self.connection.submit_unanswered(&request).await;
            sent.map_err(broker("producing"))?;
            self.note_sent(&mut batches);
            let outcome = ProducedOutcome::Acked { base_offset: None };
            batches.iter().for_each(|batch| load.note_outcome(batch, outcome));
            return Ok(());
        }
        // Counted before the send, so that the drain cannot end in between.
        load.in_flight.set(load.in_flight.get() + 1);
        let reply = self.connection.submit(&request).await.map_err(broker("producing"))?;
        self.note_sent(&mut batches);
        // Room for one more was there before the send, and only this task sends.
        let queued = flights.send(Flight { reply, batches }).await;
        assert!(queued.is_ok(), "the receiving task outlives the sending one");
        Ok(())
    }

    fn request(
        &self,
        taken: Vec<(u16, OpenBatch)>,
        batches: &mut Vec<SentBatch>,
    ) -> ProduceRequest {
        let load = &self.load;
        let mut lanes = load.lanes.borrow_mut();
        let mut topic_data: Vec<TopicProduceData> = Vec::new();
        for (number, batch) in taken {
            let lane = lanes.lane(number);
            let count = batch.count();
            let producer = self.identity.map(|(id, epoch)| {
                let base_sequence = lane.producer_sequence;
                let next = (i64::from(base_sequence) + i64::from(count)) & i64::from(i32::MAX);
                lane.producer_sequence = i32::try_from(next).expect("31 bits");
                BatchProducer { id, epoch, base_sequence }
            });
            let mut sent = SentBatch {
                lane: number,
                topic: lane.topic,
                topic_id: lane.topic_id,
                partition: lane.partition,
                first: batch.first,
                count,
                placed: batch.placed,
                sent_ns: 0,
                operation: 0,
            };
            if let Some(history) = &load.history {
                sent.operation = history.sending(self.number, &sent, producer, load.now_ns());
            }
            batches.push(sent);
            let stamp = BatchStamp { producer, ..BatchStamp::default() };
            let records = if load.plan.compression.codec == Codec::None {
                batch.builder.finish(&stamp)
            } else {
                let mut compressed = Vec::new();
                batch.builder.finish_compressed(&stamp, load.plan.compression, &mut compressed);
                compressed
            };
            let data =
                PartitionProduceData { index: lane.partition.0, records: Some(records.into()) };
            match topic_data.last_mut() {
                Some(topic) if topic.topic_id == lane.topic_id => topic.partition_data.push(data),
                _ => topic_data.push(TopicProduceData {
                    name: self.topics[lane.topic].clone(),
                    topic_id: lane.topic_id,
                    partition_data: vec![data],
                }),
            }
        }
        let acks = load.plan.acks.wire();
        ProduceRequest { transactional_id: None, acks, timeout_ms: REQUEST_TIMEOUT_MS, topic_data }
    }

    fn note_sent(&self, batches: &mut [SentBatch]) {
        let at_ns = self.load.now_ns();
        let mut lanes = self.load.lanes.borrow_mut();
        for batch in &mut *batches {
            batch.sent_ns = at_ns;
            lanes.lane(batch.lane).note_sent(batch.end_sequence(), at_ns);
        }
        self.load.tally.borrow_mut().sent(batches);
    }
}

/// Takes the answers in the order of the requests.
async fn land<R: Runtime>(
    load: Rc<Load<R>>,
    topics: Rc<[String]>,
    mut flights: Receiver<Flight<R>>,
) {
    let limit = core::time::Duration::from_millis(REQUEST_TIMEOUT_MS.unsigned_abs().into());
    while let Some(Flight { reply, batches }) = flights.recv().await {
        let deadline = load.rt.now().mono + limit;
        match race(reply, load.rt.sleep_until(deadline)).await {
            First::Left(Ok(response)) => take_answer(&load, &topics, &response, &batches),
            First::Left(Err(error)) => load.fail(broker("producing")(error)),
            First::Right(()) => {
                load.fail(broker("producing")(client::ClientError::TimedOut));
            }
        }
        load.in_flight.set(load.in_flight.get() - 1);
    }
}

fn take_answer<R: Runtime>(
    load: &Load<R>,
    topics: &[String],
    response: &ProduceResponse,
    batches: &[SentBatch],
) {
    let now_ns = load.now_ns();
    let mut tally = load.tally.borrow_mut();
    let answers = || {
        let topics = response.responses.iter();
        topics.flat_map(|topic| topic.partition_responses.iter().map(move |it| (topic, it)))
    };
    let mut in_order = answers();
    for batch in batches {
        // From version 13 on answers carry topic ids, below it names.
        let is_its = |topic: &TopicProduceResponse, index: i32| {
            index == batch.partition.0
                && (topic.topic_id == batch.topic_id || topic.name == topics[batch.topic])
        };
        // Brokers answer in the order of the request; any other order is searched for.
        let next = in_order.next().filter(|(topic, it)| is_its(topic, it.index));
        let found = next.or_else(|| answers().find(|(topic, it)| is_its(topic, it.index)));
        match found {
            Some((_, partition)) if partition.error_code == 0 => {
                tally.acked(batch, now_ns);
                let known = (partition.base_offset >= 0).then_some(Offset(partition.base_offset));
                load.note_outcome(batch, ProducedOutcome::Acked { base_offset: known });
            }
            Some((_, partition)) => {
                let error_code = partition.error_code;
                tally.refused(batch, error_code);
                load.note_outcome(batch, ProducedOutcome::Refused { error_code });
            }
            None => {
                tally.refused(batch, NOT_ANSWERED);
                load.note_outcome(batch, ProducedOutcome::Unknown);
            }
        }
    }
}
