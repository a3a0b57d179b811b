//! OffsetFetch: what a group has committed. v2 null asks for all, v7 stable offsets only, v8 several
//! groups, v9 member epoch, v10 topic ids. KIP-447, KIP-709, KIP-848.
//!
//! Generated from `schemas/offset_fetch.schema` by `cargo x codegen`.

#![allow(clippy::field_reassign_with_default, reason = "one statement per field")]

use crate::api::{Form, Message, Request, Response};
use crate::error::{DecodeError, EncodeError};
use crate::messages::ApiKey;
use crate::{Reader, Writer};
use model::TopicId;

/// Kafka's `OffsetFetchRequest`, versions 1 to 10.
#[derive(Debug, Clone, PartialEq)]
pub struct OffsetFetchRequest {
    /// Versions 1 to 7.
    pub group_id: String,
    /// Versions 1 to 7, null from version 2.
    pub topics: Option<Vec<OffsetFetchRequestTopic>>,
    /// From version 8.
    pub groups: Vec<OffsetFetchRequestGroup>,
    /// From version 7.
    pub require_stable: bool,
}

impl Default for OffsetFetchRequest {
    fn default() -> Self {
        Self {
            group_id: String::new(),
            topics: Some(Vec::new()),
            groups: Vec::new(),
            require_stable: false,
        }
    }
}

impl Message for OffsetFetchRequest {
    const NAME: &'static str = "OffsetFetchRequest";
    const VERSION_MIN: i16 = 1;
    const VERSION_MAX: i16 = 10;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(1..=10).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::OffsetFetch as i16,
                version,
            });
        }
        let form = Form::of(version >= 6);
        let mut it = Self::default();
        if version <= 7 {
            it.group_id = r.string(form)?;
        }
        if version <= 7 {
            it.topics =
                r.nullable_array(form, 2, |r| OffsetFetchRequestTopic::decode(r, version))?;
            if version < 2 && it.topics.is_none() {
                return Err(r.null());
            }
        }
        if version >= 8 {
            it.groups = r.array(form, 2, |r| OffsetFetchRequestGroup::decode(r, version))?;
        }
        if version >= 7 {
            it.require_stable = r.bool()?;
        }
        if version >= 6 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(1..=10).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 6);
        if version <= 7 {
            w.string(&self.group_id, form)?;
        } else if !self.group_id.is_empty() {
            return Err(EncodeError::NotInVersion {
                field: "OffsetFetchRequest.group_id",
                version,
            });
        }
        if version <= 7 {
            if version < 2 && self.topics.is_none() {
                return Err(EncodeError::Null { field: "OffsetFetchRequest.topics", version });
            }
            w.nullable_array(self.topics.as_deref(), form, |w, it| it.encode(w, version))?;
        } else if self.topics.as_ref().is_none_or(|it| !it.is_empty()) {
            return Err(EncodeError::NotInVersion { field: "OffsetFetchRequest.topics", version });
        }
        if version >= 8 {
            w.array(&self.groups, form, |w, it| it.encode(w, version))?;
        } else if !self.groups.is_empty() {
            return Err(EncodeError::NotInVersion { field: "OffsetFetchRequest.groups", version });
        }
        if version >= 7 {
            w.bool(self.require_stable);
        } else if self.require_stable {
            return Err(EncodeError::NotInVersion {
                field: "OffsetFetchRequest.require_stable",
                version,
            });
        }
        if version >= 6 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `OffsetFetchRequestTopic`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetFetchRequestTopic {
    pub name: String,
    pub partition_indexes: Vec<i32>,
}

impl OffsetFetchRequestTopic {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 6);
        let mut it = Self::default();
        it.name = r.string(form)?;
        it.partition_indexes = r.array(form, 4, |r| r.i32())?;
        if version >= 6 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 6);
        w.string(&self.name, form)?;
        w.array(&self.partition_indexes, form, |w, it| {
            w.i32(*it);
            Ok(())
        })?;
        if version >= 6 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `OffsetFetchRequestGroup`.
#[derive(Debug, Clone, PartialEq)]
pub struct OffsetFetchRequestGroup {
    pub group_id: String,
    /// From version 9, default null.
    pub member_id: Option<String>,
    /// From version 9, default -1.
    pub member_epoch: i32,
    pub topics: Option<Vec<OffsetFetchRequestTopics>>,
}

