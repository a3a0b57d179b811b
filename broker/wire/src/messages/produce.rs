//! Produce: append one record batch per partition. v7 zstd, v8 record errors, v10 leader hints,
//! v13 topic ids. KIP-98, KIP-467, KIP-951, KIP-516.
//!
//! Generated from `schemas/produce.schema` by `cargo x codegen`.

#![allow(clippy::field_reassign_with_default, reason = "one statement per field")]

use crate::api::{Form, Message, Request, Response};
use crate::error::{DecodeError, EncodeError};
use crate::messages::ApiKey;
use crate::{Reader, Writer};
use model::{Buf, TopicId};

/// Kafka's `ProduceRequest`, versions 3 to 13.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProduceRequest {
    /// Default null.
    pub transactional_id: Option<String>,
    pub acks: i16,
    pub timeout_ms: i32,
    pub topic_data: Vec<TopicProduceData>,
}

impl Message for ProduceRequest {
    const NAME: &'static str = "ProduceRequest";
    const VERSION_MIN: i16 = 3;
    const VERSION_MAX: i16 = 13;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(3..=13).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::Produce as i16,
                version,
            });
        }
        let form = Form::of(version >= 9);
        let mut it = Self::default();
        it.transactional_id = r.nullable_string(form)?;
        it.acks = r.i16()?;
        it.timeout_ms = r.i32()?;
        it.topic_data = r.array(form, 1, |r| TopicProduceData::decode(r, version))?;
        if version >= 9 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(3..=13).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 9);
        w.nullable_string(self.transactional_id.as_deref(), form)?;
        w.i16(self.acks);
        w.i32(self.timeout_ms);
        w.array(&self.topic_data, form, |w, it| it.encode(w, version))?;
        if version >= 9 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `TopicProduceData`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TopicProduceData {
    /// Versions 3 to 12.
    pub name: String,
    /// From version 13.
    pub topic_id: TopicId,
    pub partition_data: Vec<PartitionProduceData>,
}

impl TopicProduceData {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 9);
        let mut it = Self::default();
        if version <= 12 {
            it.name = r.string(form)?;
        }
        if version >= 13 {
            it.topic_id = r.topic_id()?;
        }
        it.partition_data = r.array(form, 5, |r| PartitionProduceData::decode(r, version))?;
        if version >= 9 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 9);
        if version <= 12 {
            w.string(&self.name, form)?;
        }
        if version >= 13 {
            w.topic_id(self.topic_id);
        }
        w.array(&self.partition_data, form, |w, it| it.encode(w, version))?;
        if version >= 9 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `PartitionProduceData`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PartitionProduceData {
    pub index: i32,
    pub records: Option<Buf>,
}

impl PartitionProduceData {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 9);
        let mut it = Self::default();
        it.index = r.i32()?;
        it.records = r.records(form)?;
        if version >= 9 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 9);
        w.i32(self.index);
        w.records(self.records.as_ref(), form)?;
        if version >= 9 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Request for ProduceRequest {
    const API: ApiKey = ApiKey::Produce;
    type Response = ProduceResponse;
}

/// Kafka's `ProduceResponse`, versions 3 to 13.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProduceResponse {
    pub responses: Vec<TopicProduceResponse>,
    pub throttle_time_ms: i32,
    /// From version 10, tag 0.
    pub node_endpoints: Vec<NodeEndpoint>,
}

impl Message for ProduceResponse {
    const NAME: &'static str = "ProduceResponse";
    const VERSION_MIN: i16 = 3;
    const VERSION_MAX: i16 = 13;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(3..=13).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::Produce as i16,
                version,
            });
        }
        let form = Form::of(version >= 9);
        let mut it = Self::default();
        it.responses = r.array(form, 1, |r| TopicProduceResponse::decode(r, version))?;
        it.throttle_time_ms = r.i32()?;
        if version >= 9 {
            r.tagged_fields(|tag, r| {
                match tag {
                    0 if version >= 10 => {
                        it.node_endpoints =
                            r.array(form, 10, |r| NodeEndpoint::decode(r, version))?;
                    }
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(3..=13).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 9);
        w.array(&self.responses, form, |w, it| it.encode(w, version))?;
        w.i32(self.throttle_time_ms);
        if version < 10 && !self.node_endpoints.is_empty() {
            return Err(EncodeError::NotInVersion {
                field: "ProduceResponse.node_endpoints",
                version,
            });
        }
        let has_node_endpoints = version >= 10 && !self.node_endpoints.is_empty();
        if version >= 9 {
            w.unsigned_varint(u32::from(has_node_endpoints));
            if has_node_endpoints {
                w.tagged(0, |w| {
                    w.array(&self.node_endpoints, form, |w, it| it.encode(w, version))?;
                    Ok(())
                })?;
            }
        }
        Ok(())
    }
}

/// Kafka's `TopicProduceResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TopicProduceResponse {
    /// Versions 3 to 12.
    pub name: String,
    /// From version 13.
    pub topic_id: TopicId,
    pub partition_responses: Vec<PartitionProduceResponse>,
}

