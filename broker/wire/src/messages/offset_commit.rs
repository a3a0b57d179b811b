//! OffsetCommit: how far a group has consumed. v2 to v4 retention, v6 leader epoch, v7 static members,
//! v9 member epoch, v10 topic ids. KIP-211, KIP-320, KIP-345, KIP-848.
//!
//! Generated from `schemas/offset_commit.schema` by `cargo x codegen`.

#![allow(clippy::field_reassign_with_default, reason = "one statement per field")]

use crate::api::{Form, Message, Request, Response};
use crate::error::{DecodeError, EncodeError};
use crate::messages::ApiKey;
use crate::{Reader, Writer};
use model::TopicId;

/// Kafka's `OffsetCommitRequest`, versions 2 to 10.
#[derive(Debug, Clone, PartialEq)]
pub struct OffsetCommitRequest {
    pub group_id: String,
    /// Default -1.
    pub generation_id_or_member_epoch: i32,
    pub member_id: String,
    /// From version 7, default null.
    pub group_instance_id: Option<String>,
    /// Versions 2 to 4, default -1.
    pub retention_time_ms: i64,
    pub topics: Vec<OffsetCommitRequestTopic>,
}

impl Default for OffsetCommitRequest {
    fn default() -> Self {
        Self {
            group_id: String::new(),
            generation_id_or_member_epoch: -1,
            member_id: String::new(),
            group_instance_id: None,
            retention_time_ms: -1,
            topics: Vec::new(),
        }
    }
}

impl Message for OffsetCommitRequest {
    const NAME: &'static str = "OffsetCommitRequest";
    const VERSION_MIN: i16 = 2;
    const VERSION_MAX: i16 = 10;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(2..=10).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::OffsetCommit as i16,
                version,
            });
        }
        let form = Form::of(version >= 8);
        let mut it = Self::default();
        it.group_id = r.string(form)?;
        it.generation_id_or_member_epoch = r.i32()?;
        it.member_id = r.string(form)?;
        if version >= 7 {
            it.group_instance_id = r.nullable_string(form)?;
        }
        if version <= 4 {
            it.retention_time_ms = r.i64()?;
        }
        it.topics = r.array(form, 1, |r| OffsetCommitRequestTopic::decode(r, version))?;
        if version >= 8 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(2..=10).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 8);
        w.string(&self.group_id, form)?;
        w.i32(self.generation_id_or_member_epoch);
        w.string(&self.member_id, form)?;
        if version >= 7 {
            w.nullable_string(self.group_instance_id.as_deref(), form)?;
        } else if self.group_instance_id.is_some() {
            return Err(EncodeError::NotInVersion {
                field: "OffsetCommitRequest.group_instance_id",
                version,
            });
        }
        if version <= 4 {
            w.i64(self.retention_time_ms);
        }
        w.array(&self.topics, form, |w, it| it.encode(w, version))?;
        if version >= 8 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `OffsetCommitRequestTopic`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetCommitRequestTopic {
    /// Versions 2 to 9.
    pub name: String,
    /// From version 10.
    pub topic_id: TopicId,
    pub partitions: Vec<OffsetCommitRequestPartition>,
}

impl OffsetCommitRequestTopic {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 8);
        let mut it = Self::default();
        if version <= 9 {
            it.name = r.string(form)?;
        }
        if version >= 10 {
            it.topic_id = r.topic_id()?;
        }
        it.partitions = r.array(form, 13, |r| OffsetCommitRequestPartition::decode(r, version))?;
        if version >= 8 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 8);
        if version <= 9 {
            w.string(&self.name, form)?;
        }
        if version >= 10 {
            w.topic_id(self.topic_id);
        }
        w.array(&self.partitions, form, |w, it| it.encode(w, version))?;
        if version >= 8 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `OffsetCommitRequestPartition`.
#[derive(Debug, Clone, PartialEq)]
pub struct OffsetCommitRequestPartition {
    pub partition_index: i32,
    pub committed_offset: i64,
    /// From version 6, default -1.
    pub committed_leader_epoch: i32,
    pub committed_metadata: Option<String>,
}

impl Default for OffsetCommitRequestPartition {
    fn default() -> Self {
        Self {
            partition_index: 0,
            committed_offset: 0,
            committed_leader_epoch: -1,
            committed_metadata: Some(String::new()),
        }
    }
}

impl OffsetCommitRequestPartition {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 8);
        let mut it = Self::default();
        it.partition_index = r.i32()?;
        it.committed_offset = r.i64()?;
        if version >= 6 {
            it.committed_leader_epoch = r.i32()?;
        }
        it.committed_metadata = r.nullable_string(form)?;
        if version >= 8 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 8);
        w.i32(self.partition_index);
        w.i64(self.committed_offset);
        if version >= 6 {
            w.i32(self.committed_leader_epoch);
        }
        w.nullable_string(self.committed_metadata.as_deref(), form)?;
        if version >= 8 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Request for OffsetCommitRequest {
    const API: ApiKey = ApiKey::OffsetCommit;
    type Response = OffsetCommitResponse;
}

/// Kafka's `OffsetCommitResponse`, versions 2 to 10.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetCommitResponse {
    /// From version 3.
    pub throttle_time_ms: i32,
    pub topics: Vec<OffsetCommitResponseTopic>,
}

impl Message for OffsetCommitResponse {
    const NAME: &'static str = "OffsetCommitResponse";
    const VERSION_MIN: i16 = 2;
    const VERSION_MAX: i16 = 10;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(2..=10).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::OffsetCommit as i16,
                version,
            });
        }
        let form = Form::of(version >= 8);
        let mut it = Self::default();
        if version >= 3 {
            it.throttle_time_ms = r.i32()?;
        }
        it.topics = r.array(form, 1, |r| OffsetCommitResponseTopic::decode(r, version))?;
        if version >= 8 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(2..=10).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 8);
        if version >= 3 {
            w.i32(self.throttle_time_ms);
        }
        w.array(&self.topics, form, |w, it| it.encode(w, version))?;
        if version >= 8 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `OffsetCommitResponseTopic`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetCommitResponseTopic {
    /// Versions 2 to 9.
    pub name: String,
    /// From version 10.
    pub topic_id: TopicId,
    pub partitions: Vec<OffsetCommitResponsePartition>,
}

impl OffsetCommitResponseTopic {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 8);
        let mut it = Self::default();
        if version <= 9 {
            it.name = r.string(form)?;
        }
        if version >= 10 {
            it.topic_id = r.topic_id()?;
        }
        it.partitions = r.array(form, 6, |r| OffsetCommitResponsePartition::decode(r, version))?;
        if version >= 8 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 8);
        if version <= 9 {
            w.string(&self.name, form)?;
        }
        if version >= 10 {
            w.topic_id(self.topic_id);
        }
        w.array(&self.partitions, form, |w, it| it.encode(w, version))?;
        if version >= 8 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `OffsetCommitResponsePartition`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetCommitResponsePartition {
    pub partition_index: i32,
    pub error_code: i16,
}

impl OffsetCommitResponsePartition {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let mut it = Self::default();
        it.partition_index = r.i32()?;
        it.error_code = r.i16()?;
        if version >= 8 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.i32(self.partition_index);
        w.i16(self.error_code);
        if version >= 8 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Response for OffsetCommitResponse {
    const API: ApiKey = ApiKey::OffsetCommit;
}
