//! ConsumerGroupDescribe: consumer groups with members and both assignments. v1 the type of a member.
//! KIP-848, KIP-1099.
//!
//! Generated from `schemas/consumer_group_describe.schema` by `cargo x codegen`.

#![allow(clippy::field_reassign_with_default, reason = "one statement per field")]

use crate::api::{Form, Message, Request, Response};
use crate::error::{DecodeError, EncodeError};
use crate::messages::ApiKey;
use crate::{Reader, Writer};
use model::TopicId;

/// Kafka's `ConsumerGroupDescribeRequest`, versions 0 to 1.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerGroupDescribeRequest {
    pub group_ids: Vec<String>,
    pub include_authorized_operations: bool,
}

impl Message for ConsumerGroupDescribeRequest {
    const NAME: &'static str = "ConsumerGroupDescribeRequest";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 1;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=1).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::ConsumerGroupDescribe as i16,
                version,
            });
        }
        let form = Form::Flexible;
        let mut it = Self::default();
        it.group_ids = r.array(form, 1, |r| r.string(form))?;
        it.include_authorized_operations = r.bool()?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=1).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::Flexible;
        w.array(&self.group_ids, form, |w, it| w.string(it, form))?;
        w.bool(self.include_authorized_operations);
        w.unsigned_varint(0);
        Ok(())
    }
}

impl Request for ConsumerGroupDescribeRequest {
    const API: ApiKey = ApiKey::ConsumerGroupDescribe;
    type Response = ConsumerGroupDescribeResponse;
}

/// Kafka's `ConsumerGroupDescribeResponse`, versions 0 to 1.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerGroupDescribeResponse {
    pub throttle_time_ms: i32,
    pub groups: Vec<DescribedGroup>,
}

impl Message for ConsumerGroupDescribeResponse {
    const NAME: &'static str = "ConsumerGroupDescribeResponse";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 1;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=1).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::ConsumerGroupDescribe as i16,
                version,
            });
        }
        let form = Form::Flexible;
        let mut it = Self::default();
        it.throttle_time_ms = r.i32()?;
        it.groups = r.array(form, 19, |r| DescribedGroup::decode(r, version))?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=1).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::Flexible;
        w.i32(self.throttle_time_ms);
        w.array(&self.groups, form, |w, it| it.encode(w, version))?;
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `DescribedGroup`.
#[derive(Debug, Clone, PartialEq)]
pub struct DescribedGroup {
    pub error_code: i16,
    /// Default null.
    pub error_message: Option<String>,
    pub group_id: String,
    pub group_state: String,
    pub group_epoch: i32,
    pub assignment_epoch: i32,
    pub assignor_name: String,
    pub members: Vec<Member>,
    /// Default -2147483648.
    pub authorized_operations: i32,
}

impl Default for DescribedGroup {
    fn default() -> Self {
        Self {
            error_code: 0,
            error_message: None,
            group_id: String::new(),
            group_state: String::new(),
            group_epoch: 0,
            assignment_epoch: 0,
            assignor_name: String::new(),
            members: Vec::new(),
            authorized_operations: -2147483648,
        }
    }
}

impl DescribedGroup {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::Flexible;
        let mut it = Self::default();
        it.error_code = r.i16()?;
        it.error_message = r.nullable_string(form)?;
        it.group_id = r.string(form)?;
        it.group_state = r.string(form)?;
        it.group_epoch = r.i32()?;
        it.assignment_epoch = r.i32()?;
        it.assignor_name = r.string(form)?;
        it.members = r.array(form, 13, |r| Member::decode(r, version))?;
        it.authorized_operations = r.i32()?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::Flexible;
        w.i16(self.error_code);
        w.nullable_string(self.error_message.as_deref(), form)?;
        w.string(&self.group_id, form)?;
        w.string(&self.group_state, form)?;
        w.i32(self.group_epoch);
        w.i32(self.assignment_epoch);
        w.string(&self.assignor_name, form)?;
        w.array(&self.members, form, |w, it| it.encode(w, version))?;
        w.i32(self.authorized_operations);
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `Member`.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    pub member_id: String,
    /// Default null.
    pub instance_id: Option<String>,
    /// Default null.
    pub rack_id: Option<String>,
    pub member_epoch: i32,
    pub client_id: String,
    pub client_host: String,
    pub subscribed_topic_names: Vec<String>,
    /// Default null.
    pub subscribed_topic_regex: Option<String>,
    pub assignment: Assignment,
    pub target_assignment: Assignment,
    /// From version 1, default -1.
    pub member_type: i8,
}

impl Default for Member {
    fn default() -> Self {
        Self {
            member_id: String::new(),
            instance_id: None,
            rack_id: None,
            member_epoch: 0,
            client_id: String::new(),
            client_host: String::new(),
            subscribed_topic_names: Vec::new(),
            subscribed_topic_regex: None,
            assignment: Assignment::default(),
            target_assignment: Assignment::default(),
            member_type: -1,
        }
    }
}

impl Member {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::Flexible;
        let mut it = Self::default();
        it.member_id = r.string(form)?;
        it.instance_id = r.nullable_string(form)?;
        it.rack_id = r.nullable_string(form)?;
        it.member_epoch = r.i32()?;
        it.client_id = r.string(form)?;
        it.client_host = r.string(form)?;
        it.subscribed_topic_names = r.array(form, 1, |r| r.string(form))?;
        it.subscribed_topic_regex = r.nullable_string(form)?;
        it.assignment = Assignment::decode(r, version)?;
        it.target_assignment = Assignment::decode(r, version)?;
        if version >= 1 {
            it.member_type = r.i8()?;
        }
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::Flexible;
        w.string(&self.member_id, form)?;
        w.nullable_string(self.instance_id.as_deref(), form)?;
        w.nullable_string(self.rack_id.as_deref(), form)?;
        w.i32(self.member_epoch);
        w.string(&self.client_id, form)?;
        w.string(&self.client_host, form)?;
        w.array(&self.subscribed_topic_names, form, |w, it| w.string(it, form))?;
        w.nullable_string(self.subscribed_topic_regex.as_deref(), form)?;
        self.assignment.encode(w, version)?;
        self.target_assignment.encode(w, version)?;
        if version >= 1 {
            w.i8(self.member_type);
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
        it.topic_partitions = r.array(form, 18, |r| TopicPartitions::decode(r, version))?;
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

/// Kafka's `TopicPartitions`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TopicPartitions {
    pub topic_id: TopicId,
    pub topic_name: String,
    pub partitions: Vec<i32>,
}

impl TopicPartitions {
    pub(crate) fn decode(r: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let form = Form::Flexible;
        let mut it = Self::default();
        it.topic_id = r.topic_id()?;
        it.topic_name = r.string(form)?;
        it.partitions = r.array(form, 4, |r| r.i32())?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        let form = Form::Flexible;
        w.topic_id(self.topic_id);
        w.string(&self.topic_name, form)?;
        w.array(&self.partitions, form, |w, it| {
            w.i32(*it);
            Ok(())
        })?;
        w.unsigned_varint(0);
        Ok(())
    }
}

impl Response for ConsumerGroupDescribeResponse {
    const API: ApiKey = ApiKey::ConsumerGroupDescribe;
}