impl Default for OffsetFetchRequestGroup {
    fn default() -> Self {
        Self {
            group_id: String::new(),
            member_id: None,
            member_epoch: -1,
            topics: Some(Vec::new()),
        }
    }
}

impl OffsetFetchRequestGroup {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::Flexible;
        let mut it = Self::default();
        it.group_id = r.string(form)?;
        if version >= 9 {
            it.member_id = r.nullable_string(form)?;
        }
        if version >= 9 {
            it.member_epoch = r.i32()?;
        }
        it.topics = r.nullable_array(form, 1, |r| OffsetFetchRequestTopics::decode(r, version))?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::Flexible;
        w.string(&self.group_id, form)?;
        if version >= 9 {
            w.nullable_string(self.member_id.as_deref(), form)?;
        }
        if version >= 9 {
            w.i32(self.member_epoch);
        }
        w.nullable_array(self.topics.as_deref(), form, |w, it| it.encode(w, version))?;
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `OffsetFetchRequestTopics`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetFetchRequestTopics {
    /// Versions 8 to 9.
    pub name: String,
    /// From version 10.
    pub topic_id: TopicId,
    pub partition_indexes: Vec<i32>,
}

impl OffsetFetchRequestTopics {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::Flexible;
        let mut it = Self::default();
        if version <= 9 {
            it.name = r.string(form)?;
        }
        if version >= 10 {
            it.topic_id = r.topic_id()?;
        }
        it.partition_indexes = r.array(form, 4, |r| r.i32())?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::Flexible;
        if version <= 9 {
            w.string(&self.name, form)?;
        }
        if version >= 10 {
            w.topic_id(self.topic_id);
        }
        w.array(&self.partition_indexes, form, |w, it| {
            w.i32(*it);
            Ok(())
        })?;
        w.unsigned_varint(0);
        Ok(())
    }
}

impl Request for OffsetFetchRequest {
    const API: ApiKey = ApiKey::OffsetFetch;
    type Response = OffsetFetchResponse;
}

/// Kafka's `OffsetFetchResponse`, versions 1 to 10.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetFetchResponse {
    /// From version 3.
    pub throttle_time_ms: i32,
    /// Versions 1 to 7.
    pub topics: Vec<OffsetFetchResponseTopic>,
    /// Versions 2 to 7.
    pub error_code: i16,
    /// From version 8.
    pub groups: Vec<OffsetFetchResponseGroup>,
}

impl Message for OffsetFetchResponse {
    const NAME: &'static str = "OffsetFetchResponse";
    const VERSION_MIN: i16 = 1;
    const VERSION_MAX: i16 = 10;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(1..=10).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::OffsetFetch as i16,
                version,
            });
        }
        let form = Form::of(version >= 6);
        let mut it = Self::default();
        if version >= 3 {
            it.throttle_time_ms = r.i32()?;
        }
        if version <= 7 {
            it.topics = r.array(form, 2, |r| OffsetFetchResponseTopic::decode(r, version))?;
        }
        if (2..=7).contains(&version) {
            it.error_code = r.i16()?;
        }
        if version >= 8 {
            it.groups = r.array(form, 4, |r| OffsetFetchResponseGroup::decode(r, version))?;
        }
        if version >= 6 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(1..=10).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 6);
        if version >= 3 {
            w.i32(self.throttle_time_ms);
        }
        if version <= 7 {
            w.array(&self.topics, form, |w, it| it.encode(w, version))?;
        } else if !self.topics.is_empty() {
            return Err(EncodeError::NotInVersion { field: "OffsetFetchResponse.topics", version });
        }
        if (2..=7).contains(&version) {
            w.i16(self.error_code);
        }
        if version >= 8 {
            w.array(&self.groups, form, |w, it| it.encode(w, version))?;
        } else if !self.groups.is_empty() {
            return Err(EncodeError::NotInVersion { field: "OffsetFetchResponse.groups", version });
        }
        if version >= 6 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `OffsetFetchResponseTopic`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetFetchResponseTopic {
    pub name: String,
    pub partitions: Vec<OffsetFetchResponsePartition>,
}

