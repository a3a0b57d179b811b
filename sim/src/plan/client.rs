//! What the clients of a run do, as data.

use serde::{Deserialize, Serialize};
use wire::compression::Codec;

use super::Span;
use super::crowd::CrowdPlan;
use super::dice::Dice;
use super::group::MemberPlan;
use super::setup::TopicPlan;

/// One client on a machine of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "kebab-case")]
pub enum ClientPlan {
    Producer(ProducerPlan),
    Consumer(ConsumerPlan),
    Admin(AdminPlan),
    Member(MemberPlan),
    Crowd(CrowdPlan),
}

/// Which code carries the requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Through {
    /// The crate `client`.
    Client,
    /// Frames made and read by the simulator itself, so that client and broker cannot share a
    /// mistake.
    Frames,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProducerPlan {
    pub through: Through,
    pub topic: String,
    /// -1, 0 or 1, as on the wire.
    pub acks: i16,
    pub idempotent: bool,
    /// A batch without an answer, or with one that may be tried again, is sent again.
    pub retries: bool,
    /// `none`, `gzip`, `snappy`, `lz4` or `zstd`.
    pub codec: String,
    /// Batches sent before the first answer is awaited; at least 1.
    pub in_flight: u16,
    /// Records of one batch, at most.
    pub records_max: u16,
    /// Bytes of one value, at most.
    pub value_bytes_max: u32,
    /// Different keys; 0 sends records without a key.
    pub keys: u16,
    /// Mean pause between two rounds.
    pub pause_us: u64,
    /// Begins so long after the faults did.
    #[serde(default)]
    pub starts_us: u64,
    /// Rounds after which it is done; none: as many as there is time for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounds_max: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsumerPlan {
    pub through: Through,
    pub topic: String,
    /// With an incremental fetch session (KIP-227); through `client` only.
    pub sessions: bool,
    pub max_wait_ms: u32,
    pub max_bytes: u32,
    /// Mean pause between two fetches.
    pub pause_us: u64,
    /// One fetch in so many starts somewhere else; 0 never does.
    pub seek_every: u16,
    /// One fetch in so many is preceded by a look-up of an offset; 0 for none.
    pub look_up_every: u16,
    /// Begins so long after the faults did.
    #[serde(default)]
    pub starts_us: u64,
    /// Fetches after which it is done; none: as many as there is time for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounds_max: Option<u64>,
}

/// Operations on topics, in order of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdminPlan {
    pub operations: Vec<AdminOperation>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum AdminOperation {
    /// Creates a topic.
    Create {
        at_us: u64,
        topic: String,
        partitions: u16,
    },
    Delete {
        at_us: u64,
        topic: String,
    },
    /// Sets a topic's configuration.
    Set {
        at_us: u64,
        topic: String,
        name: String,
        value: String,
    },
    /// Deletes the oldest records: so many percent of what is there.
    DeleteRecords {
        at_us: u64,
        topic: String,
        partition: u16,
        percent: u8,
    },
    /// Adds partitions.
    Grow {
        at_us: u64,
        topic: String,
        partitions: u16,
    },
}

impl AdminOperation {
    #[must_use]
    pub fn at_us(&self) -> u64 {
        match self {
            Self::Create { at_us, .. }
            | Self::Delete { at_us, .. }
            | Self::Set { at_us, .. }
            | Self::DeleteRecords { at_us, .. }
            | Self::Grow { at_us, .. } => *at_us,
        }
    }

    pub(crate) fn at_us_mut(&mut self) -> &mut u64 {
        match self {
            Self::Create { at_us, .. }
            | Self::Delete { at_us, .. }
            | Self::Set { at_us, .. }
            | Self::DeleteRecords { at_us, .. }
            | Self::Grow { at_us, .. } => at_us,
        }
    }
}

const CODECS: [Codec; 5] = [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];

/// Producers and consumers for every topic, and perhaps one that changes topics.
pub(super) fn draw(dice: &mut Dice, span: Span, topics: &[TopicPlan]) -> Vec<ClientPlan> {
    let mut clients = Vec::new();
    for topic in topics {
        for _ in 0..dice.within(1..=2) {
            clients.push(ClientPlan::Producer(producer(dice, span, topic)));
        }
        clients.push(ClientPlan::Consumer(consumer(dice, span, topic)));
    }
    if dice.one_in(2) {
        clients.push(ClientPlan::Admin(admin(dice, span, topics)));
    }
    clients
}

