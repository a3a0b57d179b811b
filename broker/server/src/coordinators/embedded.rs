//! How a coordinator reads and writes what consumers put into JoinGroup and SyncGroup.

use std::collections::BTreeSet;

use coordinator::{
    Bytes, EmbeddedAssignment, EmbeddedProtocol, EmbeddedSubscription, NamedPartition, Text,
};
use model::{Buf, PartitionIndex};
use wire::Reader;
use wire::consumer_protocol::{
    ConsumerProtocolAssignment, ConsumerProtocolSubscription, TopicPartition,
};

pub(super) const EMBEDDED: EmbeddedProtocol =
    EmbeddedProtocol { read_subscription, read_assignment, write_assignment };

fn read_subscription(bytes: &[u8]) -> Option<EmbeddedSubscription> {
    let bytes = Buf::from(bytes.to_vec());
    let version = Reader::new(&bytes).i16().ok()?;
    let read = ConsumerProtocolSubscription::from_bytes(&bytes).ok()?;
    Some(EmbeddedSubscription {
        version,
        topics: read.topics.into_iter().map(Text::from).collect(),
        owned: partitions(read.owned_partitions),
        rack_id: read.rack_id.map(Text::from),
    })
}

fn read_assignment(bytes: &[u8]) -> Option<EmbeddedAssignment> {
    let read = ConsumerProtocolAssignment::from_bytes(&Buf::from(bytes.to_vec())).ok()?;
    Some(EmbeddedAssignment {
        partitions: partitions(read.assigned_partitions),
        has_user_data: read.user_data.is_some_and(|data| !data.is_empty()),
    })
}

fn write_assignment(version: i16, partitions: &BTreeSet<NamedPartition>) -> Bytes {
    let partitions: Vec<_> = partitions.iter().collect();
    let topics = partitions.chunk_by(|one, other| one.topic == other.topic);
    let assignment = ConsumerProtocolAssignment {
        assigned_partitions: topics
            .map(|of_one| TopicPartition {
                topic: String::from(&*of_one[0].topic),
                partitions: of_one.iter().map(|at| at.partition.0).collect(),
            })
            .collect(),
        user_data: None,
    };
    // A version that does not exist yet is written as the newest that does, as Kafka does.
    let bytes = assignment.to_bytes(version.clamp(0, 3));
    Bytes::from(bytes.expect("names and numbers of one image fit"))
}

fn partitions(topics: Vec<TopicPartition>) -> BTreeSet<NamedPartition> {
    let named = topics.into_iter().flat_map(|topic| {
        let name = Text::from(topic.topic);
        topic.partitions.into_iter().map(move |index| NamedPartition {
            topic: Text::clone(&name),
            partition: PartitionIndex(index),
        })
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_is_read_back_in_every_version() {
        let at = |topic: &str, index| NamedPartition {
            topic: Text::from(topic),
            partition: PartitionIndex(index),
        };
        let partitions = BTreeSet::from([at("a", 0), at("a", 2), at("b", 1)]);
        for version in 0..=4 {
            let bytes = write_assignment(version, &partitions);
            let expected =
                EmbeddedAssignment { partitions: partitions.clone(), has_user_data: false };
            assert_eq!(read_assignment(&bytes), Some(expected), "version {version}");
        }
        assert_eq!(read_assignment(&[0]), None);
        assert_eq!(read_subscription(&[0xff, 0xff, 0, 0]), None);
    }
}
