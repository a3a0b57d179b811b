//! DescribeProducers: the producer state of partitions. KIP-664.
//!
//! Generated from `schemas/describe_producers.schema` by `cargo x codegen`.

#![allow(clippy::field_reassign_with_default, reason = "one statement per field")]

use crate::api::{Form, Message, Request, Response};
use crate::error::{DecodeError, EncodeError};
use crate::messages::ApiKey;
use crate::{Reader, Writer};

/// Kafka's `DescribeProducersRequest`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeProducersRequest {
    pub topics: Vec<TopicRequest>,
}

impl Message for DescribeProducersRequest {
    const NAME: &'static str = "DescribeProducersRequest";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=0).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::DescribeProducers as i16,
                version,
            });
        }
        let form = Form::Flexible;
        let mut it = Self::default();
        it.topics = r.array(form, 2, |r| TopicRequest::decode(r, version))?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=0).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::Flexible;
        w.array(&self.topics, form, |w, it| it.encode(w, version))?;
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `TopicRequest`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TopicRequest {
    pub name: String,
    pub partition_indexes: Vec<i32>,
}

impl TopicRequest {
    pub(crate) fn decode(r: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let form = Form::Flexible;
        let mut it = Self::default();
        it.name = r.string(form)?;
        it.partition_indexes = r.array(form, 4, |r| r.i32())?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        let form = Form::Flexible;
        w.string(&self.name, form)?;
        w.array(&self.partition_indexes, form, |w, it| {
            w.i32(*it);
            Ok(())
        })?;
        w.unsigned_varint(0);
        Ok(())
    }
}

impl Request for DescribeProducersRequest {
    const API: ApiKey = ApiKey::DescribeProducers;
    type Response = DescribeProducersResponse;
}

/// Kafka's `DescribeProducersResponse`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeProducersResponse {
    pub throttle_time_ms: i32,
    pub topics: Vec<TopicResponse>,
}

impl Message for DescribeProducersResponse {
    const NAME: &'static str = "DescribeProducersResponse";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=0).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::DescribeProducers as i16,
                version,
            });
        }
        let form = Form::Flexible;
        let mut it = Self::default();
        it.throttle_time_ms = r.i32()?;
        it.topics = r.array(form, 2, |r| TopicResponse::decode(r, version))?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=0).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::Flexible;
        w.i32(self.throttle_time_ms);
        w.array(&self.topics, form, |w, it| it.encode(w, version))?;
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `TopicResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TopicResponse {
    pub name: String,
    pub partitions: Vec<PartitionResponse>,
}

impl TopicResponse {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::Flexible;
        let mut it = Self::default();
        it.name = r.string(form)?;
        it.partitions = r.array(form, 8, |r| PartitionResponse::decode(r, version))?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::Flexible;
        w.string(&self.name, form)?;
        w.array(&self.partitions, form, |w, it| it.encode(w, version))?;
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `PartitionResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PartitionResponse {
    pub partition_index: i32,
    pub error_code: i16,
    /// Default null.
    pub error_message: Option<String>,
    pub active_producers: Vec<ProducerState>,
}

impl PartitionResponse {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::Flexible;
        let mut it = Self::default();
        it.partition_index = r.i32()?;
        it.error_code = r.i16()?;
        it.error_message = r.nullable_string(form)?;
        it.active_producers = r.array(form, 36, |r| ProducerState::decode(r, version))?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::Flexible;
        w.i32(self.partition_index);
        w.i16(self.error_code);
        w.nullable_string(self.error_message.as_deref(), form)?;
        w.array(&self.active_producers, form, |w, it| it.encode(w, version))?;
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `ProducerState`.
#[derive(Debug, Clone, PartialEq)]
pub struct ProducerState {
    pub producer_id: i64,
    pub producer_epoch: i32,
    /// Default -1.
    pub last_sequence: i32,
    /// Default -1.
    pub last_timestamp: i64,
    pub coordinator_epoch: i32,
    /// Default -1.
    pub current_txn_start_offset: i64,
}

impl Default for ProducerState {
    fn default() -> Self {
        Self {
            producer_id: 0,
            producer_epoch: 0,
            last_sequence: -1,
            last_timestamp: -1,
            coordinator_epoch: 0,
            current_txn_start_offset: -1,
        }
    }
}

impl ProducerState {
    pub(crate) fn decode(r: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let mut it = Self::default();
        it.producer_id = r.i64()?;
        it.producer_epoch = r.i32()?;
        it.last_sequence = r.i32()?;
        it.last_timestamp = r.i64()?;
        it.coordinator_epoch = r.i32()?;
        it.current_txn_start_offset = r.i64()?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.i64(self.producer_id);
        w.i32(self.producer_epoch);
        w.i32(self.last_sequence);
        w.i64(self.last_timestamp);
        w.i32(self.coordinator_epoch);
        w.i64(self.current_txn_start_offset);
        w.unsigned_varint(0);
        Ok(())
    }
}

impl Response for DescribeProducersResponse {
    const API: ApiKey = ApiKey::DescribeProducers;
}
