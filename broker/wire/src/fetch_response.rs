//! A Fetch response whose records stay in files.
//!
//! The server knows how many record bytes each partition returns before it has any of them. This
//! writer takes those sizes and gives the bytes that go between: header, file range, header, file
//! range. The layout is that of [`FetchResponse`](crate::messages::fetch::FetchResponse), to which a
//! test compares it.

use model::TopicId;

use crate::api::Message;
use crate::error::EncodeError;
use crate::frame::begin_response;
use crate::messages::ApiKey;
use crate::messages::fetch::{FetchResponse, NodeEndpoint, PartitionData};
use crate::{Form, Frame, Writer};

/// The fields before the topics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FetchResponseHead {
    pub correlation_id: i32,
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub session_id: i32,
    pub topic_count: usize,
}

/// Writes one response: head, then each topic followed by its partitions, then [`finish`].
///
/// [`finish`]: FetchResponseEncoder::finish
#[derive(Debug)]
pub struct FetchResponseEncoder {
    writer: Writer,
    version: i16,
    form: Form,
    topics_left: usize,
    partitions_left: usize,
}

impl FetchResponseEncoder {
    /// Starts a response in `writer`, whose limit covers the records too.
    ///
    /// # Errors
    /// The version does not exist, or more topics than the protocol can count.
    pub fn new(
        mut writer: Writer,
        version: i16,
        head: &FetchResponseHead,
    ) -> Result<Self, EncodeError> {
        if !(FetchResponse::VERSION_MIN..=FetchResponse::VERSION_MAX).contains(&version) {
            return Err(EncodeError::Version { message: FetchResponse::NAME, version });
        }
        let form = Form::of(version >= 12);
        begin_response(&mut writer, ApiKey::Fetch, version, head.correlation_id);
        writer.i32(head.throttle_time_ms);
        if version >= 7 {
            writer.i16(head.error_code);
            writer.i32(head.session_id);
        }
        writer.array_length(Some(head.topic_count), form)?;
        Ok(Self { writer, version, form, topics_left: head.topic_count, partitions_left: 0 })
    }

    /// Starts a topic: by name below version 13, by id from then on.
    ///
    /// # Errors
    /// A name or count beyond the protocol.
    ///
    /// # Panics
    /// When partitions of the topic before are missing, or there are more topics than announced.
    pub fn topic(
        &mut self,
        name: &str,
        topic_id: TopicId,
        partition_count: usize,
    ) -> Result<(), EncodeError> {
        assert_eq!(self.partitions_left, 0, "partitions of the topic before are missing");
        assert!(self.topics_left > 0, "more topics than announced");
        self.topics_left -= 1;
        if self.version >= 13 {
            self.writer.topic_id(topic_id);
        } else {
            self.writer.string(name, self.form)?;
        }
        self.writer.array_length(Some(partition_count), self.form)?;
        self.partitions_left = partition_count;
        self.end_topic_when_complete();
        Ok(())
    }

    /// One partition with `records_bytes` of records, which become the next external piece; zero
    /// gives empty records (never null, which some clients read as a negative size) and no piece.
    /// `partition.records` is not looked at.
    ///
    /// # Errors
    /// A field that this version cannot carry.
    ///
    /// # Panics
    /// When the topic has no partition left.
    pub fn partition(
        &mut self,
        partition: &PartitionData,
        records_bytes: u32,
    ) -> Result<(), EncodeError> {
        assert!(self.partitions_left > 0, "more partitions than announced");
        self.partitions_left -= 1;
        self.writer.external_records(records_bytes);
        partition.encode(&mut self.writer, self.version)?;
        self.end_topic_when_complete();
        Ok(())
    }

    /// The frame. Its external pieces are the partitions' records, numbered by their order among all
    /// partitions of the response. `node_endpoints` are left out below version 16.
    ///
    /// # Errors
    /// The response exceeds the writer's limit.
    ///
    /// # Panics
    /// When announced topics or partitions are missing.
    pub fn finish(mut self, node_endpoints: &[NodeEndpoint]) -> Result<Frame, EncodeError> {
        assert_eq!((self.topics_left, self.partitions_left), (0, 0), "the response is incomplete");
        let (form, version) = (self.form, self.version);
        let with_endpoints = version >= 16 && !node_endpoints.is_empty();
        if form == Form::Flexible {
            self.writer.unsigned_varint(u32::from(with_endpoints));
        }
        if with_endpoints {
            self.writer.tagged(0, |writer| {
                writer.array(node_endpoints, form, |writer, it| it.encode(writer, version))
            })?;
        }
        self.writer.finish()
    }

    fn end_topic_when_complete(&mut self) {
        if self.partitions_left == 0 && self.form == Form::Flexible {
            self.writer.unsigned_varint(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use model::Buf;

    use super::*;
    use crate::Piece;
    use crate::frame::encode_response;
    use crate::testing::{Sample, Source};

    const LIMIT: usize = 1 << 20;

    #[test]
    fn the_encoder_writes_what_the_message_says() {
        for version in FetchResponse::VERSION_MIN..=FetchResponse::VERSION_MAX {
            for seed in 0..50 {
                let mut response = FetchResponse::sample(&mut Source::new(seed), version);
                let partitions = response.responses.iter_mut().flat_map(|it| &mut it.partitions);
                for partition in partitions {
                    partition.records.get_or_insert(Buf::EMPTY);
                }
                let whole = encode_response(&response, version, 9, LIMIT).unwrap().into_vec();
                let (frame, records) = encode_in_pieces(&response, version);
                assert_eq!(frame.size_bytes, whole.len());
                let bytes: Vec<u8> = frame
                    .pieces
                    .into_iter()
                    .flat_map(|piece| match piece {
                        Piece::Bytes(bytes) => bytes.to_vec(),
                        Piece::External { index, size_bytes } => {
                            assert_eq!(records[index].len(), size_bytes as usize);
                            records[index].to_vec()
                        }
                    })
                    .collect();
                assert_eq!(bytes, whole, "v{version} seed {seed}");
            }
        }
    }

    fn encode_in_pieces(response: &FetchResponse, version: i16) -> (Frame, Vec<Buf>) {
        let head = FetchResponseHead {
            correlation_id: 9,
            throttle_time_ms: response.throttle_time_ms,
            error_code: response.error_code,
            session_id: response.session_id,
            topic_count: response.responses.len(),
        };
        let mut encoder = FetchResponseEncoder::new(Writer::new(LIMIT), version, &head).unwrap();
        let mut records = Vec::new();
        for topic in &response.responses {
            encoder.topic(&topic.topic, topic.topic_id, topic.partitions.len()).unwrap();
            for partition in &topic.partitions {
                let bytes = partition.records.clone().unwrap();
                encoder.partition(partition, u32::try_from(bytes.len()).unwrap()).unwrap();
                records.push(bytes);
            }
        }
        (encoder.finish(&response.node_endpoints).unwrap(), records)
    }
}
