//! CreateTopics: v4 broker defaults by -1, v5 returns the configuration, v7 the topic id. KIP-4,
//! KIP-464, KIP-525, KIP-516.
//!
//! Generated from `schemas/create_topics.schema` by `cargo x codegen`.

#![allow(clippy::field_reassign_with_default, reason = "one statement per field")]

use crate::api::{Form, Message, Request, Response};
use crate::error::{DecodeError, EncodeError};
use crate::messages::ApiKey;
use crate::{Reader, Writer};
use model::TopicId;

/// Kafka's `CreateTopicsRequest`, versions 2 to 7.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateTopicsRequest {
    pub topics: Vec<CreatableTopic>,
    /// Default 60000.
    pub timeout_ms: i32,
    pub validate_only: bool,
}

impl Default for CreateTopicsRequest {
    fn default() -> Self {
        Self { topics: Vec::new(), timeout_ms: 60000, validate_only: false }
    }
}

impl Message for CreateTopicsRequest {
    const NAME: &'static str = "CreateTopicsRequest";
    const VERSION_MIN: i16 = 2;
    const VERSION_MAX: i16 = 7;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(2..=7).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::CreateTopics as i16,
                version,
            });
        }
        let form = Form::of(version >= 5);
        let mut it = Self::default();
        it.topics = r.array(form, 9, |r| CreatableTopic::decode(r, version))?;
        it.timeout_ms = r.i32()?;
        it.validate_only = r.bool()?;
        if version >= 5 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(2..=7).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 5);
        w.array(&self.topics, form, |w, it| it.encode(w, version))?;
        w.i32(self.timeout_ms);
        w.bool(self.validate_only);
        if version >= 5 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `CreatableTopic`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CreatableTopic {
    pub name: String,
    pub num_partitions: i32,
    pub replication_factor: i16,
    pub assignments: Vec<CreatableReplicaAssignment>,
    pub configs: Vec<CreatableTopicConfig>,
}

impl CreatableTopic {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 5);
        let mut it = Self::default();
        it.name = r.string(form)?;
        it.num_partitions = r.i32()?;
        it.replication_factor = r.i16()?;
        it.assignments = r.array(form, 5, |r| CreatableReplicaAssignment::decode(r, version))?;
        it.configs = r.array(form, 2, |r| CreatableTopicConfig::decode(r, version))?;
        if version >= 5 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 5);
        w.string(&self.name, form)?;
        w.i32(self.num_partitions);
        w.i16(self.replication_factor);
        w.array(&self.assignments, form, |w, it| it.encode(w, version))?;
        w.array(&self.configs, form, |w, it| it.encode(w, version))?;
        if version >= 5 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `CreatableReplicaAssignment`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CreatableReplicaAssignment {
    pub partition_index: i32,
    pub broker_ids: Vec<i32>,
}

impl CreatableReplicaAssignment {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 5);
        let mut it = Self::default();
        it.partition_index = r.i32()?;
        it.broker_ids = r.array(form, 4, |r| r.i32())?;
        if version >= 5 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 5);
        w.i32(self.partition_index);
        w.array(&self.broker_ids, form, |w, it| {
            w.i32(*it);
            Ok(())
        })?;
        if version >= 5 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `CreatableTopicConfig`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreatableTopicConfig {
    pub name: String,
    pub value: Option<String>,
}

impl Default for CreatableTopicConfig {
    fn default() -> Self {
        Self { name: String::new(), value: Some(String::new()) }
    }
}

impl CreatableTopicConfig {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 5);
        let mut it = Self::default();
        it.name = r.string(form)?;
        it.value = r.nullable_string(form)?;
        if version >= 5 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 5);
        w.string(&self.name, form)?;
        w.nullable_string(self.value.as_deref(), form)?;
        if version >= 5 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Request for CreateTopicsRequest {
    const API: ApiKey = ApiKey::CreateTopics;
    type Response = CreateTopicsResponse;
}

/// Kafka's `CreateTopicsResponse`, versions 2 to 7.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CreateTopicsResponse {
    pub throttle_time_ms: i32,
    pub topics: Vec<CreatableTopicResult>,
}

