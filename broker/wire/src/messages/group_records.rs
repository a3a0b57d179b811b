//! Keys and values of __consumer_offsets. A key stands behind its record type, a value behind its
//! version. Source: Kafka 4.3 group coordinator schemas, KIP-915 (why tags replace new versions),
//! KIP-848.
//!
//! Generated from `schemas/group_records.schema` by `cargo x codegen`.

#![allow(clippy::field_reassign_with_default, reason = "one statement per field")]

use crate::api::{Form, Message};
use crate::error::{DecodeError, EncodeError};
use crate::{Reader, Writer};
use model::{Buf, TopicId};

/// Kafka's `OffsetCommitKey`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetCommitKey {
    pub group: String,
    pub topic: String,
    pub partition: i32,
}

impl Message for OffsetCommitKey {
    const NAME: &'static str = "OffsetCommitKey";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=0).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: -1, version });
        }
        let form = Form::Classic;
        let mut it = Self::default();
        it.group = r.string(form)?;
        it.topic = r.string(form)?;
        it.partition = r.i32()?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=0).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::Classic;
        w.string(&self.group, form)?;
        w.string(&self.topic, form)?;
        w.i32(self.partition);
        Ok(())
    }
}

/// Kafka's `OffsetCommitValue`, versions 0 to 4.
#[derive(Debug, Clone, PartialEq)]
pub struct OffsetCommitValue {
    pub offset: i64,
    /// From version 3, default -1.
    pub leader_epoch: i32,
    pub metadata: String,
    pub commit_timestamp: i64,
    /// Versions 1 to 1, default -1.
    pub expire_timestamp: i64,
    /// From version 4, tag 0.
    pub topic_id: TopicId,
}

impl Default for OffsetCommitValue {
    fn default() -> Self {
        Self {
            offset: 0,
            leader_epoch: -1,
            metadata: String::new(),
            commit_timestamp: 0,
            expire_timestamp: -1,
            topic_id: TopicId::ZERO,
        }
    }
}

impl Message for OffsetCommitValue {
    const NAME: &'static str = "OffsetCommitValue";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 4;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=4).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: -1, version });
        }
        let form = Form::of(version >= 4);
        let mut it = Self::default();
        it.offset = r.i64()?;
        if version >= 3 {
            it.leader_epoch = r.i32()?;
        }
        it.metadata = r.string(form)?;
        it.commit_timestamp = r.i64()?;
        if (1..=1).contains(&version) {
            it.expire_timestamp = r.i64()?;
        }
        if version >= 4 {
            r.tagged_fields(|tag, r| {
                match tag {
                    0 if version >= 4 => {
                        it.topic_id = r.topic_id()?;
                    }
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=4).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 4);
        w.i64(self.offset);
        if version >= 3 {
            w.i32(self.leader_epoch);
        }
        w.string(&self.metadata, form)?;
        w.i64(self.commit_timestamp);
        if (1..=1).contains(&version) {
            w.i64(self.expire_timestamp);
        }
        let has_topic_id = version >= 4 && self.topic_id != TopicId::ZERO;
        if version >= 4 {
            w.unsigned_varint(u32::from(has_topic_id));
            if has_topic_id {
                w.tagged(0, |w| {
                    w.topic_id(self.topic_id);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }
}

/// Kafka's `GroupMetadataKey`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GroupMetadataKey {
    pub group: String,
}

impl Message for GroupMetadataKey {
    const NAME: &'static str = "GroupMetadataKey";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=0).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: -1, version });
        }
        let form = Form::Classic;
        let mut it = Self::default();
        it.group = r.string(form)?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=0).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::Classic;
        w.string(&self.group, form)?;
        Ok(())
    }
}

/// Kafka's `GroupMetadataValue`, versions 0 to 4.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupMetadataValue {
    pub protocol_type: String,
    pub generation: i32,
    pub protocol: Option<String>,
    pub leader: Option<String>,
    /// From version 2, default -1.
    pub current_state_timestamp: i64,
    pub members: Vec<MemberMetadata>,
}

