//! Fetch: read record batches, for consumers and followers. v7 sessions, v11 rack, v12 diverging
//! epoch, v13 topic ids, v15 replica state, v16 endpoints. KIP-227, KIP-392, KIP-595, KIP-516,
//! KIP-903, KIP-951.
//!
//! Generated from `schemas/fetch.schema` by `cargo x codegen`.

#![allow(clippy::field_reassign_with_default, reason = "one statement per field")]

use crate::api::{Form, Message, Request, Response, Uuid};
use crate::error::{DecodeError, EncodeError};
use crate::messages::ApiKey;
use crate::{Reader, Writer};
use model::{Buf, TopicId};

/// Kafka's `FetchRequest`, versions 4 to 18.
#[derive(Debug, Clone, PartialEq)]
pub struct FetchRequest {
    /// From version 12, tag 0, default null.
    pub cluster_id: Option<String>,
    /// Versions 4 to 14, default -1.
    pub replica_id: i32,
    /// From version 15, tag 1.
    pub replica_state: ReplicaState,
    pub max_wait_ms: i32,
    pub min_bytes: i32,
    /// Default 2147483647.
    pub max_bytes: i32,
    pub isolation_level: i8,
    /// From version 7.
    pub session_id: i32,
    /// From version 7, default -1.
    pub session_epoch: i32,
    pub topics: Vec<FetchTopic>,
    /// From version 7.
    pub forgotten_topics_data: Vec<ForgottenTopic>,
    /// From version 11.
    pub rack_id: String,
}

impl Default for FetchRequest {
    fn default() -> Self {
        Self {
            cluster_id: None,
            replica_id: -1,
            replica_state: ReplicaState::default(),
            max_wait_ms: 0,
            min_bytes: 0,
            max_bytes: 2147483647,
            isolation_level: 0,
            session_id: 0,
            session_epoch: -1,
            topics: Vec::new(),
            forgotten_topics_data: Vec::new(),
            rack_id: String::new(),
        }
    }
}

impl Message for FetchRequest {
    const NAME: &'static str = "FetchRequest";
    const VERSION_MIN: i16 = 4;
    const VERSION_MAX: i16 = 18;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(4..=18).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: ApiKey::Fetch as i16, version });
        }
        let form = Form::of(version >= 12);
        let mut it = Self::default();
        if version <= 14 {
            it.replica_id = r.i32()?;
        }
        it.max_wait_ms = r.i32()?;
        it.min_bytes = r.i32()?;
        it.max_bytes = r.i32()?;
        it.isolation_level = r.i8()?;
        if version >= 7 {
            it.session_id = r.i32()?;
        }
        if version >= 7 {
            it.session_epoch = r.i32()?;
        }
        it.topics = r.array(form, 1, |r| FetchTopic::decode(r, version))?;
        if version >= 7 {
            it.forgotten_topics_data = r.array(form, 1, |r| ForgottenTopic::decode(r, version))?;
        }
        if version >= 11 {
            it.rack_id = r.string(form)?;
        }
        if version >= 12 {
            r.tagged_fields(|tag, r| {
                match tag {
                    0 if version >= 12 => {
                        it.cluster_id = r.nullable_string(form)?;
                    }
                    1 if version >= 15 => {
                        it.replica_state = ReplicaState::decode(r, version)?;
                    }
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(4..=18).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 12);
        if version <= 14 {
            w.i32(self.replica_id);
        } else if self.replica_id != -1 {
            return Err(EncodeError::NotInVersion { field: "FetchRequest.replica_id", version });
        }
        w.i32(self.max_wait_ms);
        w.i32(self.min_bytes);
        w.i32(self.max_bytes);
        w.i8(self.isolation_level);
        if version >= 7 {
            w.i32(self.session_id);
        }
        if version >= 7 {
            w.i32(self.session_epoch);
        }
        w.array(&self.topics, form, |w, it| it.encode(w, version))?;
        if version >= 7 {
            w.array(&self.forgotten_topics_data, form, |w, it| it.encode(w, version))?;
        } else if !self.forgotten_topics_data.is_empty() {
            return Err(EncodeError::NotInVersion {
                field: "FetchRequest.forgotten_topics_data",
                version,
            });
        }
        if version >= 11 {
            w.string(&self.rack_id, form)?;
        }
        let has_cluster_id = version >= 12 && self.cluster_id.is_some();
        if version < 15 && self.replica_state != ReplicaState::default() {
            return Err(EncodeError::NotInVersion { field: "FetchRequest.replica_state", version });
        }
        let has_replica_state = version >= 15 && self.replica_state != ReplicaState::default();
        if version >= 12 {
            w.unsigned_varint(u32::from(has_cluster_id) + u32::from(has_replica_state));
            if has_cluster_id {
                w.tagged(0, |w| {
                    w.nullable_string(self.cluster_id.as_deref(), form)?;
                    Ok(())
                })?;
            }
            if has_replica_state {
                w.tagged(1, |w| {
                    self.replica_state.encode(w, version)?;
                    Ok(())
                })?;
            }
        }
        Ok(())
    }
}

/// Kafka's `ReplicaState`.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplicaState {
    /// Default -1.
    pub replica_id: i32,
    /// Default -1.
    pub replica_epoch: i64,
}

