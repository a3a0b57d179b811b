//! Subscriptions and assignments of consumers: the bytes inside JoinGroup and SyncGroup.
//!
//! Two bytes of version, then the body, never flexible. A coordinator of classic groups passes both
//! on unread, but for the topics of a subscription.
//! Does not: read what clients other than consumers put there (Connect has a protocol of its own).
//! Source: Kafka `ConsumerProtocol`.

use model::Buf;

pub use crate::messages::consumer_protocol::*;
use crate::{DecodeError, EncodeError, Message, Reader, Writer};

/// Largest subscription or assignment that is written.
pub const CONSUMER_PROTOCOL_BYTES_MAX: usize = 8 << 20;

impl ConsumerProtocolSubscription {
    /// Reads a subscription. One of a version above 3 is read as 3, as Kafka does.
    ///
    /// # Errors
    /// The version is negative, or the bytes are not a subscription.
    pub fn from_bytes(bytes: &Buf) -> Result<Self, DecodeError> {
        decode(bytes)
    }

    /// # Errors
    /// The version does not exist, or the bytes would exceed [`CONSUMER_PROTOCOL_BYTES_MAX`]. What a
    /// version lacks is left out.
    pub fn to_bytes(&self, version: i16) -> Result<Vec<u8>, EncodeError> {
        encode(self, version)
    }
}

impl ConsumerProtocolAssignment {
    /// Reads an assignment. One of a version above 3 is read as 3, as Kafka does.
    ///
    /// # Errors
    /// The version is negative, or the bytes are not an assignment.
    pub fn from_bytes(bytes: &Buf) -> Result<Self, DecodeError> {
        decode(bytes)
    }

    /// # Errors
    /// The version does not exist, or the bytes would exceed [`CONSUMER_PROTOCOL_BYTES_MAX`].
    pub fn to_bytes(&self, version: i16) -> Result<Vec<u8>, EncodeError> {
        encode(self, version)
    }
}

fn decode<M: Message>(bytes: &Buf) -> Result<M, DecodeError> {
    let mut reader = Reader::new(bytes);
    let version = reader.i16()?;
    M::decode(&mut reader, version.min(M::VERSION_MAX))
}

fn encode<M: Message>(message: &M, version: i16) -> Result<Vec<u8>, EncodeError> {
    let mut writer = Writer::new(CONSUMER_PROTOCOL_BYTES_MAX);
    writer.i16(version);
    message.encode(&mut writer, version)?;
    writer.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Sample, Source};

    #[test]
    fn a_subscription_has_the_layout_of_kafka() {
        let subscription = ConsumerProtocolSubscription {
            topics: vec!["a".to_owned()],
            user_data: None,
            owned_partitions: vec![TopicPartition { topic: "b".to_owned(), partitions: vec![7] }],
            generation_id: 5,
            rack_id: Some("r".to_owned()),
        };
        #[rustfmt::skip]
        let expected = [
            0, 3,                                                 // version
            0, 0, 0, 1, 0, 1, b'a',                               // topics
            0xff, 0xff, 0xff, 0xff,                               // user data
            0, 0, 0, 1, 0, 1, b'b', 0, 0, 0, 1, 0, 0, 0, 7,       // owned partitions
            0, 0, 0, 5,                                           // generation id
            0, 1, b'r',                                           // rack id
        ];
        assert_eq!(subscription.to_bytes(3).unwrap(), expected);
        let shorter = subscription.to_bytes(0).unwrap();
        assert_eq!(shorter, [&[0, 0], &expected[2..13]].concat());
    }

    #[test]
    fn both_survive_every_version() {
        for version in 0..=3 {
            for seed in 0..24 {
                let it = ConsumerProtocolSubscription::sample(&mut Source::new(seed), version);
                let bytes = it.to_bytes(version).unwrap().into();
                assert_eq!(ConsumerProtocolSubscription::from_bytes(&bytes), Ok(it));
                let it = ConsumerProtocolAssignment::sample(&mut Source::new(seed), version);
                let bytes = it.to_bytes(version).unwrap().into();
                assert_eq!(ConsumerProtocolAssignment::from_bytes(&bytes), Ok(it));
            }
        }
    }

    #[test]
    fn a_newer_version_is_read_as_the_newest_known() {
        let it = ConsumerProtocolAssignment::sample(&mut Source::new(1), 3);
        let mut bytes = it.to_bytes(3).unwrap();
        bytes[1] = 9;
        bytes.extend_from_slice(b"fields of the future");
        assert_eq!(ConsumerProtocolAssignment::from_bytes(&bytes.into()), Ok(it));
        let refused = ConsumerProtocolAssignment::from_bytes(&vec![0xff; 10].into());
        assert_eq!(refused, Err(DecodeError::UnsupportedVersion { api_key: -1, version: -1 }));
    }
}
