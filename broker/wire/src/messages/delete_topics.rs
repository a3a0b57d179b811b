//! DeleteTopics: v5 error messages, v6 by topic id. KIP-4, KIP-516.
//!
//! Generated from `schemas/delete_topics.schema` by `cargo x codegen`.

#![allow(clippy::field_reassign_with_default, reason = "one statement per field")]

use crate::api::{Form, Message, Request, Response};
use crate::error::{DecodeError, EncodeError};
use crate::messages::ApiKey;
use crate::{Reader, Writer};
use model::TopicId;

/// Kafka's `DeleteTopicsRequest`, versions 1 to 6.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeleteTopicsRequest {
    /// From version 6.
    pub topics: Vec<DeleteTopicState>,
    /// Versions 1 to 5.
    pub topic_names: Vec<String>,
    pub timeout_ms: i32,
}

impl Message for DeleteTopicsRequest {
    const NAME: &'static str = "DeleteTopicsRequest";
    const VERSION_MIN: i16 = 1;
    const VERSION_MAX: i16 = 6;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(1..=6).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::DeleteTopics as i16,
                version,
            });
        }
        let form = Form::of(version >= 4);
        let mut it = Self::default();
        if version >= 6 {
            it.topics = r.array(form, 17, |r| DeleteTopicState::decode(r, version))?;
        }
        if version <= 5 {
            it.topic_names = r.array(form, 1, |r| r.string(form))?;
        }
        it.timeout_ms = r.i32()?;
        if version >= 4 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(1..=6).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 4);
        if version >= 6 {
            w.array(&self.topics, form, |w, it| it.encode(w, version))?;
        } else if !self.topics.is_empty() {
            return Err(EncodeError::NotInVersion { field: "DeleteTopicsRequest.topics", version });
        }
        if version <= 5 {
            w.array(&self.topic_names, form, |w, it| w.string(it, form))?;
        }
        w.i32(self.timeout_ms);
        if version >= 4 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `DeleteTopicState`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeleteTopicState {
    /// Default null.
    pub name: Option<String>,
    pub topic_id: TopicId,
}

impl DeleteTopicState {
    pub(crate) fn decode(r: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let form = Form::Flexible;
        let mut it = Self::default();
        it.name = r.nullable_string(form)?;
        it.topic_id = r.topic_id()?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        let form = Form::Flexible;
        w.nullable_string(self.name.as_deref(), form)?;
        w.topic_id(self.topic_id);
        w.unsigned_varint(0);
        Ok(())
    }
}

impl Request for DeleteTopicsRequest {
    const API: ApiKey = ApiKey::DeleteTopics;
    type Response = DeleteTopicsResponse;
}

/// Kafka's `DeleteTopicsResponse`, versions 1 to 6.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeleteTopicsResponse {
    pub throttle_time_ms: i32,
    pub responses: Vec<DeletableTopicResult>,
}

impl Message for DeleteTopicsResponse {
    const NAME: &'static str = "DeleteTopicsResponse";
    const VERSION_MIN: i16 = 1;
    const VERSION_MAX: i16 = 6;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(1..=6).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::DeleteTopics as i16,
                version,
            });
        }
        let form = Form::of(version >= 4);
        let mut it = Self::default();
        it.throttle_time_ms = r.i32()?;
        it.responses = r.array(form, 3, |r| DeletableTopicResult::decode(r, version))?;
        if version >= 4 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(1..=6).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 4);
        w.i32(self.throttle_time_ms);
        w.array(&self.responses, form, |w, it| it.encode(w, version))?;
        if version >= 4 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `DeletableTopicResult`.
#[derive(Debug, Clone, PartialEq)]
pub struct DeletableTopicResult {
    /// Null from version 6.
    pub name: Option<String>,
    /// From version 6.
    pub topic_id: TopicId,
    pub error_code: i16,
    /// From version 5, default null.
    pub error_message: Option<String>,
}

impl Default for DeletableTopicResult {
    fn default() -> Self {
        Self {
            name: Some(String::new()),
            topic_id: TopicId::ZERO,
            error_code: 0,
            error_message: None,
        }
    }
}

impl DeletableTopicResult {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 4);
        let mut it = Self::default();
        it.name = r.nullable_string(form)?;
        if version < 6 && it.name.is_none() {
            return Err(r.null());
        }
        if version >= 6 {
            it.topic_id = r.topic_id()?;
        }
        it.error_code = r.i16()?;
        if version >= 5 {
            it.error_message = r.nullable_string(form)?;
        }
        if version >= 4 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 4);
        if version < 6 && self.name.is_none() {
            return Err(EncodeError::Null { field: "DeletableTopicResult.name", version });
        }
        w.nullable_string(self.name.as_deref(), form)?;
        if version >= 6 {
            w.topic_id(self.topic_id);
        }
        w.i16(self.error_code);
        if version >= 5 {
            w.nullable_string(self.error_message.as_deref(), form)?;
        }
        if version >= 4 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Response for DeleteTopicsResponse {
    const API: ApiKey = ApiKey::DeleteTopics;
}