impl Default for GroupMetadataValue {
    fn default() -> Self {
        Self {
            protocol_type: String::new(),
            generation: 0,
            protocol: Some(String::new()),
            leader: Some(String::new()),
            current_state_timestamp: -1,
            members: Vec::new(),
        }
    }
}

impl Message for GroupMetadataValue {
    const NAME: &'static str = "GroupMetadataValue";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 4;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=4).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: -1, version });
        }
        let form = Form::of(version >= 4);
        let mut it = Self::default();
        it.protocol_type = r.string(form)?;
        it.generation = r.i32()?;
        it.protocol = r.nullable_string(form)?;
        it.leader = r.nullable_string(form)?;
        if version >= 2 {
            it.current_state_timestamp = r.i64()?;
        }
        it.members = r.array(form, 9, |r| MemberMetadata::decode(r, version))?;
        if version >= 4 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=4).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 4);
        w.string(&self.protocol_type, form)?;
        w.i32(self.generation);
        w.nullable_string(self.protocol.as_deref(), form)?;
        w.nullable_string(self.leader.as_deref(), form)?;
        if version >= 2 {
            w.i64(self.current_state_timestamp);
        }
        w.array(&self.members, form, |w, it| it.encode(w, version))?;
        if version >= 4 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `MemberMetadata`.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberMetadata {
    pub member_id: String,
    /// From version 3, default null.
    pub group_instance_id: Option<String>,
    pub client_id: String,
    pub client_host: String,
    /// From version 1, default -1.
    pub rebalance_timeout: i32,
    pub session_timeout: i32,
    pub subscription: Buf,
    pub assignment: Buf,
}

impl Default for MemberMetadata {
    fn default() -> Self {
        Self {
            member_id: String::new(),
            group_instance_id: None,
            client_id: String::new(),
            client_host: String::new(),
            rebalance_timeout: -1,
            session_timeout: 0,
            subscription: Buf::EMPTY,
            assignment: Buf::EMPTY,
        }
    }
}

impl MemberMetadata {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 4);
        let mut it = Self::default();
        it.member_id = r.string(form)?;
        if version >= 3 {
            it.group_instance_id = r.nullable_string(form)?;
        }
        it.client_id = r.string(form)?;
        it.client_host = r.string(form)?;
        if version >= 1 {
            it.rebalance_timeout = r.i32()?;
        }
        it.session_timeout = r.i32()?;
        it.subscription = r.records(form)?.ok_or(r.null())?;
        it.assignment = r.records(form)?.ok_or(r.null())?;
        if version >= 4 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 4);
        w.string(&self.member_id, form)?;
        if version >= 3 {
            w.nullable_string(self.group_instance_id.as_deref(), form)?;
        }
        w.string(&self.client_id, form)?;
        w.string(&self.client_host, form)?;
        if version >= 1 {
            w.i32(self.rebalance_timeout);
        }
        w.i32(self.session_timeout);
        w.bytes(Some(&self.subscription), form)?;
        w.bytes(Some(&self.assignment), form)?;
        if version >= 4 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `ConsumerGroupMetadataKey`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerGroupMetadataKey {
    pub group_id: String,
}

impl Message for ConsumerGroupMetadataKey {
    const NAME: &'static str = "ConsumerGroupMetadataKey";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=0).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: -1, version });
        }
        let form = Form::Classic;
        let mut it = Self::default();
        it.group_id = r.string(form)?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=0).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::Classic;
        w.string(&self.group_id, form)?;
        Ok(())
    }
}

/// Kafka's `ConsumerGroupMetadataValue`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerGroupMetadataValue {
    pub epoch: i32,
    /// Tag 0.
    pub metadata_hash: i64,
}

