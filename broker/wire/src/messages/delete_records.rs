//! DeleteRecords: move the log start offset of partitions. KIP-107.
//!
//! Generated from `schemas/delete_records.schema` by `cargo x codegen`.

#![allow(clippy::field_reassign_with_default, reason = "one statement per field")]

use crate::api::{Form, Message, Request, Response};
use crate::error::{DecodeError, EncodeError};
use crate::messages::ApiKey;
use crate::{Reader, Writer};

/// Kafka's `DeleteRecordsRequest`, versions 0 to 2.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeleteRecordsRequest {
    pub topics: Vec<DeleteRecordsTopic>,
    pub timeout_ms: i32,
}

impl Message for DeleteRecordsRequest {
    const NAME: &'static str = "DeleteRecordsRequest";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 2;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=2).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::DeleteRecords as i16,
                version,
            });
        }
        let form = Form::of(version >= 2);
        let mut it = Self::default();
        it.topics = r.array(form, 2, |r| DeleteRecordsTopic::decode(r, version))?;
        it.timeout_ms = r.i32()?;
        if version >= 2 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=2).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 2);
        w.array(&self.topics, form, |w, it| it.encode(w, version))?;
        w.i32(self.timeout_ms);
        if version >= 2 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `DeleteRecordsTopic`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeleteRecordsTopic {
    pub name: String,
    pub partitions: Vec<DeleteRecordsPartition>,
}

impl DeleteRecordsTopic {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 2);
        let mut it = Self::default();
        it.name = r.string(form)?;
        it.partitions = r.array(form, 12, |r| DeleteRecordsPartition::decode(r, version))?;
        if version >= 2 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 2);
        w.string(&self.name, form)?;
        w.array(&self.partitions, form, |w, it| it.encode(w, version))?;
        if version >= 2 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `DeleteRecordsPartition`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeleteRecordsPartition {
    pub partition_index: i32,
    pub offset: i64,
}

impl DeleteRecordsPartition {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let mut it = Self::default();
        it.partition_index = r.i32()?;
        it.offset = r.i64()?;
        if version >= 2 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.i32(self.partition_index);
        w.i64(self.offset);
        if version >= 2 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Request for DeleteRecordsRequest {
    const API: ApiKey = ApiKey::DeleteRecords;
    type Response = DeleteRecordsResponse;
}

/// Kafka's `DeleteRecordsResponse`, versions 0 to 2.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeleteRecordsResponse {
    pub throttle_time_ms: i32,
    pub topics: Vec<DeleteRecordsTopicResult>,
}

impl Message for DeleteRecordsResponse {
    const NAME: &'static str = "DeleteRecordsResponse";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 2;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=2).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::DeleteRecords as i16,
                version,
            });
        }
        let form = Form::of(version >= 2);
        let mut it = Self::default();
        it.throttle_time_ms = r.i32()?;
        it.topics = r.array(form, 2, |r| DeleteRecordsTopicResult::decode(r, version))?;
        if version >= 2 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=2).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 2);
        w.i32(self.throttle_time_ms);
        w.array(&self.topics, form, |w, it| it.encode(w, version))?;
        if version >= 2 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `DeleteRecordsTopicResult`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeleteRecordsTopicResult {
    pub name: String,
    pub partitions: Vec<DeleteRecordsPartitionResult>,
}

impl DeleteRecordsTopicResult {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 2);
        let mut it = Self::default();
        it.name = r.string(form)?;
        it.partitions = r.array(form, 14, |r| DeleteRecordsPartitionResult::decode(r, version))?;
        if version >= 2 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 2);
        w.string(&self.name, form)?;
        w.array(&self.partitions, form, |w, it| it.encode(w, version))?;
        if version >= 2 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `DeleteRecordsPartitionResult`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeleteRecordsPartitionResult {
    pub partition_index: i32,
    pub low_watermark: i64,
    pub error_code: i16,
}

impl DeleteRecordsPartitionResult {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let mut it = Self::default();
        it.partition_index = r.i32()?;
        it.low_watermark = r.i64()?;
        it.error_code = r.i16()?;
        if version >= 2 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.i32(self.partition_index);
        w.i64(self.low_watermark);
        w.i16(self.error_code);
        if version >= 2 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Response for DeleteRecordsResponse {
    const API: ApiKey = ApiKey::DeleteRecords;
}
