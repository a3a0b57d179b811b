//! Metadata: brokers, topics, partitions and their leaders. v4 auto-create, v8 authorized
//! operations, v10 topic ids. KIP-4, KIP-430, KIP-516.
//!
//! Generated from `schemas/metadata.schema` by `cargo x codegen`.

#![allow(clippy::field_reassign_with_default, reason = "one statement per field")]

use crate::api::{Form, Message, Request, Response};
use crate::error::{DecodeError, EncodeError};
use crate::messages::ApiKey;
use crate::{Reader, Writer};
use model::TopicId;

/// Kafka's `MetadataRequest`, versions 0 to 13.
#[derive(Debug, Clone, PartialEq)]
pub struct MetadataRequest {
    /// Null from version 1.
    pub topics: Option<Vec<MetadataRequestTopic>>,
    /// From version 4, default true.
    pub allow_auto_topic_creation: bool,
    /// Versions 8 to 10.
    pub include_cluster_authorized_operations: bool,
    /// From version 8.
    pub include_topic_authorized_operations: bool,
}

impl Default for MetadataRequest {
    fn default() -> Self {
        Self {
            topics: Some(Vec::new()),
            allow_auto_topic_creation: true,
            include_cluster_authorized_operations: false,
            include_topic_authorized_operations: false,
        }
    }
}

impl Message for MetadataRequest {
    const NAME: &'static str = "MetadataRequest";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 13;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=13).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::Metadata as i16,
                version,
            });
        }
        let form = Form::of(version >= 9);
        let mut it = Self::default();
        it.topics = r.nullable_array(form, 1, |r| MetadataRequestTopic::decode(r, version))?;
        if version < 1 && it.topics.is_none() {
            return Err(r.null());
        }
        if version >= 4 {
            it.allow_auto_topic_creation = r.bool()?;
        }
        if (8..=10).contains(&version) {
            it.include_cluster_authorized_operations = r.bool()?;
        }
        if version >= 8 {
            it.include_topic_authorized_operations = r.bool()?;
        }
        if version >= 9 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=13).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 9);
        if version < 1 && self.topics.is_none() {
            return Err(EncodeError::Null { field: "MetadataRequest.topics", version });
        }
        w.nullable_array(self.topics.as_deref(), form, |w, it| it.encode(w, version))?;
        if version >= 4 {
            w.bool(self.allow_auto_topic_creation);
        } else if !self.allow_auto_topic_creation {
            return Err(EncodeError::NotInVersion {
                field: "MetadataRequest.allow_auto_topic_creation",
                version,
            });
        }
        if (8..=10).contains(&version) {
            w.bool(self.include_cluster_authorized_operations);
        } else if self.include_cluster_authorized_operations {
            return Err(EncodeError::NotInVersion {
                field: "MetadataRequest.include_cluster_authorized_operations",
                version,
            });
        }
        if version >= 8 {
            w.bool(self.include_topic_authorized_operations);
        } else if self.include_topic_authorized_operations {
            return Err(EncodeError::NotInVersion {
                field: "MetadataRequest.include_topic_authorized_operations",
                version,
            });
        }
        if version >= 9 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `MetadataRequestTopic`.
#[derive(Debug, Clone, PartialEq)]
pub struct MetadataRequestTopic {
    /// From version 10.
    pub topic_id: TopicId,
    /// Null from version 10.
    pub name: Option<String>,
}

impl Default for MetadataRequestTopic {
    fn default() -> Self {
        Self { topic_id: TopicId::ZERO, name: Some(String::new()) }
    }
}

