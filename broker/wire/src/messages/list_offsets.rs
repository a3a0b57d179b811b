//! ListOffsets: offsets by timestamp or by the special values -1 to -6. v2 isolation, v4 leader
//! epoch, v10 timeout. KIP-79, KIP-98, KIP-320, KIP-1075.
//!
//! Generated from `schemas/list_offsets.schema` by `cargo x codegen`.

#![allow(clippy::field_reassign_with_default, reason = "one statement per field")]

use crate::api::{Form, Message, Request, Response};
use crate::error::{DecodeError, EncodeError};
use crate::messages::ApiKey;
use crate::{Reader, Writer};

/// Kafka's `ListOffsetsRequest`, versions 1 to 11.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListOffsetsRequest {
    pub replica_id: i32,
    /// From version 2.
    pub isolation_level: i8,
    pub topics: Vec<ListOffsetsTopic>,
    /// From version 10.
    pub timeout_ms: i32,
}

impl Message for ListOffsetsRequest {
    const NAME: &'static str = "ListOffsetsRequest";
    const VERSION_MIN: i16 = 1;
    const VERSION_MAX: i16 = 11;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(1..=11).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::ListOffsets as i16,
                version,
            });
        }
        let form = Form::of(version >= 6);
        let mut it = Self::default();
        it.replica_id = r.i32()?;
        if version >= 2 {
            it.isolation_level = r.i8()?;
        }
        it.topics = r.array(form, 2, |r| ListOffsetsTopic::decode(r, version))?;
        if version >= 10 {
            it.timeout_ms = r.i32()?;
        }
        if version >= 6 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(1..=11).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 6);
        w.i32(self.replica_id);
        if version >= 2 {
            w.i8(self.isolation_level);
        } else if self.isolation_level != 0 {
            return Err(EncodeError::NotInVersion {
                field: "ListOffsetsRequest.isolation_level",
                version,
            });
        }
        w.array(&self.topics, form, |w, it| it.encode(w, version))?;
        if version >= 10 {
            w.i32(self.timeout_ms);
        }
        if version >= 6 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `ListOffsetsTopic`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListOffsetsTopic {
    pub name: String,
    pub partitions: Vec<ListOffsetsPartition>,
}

impl ListOffsetsTopic {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 6);
        let mut it = Self::default();
        it.name = r.string(form)?;
        it.partitions = r.array(form, 12, |r| ListOffsetsPartition::decode(r, version))?;
        if version >= 6 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 6);
        w.string(&self.name, form)?;
        w.array(&self.partitions, form, |w, it| it.encode(w, version))?;
        if version >= 6 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `ListOffsetsPartition`.
#[derive(Debug, Clone, PartialEq)]
pub struct ListOffsetsPartition {
    pub partition_index: i32,
    /// From version 4, default -1.
    pub current_leader_epoch: i32,
    pub timestamp: i64,
}

impl Default for ListOffsetsPartition {
    fn default() -> Self {
        Self { partition_index: 0, current_leader_epoch: -1, timestamp: 0 }
    }
}

impl ListOffsetsPartition {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let mut it = Self::default();
        it.partition_index = r.i32()?;
        if version >= 4 {
            it.current_leader_epoch = r.i32()?;
        }
        it.timestamp = r.i64()?;
        if version >= 6 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.i32(self.partition_index);
        if version >= 4 {
            w.i32(self.current_leader_epoch);
        }
        w.i64(self.timestamp);
        if version >= 6 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Request for ListOffsetsRequest {
    const API: ApiKey = ApiKey::ListOffsets;
    type Response = ListOffsetsResponse;
}

/// Kafka's `ListOffsetsResponse`, versions 1 to 11.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListOffsetsResponse {
    /// From version 2.
    pub throttle_time_ms: i32,
    pub topics: Vec<ListOffsetsTopicResponse>,
}

impl Message for ListOffsetsResponse {
    const NAME: &'static str = "ListOffsetsResponse";
    const VERSION_MIN: i16 = 1;
    const VERSION_MAX: i16 = 11;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(1..=11).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::ListOffsets as i16,
                version,
            });
        }
        let form = Form::of(version >= 6);
        let mut it = Self::default();
        if version >= 2 {
            it.throttle_time_ms = r.i32()?;
        }
        it.topics = r.array(form, 2, |r| ListOffsetsTopicResponse::decode(r, version))?;
        if version >= 6 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(1..=11).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 6);
        if version >= 2 {
            w.i32(self.throttle_time_ms);
        }
        w.array(&self.topics, form, |w, it| it.encode(w, version))?;
        if version >= 6 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `ListOffsetsTopicResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListOffsetsTopicResponse {
    pub name: String,
    pub partitions: Vec<ListOffsetsPartitionResponse>,
}

impl ListOffsetsTopicResponse {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 6);
        let mut it = Self::default();
        it.name = r.string(form)?;
        it.partitions = r.array(form, 22, |r| ListOffsetsPartitionResponse::decode(r, version))?;
        if version >= 6 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 6);
        w.string(&self.name, form)?;
        w.array(&self.partitions, form, |w, it| it.encode(w, version))?;
        if version >= 6 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `ListOffsetsPartitionResponse`.
#[derive(Debug, Clone, PartialEq)]
pub struct ListOffsetsPartitionResponse {
    pub partition_index: i32,
    pub error_code: i16,
    /// Default -1.
    pub timestamp: i64,
    /// Default -1.
    pub offset: i64,
    /// From version 4, default -1.
    pub leader_epoch: i32,
}

impl Default for ListOffsetsPartitionResponse {
    fn default() -> Self {
        Self { partition_index: 0, error_code: 0, timestamp: -1, offset: -1, leader_epoch: -1 }
    }
}

impl ListOffsetsPartitionResponse {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let mut it = Self::default();
        it.partition_index = r.i32()?;
        it.error_code = r.i16()?;
        it.timestamp = r.i64()?;
        it.offset = r.i64()?;
        if version >= 4 {
            it.leader_epoch = r.i32()?;
        }
        if version >= 6 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.i32(self.partition_index);
        w.i16(self.error_code);
        w.i64(self.timestamp);
        w.i64(self.offset);
        if version >= 4 {
            w.i32(self.leader_epoch);
        } else if self.leader_epoch != -1 {
            return Err(EncodeError::NotInVersion {
                field: "ListOffsetsPartitionResponse.leader_epoch",
                version,
            });
        }
        if version >= 6 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Response for ListOffsetsResponse {
    const API: ApiKey = ApiKey::ListOffsets;
}
