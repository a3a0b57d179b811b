//! Consumers: fetch, check, walk in place.

use client::{Client, Connection, FetchLimits, FetchSession, Fetched};
use model::{NodeId, Offset, PartitionIndex};
use runtime::{Runtime, TaskClass};
use std::rc::Rc;
use wire::batch::{BatchView, batches};

use super::tally::ConsumedBatch;
use super::topics::Prepared;
use super::{Load, RunError, broker};
use crate::payload::Head;

/// Decompressed records of one batch.
const DECOMPRESSED_BYTES_MAX: usize = 256 << 20;
/// After this many bytes other tasks get their turn: the pacer must not wait for a large answer.
const WALK_BYTES: usize = 32 << 10;

struct Reader<R: Runtime> {
    load: Rc<Load<R>>,
    connection: Connection<R>,
    session: FetchSession,
    scratch: Vec<u8>,
}

/// Connects every consumer to the leaders of its partitions, at the end of their logs.
pub(super) async fn start<R: Runtime>(
    load: &Rc<Load<R>>,
    client: &Client<R>,
    prepared: &Prepared,
) -> Result<(), RunError> {
    let consumers = usize::try_from(load.plan.consumers).expect("checked by the plan");
    for consumer in 0..consumers {
        for (leader, partitions) in prepared.by_leader(|number| number % consumers == consumer) {
            let reader = open(load, client, prepared, leader, &partitions)
                .await
                .map_err(broker("connecting a consumer"))?;
            load.rt.spawn("consumer", TaskClass::Latency, reader.run());
        }
    }
    Ok(())
}

async fn open<R: Runtime>(
    load: &Rc<Load<R>>,
    client: &Client<R>,
    prepared: &Prepared,
    leader: NodeId,
    partitions: &[(usize, PartitionIndex)],
) -> Result<Reader<R>, client::ClientError> {
    let connection = client.open(&prepared.brokers[&leader], |_| {}).await?;
    let mut session = FetchSession::new(FetchLimits {
        max_wait_ms: load.plan.fetch_max_wait_ms,
        min_bytes: load.plan.fetch_min_bytes,
        ..FetchLimits::default()
    });
    for (at, topic) in prepared.topics.iter().enumerate() {
        let mine: Vec<_> = partitions
            .iter()
            .filter(|(of, _)| *of == at)
            .map(|(_, partition)| *partition)
            .collect();
        if mine.is_empty() {
            continue;
        }
        for (partition, end) in connection.end_offsets(&topic.name, &mine).await? {
            session.add(topic.id, &topic.name, partition, end);
        }
    }
    Ok(Reader { load: Rc::clone(load), connection, session, scratch: Vec::new() })
}

impl<R: Runtime> Reader<R> {
    async fn run(mut self) {
        if let Err(error) = self.read_all().await {
            self.load.fail(broker("consuming")(error));
        }
    }

    /// Reads until the run drops this task. The next request leaves before the last answer is
    /// walked, so that the broker is never without one.
    async fn read_all(&mut self) -> Result<(), client::ClientError> {
        let mut reply = self.connection.submit(&self.session.request()).await?;
        loop {
            let fetched = self.session.absorb(reply.await?)?;
            for part in &fetched {
                self.move_on(part)?;
            }
            reply = self.connection.submit(&self.session.request()).await?;
            for part in &fetched {
                self.walk(part).await;
            }
        }
    }

    /// Advances the cursor by the batch headers alone.
    fn move_on(&mut self, part: &Fetched) -> Result<(), client::ClientError> {
        let what = format_args!("fetching partition {}", part.partition);
        if part.error_code != 0 {
            return Err(client::ClientError::refused(what.to_string(), part.error_code, None));
        }
        let last = batches(&part.records).map_while(Result::ok).last();
        if let Some(last) = last {
            self.session.advance(part.topic, part.partition, last.header.end_offset());
        }
        Ok(())
    }

    async fn walk(&mut self, part: &Fetched) {
        let mut since_yield = 0;
        for batch in batches(&part.records).map_while(Result::ok) {
            self.consume(part, &batch);
            since_yield += batch.bytes().len();
            if since_yield >= WALK_BYTES {
                since_yield = 0;
                self.load.rt.yield_now().await;
            }
        }
    }

    fn consume(&mut self, part: &Fetched, batch: &BatchView<'_>) {
        let load = &self.load;
        let base_offset = batch.header.base_offset;
        let mut tally = load.tally.borrow_mut();
        if let Err(error) = batch.check_crc() {
            return tally.corrupted(part.topic, part.partition, base_offset, error.to_string());
        }
        let now_ns = load.now_ns();
        let records = match batch.records(&mut self.scratch, DECOMPRESSED_BYTES_MAX) {
            Ok(records) => records,
            Err(error) => {
                return tally.corrupted(part.topic, part.partition, base_offset, error.to_string());
            }
        };
        let arena = load.plan.verify.then(|| load.arena.borrow());
        let mut lanes = load.lanes.borrow_mut();
        let mut run: Option<ConsumedBatch> = None;
        for (offset, record) in (base_offset.0..).zip(records) {
            let value = record.as_ref().ok().and_then(|record| record.value);
            let head = value.and_then(Head::decode);
            let head = head.filter(|head| head.run == load.run && lanes.has(head.lane));
            let (Some(value), Some(head)) = (value, head) else {
                if let Err(error) = record {
                    tally.corrupted(part.topic, part.partition, Offset(offset), error.to_string());
                }
                // Well-formed and not of this run: somebody else's record.
                continue;
            };
            if arena.as_ref().is_some_and(|arena| !arena.matches(head, value)) {
                let what = format!("record {} has other bytes than were sent", head.due.sequence);
                tally.corrupted(part.topic, part.partition, Offset(offset), what);
            }
            match &mut run {
                Some(run) if run.continues(head.lane, head.due.sequence) => run.count += 1,
                _ => {
                    if let Some(run) = run.take() {
                        tally.consumed(&run, sent_at(&mut lanes, &run), now_ns);
                    }
                    let (topic_id, partition) = (part.topic, part.partition);
                    run = Some(ConsumedBatch {
                        lane: head.lane,
                        topic_id,
                        partition,
                        base_offset: Offset(offset),
                        first: head.due,
                        count: 1,
                    });
                }
            }
        }
        if let Some(run) = run {
            tally.consumed(&run, sent_at(&mut lanes, &run), now_ns);
        }
    }
}

fn sent_at(lanes: &mut super::lanes::Lanes, run: &ConsumedBatch) -> Option<u64> {
    lanes.lane(run.lane).sent_at(run.first.sequence)
}
