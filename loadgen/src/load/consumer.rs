//! Consumers: fetch, check, walk in place.

use client::{Client, Connection, FetchLimits, FetchSession, Fetched};
use model::{NodeId, Offset, PartitionIndex, TopicId};
use runtime::{Runtime, TaskClass};
use std::rc::Rc;
use wire::batch::{BatchView, batches};

use super::history::{BatchHash, Given, GivenBatch, Recorder};
use super::lanes::Lanes;
use super::tally::{ConsumedBatch, Tally};
use super::topics::Prepared;
use super::{Load, RunError, broker};
use crate::payload::{Arena, Head};

/// Decompressed records of one batch.
const DECOMPRESSED_BYTES_MAX: usize = 256 << 20;
/// After this many bytes other tasks get their turn: the pacer must not wait for a large answer.
const WALK_BYTES: usize = 32 << 10;

struct Reader<R: Runtime> {
    load: Rc<Load<R>>,
    connection: Connection<R>,
    session: FetchSession,
    scratch: Vec<u8>,
    /// Its number in the history.
    number: u16,
    /// Answers so far.
    polls: u64,
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
    for (at, partition) in partitions {
        let topic = &prepared.topics[*at];
        let end = topic.ends[usize::try_from(partition.0).expect("not negative")];
        session.add(topic.id, &topic.name, *partition, end);
    }
    let number = load.history.as_ref().map_or(0, |history| history.connection());
    let load = Rc::clone(load);
    Ok(Reader { load, connection, session, scratch: Vec::new(), number, polls: 0 })
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
            self.polls += 1;
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
        let arena = load.plan.verify.then(|| load.arena.borrow());
        let given = Given {
            connection: self.number,
            poll: self.polls,
            high_watermark: part.high_watermark,
        };
        Walk {
            run: load.run,
            now_ns: || load.now_ns(),
            lanes: &mut load.lanes.borrow_mut(),
            tally: &mut load.tally.borrow_mut(),
            arena: arena.as_deref(),
            scratch: &mut self.scratch,
            history: load.history.as_deref().map(|history| (history, given)),
        }
        .walk(part.topic, part.partition, batch);
    }
}

/// What it takes to walk a batch.
pub(super) struct Walk<'a, C: Fn() -> u64> {
    pub(super) run: u16,
    /// Read once per batch, after its checksum.
    pub(super) now_ns: C,
    pub(super) lanes: &'a mut Lanes,
    pub(super) tally: &'a mut Tally,
    /// Given when every byte is to be compared.
    pub(super) arena: Option<&'a Arena>,
    pub(super) scratch: &'a mut Vec<u8>,
    /// Given when the batch is to be remembered.
    pub(super) history: Option<(&'a Recorder, Given)>,
}

impl<C: Fn() -> u64> Walk<'_, C> {
    /// Checks a batch and counts its records, in place. Work per record: read it, read its head,
    /// see that it follows the one before.
    pub(super) fn walk(
        &mut self,
        topic: TopicId,
        partition: PartitionIndex,
        batch: &BatchView<'_>,
    ) {
        let base_offset = batch.header.base_offset;
        let mut content = BatchHash::default();
        if let Err(error) = batch.check_crc() {
            content.is_wrong();
            self.remember(topic, partition, batch, content, (self.now_ns)());
            return self.tally.corrupted(topic, partition, base_offset, error.to_string());
        }
        let now_ns = (self.now_ns)();
        let records = match batch.records(self.scratch, DECOMPRESSED_BYTES_MAX) {
            Ok(records) => records,
            Err(error) => {
                content.is_wrong();
                self.remember(topic, partition, batch, content, now_ns);
                return self.tally.corrupted(topic, partition, base_offset, error.to_string());
            }
        };
        let mut run: Option<ConsumedBatch> = None;
        for (offset, record) in (base_offset.0..).zip(records) {
            let record = match record {
                Ok(record) => record,
                Err(error) => {
                    content.is_wrong();
                    self.tally.corrupted(topic, partition, Offset(offset), error.to_string());
                    continue;
                }
            };
            let head = record.value.and_then(Head::decode);
            let head = head.filter(|head| head.run == self.run && self.lanes.has(head.lane));
            // Well-formed and not of this run: somebody else's record.
            let Some((head, value)) = head.zip(record.value) else { continue };
            if self.arena.is_some_and(|arena| !arena.matches(head, value)) {
                let what = format!("record {} has other bytes than were sent", head.due.sequence);
                content.is_wrong();
                self.tally.corrupted(topic, partition, Offset(offset), what);
            }
            match &mut run {
                Some(run) if run.continues(head.lane, head.due.sequence) => run.count += 1,
                _ => {
                    let next = ConsumedBatch {
                        lane: head.lane,
                        topic_id: topic,
                        partition,
                        base_offset: Offset(offset),
                        first: head.due,
                        count: 1,
                    };
                    if let Some(run) = run.replace(next) {
                        content.of_run(&run);
                        count(self.lanes, self.tally, &run, now_ns);
                    }
                }
            }
        }
        if let Some(run) = run {
            content.of_run(&run);
            count(self.lanes, self.tally, &run, now_ns);
        }
        self.remember(topic, partition, batch, content, now_ns);
    }

    fn remember(
        &self,
        topic: TopicId,
        partition: PartitionIndex,
        batch: &BatchView<'_>,
        content: BatchHash,
        at_ns: u64,
    ) {
        if let Some((history, given)) = self.history {
            let hash = content.of_whole(batch.header.record_count);
            let header = &batch.header;
            history.consumed(given, &GivenBatch { topic, partition, header, hash, at_ns });
        }
    }
}

