//! A Produce request read without allocating per topic or copying a record.
//!
//! Promises: the whole request is checked before the caller sees any of it, so that a malformed tail
//! cannot leave half of it appended. Does not: look into the record batches ([`crate::batch`]).
//! The same layout as [`ProduceRequest`](crate::messages::produce::ProduceRequest), to which a test
//! compares it.

use core::ops::Range;

use model::{Buf, TopicId};
use smallvec::SmallVec;

use crate::api::Message;
use crate::error::DecodeError;
use crate::messages::ApiKey;
use crate::messages::produce::ProduceRequest;
use crate::{Form, Reader};

/// A Produce request in place; strings borrow the frame, records share it.
#[derive(Debug, Clone, PartialEq)]
pub struct ProduceView<'f> {
    pub transactional_id: Option<&'f str>,
    pub acks: i16,
    pub timeout_ms: i32,
    pub topics: SmallVec<[ProduceTopic<'f>; 2]>,
    /// All partitions in the order of the request.
    pub partitions: SmallVec<[ProducePartition; 4]>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ProduceTopic<'f> {
    /// Empty from version 13.
    pub name: &'f str,
    /// Zero below version 13.
    pub topic_id: TopicId,
    /// Places of its partitions in [`ProduceView::partitions`].
    partitions: Range<usize>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ProducePartition {
    pub index: i32,
    /// `None` and empty are both refused by [`validate`](crate::batch::validate).
    pub records: Option<Buf>,
}

impl<'f> ProduceView<'f> {
    /// Reads the body that [`decode_request_header`](crate::frame::decode_request_header) stands at.
    ///
    /// # Errors
    /// The bytes are not a Produce request of this version: close the connection.
    pub fn decode(r: &mut Reader<'f>, version: i16) -> Result<Self, DecodeError> {
        if !(ProduceRequest::VERSION_MIN..=ProduceRequest::VERSION_MAX).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::Produce as i16,
                version,
            });
        }
        let form = Form::of(version >= 9);
        let mut view = Self {
            transactional_id: r.nullable_str(form)?,
            acks: r.i16()?,
            timeout_ms: r.i32()?,
            topics: SmallVec::new(),
            partitions: SmallVec::new(),
        };
        for _ in 0..r.count(form, TOPIC_BYTES_MIN)? {
            let topic = view.topic(r, form, version)?;
            view.topics.push(topic);
        }
        skip_tags(r, form)?;
        Ok(view)
    }

    /// The partitions of one topic.
    #[must_use]
    pub fn partitions_of(&self, topic: &ProduceTopic<'f>) -> &[ProducePartition] {
        self.partitions.get(topic.partitions.clone()).unwrap_or_default()
    }

    fn topic(
        &mut self,
        r: &mut Reader<'f>,
        form: Form,
        version: i16,
    ) -> Result<ProduceTopic<'f>, DecodeError> {
        let by_id = version >= 13;
        let name = if by_id { "" } else { r.str(form)? };
        let topic_id = if by_id { r.topic_id()? } else { TopicId::ZERO };
        let start = self.partitions.len();
        for _ in 0..r.count(form, PARTITION_BYTES_MIN)? {
            self.partitions.push(ProducePartition { index: r.i32()?, records: r.records(form)? });
            skip_tags(r, form)?;
        }
        skip_tags(r, form)?;
        Ok(ProduceTopic { name, topic_id, partitions: start..self.partitions.len() })
    }
}

/// A compact empty name, no partitions, no tags.
const TOPIC_BYTES_MIN: usize = 3;
/// An index, compact null records, no tags.
const PARTITION_BYTES_MIN: usize = 6;

fn skip_tags(r: &mut Reader<'_>, form: Form) -> Result<(), DecodeError> {
    match form {
        Form::Classic => Ok(()),
        Form::Flexible => r.skip_tagged_fields(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Sample, Source, encode};

    #[test]
    fn the_view_sees_what_the_message_says_and_copies_no_records() {
        for version in ProduceRequest::VERSION_MIN..=ProduceRequest::VERSION_MAX {
            for seed in 0..50 {
                let request = ProduceRequest::sample(&mut Source::new(seed), version);
                let frame = encode(&request, version);
                let view = ProduceView::decode(&mut Reader::new(&frame), version).unwrap();
                assert_eq!(view.transactional_id, request.transactional_id.as_deref());
                assert_eq!((view.acks, view.timeout_ms), (request.acks, request.timeout_ms));
                assert_eq!(view.topics.len(), request.topic_data.len());
                for (topic, expected) in view.topics.iter().zip(&request.topic_data) {
                    assert_eq!((topic.name, topic.topic_id), (&*expected.name, expected.topic_id));
                    let partitions = view.partitions_of(topic);
                    assert_eq!(partitions.len(), expected.partition_data.len());
                    for (partition, expected) in partitions.iter().zip(&expected.partition_data) {
                        assert_eq!(partition.index, expected.index);
                        assert_eq!(partition.records, expected.records);
                        let inside = |bytes: &Buf| frame.as_ptr_range().contains(&bytes.as_ptr());
                        let filled = partition.records.as_ref().filter(|it| !it.is_empty());
                        assert!(filled.is_none_or(inside), "records share the frame");
                    }
                }
            }
        }
    }

    #[test]
    fn the_view_refuses_every_prefix() {
        for version in [3, 9, 13] {
            let frame = encode(&ProduceRequest::sample(&mut Source::new(3), version), version);
            for end in 0..frame.len() {
                let cut = frame.slice(..end);
                assert!(ProduceView::decode(&mut Reader::new(&cut), version).is_err());
            }
        }
    }
}
