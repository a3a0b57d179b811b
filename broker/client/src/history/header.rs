//! The head of a history: its version, and the topics that entries speak of.

use model::{PartitionIndex, TopicId, TopicPartition};
use std::io::{self, Read};

use super::checksum::{Sum, Summed};
use super::{ENTRY_BYTES, HistoryError};

const MAGIC: &[u8; 8] = b"odrahist";
pub(super) const VERSION: u16 = 2;
/// A file that claims more is refused before anything is reserved for it.
const TOPICS_MAX: u32 = 100_000;
/// As many as all topics of a file may have together.
const PARTITIONS_MAX: u64 = 10_000_000;

/// What a reader knows before the first entry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Header {
    pub topics: Vec<TopicEntry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicEntry {
    pub id: TopicId,
    pub name: String,
    pub partition_count: u32,
    pub rules: Rules,
}

/// What explains missing or changed records in a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rules {
    pub compacted: bool,
    /// A limit of time or size may remove old records while the history is made.
    pub retained_for_a_while: bool,
    pub append_time: bool,
}

const COMPACTED: u8 = 1;
const RETAINED: u8 = 1 << 1;
const APPEND_TIME: u8 = 1 << 2;

impl Header {
    /// The number under which entries speak of a partition.
    #[must_use]
    pub fn place(&self, topic: TopicId, partition: PartitionIndex) -> Option<u32> {
        let mut first = 0;
        for entry in &self.topics {
            if entry.id == topic {
                let index = u32::try_from(partition.0).ok()?;
                return (index < entry.partition_count).then_some(first + index);
            }
            first += entry.partition_count;
        }
        None
    }

    /// Every partition, by its number.
    #[must_use]
    pub fn places(&self) -> Vec<TopicPartition> {
        let of = |topic: &TopicEntry| {
            let id = topic.id;
            (0..topic.partition_count).map(move |index| TopicPartition {
                topic: id,
                partition: PartitionIndex(index.cast_signed()),
            })
        };
        self.topics.iter().flat_map(of).collect()
    }

    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(u16::try_from(ENTRY_BYTES).expect("64").to_le_bytes());
        let count = u32::try_from(self.topics.len()).expect("less than 2^32 topics");
        bytes.extend(count.to_le_bytes());
        for topic in &self.topics {
            let flag = |holds, flag| if holds { flag } else { 0_u8 };
            let rules = flag(topic.rules.compacted, COMPACTED)
                | flag(topic.rules.retained_for_a_while, RETAINED)
                | flag(topic.rules.append_time, APPEND_TIME);
            bytes.extend(topic.id.0);
            bytes.push(rules);
            bytes.extend(topic.partition_count.to_le_bytes());
            let name_bytes = u16::try_from(topic.name.len()).expect("Kafka allows 249 characters");
            bytes.extend(name_bytes.to_le_bytes());
            bytes.extend(topic.name.as_bytes());
        }
        let mut sum = Sum::default();
        sum.add(&bytes);
        bytes.extend(sum.value());
        bytes
    }

    pub(super) fn read(from: &mut impl Read) -> Result<Self, HistoryError> {
        let from = &mut Summed { from, sum: Sum::default() };
        match take::<8>(from) {
            Ok(magic) if &magic == MAGIC => {}
            Ok(_) | Err(HistoryError::Header) => return Err(HistoryError::NotAHistory),
            Err(error) => return Err(error),
        }
        let version = u16::from_le_bytes(take(from)?);
        let entry_bytes = u16::from_le_bytes(take(from)?);
        if version != VERSION || usize::from(entry_bytes) != ENTRY_BYTES {
            return Err(HistoryError::Version { version });
        }
        let topic_count = u32::from_le_bytes(take(from)?);
        if topic_count > TOPICS_MAX {
            return Err(HistoryError::Header);
        }
        let mut header = Self::default();
        let mut partition_count = 0;
        for _ in 0..topic_count {
            let topic = read_topic(from)?;
            partition_count += u64::from(topic.partition_count);
            if partition_count > PARTITIONS_MAX {
                return Err(HistoryError::Header);
            }
            header.topics.push(topic);
        }
        let sum = from.sum.value();
        if take(from)? == sum { Ok(header) } else { Err(HistoryError::Header) }
    }
}

fn read_topic(from: &mut impl Read) -> Result<TopicEntry, HistoryError> {
    let id = TopicId(take(from)?);
    let [rules] = take(from)?;
    let partition_count = u32::from_le_bytes(take(from)?);
    let mut name = vec![0; usize::from(u16::from_le_bytes(take(from)?))];
    from.read_exact(&mut name).map_err(cut)?;
    Ok(TopicEntry {
        id,
        name: String::from_utf8(name).map_err(|_| HistoryError::Header)?,
        partition_count,
        rules: Rules {
            compacted: rules & COMPACTED != 0,
            retained_for_a_while: rules & RETAINED != 0,
            append_time: rules & APPEND_TIME != 0,
        },
    })
}

fn take<const N: usize>(from: &mut impl Read) -> Result<[u8; N], HistoryError> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes).map_err(cut)?;
    Ok(bytes)
}

fn cut(error: io::Error) -> HistoryError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => HistoryError::Header,
        _ => error.into(),
    }
}
