//! DescribeTopicPartitions: topics with paging and eligible leader replicas. KIP-966.
//!
//! Generated from `schemas/describe_topic_partitions.schema` by `cargo x codegen`.

#![allow(clippy::field_reassign_with_default, reason = "one statement per field")]

use crate::api::{Form, Message, Request, Response};
use crate::error::{DecodeError, EncodeError};
use crate::messages::ApiKey;
use crate::{Reader, Writer};
use model::TopicId;

/// Kafka's `DescribeTopicPartitionsRequest`, version 0.
#[derive(Debug, Clone, PartialEq)]
pub struct DescribeTopicPartitionsRequest {
    pub topics: Vec<TopicRequest>,
    /// Default 2000.
    pub response_partition_limit: i32,
    /// Default null.
    pub cursor: Option<Cursor>,
}

impl Default for DescribeTopicPartitionsRequest {
    fn default() -> Self {
        Self { topics: Vec::new(), response_partition_limit: 2000, cursor: None }
    }
}

impl Message for DescribeTopicPartitionsRequest {
    const NAME: &'static str = "DescribeTopicPartitionsRequest";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=0).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::DescribeTopicPartitions as i16,
                version,
            });
        }
        let form = Form::Flexible;
        let mut it = Self::default();
        it.topics = r.array(form, 1, |r| TopicRequest::decode(r, version))?;
        it.response_partition_limit = r.i32()?;
        it.cursor = if r.present()? { Some(Cursor::decode(r, version)?) } else { None };
        r.skip_tagged_fields()?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=0).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::Flexible;
        w.array(&self.topics, form, |w, it| it.encode(w, version))?;
        w.i32(self.response_partition_limit);
        match &self.cursor {
            Some(it) => {
                w.i8(1);
                it.encode(w, version)?;
            }
            None => w.i8(-1),
        }
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `TopicRequest`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TopicRequest {
    pub name: String,
}

impl TopicRequest {
    pub(crate) fn decode(r: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let form = Form::Flexible;
        let mut it = Self::default();
        it.name = r.string(form)?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        let form = Form::Flexible;
        w.string(&self.name, form)?;
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `Cursor`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cursor {
    pub topic_name: String,
    pub partition_index: i32,
}

impl Cursor {
    pub(crate) fn decode(r: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let form = Form::Flexible;
        let mut it = Self::default();
        it.topic_name = r.string(form)?;
        it.partition_index = r.i32()?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        let form = Form::Flexible;
        w.string(&self.topic_name, form)?;
        w.i32(self.partition_index);
        w.unsigned_varint(0);
        Ok(())
    }
}

impl Request for DescribeTopicPartitionsRequest {
    const API: ApiKey = ApiKey::DescribeTopicPartitions;
    type Response = DescribeTopicPartitionsResponse;
}

/// Kafka's `DescribeTopicPartitionsResponse`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeTopicPartitionsResponse {
    pub throttle_time_ms: i32,
    pub topics: Vec<DescribeTopicPartitionsResponseTopic>,
    /// Default null.
    pub next_cursor: Option<Cursor>,
}

impl Message for DescribeTopicPartitionsResponse {
    const NAME: &'static str = "DescribeTopicPartitionsResponse";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=0).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::DescribeTopicPartitions as i16,
                version,
            });
        }
        let form = Form::Flexible;
        let mut it = Self::default();
        it.throttle_time_ms = r.i32()?;
        it.topics =
            r.array(form, 25, |r| DescribeTopicPartitionsResponseTopic::decode(r, version))?;
        it.next_cursor = if r.present()? { Some(Cursor::decode(r, version)?) } else { None };
        r.skip_tagged_fields()?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=0).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::Flexible;
        w.i32(self.throttle_time_ms);
        w.array(&self.topics, form, |w, it| it.encode(w, version))?;
        match &self.next_cursor {
            Some(it) => {
                w.i8(1);
                it.encode(w, version)?;
            }
            None => w.i8(-1),
        }
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `DescribeTopicPartitionsResponseTopic`.
#[derive(Debug, Clone, PartialEq)]
pub struct DescribeTopicPartitionsResponseTopic {
    pub error_code: i16,
    pub name: Option<String>,
    pub topic_id: TopicId,
    pub is_internal: bool,
    pub partitions: Vec<DescribeTopicPartitionsResponsePartition>,
    /// Default -2147483648.
    pub topic_authorized_operations: i32,
}