impl Default for ReplicaState {
    fn default() -> Self {
        Self { replica_id: -1, replica_epoch: -1 }
    }
}

impl ReplicaState {
    pub(crate) fn decode(r: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let mut it = Self::default();
        it.replica_id = r.i32()?;
        it.replica_epoch = r.i64()?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.i32(self.replica_id);
        w.i64(self.replica_epoch);
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `FetchTopic`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FetchTopic {
    /// Versions 4 to 12.
    pub topic: String,
    /// From version 13.
    pub topic_id: TopicId,
    pub partitions: Vec<FetchPartition>,
}

impl FetchTopic {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 12);
        let mut it = Self::default();
        if version <= 12 {
            it.topic = r.string(form)?;
        }
        if version >= 13 {
            it.topic_id = r.topic_id()?;
        }
        it.partitions = r.array(form, 16, |r| FetchPartition::decode(r, version))?;
        if version >= 12 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 12);
        if version <= 12 {
            w.string(&self.topic, form)?;
        }
        if version >= 13 {
            w.topic_id(self.topic_id);
        }
        w.array(&self.partitions, form, |w, it| it.encode(w, version))?;
        if version >= 12 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `FetchPartition`.
#[derive(Debug, Clone, PartialEq)]
pub struct FetchPartition {
    pub partition: i32,
    /// From version 9, default -1.
    pub current_leader_epoch: i32,
    pub fetch_offset: i64,
    /// From version 12, default -1.
    pub last_fetched_epoch: i32,
    /// From version 5, default -1.
    pub log_start_offset: i64,
    pub partition_max_bytes: i32,
    /// From version 17, tag 0.
    pub replica_directory_id: Uuid,
    /// From version 18, tag 1, default 9223372036854775807.
    pub high_watermark: i64,
}

impl Default for FetchPartition {
    fn default() -> Self {
        Self {
            partition: 0,
            current_leader_epoch: -1,
            fetch_offset: 0,
            last_fetched_epoch: -1,
            log_start_offset: -1,
            partition_max_bytes: 0,
            replica_directory_id: [0; 16],
            high_watermark: 9223372036854775807,
        }
    }
}

impl FetchPartition {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let mut it = Self::default();
        it.partition = r.i32()?;
        if version >= 9 {
            it.current_leader_epoch = r.i32()?;
        }
        it.fetch_offset = r.i64()?;
        if version >= 12 {
            it.last_fetched_epoch = r.i32()?;
        }
        if version >= 5 {
            it.log_start_offset = r.i64()?;
        }
        it.partition_max_bytes = r.i32()?;
        if version >= 12 {
            r.tagged_fields(|tag, r| {
                match tag {
                    0 if version >= 17 => {
                        it.replica_directory_id = r.uuid()?;
                    }
                    1 if version >= 18 => {
                        it.high_watermark = r.i64()?;
                    }
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.i32(self.partition);
        if version >= 9 {
            w.i32(self.current_leader_epoch);
        }
        w.i64(self.fetch_offset);
        if version >= 12 {
            w.i32(self.last_fetched_epoch);
        } else if self.last_fetched_epoch != -1 {
            return Err(EncodeError::NotInVersion {
                field: "FetchPartition.last_fetched_epoch",
                version,
            });
        }
        if version >= 5 {
            w.i64(self.log_start_offset);
        }
        w.i32(self.partition_max_bytes);
        let has_replica_directory_id = version >= 17 && self.replica_directory_id != [0; 16];
        let has_high_watermark = version >= 18 && self.high_watermark != 9223372036854775807;
        if version >= 12 {
            w.unsigned_varint(u32::from(has_replica_directory_id) + u32::from(has_high_watermark));
            if has_replica_directory_id {
                w.tagged(0, |w| {
                    w.uuid(self.replica_directory_id);
                    Ok(())
                })?;
            }
            if has_high_watermark {
                w.tagged(1, |w| {
                    w.i64(self.high_watermark);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }
}

/// Kafka's `ForgottenTopic`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ForgottenTopic {
    /// Versions 7 to 12.
    pub topic: String,
    /// From version 13.
    pub topic_id: TopicId,
    pub partitions: Vec<i32>,
}

impl ForgottenTopic {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 12);
        let mut it = Self::default();
        if version <= 12 {
            it.topic = r.string(form)?;
        }
        if version >= 13 {
            it.topic_id = r.topic_id()?;
        }
        it.partitions = r.array(form, 4, |r| r.i32())?;
        if version >= 12 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 12);
        if version <= 12 {
            w.string(&self.topic, form)?;
        }
        if version >= 13 {
            w.topic_id(self.topic_id);
        }
        w.array(&self.partitions, form, |w, it| {
            w.i32(*it);
            Ok(())
        })?;
        if version >= 12 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Request for FetchRequest {
    const API: ApiKey = ApiKey::Fetch;
    type Response = FetchResponse;
}

/// Kafka's `FetchResponse`, versions 4 to 18.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FetchResponse {
    pub throttle_time_ms: i32,
    /// From version 7.
    pub error_code: i16,
    /// From version 7.
    pub session_id: i32,
    pub responses: Vec<FetchableTopicResponse>,
    /// From version 16, tag 0.
    pub node_endpoints: Vec<NodeEndpoint>,
}

impl Message for FetchResponse {
    const NAME: &'static str = "FetchResponse";
    const VERSION_MIN: i16 = 4;
    const VERSION_MAX: i16 = 18;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(4..=18).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: ApiKey::Fetch as i16, version });
        }
        let form = Form::of(version >= 12);
        let mut it = Self::default();
        it.throttle_time_ms = r.i32()?;
        if version >= 7 {
            it.error_code = r.i16()?;
        }
        if version >= 7 {
            it.session_id = r.i32()?;
        }
        it.responses = r.array(form, 1, |r| FetchableTopicResponse::decode(r, version))?;
        if version >= 12 {
            r.tagged_fields(|tag, r| {
                match tag {
                    0 if version >= 16 => {
                        it.node_endpoints =
                            r.array(form, 10, |r| NodeEndpoint::decode(r, version))?;
                    }
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(4..=18).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 12);
        w.i32(self.throttle_time_ms);
        if version >= 7 {
            w.i16(self.error_code);
        }
        if version >= 7 {
            w.i32(self.session_id);
        } else if self.session_id != 0 {
            return Err(EncodeError::NotInVersion { field: "FetchResponse.session_id", version });
        }
        w.array(&self.responses, form, |w, it| it.encode(w, version))?;
        if version < 16 && !self.node_endpoints.is_empty() {
            return Err(EncodeError::NotInVersion {
                field: "FetchResponse.node_endpoints",
                version,
            });
        }
        let has_node_endpoints = version >= 16 && !self.node_endpoints.is_empty();
        if version >= 12 {
            w.unsigned_varint(u32::from(has_node_endpoints));
            if has_node_endpoints {
                w.tagged(0, |w| {
                    w.array(&self.node_endpoints, form, |w, it| it.encode(w, version))?;
                    Ok(())
                })?;
            }
        }
        Ok(())
    }
}

/// Kafka's `FetchableTopicResponse`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FetchableTopicResponse {
    /// Versions 4 to 12.
    pub topic: String,
    /// From version 13.
    pub topic_id: TopicId,
    pub partitions: Vec<PartitionData>,
}

impl FetchableTopicResponse {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 12);
        let mut it = Self::default();
        if version <= 12 {
            it.topic = r.string(form)?;
        }
        if version >= 13 {
            it.topic_id = r.topic_id()?;
        }
        it.partitions = r.array(form, 24, |r| PartitionData::decode(r, version))?;
        if version >= 12 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 12);
        if version <= 12 {
            w.string(&self.topic, form)?;
        }
        if version >= 13 {
            w.topic_id(self.topic_id);
        }
        w.array(&self.partitions, form, |w, it| it.encode(w, version))?;
        if version >= 12 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `PartitionData`.
#[derive(Debug, Clone, PartialEq)]
pub struct PartitionData {
    pub partition_index: i32,
    pub error_code: i16,
    pub high_watermark: i64,
    /// Default -1.
    pub last_stable_offset: i64,
    /// From version 5, default -1.
    pub log_start_offset: i64,
    /// From version 12, tag 0.
    pub diverging_epoch: EpochEndOffset,
    /// From version 12, tag 1.
    pub current_leader: LeaderIdAndEpoch,
    /// From version 12, tag 2.
    pub snapshot_id: SnapshotId,
    pub aborted_transactions: Option<Vec<AbortedTransaction>>,
    /// From version 11, default -1.
    pub preferred_read_replica: i32,
    pub records: Option<Buf>,
}

impl Default for PartitionData {
    fn default() -> Self {
        Self {
            partition_index: 0,
            error_code: 0,
            high_watermark: 0,
            last_stable_offset: -1,
            log_start_offset: -1,
            diverging_epoch: EpochEndOffset::default(),
            current_leader: LeaderIdAndEpoch::default(),
            snapshot_id: SnapshotId::default(),
            aborted_transactions: Some(Vec::new()),
            preferred_read_replica: -1,
            records: None,
        }
    }
}

impl PartitionData {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 12);
        let mut it = Self::default();
        it.partition_index = r.i32()?;
        it.error_code = r.i16()?;
        it.high_watermark = r.i64()?;
        it.last_stable_offset = r.i64()?;
        if version >= 5 {
            it.log_start_offset = r.i64()?;
        }
        it.aborted_transactions =
            r.nullable_array(form, 16, |r| AbortedTransaction::decode(r, version))?;
        if version >= 11 {
            it.preferred_read_replica = r.i32()?;
        }
        it.records = r.records(form)?;
        if version >= 12 {
            r.tagged_fields(|tag, r| {
                match tag {
                    0 if version >= 12 => {
                        it.diverging_epoch = EpochEndOffset::decode(r, version)?;
                    }
                    1 if version >= 12 => {
                        it.current_leader = LeaderIdAndEpoch::decode(r, version)?;
                    }
                    2 if version >= 12 => {
                        it.snapshot_id = SnapshotId::decode(r, version)?;
                    }
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 12);
        w.i32(self.partition_index);
        w.i16(self.error_code);
        w.i64(self.high_watermark);
        w.i64(self.last_stable_offset);
        if version >= 5 {
            w.i64(self.log_start_offset);
        }
        w.nullable_array(self.aborted_transactions.as_deref(), form, |w, it| {
            it.encode(w, version)
        })?;
        if version >= 11 {
            w.i32(self.preferred_read_replica);
        } else if self.preferred_read_replica != -1 {
            return Err(EncodeError::NotInVersion {
                field: "PartitionData.preferred_read_replica",
                version,
            });
        }
        w.records(self.records.as_ref(), form)?;
        if version < 12 && self.diverging_epoch != EpochEndOffset::default() {
            return Err(EncodeError::NotInVersion {
                field: "PartitionData.diverging_epoch",
                version,
            });
        }
        let has_diverging_epoch =
            version >= 12 && self.diverging_epoch != EpochEndOffset::default();
        if version < 12 && self.current_leader != LeaderIdAndEpoch::default() {
            return Err(EncodeError::NotInVersion {
                field: "PartitionData.current_leader",
                version,
            });
        }
        let has_current_leader =
            version >= 12 && self.current_leader != LeaderIdAndEpoch::default();
        if version < 12 && self.snapshot_id != SnapshotId::default() {
            return Err(EncodeError::NotInVersion { field: "PartitionData.snapshot_id", version });
        }
        let has_snapshot_id = version >= 12 && self.snapshot_id != SnapshotId::default();
        if version >= 12 {
            w.unsigned_varint(
                u32::from(has_diverging_epoch)
                    + u32::from(has_current_leader)
                    + u32::from(has_snapshot_id),
            );
            if has_diverging_epoch {
                w.tagged(0, |w| {
                    self.diverging_epoch.encode(w, version)?;
                    Ok(())
                })?;
            }
            if has_current_leader {
                w.tagged(1, |w| {
                    self.current_leader.encode(w, version)?;
                    Ok(())
                })?;
            }
            if has_snapshot_id {
                w.tagged(2, |w| {
                    self.snapshot_id.encode(w, version)?;
                    Ok(())
                })?;
            }
        }
        Ok(())
    }
}

/// Kafka's `EpochEndOffset`.
#[derive(Debug, Clone, PartialEq)]
pub struct EpochEndOffset {
    /// Default -1.
    pub epoch: i32,
    /// Default -1.
    pub end_offset: i64,
}

impl Default for EpochEndOffset {
    fn default() -> Self {
        Self { epoch: -1, end_offset: -1 }
    }
}

impl EpochEndOffset {
    pub(crate) fn decode(r: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let mut it = Self::default();
        it.epoch = r.i32()?;
        it.end_offset = r.i64()?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.i32(self.epoch);
        w.i64(self.end_offset);
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `LeaderIdAndEpoch`.
#[derive(Debug, Clone, PartialEq)]
pub struct LeaderIdAndEpoch {
    /// Default -1.
    pub leader_id: i32,
    /// Default -1.
    pub leader_epoch: i32,
}

impl Default for LeaderIdAndEpoch {
    fn default() -> Self {
        Self { leader_id: -1, leader_epoch: -1 }
    }
}

impl LeaderIdAndEpoch {
    pub(crate) fn decode(r: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let mut it = Self::default();
        it.leader_id = r.i32()?;
        it.leader_epoch = r.i32()?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.i32(self.leader_id);
        w.i32(self.leader_epoch);
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `SnapshotId`.
#[derive(Debug, Clone, PartialEq)]
pub struct SnapshotId {
    /// Default -1.
    pub end_offset: i64,
    /// Default -1.
    pub epoch: i32,
}

impl Default for SnapshotId {
    fn default() -> Self {
        Self { end_offset: -1, epoch: -1 }
    }
}

impl SnapshotId {
    pub(crate) fn decode(r: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let mut it = Self::default();
        it.end_offset = r.i64()?;
        it.epoch = r.i32()?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        w.i64(self.end_offset);
        w.i32(self.epoch);
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `AbortedTransaction`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AbortedTransaction {
    pub producer_id: i64,
    pub first_offset: i64,
}

impl AbortedTransaction {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let mut it = Self::default();
        it.producer_id = r.i64()?;
        it.first_offset = r.i64()?;
        if version >= 12 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.i64(self.producer_id);
        w.i64(self.first_offset);
        if version >= 12 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `NodeEndpoint`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NodeEndpoint {
    pub node_id: i32,
    pub host: String,
    pub port: i32,
    /// Default null.
    pub rack: Option<String>,
}

impl NodeEndpoint {
    pub(crate) fn decode(r: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let form = Form::Flexible;
        let mut it = Self::default();
        it.node_id = r.i32()?;
        it.host = r.string(form)?;
        it.port = r.i32()?;
        it.rack = r.nullable_string(form)?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        let form = Form::Flexible;
        w.i32(self.node_id);
        w.string(&self.host, form)?;
        w.i32(self.port);
        w.nullable_string(self.rack.as_deref(), form)?;
        w.unsigned_varint(0);
        Ok(())
    }
}

impl Response for FetchResponse {
    const API: ApiKey = ApiKey::Fetch;
}
