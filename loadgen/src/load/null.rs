//! The work of a run without the run: everything but the network, in virtual time, with a stopwatch.

use core::time::Duration;
use model::{NodeId, TopicId};
use wire::batch::{BatchStamp, BatchView};
use wire::compression::Codec;

use super::consumer::Walk;
use super::lanes::{Lanes, Turn};
use super::tally::{SentBatch, Tally};
use super::topics::{Prepared, Topic};
use crate::payload::Arena;
use crate::plan::Plan;

/// The pacer looks at the clock about this often.
const TURN_NS: u64 = 5_000;
const RUN: u16 = 1;

/// Time spent, by step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    pub records: u64,
    pub batches: u64,
    pub place: Duration,
    pub build: Duration,
    pub acknowledge: Duration,
    pub consume: Duration,
}

/// Works off `length` of load; `clock` is read per turn and batch, which is part of the figures.
#[must_use]
pub fn measure(plan: &Plan, length: Duration, clock: &dyn Fn() -> Duration) -> Cost {
    let prepared = Prepared::imagined(plan);
    let end_ns = super::nanos(length);
    let mut lanes = Lanes::new(plan, &prepared);
    let mut tally = Tally::new(0..end_ns, lanes.schedules(), &prepared);
    let mut arena = Arena::new(plan.record_bytes, 1);
    let mut scratch = Vec::new();
    let mut cost = Cost::default();
    let mut now_ns = 0;
    while now_ns <= end_ns {
        let began = clock();
        let mut turn = Turn { now_ns, wall_ms: 0, end_ns, run: RUN, arena: &mut arena };
        let (lag, not_sent) = tally.placing();
        cost.records += lanes.place_due(
            &mut turn,
            |due| lag.record((now_ns - due.at_ns) / 1_000, 1),
            |_| *not_sent += 1,
        );
        cost.place += clock() - began;
        for producer in 0..usize::try_from(plan.producers).expect("checked by the plan") {
            if !lanes.is_ready(producer, now_ns) {
                continue;
            }
            let began = clock();
            let mut finished = Vec::new();
            for (number, batch) in lanes.take(producer, NodeId(0)) {
                let (first, count, placed) = (batch.first, batch.count(), batch.placed);
                let stamp = BatchStamp::default();
                let bytes = if plan.compression.codec == Codec::None {
                    batch.builder.finish(&stamp)
                } else {
                    let mut bytes = Vec::new();
                    batch.builder.finish_compressed(&stamp, plan.compression, &mut bytes);
                    bytes
                };
                let lane = lanes.lane(number);
                let sent = SentBatch {
                    lane: number,
                    topic: lane.topic,
                    topic_id: lane.topic_id,
                    partition: lane.partition,
                    first,
                    count,
                    placed,
                    sent_ns: now_ns,
                    operation: 0,
                };
                lane.note_sent(sent.end_sequence(), now_ns);
                finished.push((sent, bytes));
            }
            let built = clock();
            for (sent, _) in &finished {
                tally.acked(sent, now_ns + 200_000);
            }
            let acknowledged = clock();
            for (sent, bytes) in &finished {
                let view = BatchView::new(bytes).expect("just built");
                Walk {
                    run: RUN,
                    now_ns: || now_ns + 300_000,
                    lanes: &mut lanes,
                    tally: &mut tally,
                    arena: plan.verify.then_some(&arena),
                    scratch: &mut scratch,
                    history: None,
                }
                .walk(sent.topic_id, sent.partition, &view);
            }
            cost.batches += finished.len() as u64;
            cost.build += built - began;
            cost.acknowledge += acknowledged - built;
            cost.consume += clock() - acknowledged;
        }
        now_ns += TURN_NS;
    }
    cost
}

impl Prepared {
    /// Topics that nobody created, led by nobody.
    fn imagined(plan: &Plan) -> Self {
        let topic = |number: u32| Topic {
            name: format!("topic-{number}"),
            id: TopicId::from_random(0, number.into()),
            leaders: (0..plan.partitions).map(|_| NodeId(0)).collect(),
            ends: Vec::new(),
        };
        Self::given((0..plan.topics).map(topic).collect())
    }
}
