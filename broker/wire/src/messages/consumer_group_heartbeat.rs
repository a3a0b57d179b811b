//! ConsumerGroupHeartbeat: a member joins, stays in or leaves a consumer group; the answer carries
//! its assignment when that changed. v1 member id by the client, regular expressions. KIP-848.
//!
//! Generated from `schemas/consumer_group_heartbeat.schema` by `cargo x codegen`.

#![allow(clippy::field_reassign_with_default, reason = "one statement per field")]

use crate::api::{Form, Message, Request, Response};
use crate::error::{DecodeError, EncodeError};
use crate::messages::ApiKey;
use crate::{Reader, Writer};
use model::TopicId;

/// Kafka's `ConsumerGroupHeartbeatRequest`, versions 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct ConsumerGroupHeartbeatRequest {
    pub group_id: String,
    pub member_id: String,
    pub member_epoch: i32,
    /// Default null.
    pub instance_id: Option<String>,
    /// Default null.
    pub rack_id: Option<String>,
    /// Default -1.
    pub rebalance_timeout_ms: i32,
    /// Default null.
    pub subscribed_topic_names: Option<Vec<String>>,
    /// From version 1, default null.
    pub subscribed_topic_regex: Option<String>,
    /// Default null.
    pub server_assignor: Option<String>,
    /// Default null.
    pub topic_partitions: Option<Vec<TopicPartitions>>,
}

impl Default for ConsumerGroupHeartbeatRequest {
    fn default() -> Self {
        Self {
            group_id: String::new(),
            member_id: String::new(),
            member_epoch: 0,
            instance_id: None,
            rack_id: None,
            rebalance_timeout_ms: -1,
            subscribed_topic_names: None,
            subscribed_topic_regex: None,
            server_assignor: None,
            topic_partitions: None,
        }
    }
}

impl Message for ConsumerGroupHeartbeatRequest {
    const NAME: &'static str = "ConsumerGroupHeartbeatRequest";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 1;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=1).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::ConsumerGroupHeartbeat as i16,
                version,
            });
        }
        let form = Form::Flexible;
        let mut it = Self::default();
        it.group_id = r.string(form)?;
        it.member_id = r.string(form)?;
        it.member_epoch = r.i32()?;
        it.instance_id = r.nullable_string(form)?;
        it.rack_id = r.nullable_string(form)?;
        it.rebalance_timeout_ms = r.i32()?;
        it.subscribed_topic_names = r.nullable_array(form, 1, |r| r.string(form))?;
        if version >= 1 {
            it.subscribed_topic_regex = r.nullable_string(form)?;
        }
        it.server_assignor = r.nullable_string(form)?;
        it.topic_partitions =
            r.nullable_array(form, 17, |r| TopicPartitions::decode(r, version))?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=1).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::Flexible;
        w.string(&self.group_id, form)?;
        w.string(&self.member_id, form)?;
        w.i32(self.member_epoch);
        w.nullable_string(self.instance_id.as_deref(), form)?;
        w.nullable_string(self.rack_id.as_deref(), form)?;
        w.i32(self.rebalance_timeout_ms);
        w.nullable_array(self.subscribed_topic_names.as_deref(), form, |w, it| w.string(it, form))?;
        if version >= 1 {
            w.nullable_string(self.subscribed_topic_regex.as_deref(), form)?;
        } else if self.subscribed_topic_regex.is_some() {
            return Err(EncodeError::NotInVersion {
                field: "ConsumerGroupHeartbeatRequest.subscribed_topic_regex",
                version,
            });
        }
        w.nullable_string(self.server_assignor.as_deref(), form)?;
        w.nullable_array(self.topic_partitions.as_deref(), form, |w, it| it.encode(w, version))?;
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `TopicPartitions`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TopicPartitions {
    pub topic_id: TopicId,
    pub partitions: Vec<i32>,
}

impl TopicPartitions {
    pub(crate) fn decode(r: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let form = Form::Flexible;
        let mut it = Self::default();
        it.topic_id = r.topic_id()?;
        it.partitions = r.array(form, 4, |r| r.i32())?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        let form = Form::Flexible;
        w.topic_id(self.topic_id);
        w.array(&self.partitions, form, |w, it| {
            w.i32(*it);
            Ok(())
        })?;
        w.unsigned_varint(0);
        Ok(())
    }
}

impl Request for ConsumerGroupHeartbeatRequest {
    const API: ApiKey = ApiKey::ConsumerGroupHeartbeat;
    type Response = ConsumerGroupHeartbeatResponse;
}

/// Kafka's `ConsumerGroupHeartbeatResponse`, versions 0 to 1.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerGroupHeartbeatResponse {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    /// Default null.
    pub error_message: Option<String>,
    /// Default null.
    pub member_id: Option<String>,
    pub member_epoch: i32,
    pub heartbeat_interval_ms: i32,
    /// Default null.
    pub assignment: Option<Assignment>,
}

impl Message for ConsumerGroupHeartbeatResponse {
    const NAME: &'static str = "ConsumerGroupHeartbeatResponse";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 1;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=1).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::ConsumerGroupHeartbeat as i16,
                version,
            });
        }
        let form = Form::Flexible;
        let mut it = Self::default();
        it.throttle_time_ms = r.i32()?;
        it.error_code = r.i16()?;
        it.error_message = r.nullable_string(form)?;
        it.member_id = r.nullable_string(form)?;
        it.member_epoch = r.i32()?;
        it.heartbeat_interval_ms = r.i32()?;
        it.assignment = if r.present()? { Some(Assignment::decode(r, version)?) } else { None };
        r.skip_tagged_fields()?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=1).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::Flexible;
        w.i32(self.throttle_time_ms);
        w.i16(self.error_code);
        w.nullable_string(self.error_message.as_deref(), form)?;
        w.nullable_string(self.member_id.as_deref(), form)?;
        w.i32(self.member_epoch);
        w.i32(self.heartbeat_interval_ms);
        match &self.assignment {
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

/// Kafka's `Assignment`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Assignment {
    pub topic_partitions: Vec<TopicPartitions>,
}

impl Assignment {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::Flexible;
        let mut it = Self::default();
        it.topic_partitions = r.array(form, 17, |r| TopicPartitions::decode(r, version))?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::Flexible;
        w.array(&self.topic_partitions, form, |w, it| it.encode(w, version))?;
        w.unsigned_varint(0);
        Ok(())
    }
}

impl Response for ConsumerGroupHeartbeatResponse {
    const API: ApiKey = ApiKey::ConsumerGroupHeartbeat;
}
