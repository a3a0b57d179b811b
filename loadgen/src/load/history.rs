//! Writes the run's history while it goes on: one entry per produced attempt and consumed batch.
//!
//! A batch's hash stands for its records by lane, first sequence and count, which is enough because
//! the consumer compares every byte: a record with other bytes than were sent gives another hash, and
//! a broker that compresses anew or stamps times does not.

use client::Client;
use client::history::{
    ConsumedEntry, Entry, Header, ProducedEntry, ProducedOutcome, Ring, Rules, TopicEntry, Writer,
};
use core::cell::{Cell, RefCell};
use core::time::Duration;
use model::{Offset, splitmix};
use runtime::sync::{Promise, Reply, oneshot};
use runtime::{Runtime, TaskClass};
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use wire::batch::{BatchHeader, BatchProducer};

use super::RunError;
use super::tally::{ConsumedBatch, SentBatch};
use super::topics::Prepared;
use crate::plan::Plan;

/// Entries between two writes: over three million a second.
const RING_ENTRIES: usize = 1 << 16;
const WRITE_EVERY: Duration = Duration::from_millis(20);

/// Takes what producers and consumers tell.
pub(super) struct Recorder {
    header: Header,
    ring: Ring,
    acks: i16,
    operations: Cell<u64>,
    connections: Cell<u16>,
    /// Sent and without an outcome.
    open: RefCell<BTreeMap<u64, ProducedEntry>>,
    /// Set at the end of the run: whether the consumers have read everything.
    over: Cell<Option<bool>>,
}

impl Recorder {
    pub(super) fn new(header: Header, plan: &Plan) -> Self {
        Self {
            header,
            ring: Ring::new(RING_ENTRIES),
            acks: plan.acks.wire(),
            operations: Cell::new(0),
            connections: Cell::new(0),
            open: RefCell::default(),
            over: Cell::new(None),
        }
    }

    /// A number for a connection.
    pub(super) fn connection(&self) -> u16 {
        self.connections.replace(self.connections.get() + 1)
    }

    /// A batch is about to be sent. Returns the operation's number.
    pub(super) fn sending(
        &self,
        connection: u16,
        batch: &SentBatch,
        producer: Option<BatchProducer>,
        now_ns: u64,
    ) -> u64 {
        let operation = self.operations.replace(self.operations.get() + 1);
        let place = self.header.place(batch.topic_id, batch.partition);
        let mut content = BatchHash::default();
        content.take(batch.lane, batch.first.sequence, batch.count);
        let entry = ProducedEntry {
            operation,
            attempt: 0,
            connection,
            place: place.expect("a partition of the run"),
            producer,
            acks: self.acks,
            count: batch.count,
            hash: content.finish(),
            invoked_ns: now_ns,
            at_ns: now_ns,
            outcome: ProducedOutcome::Unknown,
        };
        self.open.borrow_mut().insert(operation, entry);
        operation
    }

    /// The outcome of an operation is known.
    pub(super) fn ended(&self, operation: u64, outcome: ProducedOutcome, at_ns: u64) {
        if let Some(entry) = self.open.borrow_mut().remove(&operation) {
            self.ring.push(&Entry::Produced(ProducedEntry { outcome, at_ns, ..entry }));
        }
    }

    /// What is still open stays without an outcome.
    fn abandon(&self) {
        for entry in core::mem::take(&mut *self.open.borrow_mut()).into_values() {
            self.ring.push(&Entry::Produced(entry));
        }
    }

    pub(super) fn consumed(&self, given: Given, batch: &GivenBatch<'_>) {
        let header = batch.header;
        let producer = header.producer;
        let Some(place) = self.header.place(batch.topic, batch.partition) else { return };
        self.ring.push(&Entry::Consumed(ConsumedEntry {
            poll: given.poll,
            connection: given.connection,
            place,
            producer,
            count: u32::try_from(header.record_count).unwrap_or_default(),
            hash: batch.hash,
            base_offset: header.base_offset,
            last_offset: header.last_offset(),
            high_watermark: Some(given.high_watermark),
            at_ns: batch.at_ns,
            control: header.attributes.is_control(),
            transactional: header.attributes.is_transactional(),
            sought: false,
        }));
    }

    /// The run is over: the writing task may end the file.
    pub(super) fn finish(&self, caught_up: bool) {
        self.abandon();
        self.over.set(Some(caught_up));
    }
}