impl MetadataRequestTopic {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 9);
        let mut it = Self::default();
        if version >= 10 {
            it.topic_id = r.topic_id()?;
        }
        it.name = r.nullable_string(form)?;
        if version < 10 && it.name.is_none() {
            return Err(r.null());
        }
        if version >= 9 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 9);
        if version >= 10 {
            w.topic_id(self.topic_id);
        }
        if version < 10 && self.name.is_none() {
            return Err(EncodeError::Null { field: "MetadataRequestTopic.name", version });
        }
        w.nullable_string(self.name.as_deref(), form)?;
        if version >= 9 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Request for MetadataRequest {
    const API: ApiKey = ApiKey::Metadata;
    type Response = MetadataResponse;
}

/// Kafka's `MetadataResponse`, versions 0 to 13.
#[derive(Debug, Clone, PartialEq)]
pub struct MetadataResponse {
    /// From version 3.
    pub throttle_time_ms: i32,
    pub brokers: Vec<MetadataResponseBroker>,
    /// From version 2, default null.
    pub cluster_id: Option<String>,
    /// From version 1, default -1.
    pub controller_id: i32,
    pub topics: Vec<MetadataResponseTopic>,
    /// Versions 8 to 10, default -2147483648.
    pub cluster_authorized_operations: i32,
    /// From version 13.
    pub error_code: i16,
}

impl Default for MetadataResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            brokers: Vec::new(),
            cluster_id: None,
            controller_id: -1,
            topics: Vec::new(),
            cluster_authorized_operations: -2147483648,
            error_code: 0,
        }
    }
}

impl Message for MetadataResponse {
    const NAME: &'static str = "MetadataResponse";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 13;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=13).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::Metadata as i16,
                version,
            });
        }
        let form = Form::of(version >= 9);
        let mut it = Self::default();
        if version >= 3 {
            it.throttle_time_ms = r.i32()?;
        }
        it.brokers = r.array(form, 9, |r| MetadataResponseBroker::decode(r, version))?;
        if version >= 2 {
            it.cluster_id = r.nullable_string(form)?;
        }
        if version >= 1 {
            it.controller_id = r.i32()?;
        }
        it.topics = r.array(form, 4, |r| MetadataResponseTopic::decode(r, version))?;
        if (8..=10).contains(&version) {
            it.cluster_authorized_operations = r.i32()?;
        }
        if version >= 13 {
            it.error_code = r.i16()?;
        }
        if version >= 9 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=13).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 9);
        if version >= 3 {
            w.i32(self.throttle_time_ms);
        }
        w.array(&self.brokers, form, |w, it| it.encode(w, version))?;
        if version >= 2 {
            w.nullable_string(self.cluster_id.as_deref(), form)?;
        }
        if version >= 1 {
            w.i32(self.controller_id);
        }
        w.array(&self.topics, form, |w, it| it.encode(w, version))?;
        if (8..=10).contains(&version) {
            w.i32(self.cluster_authorized_operations);
        } else if self.cluster_authorized_operations != -2147483648 {
            return Err(EncodeError::NotInVersion {
                field: "MetadataResponse.cluster_authorized_operations",
                version,
            });
        }
        if version >= 13 {
            w.i16(self.error_code);
        }
        if version >= 9 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `MetadataResponseBroker`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MetadataResponseBroker {
    pub node_id: i32,
    pub host: String,
    pub port: i32,
    /// From version 1, default null.
    pub rack: Option<String>,
}

impl MetadataResponseBroker {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 9);
        let mut it = Self::default();
        it.node_id = r.i32()?;
        it.host = r.string(form)?;
        it.port = r.i32()?;
        if version >= 1 {
            it.rack = r.nullable_string(form)?;
        }
        if version >= 9 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 9);
        w.i32(self.node_id);
        w.string(&self.host, form)?;
        w.i32(self.port);
        if version >= 1 {
            w.nullable_string(self.rack.as_deref(), form)?;
        }
        if version >= 9 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `MetadataResponseTopic`.
#[derive(Debug, Clone, PartialEq)]
pub struct MetadataResponseTopic {
    pub error_code: i16,
    /// Null from version 12.
    pub name: Option<String>,
    /// From version 10.
    pub topic_id: TopicId,
    /// From version 1.
    pub is_internal: bool,
    pub partitions: Vec<MetadataResponsePartition>,
    /// From version 8, default -2147483648.
    pub topic_authorized_operations: i32,
}