fn count(lanes: &mut Lanes, tally: &mut Tally, run: &ConsumedBatch, now_ns: u64) {
    let sent_ns = lanes.lane(run.lane).sent_at(run.first.sequence);
    tally.consumed(run, sent_ns, now_ns);
}

#[cfg(test)]
mod tests {
    use super::super::topics::Topic;
    use super::*;
    use crate::plan::tests::plan;
    use crate::schedule::Due;
    use wire::batch::{BatchBuilder, BatchStamp};

    const RUN: u16 = 9;

    /// Walks a batch of three records, `change` having its way with their values first, and says how
    /// many were corrupted and consumed.
    fn walk(change: fn(usize, &mut Vec<u8>), flip: Option<usize>) -> (u64, u64) {
        let mut plan = plan();
        plan.warmup = core::time::Duration::ZERO;
        let topic = Topic {
            name: "t".to_owned(),
            id: TopicId::from_random(0, 1),
            leaders: vec![NodeId(0), NodeId(0)],
            ends: vec![Offset::ZERO; 2],
        };
        let prepared = Prepared::given(vec![topic]);
        let mut lanes = Lanes::new(&plan, &prepared);
        let mut tally = Tally::new(0..1_000_000_000, lanes.schedules(), &prepared);
        let mut arena = Arena::new(plan.record_bytes, 1);
        let mut builder = BatchBuilder::new(Vec::new());
        for at in 0..3 {
            let due = Due { sequence: at, at_ns: at * 200_000 };
            let mut value = arena.value(Head { run: RUN, lane: 0, due }).to_vec();
            change(usize::try_from(at).unwrap(), &mut value);
            builder.append(0, None, Some(&value), &[]);
        }
        let mut bytes = builder.finish(&BatchStamp::default());
        if let Some(at) = flip {
            bytes[at] ^= 1;
        }
        Walk {
            run: RUN,
            now_ns: || 1_000_000,
            lanes: &mut lanes,
            tally: &mut tally,
            arena: Some(&arena),
            scratch: &mut Vec::new(),
            history: None,
        }
        .walk(
            TopicId::from_random(0, 1),
            PartitionIndex(0),
            &BatchView::new(&bytes).unwrap(),
        );
        let (verify, _) = tally.verified(&[]);
        (verify.corrupted, tally.counts().consumed)
    }

    #[test]
    fn an_intact_batch_is_consumed() {
        assert_eq!(walk(|_, _| {}, None), (0, 3));
    }

    #[test]
    fn a_batch_with_a_wrong_checksum_counts_once_and_gives_no_record() {
        assert_eq!(walk(|_, _| {}, Some(100)), (1, 0));
    }

    #[test]
    fn a_record_with_other_bytes_under_a_right_checksum_is_corrupted() {
        let change = |at, value: &mut Vec<u8>| {
            if at == 1 {
                value[50] ^= 1;
            }
        };
        assert_eq!(walk(change, None), (1, 3));
    }

    #[test]
    fn records_of_somebody_else_are_passed_over() {
        let change = |at, value: &mut Vec<u8>| {
            if at == 1 {
                *value = b"not of this run, and longer than a head".to_vec();
            }
        };
        assert_eq!(walk(change, None), (0, 2));
    }
}