/// The answer that a batch came in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Given {
    pub(super) connection: u16,
    pub(super) poll: u64,
    pub(super) high_watermark: Offset,
}

/// A batch as a consumer found it.
pub(super) struct GivenBatch<'a> {
    pub(super) topic: model::TopicId,
    pub(super) partition: model::PartitionIndex,
    pub(super) header: &'a BatchHeader,
    pub(super) hash: Option<u64>,
    pub(super) at_ns: u64,
}

/// Builds the hash of a batch from the runs of records in it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct BatchHash {
    hash: u64,
    record_count: u64,
    wrong: bool,
}

impl BatchHash {
    pub(super) fn of_run(&mut self, run: &ConsumedBatch) {
        self.take(run.lane, run.first.sequence, run.count);
    }

    fn take(&mut self, lane: u16, first_sequence: u64, count: u32) {
        self.hash = splitmix::hash(
            self.hash ^ splitmix::hash(first_sequence << 16 | u64::from(lane)) ^ u64::from(count),
        );
        self.record_count += u64::from(count);
    }

    /// Some record is not what was sent.
    pub(super) fn is_wrong(&mut self) {
        self.wrong = true;
    }

    /// The hash of a batch of so many records; `None` when some of them are not of this run.
    pub(super) fn of_whole(self, record_count: i32) -> Option<u64> {
        let whole = u64::try_from(record_count).is_ok_and(|count| count == self.record_count);
        if self.wrong || whole { self.finish() } else { None }
    }

    fn finish(self) -> Option<u64> {
        Some(if self.wrong { !self.hash } else { self.hash })
    }
}

/// What the cluster says about the run's topics.
pub(super) async fn header<R: Runtime>(
    client: &Client<R>,
    prepared: &Prepared,
    plan: &Plan,
) -> Header {
    const POLICY: &str = "cleanup.policy";
    const STAMP: &str = "message.timestamp.type";
    let limited = plan.topic_configs.keys().any(|key| key.starts_with("retention."));
    let mut header = Header::default();
    for topic in &prepared.topics {
        // A broker may refuse to tell; then nothing explains a missing record.
        let configs = client.topic_configs(&topic.name, &[POLICY, STAMP]).await;
        let configs = configs.unwrap_or_default();
        let holds = |key, word: &str| configs.get(key).is_some_and(|value| value.contains(word));
        header.topics.push(TopicEntry {
            id: topic.id,
            name: topic.name.clone(),
            partition_count: u32::try_from(topic.leaders.len()).expect("checked by the plan"),
            rules: Rules {
                compacted: holds(POLICY, "compact"),
                // A topic that was there before may reach its limits at any time.
                retained_for_a_while: limited || plan.topic.is_some(),
                append_time: holds(STAMP, "LogAppendTime"),
            },
        });
    }
    header
}

/// Begins the file and starts the task that fills it; the reply comes when the file is whole.
pub(super) async fn write<R: Runtime>(
    rt: &R,
    path: &Path,
    recorder: Rc<Recorder>,
) -> Result<Reply<Result<u64, String>>, RunError> {
    let shown = path.display().to_string();
    let failed = move |error: runtime::Error| format!("cannot write {shown}: {error}");
    let ring = recorder.ring.clone();
    let created = Writer::create(rt.clone(), path, &recorder.header, ring).await;
    let writer = created.map_err(|error| RunError::History(failed(error)))?;
    let (promise, reply) = oneshot();
    let task = fill(rt.clone(), recorder, writer, promise, failed);
    rt.spawn("history", TaskClass::Background, task);
    Ok(reply)
}

async fn fill<R: Runtime>(
    rt: R,
    recorder: Rc<Recorder>,
    mut writer: Writer<R>,
    promise: Promise<Result<u64, String>>,
    failed: impl Fn(runtime::Error) -> String,
) {
    let result = loop {
        if let Err(error) = writer.flush().await {
            break Err(failed(error));
        }
        if let Some(caught_up) = recorder.over.get() {
            let end = writer.finish(caught_up).await;
            break end.map(|end| end.dropped_count).map_err(failed);
        }
        rt.sleep_until(rt.now().mono + WRITE_EVERY).await;
    };
    promise.fulfil(result);
}
