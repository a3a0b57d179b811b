//! CreatePartitions: raise a topic's partition count. KIP-195.
//!
//! Generated from `schemas/create_partitions.schema` by `cargo x codegen`.

#![allow(clippy::field_reassign_with_default, reason = "one statement per field")]

use crate::api::{Form, Message, Request, Response};
use crate::error::{DecodeError, EncodeError};
use crate::messages::ApiKey;
use crate::{Reader, Writer};

/// Kafka's `CreatePartitionsRequest`, versions 0 to 3.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CreatePartitionsRequest {
    pub topics: Vec<CreatePartitionsTopic>,
    pub timeout_ms: i32,
    pub validate_only: bool,
}

impl Message for CreatePartitionsRequest {
    const NAME: &'static str = "CreatePartitionsRequest";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 3;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=3).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::CreatePartitions as i16,
                version,
            });
        }
        let form = Form::of(version >= 2);
        let mut it = Self::default();
        it.topics = r.array(form, 6, |r| CreatePartitionsTopic::decode(r, version))?;
        it.timeout_ms = r.i32()?;
        it.validate_only = r.bool()?;
        if version >= 2 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=3).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 2);
        w.array(&self.topics, form, |w, it| it.encode(w, version))?;
        w.i32(self.timeout_ms);
        w.bool(self.validate_only);
        if version >= 2 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `CreatePartitionsTopic`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreatePartitionsTopic {
    pub name: String,
    pub count: i32,
    pub assignments: Option<Vec<CreatePartitionsAssignment>>,
}

impl Default for CreatePartitionsTopic {
    fn default() -> Self {
        Self { name: String::new(), count: 0, assignments: Some(Vec::new()) }
    }
}

impl CreatePartitionsTopic {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 2);
        let mut it = Self::default();
        it.name = r.string(form)?;
        it.count = r.i32()?;
        it.assignments =
            r.nullable_array(form, 1, |r| CreatePartitionsAssignment::decode(r, version))?;
        if version >= 2 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 2);
        w.string(&self.name, form)?;
        w.i32(self.count);
        w.nullable_array(self.assignments.as_deref(), form, |w, it| it.encode(w, version))?;
        if version >= 2 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `CreatePartitionsAssignment`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CreatePartitionsAssignment {
    pub broker_ids: Vec<i32>,
}

impl CreatePartitionsAssignment {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 2);
        let mut it = Self::default();
        it.broker_ids = r.array(form, 4, |r| r.i32())?;
        if version >= 2 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 2);
        w.array(&self.broker_ids, form, |w, it| {
            w.i32(*it);
            Ok(())
        })?;
        if version >= 2 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Request for CreatePartitionsRequest {
    const API: ApiKey = ApiKey::CreatePartitions;
    type Response = CreatePartitionsResponse;
}

/// Kafka's `CreatePartitionsResponse`, versions 0 to 3.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CreatePartitionsResponse {
    pub throttle_time_ms: i32,
    pub results: Vec<CreatePartitionsTopicResult>,
}

impl Message for CreatePartitionsResponse {
    const NAME: &'static str = "CreatePartitionsResponse";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 3;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=3).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::CreatePartitions as i16,
                version,
            });
        }
        let form = Form::of(version >= 2);
        let mut it = Self::default();
        it.throttle_time_ms = r.i32()?;
        it.results = r.array(form, 4, |r| CreatePartitionsTopicResult::decode(r, version))?;
        if version >= 2 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=3).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 2);
        w.i32(self.throttle_time_ms);
        w.array(&self.results, form, |w, it| it.encode(w, version))?;
        if version >= 2 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `CreatePartitionsTopicResult`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CreatePartitionsTopicResult {
    pub name: String,
    pub error_code: i16,
    /// Default null.
    pub error_message: Option<String>,
}

impl CreatePartitionsTopicResult {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 2);
        let mut it = Self::default();
        it.name = r.string(form)?;
        it.error_code = r.i16()?;
        it.error_message = r.nullable_string(form)?;
        if version >= 2 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 2);
        w.string(&self.name, form)?;
        w.i16(self.error_code);
        w.nullable_string(self.error_message.as_deref(), form)?;
        if version >= 2 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Response for CreatePartitionsResponse {
    const API: ApiKey = ApiKey::CreatePartitions;
}