fn through(dice: &mut Dice) -> Through {
    dice.pick(&[Through::Client, Through::Frames])
}

fn producer(dice: &mut Dice, span: Span, topic: &TopicPlan) -> ProducerPlan {
    let compacted = topic.configs.get("cleanup.policy").is_some_and(|it| it.contains("compact"));
    let acks = dice.pick(&[-1, -1, -1, 1, 0]);
    ProducerPlan {
        through: through(dice),
        topic: topic.name.clone(),
        acks,
        // KIP-98: an idempotent producer waits for all replicas.
        idempotent: acks == -1 && !dice.one_in(3),
        retries: dice.one_in(2),
        codec: dice.pick(&CODECS).name().to_owned(),
        in_flight: dice.pick(&[1, 1, 2, 5]),
        records_max: dice.pick(&[1, 3, 20]),
        value_bytes_max: dice.pick(&[16, 200, 200, 4_000, 60_000]),
        keys: if compacted { dice.pick(&[1, 5, 40]) } else { dice.pick(&[0, 10]) },
        pause_us: dice.log_uniform(span.pause_us..=span.pause_us * 16),
        starts_us: 0,
        rounds_max: None,
    }
}

fn consumer(dice: &mut Dice, span: Span, topic: &TopicPlan) -> ConsumerPlan {
    let through = through(dice);
    ConsumerPlan {
        through,
        topic: topic.name.clone(),
        sessions: through == Through::Client && dice.one_in(2),
        max_wait_ms: u32::try_from(dice.log_uniform(1..=span.pause_us / 50)).unwrap_or(u32::MAX),
        max_bytes: dice.pick(&[1, 4_096, 65_536, 1 << 20]),
        pause_us: dice.log_uniform(span.pause_us * 4..=span.pause_us * 32),
        seek_every: dice.pick(&[0, 7, 50]),
        look_up_every: dice.pick(&[0, 5, 25]),
        starts_us: 0,
        rounds_max: None,
    }
}

fn admin(dice: &mut Dice, span: Span, topics: &[TopicPlan]) -> AdminPlan {
    let mut operations: Vec<AdminOperation> =
        (0..dice.within(1..=8)).map(|number| operation(dice, span, topics, number)).collect();
    operations.sort_by_key(AdminOperation::at_us);
    AdminPlan { operations }
}

fn operation(dice: &mut Dice, span: Span, topics: &[TopicPlan], number: u64) -> AdminOperation {
    let at_us = dice.within(0..=span.faults_us);
    let topic = dice.pick(topics);
    let partition = u16::try_from(dice.index(topic.partitions.into())).expect("below a u16");
    match dice.within(0..=9) {
        0 | 1 => AdminOperation::Create {
            at_us,
            topic: format!("late-{number}"),
            partitions: dice.pick(&[1, 4]),
        },
        2 => AdminOperation::Delete { at_us, topic: format!("late-{}", dice.within(0..=number)) },
        3 if topics.len() > 1 => AdminOperation::Delete { at_us, topic: topic.name },
        4 | 5 => {
            let percent = dice.pick(&[10, 50, 100]);
            AdminOperation::DeleteRecords { at_us, topic: topic.name, partition, percent }
        }
        6 => AdminOperation::Grow {
            at_us,
            partitions: topic.partitions + dice.pick(&[1, 2]),
            topic: topic.name,
        },
        _ => {
            let (name, value) = dice.pick(&[
                ("segment.ms", "700"),
                ("segment.index.bytes", "32"),
                ("retention.ms", "5000"),
                ("retention.bytes", "20000"),
                ("max.message.bytes", "1000"),
                ("cleanup.policy", "compact,delete"),
                ("flush.messages", "1"),
                ("segment.bytes", "not a number"),
            ]);
            let (name, value) = (name.to_owned(), value.to_owned());
            AdminOperation::Set { at_us, topic: topic.name, name, value }
        }
    }
}