impl TopicProduceResponse {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 9);
        let mut it = Self::default();
        if version <= 12 {
            it.name = r.string(form)?;
        }
        if version >= 13 {
            it.topic_id = r.topic_id()?;
        }
        it.partition_responses =
            r.array(form, 22, |r| PartitionProduceResponse::decode(r, version))?;
        if version >= 9 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 9);
        if version <= 12 {
            w.string(&self.name, form)?;
        }
        if version >= 13 {
            w.topic_id(self.topic_id);
        }
        w.array(&self.partition_responses, form, |w, it| it.encode(w, version))?;
        if version >= 9 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `PartitionProduceResponse`.
#[derive(Debug, Clone, PartialEq)]
pub struct PartitionProduceResponse {
    pub index: i32,
    pub error_code: i16,
    pub base_offset: i64,
    /// Default -1.
    pub log_append_time_ms: i64,
    /// From version 5, default -1.
    pub log_start_offset: i64,
    /// From version 8.
    pub record_errors: Vec<BatchIndexAndErrorMessage>,
    /// From version 8, default null.
    pub error_message: Option<String>,
    /// From version 10, tag 0.
    pub current_leader: LeaderIdAndEpoch,
}

impl Default for PartitionProduceResponse {
    fn default() -> Self {
        Self {
            index: 0,
            error_code: 0,
            base_offset: 0,
            log_append_time_ms: -1,
            log_start_offset: -1,
            record_errors: Vec::new(),
            error_message: None,
            current_leader: LeaderIdAndEpoch::default(),
        }
    }
}

impl PartitionProduceResponse {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 9);
        let mut it = Self::default();
        it.index = r.i32()?;
        it.error_code = r.i16()?;
        it.base_offset = r.i64()?;
        it.log_append_time_ms = r.i64()?;
        if version >= 5 {
            it.log_start_offset = r.i64()?;
        }
        if version >= 8 {
            it.record_errors =
                r.array(form, 5, |r| BatchIndexAndErrorMessage::decode(r, version))?;
        }
        if version >= 8 {
            it.error_message = r.nullable_string(form)?;
        }
        if version >= 9 {
            r.tagged_fields(|tag, r| {
                match tag {
                    0 if version >= 10 => {
                        it.current_leader = LeaderIdAndEpoch::decode(r, version)?;
                    }
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 9);
        w.i32(self.index);
        w.i16(self.error_code);
        w.i64(self.base_offset);
        w.i64(self.log_append_time_ms);
        if version >= 5 {
            w.i64(self.log_start_offset);
        }
        if version >= 8 {
            w.array(&self.record_errors, form, |w, it| it.encode(w, version))?;
        }
        if version >= 8 {
            w.nullable_string(self.error_message.as_deref(), form)?;
        }
        if version < 10 && self.current_leader != LeaderIdAndEpoch::default() {
            return Err(EncodeError::NotInVersion {
                field: "PartitionProduceResponse.current_leader",
                version,
            });
        }
        let has_current_leader =
            version >= 10 && self.current_leader != LeaderIdAndEpoch::default();
        if version >= 9 {
            w.unsigned_varint(u32::from(has_current_leader));
            if has_current_leader {
                w.tagged(0, |w| {
                    self.current_leader.encode(w, version)?;
                    Ok(())
                })?;
            }
        }
        Ok(())
    }
}

/// Kafka's `BatchIndexAndErrorMessage`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BatchIndexAndErrorMessage {
    pub batch_index: i32,
    /// Default null.
    pub batch_index_error_message: Option<String>,
}

impl BatchIndexAndErrorMessage {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 9);
        let mut it = Self::default();
        it.batch_index = r.i32()?;
        it.batch_index_error_message = r.nullable_string(form)?;
        if version >= 9 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 9);
        w.i32(self.batch_index);
        w.nullable_string(self.batch_index_error_message.as_deref(), form)?;
        if version >= 9 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `LeaderIdAndEpoch`.
#[derive(Debug, Clone, PartialEq)]
pub struct LeaderIdAndEpoch {
    /// Default -1.
    pub leader_id: i32,
    /// Default -1.
    pub leader_epoch: i32,
}

impl Default for LeaderIdAndEpoch {
    fn default() -> Self {
        Self { leader_id: -1, leader_epoch: -1 }
    }
}

impl LeaderIdAndEpoch {
    pub(crate) fn decode(r: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let mut it = Self::default();
        it.leader_id = r.i32()?;
        it.leader_epoch = r.i32()?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.i32(self.leader_id);
        w.i32(self.leader_epoch);
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `NodeEndpoint`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NodeEndpoint {
    pub node_id: i32,
    pub host: String,
    pub port: i32,
    /// Default null.
    pub rack: Option<String>,
}

impl NodeEndpoint {
    pub(crate) fn decode(r: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let form = Form::Flexible;
        let mut it = Self::default();
        it.node_id = r.i32()?;
        it.host = r.string(form)?;
        it.port = r.i32()?;
        it.rack = r.nullable_string(form)?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        let form = Form::Flexible;
        w.i32(self.node_id);
        w.string(&self.host, form)?;
        w.i32(self.port);
        w.nullable_string(self.rack.as_deref(), form)?;
        w.unsigned_varint(0);
        Ok(())
    }
}

impl Response for ProduceResponse {
    const API: ApiKey = ApiKey::Produce;
}
