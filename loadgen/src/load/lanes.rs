//! Lanes: the streams of records, one producer into one partition each.
//!
//! Promises: within a lane sequences leave in order and in one batch at a time per request; a lane
//! whose backlog is full skips records instead of growing.

use model::{NodeId, PartitionIndex, TopicId};
use std::collections::VecDeque;
use wire::batch::BatchBuilder;

use super::topics::Prepared;
use crate::payload::{Arena, Head};
use crate::plan::Plan;
use crate::schedule::{Due, LaneSchedule};

/// Bytes that one more record can add to a batch besides its value: lengths and deltas.
const RECORD_OVERHEAD_BYTES: usize = 32;

/// Placings less than this apart count as one, so that a batch has a short list of them.
const PLACED_STEP_NS: u64 = 10_000;

/// Sent batches whose records were not consumed yet; beyond it the oldest is forgotten and its
/// records are missing from `deliver` only.
const SENT_MAX: usize = 65_536;

/// Records that were placed at about the same time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed {
    pub(super) at_ns: u64,
    pub(super) count: u32,
}

/// A batch being filled, or full and waiting for a request.
pub(super) struct OpenBatch {
    pub(super) builder: BatchBuilder,
    pub(super) first: Due,
    pub(super) placed: Vec<Placed>,
    opened_ns: u64,
}

impl OpenBatch {
    pub(super) fn count(&self) -> u32 {
        self.builder.record_count()
    }
}

/// When a batch left, for `deliver`.
pub(super) struct Sent {
    pub(super) end_sequence: u64,
    pub(super) at_ns: u64,
}

pub(super) struct Lane {
    pub(super) number: u16,
    pub(super) topic: usize,
    pub(super) topic_id: TopicId,
    pub(super) partition: PartitionIndex,
    pub(super) leader: NodeId,
    schedule: LaneSchedule,
    /// The record that is due next.
    next: Due,
    open: Option<OpenBatch>,
    full: VecDeque<OpenBatch>,
    waiting_records: u64,
    /// Sequence number of the next batch for an idempotent producer.
    pub(super) producer_sequence: i32,
    pub(super) sent: VecDeque<Sent>,
    /// Size of the last batch: the next one starts with as much memory.
    batch_bytes: usize,
}

pub(super) struct Lanes {
    lanes: Vec<Lane>,
    /// Due time of each lane's next record, apart from the lanes so that one look is a scan.
    next_ns: Vec<u64>,
    /// Lanes of each producer, ascending.
    of_producer: Vec<Vec<u16>>,
    /// Per producer: when its oldest open batch has lingered long enough.
    linger_end_ns: Vec<u64>,
    settings: Settings,
}

struct Settings {
    linger_ns: u64,
    batch_bytes: usize,
    backlog_records: u64,
}

/// What one look at the clock made of the lanes.
pub(super) struct Turn<'a> {
    pub(super) now_ns: u64,
    pub(super) wall_ms: i64,
    /// No record due at or after this is placed.
    pub(super) end_ns: u64,
    pub(super) run: u16,
    pub(super) arena: &'a mut Arena,
}

impl Lanes {
    pub(super) fn new(plan: &Plan, prepared: &Prepared) -> Self {
        let partition_count: usize = prepared.topics.iter().map(|topic| topic.leaders.len()).sum();
        let lane_count = u16::try_from(plan.lane_count()).expect("checked by the plan");
        let producer_count = usize::try_from(plan.producers).expect("checked by the plan");
        let mut of_producer = vec![Vec::new(); producer_count];
        let mut lanes = Vec::new();
        for number in 0..lane_count {
            let (topic, partition) = place(prepared, usize::from(number) % partition_count);
            let at = usize::try_from(partition.0).expect("not negative");
            of_producer[usize::from(number) % producer_count].push(number);
            let schedule = LaneSchedule::new(plan.shape, plan.rate_per_s, number, lane_count);
            lanes.push(Lane {
                number,
                topic,
                topic_id: prepared.topics[topic].id,
                partition,
                leader: prepared.topics[topic].leaders[at],
                schedule,
                next: schedule.first(),
                open: None,
                full: VecDeque::new(),
                waiting_records: 0,
                producer_sequence: 0,
                sent: VecDeque::new(),
                batch_bytes: 0,
            });
        }
        let settings = Settings {
            linger_ns: super::nanos(plan.linger),
            batch_bytes: plan.batch_bytes,
            backlog_records: plan.backlog_records(),
        };
        Self {
            next_ns: lanes.iter().map(|lane| lane.next.at_ns).collect(),
            lanes,
            of_producer,
            linger_end_ns: vec![u64::MAX; producer_count],
            settings,
        }
    }

    pub(super) fn schedules(&self) -> Vec<LaneSchedule> {
        self.lanes.iter().map(|lane| lane.schedule).collect()
    }

    /// Topic and partition of every lane.
    pub(super) fn places(&self) -> Vec<(TopicId, PartitionIndex)> {
        self.lanes.iter().map(|lane| (lane.topic_id, lane.partition)).collect()
    }

    pub(super) fn lane(&mut self, number: u16) -> &mut Lane {
        &mut self.lanes[usize::from(number)]
    }

    pub(super) fn has(&self, number: u16) -> bool {
        usize::from(number) < self.lanes.len()
    }

    /// Lanes of one producer.
    pub(super) fn of_producer(&self, producer: usize) -> &[u16] {
        &self.of_producer[producer]
    }