impl Message for ConsumerGroupMetadataValue {
    const NAME: &'static str = "ConsumerGroupMetadataValue";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=0).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: -1, version });
        }
        let mut it = Self::default();
        it.epoch = r.i32()?;
        r.tagged_fields(|tag, r| {
            match tag {
                0 => {
                    it.metadata_hash = r.i64()?;
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=0).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        w.i32(self.epoch);
        let has_metadata_hash = self.metadata_hash != 0;
        w.unsigned_varint(u32::from(has_metadata_hash));
        if has_metadata_hash {
            w.tagged(0, |w| {
                w.i64(self.metadata_hash);
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// Kafka's `ConsumerGroupPartitionMetadataKey`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerGroupPartitionMetadataKey {
    pub group_id: String,
}

impl Message for ConsumerGroupPartitionMetadataKey {
    const NAME: &'static str = "ConsumerGroupPartitionMetadataKey";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=0).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: -1, version });
        }
        let form = Form::Classic;
        let mut it = Self::default();
        it.group_id = r.string(form)?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=0).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::Classic;
        w.string(&self.group_id, form)?;
        Ok(())
    }
}

/// Kafka's `ConsumerGroupPartitionMetadataValue`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerGroupPartitionMetadataValue {
    pub topics: Vec<TopicMetadata>,
}

impl Message for ConsumerGroupPartitionMetadataValue {
    const NAME: &'static str = "ConsumerGroupPartitionMetadataValue";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=0).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: -1, version });
        }
        let form = Form::Flexible;
        let mut it = Self::default();
        it.topics = r.array(form, 22, |r| TopicMetadata::decode(r, version))?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=0).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::Flexible;
        w.array(&self.topics, form, |w, it| it.encode(w, version))?;
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `TopicMetadata`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TopicMetadata {
    pub topic_id: TopicId,
    pub topic_name: String,
    pub num_partitions: i32,
    pub partition_metadata: Vec<PartitionMetadata>,
}

impl TopicMetadata {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::Flexible;
        let mut it = Self::default();
        it.topic_id = r.topic_id()?;
        it.topic_name = r.string(form)?;
        it.num_partitions = r.i32()?;
        it.partition_metadata = r.array(form, 5, |r| PartitionMetadata::decode(r, version))?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::Flexible;
        w.topic_id(self.topic_id);
        w.string(&self.topic_name, form)?;
        w.i32(self.num_partitions);
        w.array(&self.partition_metadata, form, |w, it| it.encode(w, version))?;
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `PartitionMetadata`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PartitionMetadata {
    pub partition: i32,
    pub racks: Vec<String>,
}

impl PartitionMetadata {
    pub(crate) fn decode(r: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let form = Form::Flexible;
        let mut it = Self::default();
        it.partition = r.i32()?;
        it.racks = r.array(form, 1, |r| r.string(form))?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        let form = Form::Flexible;
        w.i32(self.partition);
        w.array(&self.racks, form, |w, it| w.string(it, form))?;
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `ConsumerGroupMemberMetadataKey`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerGroupMemberMetadataKey {
    pub group_id: String,
    pub member_id: String,
}

impl Message for ConsumerGroupMemberMetadataKey {
    const NAME: &'static str = "ConsumerGroupMemberMetadataKey";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=0).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: -1, version });
        }
        let form = Form::Classic;
        let mut it = Self::default();
        it.group_id = r.string(form)?;
        it.member_id = r.string(form)?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=0).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::Classic;
        w.string(&self.group_id, form)?;
        w.string(&self.member_id, form)?;
        Ok(())
    }
}

/// Kafka's `ConsumerGroupMemberMetadataValue`, version 0.
#[derive(Debug, Clone, PartialEq)]
pub struct ConsumerGroupMemberMetadataValue {
    pub instance_id: Option<String>,
    pub rack_id: Option<String>,
    pub client_id: String,
    pub client_host: String,
    pub subscribed_topic_names: Vec<String>,
    pub subscribed_topic_regex: Option<String>,
    /// Default -1.
    pub rebalance_timeout_ms: i32,
    pub server_assignor: Option<String>,
    /// Tag 0.
    pub classic_member_metadata: Option<ClassicMemberMetadata>,
}