impl OffsetFetchResponseTopic {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 6);
        let mut it = Self::default();
        it.name = r.string(form)?;
        it.partitions = r.array(form, 15, |r| OffsetFetchResponsePartition::decode(r, version))?;
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

/// Kafka's `OffsetFetchResponsePartition`.
#[derive(Debug, Clone, PartialEq)]
pub struct OffsetFetchResponsePartition {
    pub partition_index: i32,
    pub committed_offset: i64,
    /// From version 5, default -1.
    pub committed_leader_epoch: i32,
    pub metadata: Option<String>,
    pub error_code: i16,
}

impl Default for OffsetFetchResponsePartition {
    fn default() -> Self {
        Self {
            partition_index: 0,
            committed_offset: 0,
            committed_leader_epoch: -1,
            metadata: Some(String::new()),
            error_code: 0,
        }
    }
}

impl OffsetFetchResponsePartition {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 6);
        let mut it = Self::default();
        it.partition_index = r.i32()?;
        it.committed_offset = r.i64()?;
        if version >= 5 {
            it.committed_leader_epoch = r.i32()?;
        }
        it.metadata = r.nullable_string(form)?;
        it.error_code = r.i16()?;
        if version >= 6 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 6);
        w.i32(self.partition_index);
        w.i64(self.committed_offset);
        if version >= 5 {
            w.i32(self.committed_leader_epoch);
        }
        w.nullable_string(self.metadata.as_deref(), form)?;
        w.i16(self.error_code);
        if version >= 6 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `OffsetFetchResponseGroup`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetFetchResponseGroup {
    pub group_id: String,
    pub topics: Vec<OffsetFetchResponseTopics>,
    pub error_code: i16,
}

impl OffsetFetchResponseGroup {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::Flexible;
        let mut it = Self::default();
        it.group_id = r.string(form)?;
        it.topics = r.array(form, 1, |r| OffsetFetchResponseTopics::decode(r, version))?;
        it.error_code = r.i16()?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::Flexible;
        w.string(&self.group_id, form)?;
        w.array(&self.topics, form, |w, it| it.encode(w, version))?;
        w.i16(self.error_code);
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `OffsetFetchResponseTopics`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetFetchResponseTopics {
    /// Versions 8 to 9.
    pub name: String,
    /// From version 10.
    pub topic_id: TopicId,
    pub partitions: Vec<OffsetFetchResponsePartitions>,
}

impl OffsetFetchResponseTopics {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::Flexible;
        let mut it = Self::default();
        if version <= 9 {
            it.name = r.string(form)?;
        }
        if version >= 10 {
            it.topic_id = r.topic_id()?;
        }
        it.partitions = r.array(form, 19, |r| OffsetFetchResponsePartitions::decode(r, version))?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::Flexible;
        if version <= 9 {
            w.string(&self.name, form)?;
        }
        if version >= 10 {
            w.topic_id(self.topic_id);
        }
        w.array(&self.partitions, form, |w, it| it.encode(w, version))?;
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `OffsetFetchResponsePartitions`.
#[derive(Debug, Clone, PartialEq)]
pub struct OffsetFetchResponsePartitions {
    pub partition_index: i32,
    pub committed_offset: i64,
    /// Default -1.
    pub committed_leader_epoch: i32,
    pub metadata: Option<String>,
    pub error_code: i16,
}

impl Default for OffsetFetchResponsePartitions {
    fn default() -> Self {
        Self {
            partition_index: 0,
            committed_offset: 0,
            committed_leader_epoch: -1,
            metadata: Some(String::new()),
            error_code: 0,
        }
    }
}

impl OffsetFetchResponsePartitions {
    pub(crate) fn decode(r: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let form = Form::Flexible;
        let mut it = Self::default();
        it.partition_index = r.i32()?;
        it.committed_offset = r.i64()?;
        it.committed_leader_epoch = r.i32()?;
        it.metadata = r.nullable_string(form)?;
        it.error_code = r.i16()?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        let form = Form::Flexible;
        w.i32(self.partition_index);
        w.i64(self.committed_offset);
        w.i32(self.committed_leader_epoch);
        w.nullable_string(self.metadata.as_deref(), form)?;
        w.i16(self.error_code);
        w.unsigned_varint(0);
        Ok(())
    }
}

impl Response for OffsetFetchResponse {
    const API: ApiKey = ApiKey::OffsetFetch;
}
