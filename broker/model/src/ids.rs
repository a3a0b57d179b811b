//! Ids, offsets and epochs: one type per meaning, so that arguments cannot be swapped.

use core::fmt;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// A broker or controller, `node.id` in Kafka's configuration. Not negative.
    NodeId(i32)
}
number! {
    /// Position of a record in a partition or in the metadata log. Not negative.
    Offset(i64)
}
number! {
    /// Counts the leaders of one partition. The wire's -1 is `Option::None` here.
    LeaderEpoch(i32)
}
number! {
    /// Counts the registrations of one broker.
    BrokerEpoch(i64)
}
number! {
    /// An idempotent producer (KIP-98). Not negative; the wire's -1 is `Option::None` here.
    ProducerId(i64)
}
number! {
    /// Counts the lives of one producer id.
    ProducerEpoch(i16)
}
number! {
    /// A partition's number within its topic.
    PartitionIndex(i32)
}
number! {
    /// One thread with everything it owns. Dense from 0.
    ShardId(u16)
}

impl Offset {
    pub const ZERO: Self = Self(0);

    /// The offset `count` records later.
    #[must_use]
    pub fn after(self, count: u32) -> Self {
        Self(self.0 + i64::from(count))
    }
}

/// Topic id, a UUID drawn at creation. All zero means "no id" on the wire.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TopicId(pub [u8; 16]);

impl TopicId {
    pub const ZERO: Self = Self([0; 16]);
    /// The id that Kafka reserves for `__cluster_metadata`.
    pub const METADATA: Self = Self([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);

    /// A version 4 UUID from 128 random bits.
    #[must_use]
    pub fn from_random(high: u64, low: u64) -> Self {
        let mut bytes = [0; 16];
        for (to, from) in bytes.iter_mut().zip(high.to_be_bytes().iter().chain(&low.to_be_bytes()))
        {
            *to = *from;
        }
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        Self(bytes)
    }

    /// Reads Kafka's text form: 22 characters of URL-safe base64 without padding.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        if text.len() != 22 {
            return None;
        }
        let mut value: u128 = 0;
        for (at, c) in text.bytes().enumerate() {
            let digit = ALPHABET.iter().position(|a| *a == c)? as u128;
            // 22 digits hold 132 bits; the last digit carries only two of its six.
            value = if at == 21 { (value << 2) | (digit >> 4) } else { (value << 6) | digit };
        }
        Some(Self(value.to_be_bytes()))
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl fmt::Display for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = u128::from_be_bytes(self.0);
        for at in 0..22 {
            let digit = if at == 21 { (value & 3) << 4 } else { (value >> (122 - 6 * at)) & 63 };
            let digit = usize::try_from(digit).unwrap_or(0);
            fmt::Write::write_char(f, char::from(ALPHABET[digit]))?;
        }
        Ok(())
    }
}

impl fmt::Debug for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TopicId({self})")
    }
}

/// One partition of one topic, by topic id: a topic created again is another topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    pub topic: TopicId,
    pub partition: PartitionIndex,
}

impl TopicPartition {
    /// The shard that owns this replica: (hash(topic id) + partition) mod shards, so that the
    /// partitions of one topic spread evenly.
    #[must_use]
    pub fn home(self, shard_count: u16) -> ShardId {
        assert!(shard_count > 0, "a node has at least one shard");
        let high = u64::from_be_bytes(self.topic.0[..8].try_into().expect("8 of 16 bytes"));
        let low = u64::from_be_bytes(self.topic.0[8..].try_into().expect("8 of 16 bytes"));
        let hash = (high ^ low).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let home =
            hash.wrapping_add(self.partition.0.unsigned_abs().into()) % u64::from(shard_count);
        ShardId(u16::try_from(home).expect("less than the shard count"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_id_survives_its_text_form() {
        for id in [
            TopicId::ZERO,
            TopicId::METADATA,
            TopicId::from_random(u64::MAX, 0x0123_4567_89ab_cdef),
        ] {
            assert_eq!(TopicId::from_text(&id.to_string()), Some(id));
        }
        assert_eq!(TopicId::METADATA.to_string(), "AAAAAAAAAAAAAAAAAAAAAQ");
        assert_eq!(TopicId::from_text("too short"), None);
    }

    #[test]
    fn neighbouring_partitions_live_on_neighbouring_shards() {
        let topic = TopicId::from_random(7, 9);
        let home = |p| TopicPartition { topic, partition: PartitionIndex(p) }.home(4).0;
        let first = home(0);
        for p in 0..16 {
            assert_eq!(home(p), (first + u16::try_from(p).unwrap()) % 4);
        }
    }
}
