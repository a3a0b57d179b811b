//! OffsetForLeaderEpoch: where a leader epoch ends. KIP-101, KIP-320.
//!
//! Generated from `schemas/offset_for_leader_epoch.schema` by `cargo x codegen`.

#![allow(clippy::field_reassign_with_default, reason = "one statement per field")]

use crate::api::{Form, Message, Request, Response};
use crate::error::{DecodeError, EncodeError};
use crate::messages::ApiKey;
use crate::{Reader, Writer};

/// Kafka's `OffsetForLeaderEpochRequest`, versions 2 to 4.
#[derive(Debug, Clone, PartialEq)]
pub struct OffsetForLeaderEpochRequest {
    /// From version 3, default -2.
    pub replica_id: i32,
    pub topics: Vec<OffsetForLeaderTopic>,
}

impl Default for OffsetForLeaderEpochRequest {
    fn default() -> Self {
        Self { replica_id: -2, topics: Vec::new() }
    }
}

impl Message for OffsetForLeaderEpochRequest {
    const NAME: &'static str = "OffsetForLeaderEpochRequest";
    const VERSION_MIN: i16 = 2;
    const VERSION_MAX: i16 = 4;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(2..=4).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::OffsetForLeaderEpoch as i16,
                version,
            });
        }
        let form = Form::of(version >= 4);
        let mut it = Self::default();
        if version >= 3 {
            it.replica_id = r.i32()?;
        }
        it.topics = r.array(form, 2, |r| OffsetForLeaderTopic::decode(r, version))?;
        if version >= 4 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(2..=4).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 4);
        if version >= 3 {
            w.i32(self.replica_id);
        }
        w.array(&self.topics, form, |w, it| it.encode(w, version))?;
        if version >= 4 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `OffsetForLeaderTopic`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetForLeaderTopic {
    pub topic: String,
    pub partitions: Vec<OffsetForLeaderPartition>,
}

impl OffsetForLeaderTopic {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 4);
        let mut it = Self::default();
        it.topic = r.string(form)?;
        it.partitions = r.array(form, 12, |r| OffsetForLeaderPartition::decode(r, version))?;
        if version >= 4 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 4);
        w.string(&self.topic, form)?;
        w.array(&self.partitions, form, |w, it| it.encode(w, version))?;
        if version >= 4 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `OffsetForLeaderPartition`.
#[derive(Debug, Clone, PartialEq)]
pub struct OffsetForLeaderPartition {
    pub partition: i32,
    /// Default -1.
    pub current_leader_epoch: i32,
    pub leader_epoch: i32,
}

impl Default for OffsetForLeaderPartition {
    fn default() -> Self {
        Self { partition: 0, current_leader_epoch: -1, leader_epoch: 0 }
    }
}

impl OffsetForLeaderPartition {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let mut it = Self::default();
        it.partition = r.i32()?;
        it.current_leader_epoch = r.i32()?;
        it.leader_epoch = r.i32()?;
        if version >= 4 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.i32(self.partition);
        w.i32(self.current_leader_epoch);
        w.i32(self.leader_epoch);
        if version >= 4 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Request for OffsetForLeaderEpochRequest {
    const API: ApiKey = ApiKey::OffsetForLeaderEpoch;
    type Response = OffsetForLeaderEpochResponse;
}

/// Kafka's `OffsetForLeaderEpochResponse`, versions 2 to 4.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetForLeaderEpochResponse {
    pub throttle_time_ms: i32,
    pub topics: Vec<OffsetForLeaderTopicResult>,
}

impl Message for OffsetForLeaderEpochResponse {
    const NAME: &'static str = "OffsetForLeaderEpochResponse";
    const VERSION_MIN: i16 = 2;
    const VERSION_MAX: i16 = 4;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(2..=4).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::OffsetForLeaderEpoch as i16,
                version,
            });
        }
        let form = Form::of(version >= 4);
        let mut it = Self::default();
        it.throttle_time_ms = r.i32()?;
        it.topics = r.array(form, 2, |r| OffsetForLeaderTopicResult::decode(r, version))?;
        if version >= 4 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(2..=4).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 4);
        w.i32(self.throttle_time_ms);
        w.array(&self.topics, form, |w, it| it.encode(w, version))?;
        if version >= 4 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `OffsetForLeaderTopicResult`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OffsetForLeaderTopicResult {
    pub topic: String,
    pub partitions: Vec<EpochEndOffset>,
}

impl OffsetForLeaderTopicResult {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 4);
        let mut it = Self::default();
        it.topic = r.string(form)?;
        it.partitions = r.array(form, 18, |r| EpochEndOffset::decode(r, version))?;
        if version >= 4 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 4);
        w.string(&self.topic, form)?;
        w.array(&self.partitions, form, |w, it| it.encode(w, version))?;
        if version >= 4 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `EpochEndOffset`.
#[derive(Debug, Clone, PartialEq)]
pub struct EpochEndOffset {
    pub error_code: i16,
    pub partition: i32,
    /// Default -1.
    pub leader_epoch: i32,
    /// Default -1.
    pub end_offset: i64,
}

impl Default for EpochEndOffset {
    fn default() -> Self {
        Self { error_code: 0, partition: 0, leader_epoch: -1, end_offset: -1 }
    }
}

impl EpochEndOffset {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let mut it = Self::default();
        it.error_code = r.i16()?;
        it.partition = r.i32()?;
        it.leader_epoch = r.i32()?;
        it.end_offset = r.i64()?;
        if version >= 4 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.i16(self.error_code);
        w.i32(self.partition);
        w.i32(self.leader_epoch);
        w.i64(self.end_offset);
        if version >= 4 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Response for OffsetForLeaderEpochResponse {
    const API: ApiKey = ApiKey::OffsetForLeaderEpoch;
}