impl Message for CreateTopicsResponse {
    const NAME: &'static str = "CreateTopicsResponse";
    const VERSION_MIN: i16 = 2;
    const VERSION_MAX: i16 = 7;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(2..=7).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::CreateTopics as i16,
                version,
            });
        }
        let form = Form::of(version >= 5);
        let mut it = Self::default();
        it.throttle_time_ms = r.i32()?;
        it.topics = r.array(form, 4, |r| CreatableTopicResult::decode(r, version))?;
        if version >= 5 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(2..=7).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 5);
        w.i32(self.throttle_time_ms);
        w.array(&self.topics, form, |w, it| it.encode(w, version))?;
        if version >= 5 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `CreatableTopicResult`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreatableTopicResult {
    pub name: String,
    /// From version 7.
    pub topic_id: TopicId,
    pub error_code: i16,
    pub error_message: Option<String>,
    /// From version 5, tag 0.
    pub topic_config_error_code: i16,
    /// From version 5, default -1.
    pub num_partitions: i32,
    /// From version 5, default -1.
    pub replication_factor: i16,
    /// From version 5.
    pub configs: Option<Vec<CreatableTopicConfigs>>,
}

impl Default for CreatableTopicResult {
    fn default() -> Self {
        Self {
            name: String::new(),
            topic_id: TopicId::ZERO,
            error_code: 0,
            error_message: Some(String::new()),
            topic_config_error_code: 0,
            num_partitions: -1,
            replication_factor: -1,
            configs: Some(Vec::new()),
        }
    }
}

impl CreatableTopicResult {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 5);
        let mut it = Self::default();
        it.name = r.string(form)?;
        if version >= 7 {
            it.topic_id = r.topic_id()?;
        }
        it.error_code = r.i16()?;
        it.error_message = r.nullable_string(form)?;
        if version >= 5 {
            it.num_partitions = r.i32()?;
        }
        if version >= 5 {
            it.replication_factor = r.i16()?;
        }
        if version >= 5 {
            it.configs =
                r.nullable_array(form, 5, |r| CreatableTopicConfigs::decode(r, version))?;
        }
        if version >= 5 {
            r.tagged_fields(|tag, r| {
                match tag {
                    0 if version >= 5 => {
                        it.topic_config_error_code = r.i16()?;
                    }
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 5);
        w.string(&self.name, form)?;
        if version >= 7 {
            w.topic_id(self.topic_id);
        }
        w.i16(self.error_code);
        w.nullable_string(self.error_message.as_deref(), form)?;
        if version >= 5 {
            w.i32(self.num_partitions);
        }
        if version >= 5 {
            w.i16(self.replication_factor);
        }
        if version >= 5 {
            w.nullable_array(self.configs.as_deref(), form, |w, it| it.encode(w, version))?;
        }
        let has_topic_config_error_code = version >= 5 && self.topic_config_error_code != 0;
        if version >= 5 {
            w.unsigned_varint(u32::from(has_topic_config_error_code));
            if has_topic_config_error_code {
                w.tagged(0, |w| {
                    w.i16(self.topic_config_error_code);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }
}

/// Kafka's `CreatableTopicConfigs`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreatableTopicConfigs {
    pub name: String,
    pub value: Option<String>,
    pub read_only: bool,
    /// Default -1.
    pub config_source: i8,
    pub is_sensitive: bool,
}

impl Default for CreatableTopicConfigs {
    fn default() -> Self {
        Self {
            name: String::new(),
            value: Some(String::new()),
            read_only: false,
            config_source: -1,
            is_sensitive: false,
        }
    }
}

impl CreatableTopicConfigs {
    pub(crate) fn decode(r: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let form = Form::Flexible;
        let mut it = Self::default();
        it.name = r.string(form)?;
        it.value = r.nullable_string(form)?;
        it.read_only = r.bool()?;
        it.config_source = r.i8()?;
        it.is_sensitive = r.bool()?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        let form = Form::Flexible;
        w.string(&self.name, form)?;
        w.nullable_string(self.value.as_deref(), form)?;
        w.bool(self.read_only);
        w.i8(self.config_source);
        w.bool(self.is_sensitive);
        w.unsigned_varint(0);
        Ok(())
    }
}

impl Response for CreateTopicsResponse {
    const API: ApiKey = ApiKey::CreateTopics;
}
