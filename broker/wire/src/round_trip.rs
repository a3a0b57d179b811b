//! Every message in every version: what is written is read back, and no prefix of it panics.

use model::Buf;

use crate::messages::sample::visit_all;
use crate::testing::{Sample, Source, Visit, encode};
use crate::{Message, Reader, Writer};

const SAMPLES_PER_VERSION: u64 = 24;

struct RoundTrip;

impl Visit for RoundTrip {
    fn message<M: Message + Sample>(&mut self) {
        for version in M::VERSION_MIN..=M::VERSION_MAX {
            for seed in 0..SAMPLES_PER_VERSION {
                let message = M::sample(&mut Source::new(seed), version);
                let bytes = encode(&message, version);
                let mut reader = Reader::new(&bytes);
                let again = M::decode(&mut reader, version);
                assert_eq!(again.as_ref(), Ok(&message), "{} v{version} seed {seed}", M::NAME);
                assert_eq!(reader.remaining(), 0, "{} v{version} seed {seed}", M::NAME);
            }
        }
    }
}

struct Truncation;

impl Visit for Truncation {
    fn message<M: Message + Sample>(&mut self) {
        for version in M::VERSION_MIN..=M::VERSION_MAX {
            let bytes = encode(&M::sample(&mut Source::new(3), version), version);
            for end in 0..bytes.len() {
                let prefix = bytes.slice(..end);
                let decoded = M::decode(&mut Reader::new(&prefix), version);
                assert!(decoded.is_err(), "{} v{version} cut at {end}", M::NAME);
            }
        }
    }
}

struct OtherVersions;

impl Visit for OtherVersions {
    fn message<M: Message + Sample>(&mut self) {
        for version in [M::VERSION_MIN - 1, M::VERSION_MAX + 1] {
            let decoded = M::decode(&mut Reader::new(&Buf::EMPTY), version);
            assert!(decoded.is_err(), "{} v{version}", M::NAME);
            let encoded = M::default().encode(&mut Writer::new(1 << 20), version);
            assert!(encoded.is_err(), "{} v{version}", M::NAME);
        }
    }
}

#[test]
fn every_version_of_every_message_survives_encoding() {
    visit_all(&mut RoundTrip);
}

#[test]
fn a_message_cut_at_any_byte_is_refused() {
    visit_all(&mut Truncation);
}

#[test]
fn versions_outside_the_range_are_refused() {
    visit_all(&mut OtherVersions);
}