impl Default for ConsumerGroupMemberMetadataValue {
    fn default() -> Self {
        Self {
            instance_id: Some(String::new()),
            rack_id: Some(String::new()),
            client_id: String::new(),
            client_host: String::new(),
            subscribed_topic_names: Vec::new(),
            subscribed_topic_regex: Some(String::new()),
            rebalance_timeout_ms: -1,
            server_assignor: Some(String::new()),
            classic_member_metadata: Some(ClassicMemberMetadata::default()),
        }
    }
}

impl Message for ConsumerGroupMemberMetadataValue {
    const NAME: &'static str = "ConsumerGroupMemberMetadataValue";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=0).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: -1, version });
        }
        let form = Form::Flexible;
        let mut it = Self::default();
        it.instance_id = r.nullable_string(form)?;
        it.rack_id = r.nullable_string(form)?;
        it.client_id = r.string(form)?;
        it.client_host = r.string(form)?;
        it.subscribed_topic_names = r.array(form, 1, |r| r.string(form))?;
        it.subscribed_topic_regex = r.nullable_string(form)?;
        it.rebalance_timeout_ms = r.i32()?;
        it.server_assignor = r.nullable_string(form)?;
        r.tagged_fields(|tag, r| {
            match tag {
                0 => {
                    it.classic_member_metadata = if r.unsigned_varint()? != 0 {
                        Some(ClassicMemberMetadata::decode(r, version)?)
                    } else {
                        None
                    };
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=0).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::Flexible;
        w.nullable_string(self.instance_id.as_deref(), form)?;
        w.nullable_string(self.rack_id.as_deref(), form)?;
        w.string(&self.client_id, form)?;
        w.string(&self.client_host, form)?;
        w.array(&self.subscribed_topic_names, form, |w, it| w.string(it, form))?;
        w.nullable_string(self.subscribed_topic_regex.as_deref(), form)?;
        w.i32(self.rebalance_timeout_ms);
        w.nullable_string(self.server_assignor.as_deref(), form)?;
        let has_classic_member_metadata =
            self.classic_member_metadata != Some(ClassicMemberMetadata::default());
        w.unsigned_varint(u32::from(has_classic_member_metadata));
        if has_classic_member_metadata {
            w.tagged(0, |w| {
                match &self.classic_member_metadata {
                    Some(it) => {
                        w.unsigned_varint(1);
                        it.encode(w, version)?;
                    }
                    None => w.unsigned_varint(0),
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// Kafka's `ClassicMemberMetadata`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ClassicMemberMetadata {
    pub session_timeout_ms: i32,
    pub supported_protocols: Vec<ClassicProtocol>,
}

impl ClassicMemberMetadata {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::Flexible;
        let mut it = Self::default();
        it.session_timeout_ms = r.i32()?;
        it.supported_protocols = r.array(form, 2, |r| ClassicProtocol::decode(r, version))?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::Flexible;
        w.i32(self.session_timeout_ms);
        w.array(&self.supported_protocols, form, |w, it| it.encode(w, version))?;
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `ClassicProtocol`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ClassicProtocol {
    pub name: String,
    pub metadata: Buf,
}

impl ClassicProtocol {
    pub(crate) fn decode(r: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let form = Form::Flexible;
        let mut it = Self::default();
        it.name = r.string(form)?;
        it.metadata = r.records(form)?.ok_or(r.null())?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        let form = Form::Flexible;
        w.string(&self.name, form)?;
        w.bytes(Some(&self.metadata), form)?;
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `ConsumerGroupTargetAssignmentMetadataKey`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerGroupTargetAssignmentMetadataKey {
    pub group_id: String,
}

impl Message for ConsumerGroupTargetAssignmentMetadataKey {
    const NAME: &'static str = "ConsumerGroupTargetAssignmentMetadataKey";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=0).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: -1, version });
        }
        let form = Form::Classic;
        let mut it = Self::default();
        it.group_id = r.string(form)?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=0).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::Classic;
        w.string(&self.group_id, form)?;
        Ok(())
    }
}

/// Kafka's `ConsumerGroupTargetAssignmentMetadataValue`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerGroupTargetAssignmentMetadataValue {
    pub assignment_epoch: i32,
    /// Tag 0.
    pub assignment_timestamp: i64,
}

impl Message for ConsumerGroupTargetAssignmentMetadataValue {
    const NAME: &'static str = "ConsumerGroupTargetAssignmentMetadataValue";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=0).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: -1, version });
        }
        let mut it = Self::default();
        it.assignment_epoch = r.i32()?;
        r.tagged_fields(|tag, r| {
            match tag {
                0 => {
                    it.assignment_timestamp = r.i64()?;
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=0).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        w.i32(self.assignment_epoch);
        let has_assignment_timestamp = self.assignment_timestamp != 0;
        w.unsigned_varint(u32::from(has_assignment_timestamp));
        if has_assignment_timestamp {
            w.tagged(0, |w| {
                w.i64(self.assignment_timestamp);
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// Kafka's `ConsumerGroupTargetAssignmentMemberKey`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerGroupTargetAssignmentMemberKey {
    pub group_id: String,
    pub member_id: String,
}

impl Message for ConsumerGroupTargetAssignmentMemberKey {
    const NAME: &'static str = "ConsumerGroupTargetAssignmentMemberKey";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=0).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: -1, version });
        }
        let form = Form::Classic;
        let mut it = Self::default();
        it.group_id = r.string(form)?;
        it.member_id = r.string(form)?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=0).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::Classic;
        w.string(&self.group_id, form)?;
        w.string(&self.member_id, form)?;
        Ok(())
    }
}

/// Kafka's `ConsumerGroupTargetAssignmentMemberValue`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerGroupTargetAssignmentMemberValue {
    pub topic_partitions: Vec<TopicPartition>,
}

impl Message for ConsumerGroupTargetAssignmentMemberValue {
    const NAME: &'static str = "ConsumerGroupTargetAssignmentMemberValue";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=0).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: -1, version });
        }
        let form = Form::Flexible;
        let mut it = Self::default();
        it.topic_partitions = r.array(form, 17, |r| TopicPartition::decode(r, version))?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=0).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::Flexible;
        w.array(&self.topic_partitions, form, |w, it| it.encode(w, version))?;
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `TopicPartition`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TopicPartition {
    pub topic_id: TopicId,
    pub partitions: Vec<i32>,
}

impl TopicPartition {
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

/// Kafka's `ConsumerGroupCurrentMemberAssignmentKey`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerGroupCurrentMemberAssignmentKey {
    pub group_id: String,
    pub member_id: String,
}

impl Message for ConsumerGroupCurrentMemberAssignmentKey {
    const NAME: &'static str = "ConsumerGroupCurrentMemberAssignmentKey";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=0).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: -1, version });
        }
        let form = Form::Classic;
        let mut it = Self::default();
        it.group_id = r.string(form)?;
        it.member_id = r.string(form)?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=0).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::Classic;
        w.string(&self.group_id, form)?;
        w.string(&self.member_id, form)?;
        Ok(())
    }
}

/// Kafka's `ConsumerGroupCurrentMemberAssignmentValue`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerGroupCurrentMemberAssignmentValue {
    pub member_epoch: i32,
    pub previous_member_epoch: i32,
    pub state: i8,
    pub assigned_partitions: Vec<TopicPartitions>,
    pub partitions_pending_revocation: Vec<TopicPartitions>,
}

impl Message for ConsumerGroupCurrentMemberAssignmentValue {
    const NAME: &'static str = "ConsumerGroupCurrentMemberAssignmentValue";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=0).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: -1, version });
        }
        let form = Form::Flexible;
        let mut it = Self::default();
        it.member_epoch = r.i32()?;
        it.previous_member_epoch = r.i32()?;
        it.state = r.i8()?;
        it.assigned_partitions = r.array(form, 17, |r| TopicPartitions::decode(r, version))?;
        it.partitions_pending_revocation =
            r.array(form, 17, |r| TopicPartitions::decode(r, version))?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=0).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::Flexible;
        w.i32(self.member_epoch);
        w.i32(self.previous_member_epoch);
        w.i8(self.state);
        w.array(&self.assigned_partitions, form, |w, it| it.encode(w, version))?;
        w.array(&self.partitions_pending_revocation, form, |w, it| it.encode(w, version))?;
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `TopicPartitions`.
#[derive(Debug, Clone, PartialEq)]
pub struct TopicPartitions {
    pub topic_id: TopicId,
    pub partitions: Vec<i32>,
    /// Tag 0.
    pub assignment_epochs: Option<Vec<i32>>,
}

