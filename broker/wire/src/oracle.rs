//! Agreement with an independent codec, the `kafka-protocol` crate, wherever it has the version.

use std::collections::BTreeSet;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{
    ApiKey as TheirKey, ConsumerProtocolAssignment, ConsumerProtocolSubscription, RequestKind,
    ResponseKind,
};
use kafka_protocol::protocol::{Decodable, Encodable};

use crate::messages::sample::visit_all;
use crate::testing::{Sample, Source, Visit, encode};
use crate::{Message, Request, Response};

const SAMPLES_PER_VERSION: u64 = 24;

#[derive(Default)]
struct Agreement {
    versions: usize,
    /// What the other codec could not read.
    refused: BTreeSet<String>,
}

impl Agreement {
    /// Has `again` decode and encode samples of each version; both sides' bytes must be equal.
    fn compare<M: Message + Sample>(
        &mut self,
        again: impl Fn(&mut Bytes, i16) -> Option<BytesMut>,
    ) {
        for version in M::VERSION_MIN..=M::VERSION_MAX {
            for seed in 0..SAMPLES_PER_VERSION {
                let ours = encode(&M::sample(&mut Source::new(seed), version), version);
                let mut left = Bytes::from(ours.to_vec());
                let Some(theirs) = again(&mut left, version) else {
                    self.refused.insert(format!("{} v{version}", M::NAME));
                    continue;
                };
                assert!(left.is_empty(), "{} v{version} seed {seed}: bytes left", M::NAME);
                assert_eq!(theirs[..], ours[..], "{} v{version} seed {seed}", M::NAME);
            }
            self.versions += 1;
        }
    }
}

fn their_key(key: i16) -> TheirKey {
    TheirKey::try_from(key).expect("a key of Kafka 4.1")
}

fn again<M: Decodable + Encodable>(bytes: &mut Bytes, version: i16) -> Option<BytesMut> {
    let mut out = BytesMut::new();
    M::decode(bytes, version).ok()?.encode(&mut out, version).unwrap();
    Some(out)
}

impl Visit for Agreement {
    /// Of the values of logs the other codec has none; of the consumers' own messages both.
    fn message<M: Message + Sample>(&mut self) {
        match M::NAME {
            "ConsumerProtocolSubscription" => {
                self.compare::<M>(again::<ConsumerProtocolSubscription>);
            }
            "ConsumerProtocolAssignment" => self.compare::<M>(again::<ConsumerProtocolAssignment>),
            _ => {}
        }
    }

    fn request<R: Request + Sample>(&mut self) {
        let key = their_key(R::API as i16);
        self.compare::<R>(|bytes, version| {
            let mut out = BytesMut::new();
            let message = RequestKind::decode(key, bytes, version).ok()?;
            message.encode(&mut out, version).unwrap();
            Some(out)
        });
    }

    fn response<R: Response + Sample>(&mut self) {
        let key = their_key(R::API as i16);
        self.compare::<R>(|bytes, version| {
            let mut out = BytesMut::new();
            let message = ResponseKind::decode(key, bytes, version).ok()?;
            message.encode(&mut out, version).unwrap();
            Some(out)
        });
    }
}

#[test]
fn an_independent_codec_reads_and_writes_the_same_bytes() {
    let mut agreement = Agreement::default();
    visit_all(&mut agreement);
    assert!(agreement.versions > 300, "{}", agreement.versions);
    // Versions that Kafka 4.1, the other codec's source, does not have or marks unstable.
    let expected = [
        "DescribeLogDirsRequest v5",
        "DescribeLogDirsResponse v5",
        "InitProducerIdRequest v6",
        "ListOffsetsRequest v11",
        "ListOffsetsResponse v11",
        "OffsetCommitRequest v10",
        "OffsetFetchRequest v10",
    ];
    assert_eq!(agreement.refused.into_iter().collect::<Vec<_>>(), expected);
}
