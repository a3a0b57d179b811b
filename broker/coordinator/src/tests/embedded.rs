//! Kafka's bytes of subscriptions (versions 0 and 1) and assignments, as a driver reads and writes them.

use std::collections::BTreeSet;

use model::PartitionIndex;

use crate::*;

pub(crate) const EMBEDDED: EmbeddedProtocol =
    EmbeddedProtocol { read_subscription, read_assignment, write_assignment };

pub(crate) fn write_subscription(topics: &[&str], owned: &BTreeSet<NamedPartition>) -> Bytes {
    let mut bytes = vec![0, 1];
    bytes.extend(u32::try_from(topics.len()).unwrap().to_be_bytes());
    for topic in topics {
        put_text(&mut bytes, topic);
    }
    bytes.extend([0xff; 4]);
    put_partitions(&mut bytes, owned);
    Bytes::from(bytes)
}

fn read_subscription(bytes: &[u8]) -> Option<EmbeddedSubscription> {
    let mut input = Input(bytes);
    let version = input.i16()?;
    if version < 0 {
        return None;
    }
    let mut topics = BTreeSet::new();
    for _ in 0..u32::try_from(input.i32()?).ok()? {
        topics.insert(TopicName::from(input.text()?));
    }
    input.user_data()?;
    let owned = if version > 0 { input.partitions()? } else { BTreeSet::new() };
    Some(EmbeddedSubscription { version, topics, owned, rack_id: None })
}

fn read_assignment(bytes: &[u8]) -> Option<EmbeddedAssignment> {
    let mut input = Input(bytes);
    input.i16().filter(|version| *version >= 0)?;
    let partitions = input.partitions()?;
    Some(EmbeddedAssignment { partitions, has_user_data: input.user_data()? > 0 })
}

fn write_assignment(version: i16, partitions: &BTreeSet<NamedPartition>) -> Bytes {
    let mut bytes = version.to_be_bytes().to_vec();
    put_partitions(&mut bytes, partitions);
    bytes.extend([0xff; 4]);
    Bytes::from(bytes)
}

/// One entry per partition: a reader must not mind.
fn put_partitions(bytes: &mut Vec<u8>, partitions: &BTreeSet<NamedPartition>) {
    bytes.extend(u32::try_from(partitions.len()).unwrap().to_be_bytes());
    for at in partitions {
        put_text(bytes, &at.topic);
        bytes.extend(1_u32.to_be_bytes());
        bytes.extend(at.partition.0.to_be_bytes());
    }
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
    bytes.extend(text.as_bytes());
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn i16(&mut self) -> Option<i16> {
        Some(i16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    fn i32(&mut self) -> Option<i32> {
        Some(i32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = usize::try_from(self.i16()?).ok()?;
        core::str::from_utf8(self.take(length)?).ok()
    }

    /// Its length; none for null.
    fn user_data(&mut self) -> Option<usize> {
        let length = self.i32()?.max(0);
        let length = usize::try_from(length).ok()?;
        self.take(length).map(<[u8]>::len)
    }

    fn partitions(&mut self) -> Option<BTreeSet<NamedPartition>> {
        let mut partitions = BTreeSet::new();
        for _ in 0..u32::try_from(self.i32()?).ok()? {
            let topic = TopicName::from(self.text()?);
            for _ in 0..u32::try_from(self.i32()?).ok()? {
                let partition = PartitionIndex(self.i32()?);
                partitions.insert(NamedPartition { topic: topic.clone(), partition });
            }
        }
        Some(partitions)
    }
}