impl Default for TopicPartitions {
    fn default() -> Self {
        Self {
            topic_id: TopicId::ZERO,
            partitions: Vec::new(),
            assignment_epochs: Some(Vec::new()),
        }
    }
}

impl TopicPartitions {
    pub(crate) fn decode(r: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let form = Form::Flexible;
        let mut it = Self::default();
        it.topic_id = r.topic_id()?;
        it.partitions = r.array(form, 4, |r| r.i32())?;
        r.tagged_fields(|tag, r| {
            match tag {
                0 => {
                    it.assignment_epochs = r.nullable_array(form, 4, |r| r.i32())?;
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        let form = Form::Flexible;
        w.topic_id(self.topic_id);
        w.array(&self.partitions, form, |w, it| {
            w.i32(*it);
            Ok(())
        })?;
        let has_assignment_epochs = self.assignment_epochs.as_ref().is_none_or(|it| !it.is_empty());
        w.unsigned_varint(u32::from(has_assignment_epochs));
        if has_assignment_epochs {
            w.tagged(0, |w| {
                w.nullable_array(self.assignment_epochs.as_deref(), form, |w, it| {
                    w.i32(*it);
                    Ok(())
                })?;
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// Kafka's `ConsumerGroupRegularExpressionKey`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerGroupRegularExpressionKey {
    pub group_id: String,
    pub regular_expression: String,
}

impl Message for ConsumerGroupRegularExpressionKey {
    const NAME: &'static str = "ConsumerGroupRegularExpressionKey";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=0).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: -1, version });
        }
        let form = Form::Classic;
        let mut it = Self::default();
        it.group_id = r.string(form)?;
        it.regular_expression = r.string(form)?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=0).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::Classic;
        w.string(&self.group_id, form)?;
        w.string(&self.regular_expression, form)?;
        Ok(())
    }
}

/// Kafka's `ConsumerGroupRegularExpressionValue`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerGroupRegularExpressionValue {
    pub topics: Vec<String>,
    pub version: i64,
    pub timestamp: i64,
}

impl Message for ConsumerGroupRegularExpressionValue {
    const NAME: &'static str = "ConsumerGroupRegularExpressionValue";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=0).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: -1, version });
        }
        let form = Form::Flexible;
        let mut it = Self::default();
        it.topics = r.array(form, 1, |r| r.string(form))?;
        it.version = r.i64()?;
        it.timestamp = r.i64()?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=0).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::Flexible;
        w.array(&self.topics, form, |w, it| w.string(it, form))?;
        w.i64(self.version);
        w.i64(self.timestamp);
        w.unsigned_varint(0);
        Ok(())
    }
}