    /// Records due so far, whatever became of them.
    pub(super) fn due_count(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.next.sequence).sum()
    }

    /// Nothing waits for a request.
    pub(super) fn is_empty(&self) -> bool {
        self.lanes.iter().all(|lane| lane.open.is_none() && lane.full.is_empty())
    }

    /// The next moment at which a record is due or a batch has lingered long enough.
    pub(super) fn next_event_ns(&self) -> u64 {
        self.next_ns.iter().chain(&self.linger_end_ns).copied().min().unwrap_or(u64::MAX)
    }

    /// Places every record that is due. `lag` is told of each, `skipped` of those for which the
    /// backlog had no room.
    pub(super) fn place_due(
        &mut self,
        turn: &mut Turn<'_>,
        mut lag: impl FnMut(Due),
        mut skipped: impl FnMut(Due),
    ) -> u64 {
        let mut placed_count = 0;
        for at in 0..self.lanes.len() {
            if self.next_ns[at] > turn.now_ns || self.next_ns[at] >= turn.end_ns {
                continue;
            }
            let lane = &mut self.lanes[at];
            while lane.next.at_ns <= turn.now_ns && lane.next.at_ns < turn.end_ns {
                if lane.waiting_records < self.settings.backlog_records {
                    lane.place(turn, &self.settings);
                    lag(lane.next);
                    placed_count += 1;
                } else {
                    skipped(lane.next);
                }
                lane.next = lane.schedule.next(lane.next);
            }
            self.next_ns[at] =
                if lane.next.at_ns < turn.end_ns { lane.next.at_ns } else { u64::MAX };
            let producer = at % self.of_producer.len();
            if let Some(open) = &lane.open {
                let end_ns = open.opened_ns + self.settings.linger_ns;
                self.linger_end_ns[producer] = self.linger_end_ns[producer].min(end_ns);
            }
            if !lane.full.is_empty() {
                self.linger_end_ns[producer] = 0;
            }
        }
        placed_count
    }

    /// Ends all lingering: nothing more will come.
    pub(super) fn flush(&mut self) {
        self.linger_end_ns.fill(0);
    }

    /// Whether a producer should make a request now.
    pub(super) fn is_ready(&self, producer: usize, now_ns: u64) -> bool {
        self.linger_end_ns[producer] <= now_ns
    }

    /// Takes one batch of every lane that has one, in lane order, and starts the next linger.
    ///
    /// Once one lane is ready all of them go, as in Kafka's producer: the request is on its way
    /// anyway.
    pub(super) fn take(&mut self, producer: usize, leader: NodeId) -> Vec<(u16, OpenBatch)> {
        let mut taken = Vec::new();
        let mut linger_end_ns = u64::MAX;
        for number in &self.of_producer[producer] {
            let lane = &mut self.lanes[usize::from(*number)];
            if lane.leader == leader {
                let batch = lane.full.pop_front().or_else(|| lane.open.take());
                if let Some(batch) = batch {
                    lane.waiting_records -= u64::from(batch.count());
                    lane.batch_bytes = batch.builder.size_bytes();
                    taken.push((*number, batch));
                }
            }
            if !lane.full.is_empty() {
                linger_end_ns = 0;
            } else if let Some(open) = &lane.open {
                linger_end_ns = linger_end_ns.min(open.opened_ns + self.settings.linger_ns);
            }
        }
        self.linger_end_ns[producer] = linger_end_ns;
        taken
    }
}

/// Topic and partition of the `number`th partition of all topics together.
fn place(prepared: &Prepared, mut number: usize) -> (usize, PartitionIndex) {
    for (at, topic) in prepared.topics.iter().enumerate() {
        if number < topic.leaders.len() {
            return (at, PartitionIndex(i32::try_from(number).expect("a partition number")));
        }
        number -= topic.leaders.len();
    }
    unreachable!("numbers are taken modulo the partition count")
}

impl Lane {
    fn place(&mut self, turn: &mut Turn<'_>, settings: &Settings) {
        let value = turn.arena.value(Head { run: turn.run, lane: self.number, due: self.next });
        let needed_bytes = value.len() + RECORD_OVERHEAD_BYTES;
        if self
            .open
            .as_ref()
            .is_some_and(|open| open.builder.size_bytes() + needed_bytes > settings.batch_bytes)
        {
            self.full.extend(self.open.take());
        }
        let open = self.open.get_or_insert_with(|| {
            let room = (self.batch_bytes + self.batch_bytes / 4).max(1_024);
            OpenBatch {
                builder: BatchBuilder::new(Vec::with_capacity(room)),
                first: self.next,
                placed: Vec::with_capacity(16),
                opened_ns: turn.now_ns,
            }
        });
        open.builder.append(turn.wall_ms, None, Some(value), &[]);
        match open.placed.last_mut() {
            Some(last) if turn.now_ns - last.at_ns < PLACED_STEP_NS => last.count += 1,
            _ => open.placed.push(Placed { at_ns: turn.now_ns, count: 1 }),
        }
        self.waiting_records += 1;
    }

    /// Notes when a batch left.
    pub(super) fn note_sent(&mut self, end_sequence: u64, at_ns: u64) {
        if self.sent.len() == SENT_MAX {
            self.sent.pop_front();
        }
        self.sent.push_back(Sent { end_sequence, at_ns });
    }

    /// When the batch that holds this sequence left; earlier ones are forgotten.
    pub(super) fn sent_at(&mut self, sequence: u64) -> Option<u64> {
        while self.sent.front().is_some_and(|sent| sent.end_sequence <= sequence) {
            self.sent.pop_front();
        }
        self.sent.front().map(|sent| sent.at_ns)
    }
}
