//! OffsetDelete: forgets what a group committed for topics that it no longer reads. Never flexible.
//! KIP-496.
//!
//! Generated from `schemas/offset_delete.schema` by `cargo x codegen`.

#![allow(clippy::field_reassign_with_default, reason = "one statement per field")]

use crate::api::{Form, Message, Request, Response};
use crate::error::{DecodeError, EncodeError};
use crate::messages::ApiKey;
use crate::{Reader, Writer};

/// Kafka's `OffsetDeleteRequest`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetDeleteRequest {
    pub group_id: String,
    pub topics: Vec<OffsetDeleteRequestTopic>,
}

impl Message for OffsetDeleteRequest {
    const NAME: &'static str = "OffsetDeleteRequest";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=0).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::OffsetDelete as i16,
                version,
            });
        }
        let form = Form::Classic;
        let mut it = Self::default();
        it.group_id = r.string(form)?;
        it.topics = r.array(form, 2, |r| OffsetDeleteRequestTopic::decode(r, version))?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=0).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::Classic;
        w.string(&self.group_id, form)?;
        w.array(&self.topics, form, |w, it| it.encode(w, version))?;
        Ok(())
    }
}

/// Kafka's `OffsetDeleteRequestTopic`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetDeleteRequestTopic {
    pub name: String,
    pub partitions: Vec<OffsetDeleteRequestPartition>,
}

impl OffsetDeleteRequestTopic {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::Classic;
        let mut it = Self::default();
        it.name = r.string(form)?;
        it.partitions = r.array(form, 4, |r| OffsetDeleteRequestPartition::decode(r, version))?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::Classic;
        w.string(&self.name, form)?;
        w.array(&self.partitions, form, |w, it| it.encode(w, version))?;
        Ok(())
    }
}

/// Kafka's `OffsetDeleteRequestPartition`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetDeleteRequestPartition {
    pub partition_index: i32,
}

impl OffsetDeleteRequestPartition {
    pub(crate) fn decode(r: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let mut it = Self::default();
        it.partition_index = r.i32()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.i32(self.partition_index);
        Ok(())
    }
}

impl Request for OffsetDeleteRequest {
    const API: ApiKey = ApiKey::OffsetDelete;
    type Response = OffsetDeleteResponse;
}

/// Kafka's `OffsetDeleteResponse`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetDeleteResponse {
    pub error_code: i16,
    pub throttle_time_ms: i32,
    pub topics: Vec<OffsetDeleteResponseTopic>,
}

impl Message for OffsetDeleteResponse {
    const NAME: &'static str = "OffsetDeleteResponse";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=0).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::OffsetDelete as i16,
                version,
            });
        }
        let form = Form::Classic;
        let mut it = Self::default();
        it.error_code = r.i16()?;
        it.throttle_time_ms = r.i32()?;
        it.topics = r.array(form, 2, |r| OffsetDeleteResponseTopic::decode(r, version))?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=0).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::Classic;
        w.i16(self.error_code);
        w.i32(self.throttle_time_ms);
        w.array(&self.topics, form, |w, it| it.encode(w, version))?;
        Ok(())
    }
}

/// Kafka's `OffsetDeleteResponseTopic`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetDeleteResponseTopic {
    pub name: String,
    pub partitions: Vec<OffsetDeleteResponsePartition>,
}

impl OffsetDeleteResponseTopic {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::Classic;
        let mut it = Self::default();
        it.name = r.string(form)?;
        it.partitions = r.array(form, 6, |r| OffsetDeleteResponsePartition::decode(r, version))?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::Classic;
        w.string(&self.name, form)?;
        w.array(&self.partitions, form, |w, it| it.encode(w, version))?;
        Ok(())
    }
}

/// Kafka's `OffsetDeleteResponsePartition`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetDeleteResponsePartition {
    pub partition_index: i32,
    pub error_code: i16,
}

impl OffsetDeleteResponsePartition {
    pub(crate) fn decode(r: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let mut it = Self::default();
        it.partition_index = r.i32()?;
        it.error_code = r.i16()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.i32(self.partition_index);
        w.i16(self.error_code);
        Ok(())
    }
}

impl Response for OffsetDeleteResponse {
    const API: ApiKey = ApiKey::OffsetDelete;
}