impl Default for MetadataResponseTopic {
    fn default() -> Self {
        Self {
            error_code: 0,
            name: Some(String::new()),
            topic_id: TopicId::ZERO,
            is_internal: false,
            partitions: Vec::new(),
            topic_authorized_operations: -2147483648,
        }
    }
}

impl MetadataResponseTopic {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 9);
        let mut it = Self::default();
        it.error_code = r.i16()?;
        it.name = r.nullable_string(form)?;
        if version < 12 && it.name.is_none() {
            return Err(r.null());
        }
        if version >= 10 {
            it.topic_id = r.topic_id()?;
        }
        if version >= 1 {
            it.is_internal = r.bool()?;
        }
        it.partitions = r.array(form, 12, |r| MetadataResponsePartition::decode(r, version))?;
        if version >= 8 {
            it.topic_authorized_operations = r.i32()?;
        }
        if version >= 9 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 9);
        w.i16(self.error_code);
        if version < 12 && self.name.is_none() {
            return Err(EncodeError::Null { field: "MetadataResponseTopic.name", version });
        }
        w.nullable_string(self.name.as_deref(), form)?;
        if version >= 10 {
            w.topic_id(self.topic_id);
        }
        if version >= 1 {
            w.bool(self.is_internal);
        }
        w.array(&self.partitions, form, |w, it| it.encode(w, version))?;
        if version >= 8 {
            w.i32(self.topic_authorized_operations);
        } else if self.topic_authorized_operations != -2147483648 {
            return Err(EncodeError::NotInVersion {
                field: "MetadataResponseTopic.topic_authorized_operations",
                version,
            });
        }
        if version >= 9 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `MetadataResponsePartition`.
#[derive(Debug, Clone, PartialEq)]
pub struct MetadataResponsePartition {
    pub error_code: i16,
    pub partition_index: i32,
    pub leader_id: i32,
    /// From version 7, default -1.
    pub leader_epoch: i32,
    pub replica_nodes: Vec<i32>,
    pub isr_nodes: Vec<i32>,
    /// From version 5.
    pub offline_replicas: Vec<i32>,
}

impl Default for MetadataResponsePartition {
    fn default() -> Self {
        Self {
            error_code: 0,
            partition_index: 0,
            leader_id: 0,
            leader_epoch: -1,
            replica_nodes: Vec::new(),
            isr_nodes: Vec::new(),
            offline_replicas: Vec::new(),
        }
    }
}

impl MetadataResponsePartition {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 9);
        let mut it = Self::default();
        it.error_code = r.i16()?;
        it.partition_index = r.i32()?;
        it.leader_id = r.i32()?;
        if version >= 7 {
            it.leader_epoch = r.i32()?;
        }
        it.replica_nodes = r.array(form, 4, |r| r.i32())?;
        it.isr_nodes = r.array(form, 4, |r| r.i32())?;
        if version >= 5 {
            it.offline_replicas = r.array(form, 4, |r| r.i32())?;
        }
        if version >= 9 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 9);
        w.i16(self.error_code);
        w.i32(self.partition_index);
        w.i32(self.leader_id);
        if version >= 7 {
            w.i32(self.leader_epoch);
        }
        w.array(&self.replica_nodes, form, |w, it| {
            w.i32(*it);
            Ok(())
        })?;
        w.array(&self.isr_nodes, form, |w, it| {
            w.i32(*it);
            Ok(())
        })?;
        if version >= 5 {
            w.array(&self.offline_replicas, form, |w, it| {
                w.i32(*it);
                Ok(())
            })?;
        }
        if version >= 9 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Response for MetadataResponse {
    const API: ApiKey = ApiKey::Metadata;
}
