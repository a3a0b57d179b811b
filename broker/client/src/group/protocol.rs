//! What members of a consumer group tell each other through the coordinator, which does not read it.
//!
//! ```text
//! subscription  version 2 | topics: count 4, each: length 2, name | user data: length 4 (-1: none), bytes
//! assignment    version 2 | topics: count 4, each: length 2, name, partitions: count 4, each 4 | user data
//! ```
//! Promises: reads every version (later ones only add behind), never panics, and allocates nothing on a count's word.
//! Source: Kafka `ConsumerProtocolSubscription.json`, `ConsumerProtocolAssignment.json`. We write version 0.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::NamedPartition;

/// `protocol_type` of every group whose members are consumers.
pub(super) const PROTOCOL_TYPE: &str = "consumer";

const VERSION: i16 = 0;

pub(super) fn encode_subscription(topics: &BTreeSet<String>) -> Vec<u8> {
    let mut bytes = VERSION.to_be_bytes().to_vec();
    put_count(&mut bytes, topics.len());
    topics.iter().for_each(|topic| put_name(&mut bytes, topic));
    put_no_user_data(&mut bytes);
    bytes
}

/// The topics of a member; `None` when the bytes are no subscription.
pub(super) fn decode_subscription(bytes: &[u8]) -> Option<BTreeSet<String>> {
    let mut cursor = Cursor::after_version(bytes)?;
    let mut topics = BTreeSet::new();
    for _ in 0..cursor.count()? {
        topics.insert(cursor.name()?.to_owned());
    }
    Some(topics)
}

pub(super) fn encode_assignment(partitions: &BTreeMap<String, Vec<i32>>) -> Vec<u8> {
    let mut bytes = VERSION.to_be_bytes().to_vec();
    put_count(&mut bytes, partitions.len());
    for (topic, partitions) in partitions {
        put_name(&mut bytes, topic);
        put_count(&mut bytes, partitions.len());
        partitions.iter().for_each(|it| bytes.extend_from_slice(&it.to_be_bytes()));
    }
    put_no_user_data(&mut bytes);
    bytes
}

/// The partitions in the assignment of a consumer, as DescribeGroups and SyncGroup carry it.
///
/// No bytes at all are no partitions: a member that the leader left out. `None` when the bytes are no assignment.
#[must_use]
pub fn assigned_partitions(bytes: &[u8]) -> Option<BTreeSet<NamedPartition>> {
    let mut partitions = BTreeSet::new();
    if bytes.is_empty() {
        return Some(partitions);
    }
    let mut cursor = Cursor::after_version(bytes)?;
    for _ in 0..cursor.count()? {
        let topic: Rc<str> = Rc::from(cursor.name()?);
        for _ in 0..cursor.count()? {
            partitions.insert(NamedPartition::new(&topic, cursor.i32()?));
        }
    }
    Some(partitions)
}

fn put_count(bytes: &mut Vec<u8>, count: usize) {
    let count = i32::try_from(count).expect("far fewer than the protocol allows");
    bytes.extend_from_slice(&count.to_be_bytes());
}

fn put_name(bytes: &mut Vec<u8>, name: &str) {
    let length = i16::try_from(name.len()).expect("topic names have at most 249 bytes");
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(name.as_bytes());
}

fn put_no_user_data(bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(&(-1_i32).to_be_bytes());
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn after_version(bytes: &'a [u8]) -> Option<Self> {
        let (version, rest) = bytes.split_first_chunk()?;
        (i16::from_be_bytes(*version) >= 0).then_some(Self(rest))
    }

    fn i32(&mut self) -> Option<i32> {
        let (value, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(i32::from_be_bytes(*value))
    }

    fn count(&mut self) -> Option<u32> {
        u32::try_from(self.i32()?).ok()
    }

    fn name(&mut self) -> Option<&'a str> {
        let (length, rest) = self.0.split_first_chunk()?;
        let length = usize::try_from(i16::from_be_bytes(*length)).ok()?;
        let (name, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        core::str::from_utf8(name).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_survives_and_later_versions_are_read() {
        let topics = BTreeSet::from(["a".to_owned(), "bc".to_owned()]);
        let mut bytes = encode_subscription(&topics);
        assert_eq!(bytes, b"\0\0\0\0\0\x02\0\x01a\0\x02bc\xff\xff\xff\xff");
        bytes[1] = 3;
        bytes.extend_from_slice(b"more");
        assert_eq!(decode_subscription(&bytes), Some(topics));
    }

    #[test]
    fn an_assignment_survives() {
        let partitions = BTreeMap::from([("a".to_owned(), vec![0, 2]), ("b".to_owned(), vec![])]);
        let bytes = encode_assignment(&partitions);
        let named = |partition| NamedPartition::new(&"a".into(), partition);
        assert_eq!(assigned_partitions(&bytes), Some(BTreeSet::from([named(0), named(2)])));
        assert_eq!(assigned_partitions(b""), Some(BTreeSet::new()));
    }

    #[test]
    fn anything_else_is_refused() {
        let bytes = encode_assignment(&BTreeMap::from([("a".to_owned(), vec![0, 2])]));
        for end in 1..bytes.len() - 4 {
            assert_eq!(assigned_partitions(&bytes[..end]), None, "{end} bytes");
        }
        for bytes in [&b"\xff\xff\0\0\0\0"[..], b"\0\0\x7f\xff\xff\xff", b"\0\0\xff\xff\xff\xff"] {
            assert_eq!(decode_subscription(bytes), None, "{bytes:?}");
        }
    }
}