impl Default for DescribeTopicPartitionsResponseTopic {
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

impl DescribeTopicPartitionsResponseTopic {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::Flexible;
        let mut it = Self::default();
        it.error_code = r.i16()?;
        it.name = r.nullable_string(form)?;
        it.topic_id = r.topic_id()?;
        it.is_internal = r.bool()?;
        it.partitions =
            r.array(form, 19, |r| DescribeTopicPartitionsResponsePartition::decode(r, version))?;
        it.topic_authorized_operations = r.i32()?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::Flexible;
        w.i16(self.error_code);
        w.nullable_string(self.name.as_deref(), form)?;
        w.topic_id(self.topic_id);
        w.bool(self.is_internal);
        w.array(&self.partitions, form, |w, it| it.encode(w, version))?;
        w.i32(self.topic_authorized_operations);
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `DescribeTopicPartitionsResponsePartition`.
#[derive(Debug, Clone, PartialEq)]
pub struct DescribeTopicPartitionsResponsePartition {
    pub error_code: i16,
    pub partition_index: i32,
    pub leader_id: i32,
    /// Default -1.
    pub leader_epoch: i32,
    pub replica_nodes: Vec<i32>,
    pub isr_nodes: Vec<i32>,
    /// Default null.
    pub eligible_leader_replicas: Option<Vec<i32>>,
    /// Default null.
    pub last_known_elr: Option<Vec<i32>>,
    pub offline_replicas: Vec<i32>,
}

impl Default for DescribeTopicPartitionsResponsePartition {
    fn default() -> Self {
        Self {
            error_code: 0,
            partition_index: 0,
            leader_id: 0,
            leader_epoch: -1,
            replica_nodes: Vec::new(),
            isr_nodes: Vec::new(),
            eligible_leader_replicas: None,
            last_known_elr: None,
            offline_replicas: Vec::new(),
        }
    }
}

impl DescribeTopicPartitionsResponsePartition {
    pub(crate) fn decode(r: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let form = Form::Flexible;
        let mut it = Self::default();
        it.error_code = r.i16()?;
        it.partition_index = r.i32()?;
        it.leader_id = r.i32()?;
        it.leader_epoch = r.i32()?;
        it.replica_nodes = r.array(form, 4, |r| r.i32())?;
        it.isr_nodes = r.array(form, 4, |r| r.i32())?;
        it.eligible_leader_replicas = r.nullable_array(form, 4, |r| r.i32())?;
        it.last_known_elr = r.nullable_array(form, 4, |r| r.i32())?;
        it.offline_replicas = r.array(form, 4, |r| r.i32())?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        let form = Form::Flexible;
        w.i16(self.error_code);
        w.i32(self.partition_index);
        w.i32(self.leader_id);
        w.i32(self.leader_epoch);
        w.array(&self.replica_nodes, form, |w, it| {
            w.i32(*it);
            Ok(())
        })?;
        w.array(&self.isr_nodes, form, |w, it| {
            w.i32(*it);
            Ok(())
        })?;
        w.nullable_array(self.eligible_leader_replicas.as_deref(), form, |w, it| {
            w.i32(*it);
            Ok(())
        })?;
        w.nullable_array(self.last_known_elr.as_deref(), form, |w, it| {
            w.i32(*it);
            Ok(())
        })?;
        w.array(&self.offline_replicas, form, |w, it| {
            w.i32(*it);
            Ok(())
        })?;
        w.unsigned_varint(0);
        Ok(())
    }
}

impl Response for DescribeTopicPartitionsResponse {
    const API: ApiKey = ApiKey::DescribeTopicPartitions;
}
