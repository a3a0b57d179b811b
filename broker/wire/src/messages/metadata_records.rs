//! Metadata records: the values of __cluster_metadata, each framed as version 1, type, version,
//! body.
//! `record TYPE NAME VERSIONS`; every body is flexible. Source: Kafka 4.3 metadata schemas, KIP-631.
//!
//! Generated from `schemas/metadata_records.schema` by `cargo x codegen`.

#![allow(clippy::field_reassign_with_default, reason = "one statement per field")]

use crate::api::{Form, Message, Uuid};
use crate::error::{DecodeError, EncodeError};
use crate::{Reader, Writer};
use model::TopicId;

/// Kafka's `RegisterBrokerRecord`, versions 0 to 4.
#[derive(Debug, Clone, PartialEq)]
pub struct RegisterBrokerRecord {
    pub broker_id: i32,
    /// From version 2.
    pub is_migrating_zk_broker: bool,
    pub incarnation_id: Uuid,
    pub broker_epoch: i64,
    pub end_points: Vec<BrokerEndpoint>,
    pub features: Vec<BrokerFeature>,
    pub rack: Option<String>,
    /// Default true.
    pub fenced: bool,
    /// From version 1.
    pub in_controlled_shutdown: bool,
    /// From version 3, tag 0.
    pub log_dirs: Vec<Uuid>,
    /// From version 4, tag 1, default null.
    pub cordoned_log_dirs: Option<Vec<Uuid>>,
}

impl Default for RegisterBrokerRecord {
    fn default() -> Self {
        Self {
            broker_id: 0,
            is_migrating_zk_broker: false,
            incarnation_id: [0; 16],
            broker_epoch: 0,
            end_points: Vec::new(),
            features: Vec::new(),
            rack: Some(String::new()),
            fenced: true,
            in_controlled_shutdown: false,
            log_dirs: Vec::new(),
            cordoned_log_dirs: None,
        }
    }
}

impl Message for RegisterBrokerRecord {
    const NAME: &'static str = "RegisterBrokerRecord";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 4;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=4).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: 0, version });
        }
        let form = Form::Flexible;
        let mut it = Self::default();
        it.broker_id = r.i32()?;
        if version >= 2 {
            it.is_migrating_zk_broker = r.bool()?;
        }
        it.incarnation_id = r.uuid()?;
        it.broker_epoch = r.i64()?;
        it.end_points = r.array(form, 6, |r| BrokerEndpoint::decode(r, version))?;
        it.features = r.array(form, 5, |r| BrokerFeature::decode(r, version))?;
        it.rack = r.nullable_string(form)?;
        it.fenced = r.bool()?;
        if version >= 1 {
            it.in_controlled_shutdown = r.bool()?;
        }
        r.tagged_fields(|tag, r| {
            match tag {
                0 if version >= 3 => {
                    it.log_dirs = r.array(form, 16, |r| r.uuid())?;
                }
                1 if version >= 4 => {
                    it.cordoned_log_dirs = r.nullable_array(form, 16, |r| r.uuid())?;
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=4).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::Flexible;
        w.i32(self.broker_id);
        if version >= 2 {
            w.bool(self.is_migrating_zk_broker);
        } else if self.is_migrating_zk_broker {
            return Err(EncodeError::NotInVersion {
                field: "RegisterBrokerRecord.is_migrating_zk_broker",
                version,
            });
        }
        w.uuid(self.incarnation_id);
        w.i64(self.broker_epoch);
        w.array(&self.end_points, form, |w, it| it.encode(w, version))?;
        w.array(&self.features, form, |w, it| it.encode(w, version))?;
        w.nullable_string(self.rack.as_deref(), form)?;
        w.bool(self.fenced);
        if version >= 1 {
            w.bool(self.in_controlled_shutdown);
        } else if self.in_controlled_shutdown {
            return Err(EncodeError::NotInVersion {
                field: "RegisterBrokerRecord.in_controlled_shutdown",
                version,
            });
        }
        if version < 3 && !self.log_dirs.is_empty() {
            return Err(EncodeError::NotInVersion {
                field: "RegisterBrokerRecord.log_dirs",
                version,
            });
        }
        let has_log_dirs = version >= 3 && !self.log_dirs.is_empty();
        if version < 4 && self.cordoned_log_dirs.is_some() {
            return Err(EncodeError::NotInVersion {
                field: "RegisterBrokerRecord.cordoned_log_dirs",
                version,
            });
        }
        let has_cordoned_log_dirs = version >= 4 && self.cordoned_log_dirs.is_some();
        w.unsigned_varint(u32::from(has_log_dirs) + u32::from(has_cordoned_log_dirs));
        if has_log_dirs {
            w.tagged(0, |w| {
                w.array(&self.log_dirs, form, |w, it| {
                    w.uuid(*it);
                    Ok(())
                })?;
                Ok(())
            })?;
        }
        if has_cordoned_log_dirs {
            w.tagged(1, |w| {
                w.nullable_array(self.cordoned_log_dirs.as_deref(), form, |w, it| {
                    w.uuid(*it);
                    Ok(())
                })?;
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// Kafka's `BrokerEndpoint`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BrokerEndpoint {
    pub name: String,
    pub host: String,
    pub port: u16,
    pub security_protocol: i16,
}

impl BrokerEndpoint {
    pub(crate) fn decode(r: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let form = Form::Flexible;
        let mut it = Self::default();
        it.name = r.string(form)?;
        it.host = r.string(form)?;
        it.port = r.u16()?;
        it.security_protocol = r.i16()?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        let form = Form::Flexible;
        w.string(&self.name, form)?;
        w.string(&self.host, form)?;
        w.u16(self.port);
        w.i16(self.security_protocol);
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `BrokerFeature`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BrokerFeature {
    pub name: String,
    pub min_supported_version: i16,
    pub max_supported_version: i16,
}

impl BrokerFeature {
    pub(crate) fn decode(r: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let form = Form::Flexible;
        let mut it = Self::default();
        it.name = r.string(form)?;
        it.min_supported_version = r.i16()?;
        it.max_supported_version = r.i16()?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        let form = Form::Flexible;
        w.string(&self.name, form)?;
        w.i16(self.min_supported_version);
        w.i16(self.max_supported_version);
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `UnregisterBrokerRecord`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct UnregisterBrokerRecord {
    pub broker_id: i32,
    pub broker_epoch: i64,
}

impl Message for UnregisterBrokerRecord {
    const NAME: &'static str = "UnregisterBrokerRecord";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=0).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: 1, version });
        }
        let mut it = Self::default();
        it.broker_id = r.i32()?;
        it.broker_epoch = r.i64()?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=0).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        w.i32(self.broker_id);
        w.i64(self.broker_epoch);
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `TopicRecord`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TopicRecord {
    pub name: String,
    pub topic_id: TopicId,
}

impl Message for TopicRecord {
    const NAME: &'static str = "TopicRecord";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=0).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: 2, version });
        }
        let form = Form::Flexible;
        let mut it = Self::default();
        it.name = r.string(form)?;
        it.topic_id = r.topic_id()?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=0).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::Flexible;
        w.string(&self.name, form)?;
        w.topic_id(self.topic_id);
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `PartitionRecord`, versions 0 to 2.
#[derive(Debug, Clone, PartialEq)]
pub struct PartitionRecord {
    /// Default -1.
    pub partition_id: i32,
    pub topic_id: TopicId,
    pub replicas: Vec<i32>,
    pub isr: Vec<i32>,
    pub removing_replicas: Vec<i32>,
    pub adding_replicas: Vec<i32>,
    /// Default -1.
    pub leader: i32,
    /// Tag 0.
    pub leader_recovery_state: i8,
    /// Default -1.
    pub leader_epoch: i32,
    /// Default -1.
    pub partition_epoch: i32,
    /// From version 1.
    pub directories: Vec<Uuid>,
    /// From version 2, tag 1, default null.
    pub eligible_leader_replicas: Option<Vec<i32>>,
    /// From version 2, tag 2, default null.
    pub last_known_elr: Option<Vec<i32>>,
}

impl Default for PartitionRecord {
    fn default() -> Self {
        Self {
            partition_id: -1,
            topic_id: TopicId::ZERO,
            replicas: Vec::new(),
            isr: Vec::new(),
            removing_replicas: Vec::new(),
            adding_replicas: Vec::new(),
            leader: -1,
            leader_recovery_state: 0,
            leader_epoch: -1,
            partition_epoch: -1,
            directories: Vec::new(),
            eligible_leader_replicas: None,
            last_known_elr: None,
        }
    }
}

impl Message for PartitionRecord {
    const NAME: &'static str = "PartitionRecord";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 2;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=2).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: 3, version });
        }
        let form = Form::Flexible;
        let mut it = Self::default();
        it.partition_id = r.i32()?;
        it.topic_id = r.topic_id()?;
        it.replicas = r.array(form, 4, |r| r.i32())?;
        it.isr = r.array(form, 4, |r| r.i32())?;
        it.removing_replicas = r.array(form, 4, |r| r.i32())?;
        it.adding_replicas = r.array(form, 4, |r| r.i32())?;
        it.leader = r.i32()?;
        it.leader_epoch = r.i32()?;
        it.partition_epoch = r.i32()?;
        if version >= 1 {
            it.directories = r.array(form, 16, |r| r.uuid())?;
        }
        r.tagged_fields(|tag, r| {
            match tag {
                0 => {
                    it.leader_recovery_state = r.i8()?;
                }
                1 if version >= 2 => {
                    it.eligible_leader_replicas = r.nullable_array(form, 4, |r| r.i32())?;
                }
                2 if version >= 2 => {
                    it.last_known_elr = r.nullable_array(form, 4, |r| r.i32())?;
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=2).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::Flexible;
        w.i32(self.partition_id);
        w.topic_id(self.topic_id);
        w.array(&self.replicas, form, |w, it| {
            w.i32(*it);
            Ok(())
        })?;
        w.array(&self.isr, form, |w, it| {
            w.i32(*it);
            Ok(())
        })?;
        w.array(&self.removing_replicas, form, |w, it| {
            w.i32(*it);
            Ok(())
        })?;
        w.array(&self.adding_replicas, form, |w, it| {
            w.i32(*it);
            Ok(())
        })?;
        w.i32(self.leader);
        w.i32(self.leader_epoch);
        w.i32(self.partition_epoch);
        if version >= 1 {
            w.array(&self.directories, form, |w, it| {
                w.uuid(*it);
                Ok(())
            })?;
        } else if !self.directories.is_empty() {
            return Err(EncodeError::NotInVersion {
                field: "PartitionRecord.directories",
                version,
            });
        }
        let has_leader_recovery_state = self.leader_recovery_state != 0;
        if version < 2 && self.eligible_leader_replicas.is_some() {
            return Err(EncodeError::NotInVersion {
                field: "PartitionRecord.eligible_leader_replicas",
                version,
            });
        }
        let has_eligible_leader_replicas = version >= 2 && self.eligible_leader_replicas.is_some();
        if version < 2 && self.last_known_elr.is_some() {
            return Err(EncodeError::NotInVersion {
                field: "PartitionRecord.last_known_elr",
                version,
            });
        }
        let has_last_known_elr = version >= 2 && self.last_known_elr.is_some();
        w.unsigned_varint(
            u32::from(has_leader_recovery_state)
                + u32::from(has_eligible_leader_replicas)
                + u32::from(has_last_known_elr),
        );
        if has_leader_recovery_state {
            w.tagged(0, |w| {
                w.i8(self.leader_recovery_state);
                Ok(())
            })?;
        }
        if has_eligible_leader_replicas {
            w.tagged(1, |w| {
                w.nullable_array(self.eligible_leader_replicas.as_deref(), form, |w, it| {
                    w.i32(*it);
                    Ok(())
                })?;
                Ok(())
            })?;
        }
        if has_last_known_elr {
            w.tagged(2, |w| {
                w.nullable_array(self.last_known_elr.as_deref(), form, |w, it| {
                    w.i32(*it);
                    Ok(())
                })?;
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// Kafka's `ConfigRecord`, version 0.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfigRecord {
    pub resource_type: i8,
    pub resource_name: String,
    pub name: String,
    pub value: Option<String>,
}

impl Default for ConfigRecord {
    fn default() -> Self {
        Self {
            resource_type: 0,
            resource_name: String::new(),
            name: String::new(),
            value: Some(String::new()),
        }
    }
}

impl Message for ConfigRecord {
    const NAME: &'static str = "ConfigRecord";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=0).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: 4, version });
        }
        let form = Form::Flexible;
        let mut it = Self::default();
        it.resource_type = r.i8()?;
        it.resource_name = r.string(form)?;
        it.name = r.string(form)?;
        it.value = r.nullable_string(form)?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=0).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::Flexible;
        w.i8(self.resource_type);
        w.string(&self.resource_name, form)?;
        w.string(&self.name, form)?;
        w.nullable_string(self.value.as_deref(), form)?;
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `PartitionChangeRecord`, versions 0 to 2.
#[derive(Debug, Clone, PartialEq)]
pub struct PartitionChangeRecord {
    /// Default -1.
    pub partition_id: i32,
    pub topic_id: TopicId,
    /// Tag 0, default null.
    pub isr: Option<Vec<i32>>,
    /// Tag 1, default -2.
    pub leader: i32,
    /// Tag 2, default null.
    pub replicas: Option<Vec<i32>>,
    /// Tag 3, default null.
    pub removing_replicas: Option<Vec<i32>>,
    /// Tag 4, default null.
    pub adding_replicas: Option<Vec<i32>>,
    /// Tag 5, default -1.
    pub leader_recovery_state: i8,
    /// From version 1, tag 8, default null.
    pub directories: Option<Vec<Uuid>>,
    /// From version 2, tag 6, default null.
    pub eligible_leader_replicas: Option<Vec<i32>>,
    /// From version 2, tag 7, default null.
    pub last_known_elr: Option<Vec<i32>>,
}

impl Default for PartitionChangeRecord {
    fn default() -> Self {
        Self {
            partition_id: -1,
            topic_id: TopicId::ZERO,
            isr: None,
            leader: -2,
            replicas: None,
            removing_replicas: None,
            adding_replicas: None,
            leader_recovery_state: -1,
            directories: None,
            eligible_leader_replicas: None,
            last_known_elr: None,
        }
    }
}

impl Message for PartitionChangeRecord {
    const NAME: &'static str = "PartitionChangeRecord";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 2;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=2).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: 5, version });
        }
        let form = Form::Flexible;
        let mut it = Self::default();
        it.partition_id = r.i32()?;
        it.topic_id = r.topic_id()?;
        r.tagged_fields(|tag, r| {
            match tag {
                0 => {
                    it.isr = r.nullable_array(form, 4, |r| r.i32())?;
                }
                1 => {
                    it.leader = r.i32()?;
                }
                2 => {
                    it.replicas = r.nullable_array(form, 4, |r| r.i32())?;
                }
                3 => {
                    it.removing_replicas = r.nullable_array(form, 4, |r| r.i32())?;
                }
                4 => {
                    it.adding_replicas = r.nullable_array(form, 4, |r| r.i32())?;
                }
                5 => {
                    it.leader_recovery_state = r.i8()?;
                }
                8 if version >= 1 => {
                    it.directories = r.nullable_array(form, 16, |r| r.uuid())?;
                }
                6 if version >= 2 => {
                    it.eligible_leader_replicas = r.nullable_array(form, 4, |r| r.i32())?;
                }
                7 if version >= 2 => {
                    it.last_known_elr = r.nullable_array(form, 4, |r| r.i32())?;
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=2).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::Flexible;
        w.i32(self.partition_id);
        w.topic_id(self.topic_id);
        let has_isr = self.isr.is_some();
        let has_leader = self.leader != -2;
        let has_replicas = self.replicas.is_some();
        let has_removing_replicas = self.removing_replicas.is_some();
        let has_adding_replicas = self.adding_replicas.is_some();
        let has_leader_recovery_state = self.leader_recovery_state != -1;
        if version < 2 && self.eligible_leader_replicas.is_some() {
            return Err(EncodeError::NotInVersion {
                field: "PartitionChangeRecord.eligible_leader_replicas",
                version,
            });
        }
        let has_eligible_leader_replicas = version >= 2 && self.eligible_leader_replicas.is_some();
        if version < 2 && self.last_known_elr.is_some() {
            return Err(EncodeError::NotInVersion {
                field: "PartitionChangeRecord.last_known_elr",
                version,
            });
        }
        let has_last_known_elr = version >= 2 && self.last_known_elr.is_some();
        if version < 1 && self.directories.is_some() {
            return Err(EncodeError::NotInVersion {
                field: "PartitionChangeRecord.directories",
                version,
            });
        }
        let has_directories = version >= 1 && self.directories.is_some();
        w.unsigned_varint(
            u32::from(has_isr)
                + u32::from(has_leader)
                + u32::from(has_replicas)
                + u32::from(has_removing_replicas)
                + u32::from(has_adding_replicas)
                + u32::from(has_leader_recovery_state)
                + u32::from(has_eligible_leader_replicas)
                + u32::from(has_last_known_elr)
                + u32::from(has_directories),
        );
        if has_isr {
            w.tagged(0, |w| {
                w.nullable_array(self.isr.as_deref(), form, |w, it| {
                    w.i32(*it);
                    Ok(())
                })?;
                Ok(())
            })?;
        }
        if has_leader {
            w.tagged(1, |w| {
                w.i32(self.leader);
                Ok(())
            })?;
        }
        if has_replicas {
            w.tagged(2, |w| {
                w.nullable_array(self.replicas.as_deref(), form, |w, it| {
                    w.i32(*it);
                    Ok(())
                })?;
                Ok(())
            })?;
        }
        if has_removing_replicas {
            w.tagged(3, |w| {
                w.nullable_array(self.removing_replicas.as_deref(), form, |w, it| {
                    w.i32(*it);
                    Ok(())
                })?;
                Ok(())
            })?;
        }
        if has_adding_replicas {
            w.tagged(4, |w| {
                w.nullable_array(self.adding_replicas.as_deref(), form, |w, it| {
                    w.i32(*it);
                    Ok(())
                })?;
                Ok(())
            })?;
        }
        if has_leader_recovery_state {
            w.tagged(5, |w| {
                w.i8(self.leader_recovery_state);
                Ok(())
            })?;
        }
        if has_eligible_leader_replicas {
            w.tagged(6, |w| {
                w.nullable_array(self.eligible_leader_replicas.as_deref(), form, |w, it| {
                    w.i32(*it);
                    Ok(())
                })?;
                Ok(())
            })?;
        }
        if has_last_known_elr {
            w.tagged(7, |w| {
                w.nullable_array(self.last_known_elr.as_deref(), form, |w, it| {
                    w.i32(*it);
                    Ok(())
                })?;
                Ok(())
            })?;
        }
        if has_directories {
            w.tagged(8, |w| {
                w.nullable_array(self.directories.as_deref(), form, |w, it| {
                    w.uuid(*it);
                    Ok(())
                })?;
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// Kafka's `RemoveTopicRecord`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RemoveTopicRecord {
    pub topic_id: TopicId,
}

impl Message for RemoveTopicRecord {
    const NAME: &'static str = "RemoveTopicRecord";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=0).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: 9, version });
        }
        let mut it = Self::default();
        it.topic_id = r.topic_id()?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=0).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        w.topic_id(self.topic_id);
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `FeatureLevelRecord`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FeatureLevelRecord {
    pub name: String,
    pub feature_level: i16,
}

impl Message for FeatureLevelRecord {
    const NAME: &'static str = "FeatureLevelRecord";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=0).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: 12, version });
        }
        let form = Form::Flexible;
        let mut it = Self::default();
        it.name = r.string(form)?;
        it.feature_level = r.i16()?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=0).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::Flexible;
        w.string(&self.name, form)?;
        w.i16(self.feature_level);
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `ProducerIdsRecord`, version 0.
#[derive(Debug, Clone, PartialEq)]
pub struct ProducerIdsRecord {
    pub broker_id: i32,
    /// Default -1.
    pub broker_epoch: i64,
    pub next_producer_id: i64,
}

impl Default for ProducerIdsRecord {
    fn default() -> Self {
        Self { broker_id: 0, broker_epoch: -1, next_producer_id: 0 }
    }
}

impl Message for ProducerIdsRecord {
    const NAME: &'static str = "ProducerIdsRecord";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=0).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: 15, version });
        }
        let mut it = Self::default();
        it.broker_id = r.i32()?;
        it.broker_epoch = r.i64()?;
        it.next_producer_id = r.i64()?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=0).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        w.i32(self.broker_id);
        w.i64(self.broker_epoch);
        w.i64(self.next_producer_id);
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `BrokerRegistrationChangeRecord`, versions 0 to 3.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BrokerRegistrationChangeRecord {
    pub broker_id: i32,
    pub broker_epoch: i64,
    /// Tag 0.
    pub fenced: i8,
    /// From version 1, tag 1.
    pub in_controlled_shutdown: i8,
    /// From version 2, tag 2.
    pub log_dirs: Vec<Uuid>,
    /// From version 3, tag 3, default null.
    pub cordoned_log_dirs: Option<Vec<Uuid>>,
}

impl Message for BrokerRegistrationChangeRecord {
    const NAME: &'static str = "BrokerRegistrationChangeRecord";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 3;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=3).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: 17, version });
        }
        let form = Form::Flexible;
        let mut it = Self::default();
        it.broker_id = r.i32()?;
        it.broker_epoch = r.i64()?;
        r.tagged_fields(|tag, r| {
            match tag {
                0 => {
                    it.fenced = r.i8()?;
                }
                1 if version >= 1 => {
                    it.in_controlled_shutdown = r.i8()?;
                }
                2 if version >= 2 => {
                    it.log_dirs = r.array(form, 16, |r| r.uuid())?;
                }
                3 if version >= 3 => {
                    it.cordoned_log_dirs = r.nullable_array(form, 16, |r| r.uuid())?;
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=3).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::Flexible;
        w.i32(self.broker_id);
        w.i64(self.broker_epoch);
        let has_fenced = self.fenced != 0;
        if version < 1 && self.in_controlled_shutdown != 0 {
            return Err(EncodeError::NotInVersion {
                field: "BrokerRegistrationChangeRecord.in_controlled_shutdown",
                version,
            });
        }
        let has_in_controlled_shutdown = version >= 1 && self.in_controlled_shutdown != 0;
        if version < 2 && !self.log_dirs.is_empty() {
            return Err(EncodeError::NotInVersion {
                field: "BrokerRegistrationChangeRecord.log_dirs",
                version,
            });
        }
        let has_log_dirs = version >= 2 && !self.log_dirs.is_empty();
        if version < 3 && self.cordoned_log_dirs.is_some() {
            return Err(EncodeError::NotInVersion {
                field: "BrokerRegistrationChangeRecord.cordoned_log_dirs",
                version,
            });
        }
        let has_cordoned_log_dirs = version >= 3 && self.cordoned_log_dirs.is_some();
        w.unsigned_varint(
            u32::from(has_fenced)
                + u32::from(has_in_controlled_shutdown)
                + u32::from(has_log_dirs)
                + u32::from(has_cordoned_log_dirs),
        );
        if has_fenced {
            w.tagged(0, |w| {
                w.i8(self.fenced);
                Ok(())
            })?;
        }
        if has_in_controlled_shutdown {
            w.tagged(1, |w| {
                w.i8(self.in_controlled_shutdown);
                Ok(())
            })?;
        }
        if has_log_dirs {
            w.tagged(2, |w| {
                w.array(&self.log_dirs, form, |w, it| {
                    w.uuid(*it);
                    Ok(())
                })?;
                Ok(())
            })?;
        }
        if has_cordoned_log_dirs {
            w.tagged(3, |w| {
                w.nullable_array(self.cordoned_log_dirs.as_deref(), form, |w, it| {
                    w.uuid(*it);
                    Ok(())
                })?;
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// Kafka's `NoOpRecord`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NoOpRecord {}

impl Message for NoOpRecord {
    const NAME: &'static str = "NoOpRecord";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=0).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: 20, version });
        }
        let it = Self::default();
        r.skip_tagged_fields()?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=0).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `BeginTransactionRecord`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BeginTransactionRecord {
    /// Tag 0, default null.
    pub name: Option<String>,
}

impl Message for BeginTransactionRecord {
    const NAME: &'static str = "BeginTransactionRecord";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=0).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: 23, version });
        }
        let form = Form::Flexible;
        let mut it = Self::default();
        r.tagged_fields(|tag, r| {
            match tag {
                0 => {
                    it.name = r.nullable_string(form)?;
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
        let has_name = self.name.is_some();
        w.unsigned_varint(u32::from(has_name));
        if has_name {
            w.tagged(0, |w| {
                w.nullable_string(self.name.as_deref(), form)?;
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// Kafka's `EndTransactionRecord`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EndTransactionRecord {}

impl Message for EndTransactionRecord {
    const NAME: &'static str = "EndTransactionRecord";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=0).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: 24, version });
        }
        let it = Self::default();
        r.skip_tagged_fields()?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=0).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `AbortTransactionRecord`, version 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AbortTransactionRecord {
    /// Tag 0, default null.
    pub reason: Option<String>,
}

impl Message for AbortTransactionRecord {
    const NAME: &'static str = "AbortTransactionRecord";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=0).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: 25, version });
        }
        let form = Form::Flexible;
        let mut it = Self::default();
        r.tagged_fields(|tag, r| {
            match tag {
                0 => {
                    it.reason = r.nullable_string(form)?;
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
        let has_reason = self.reason.is_some();
        w.unsigned_varint(u32::from(has_reason));
        if has_reason {
            w.tagged(0, |w| {
                w.nullable_string(self.reason.as_deref(), form)?;
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// Any metadata record.
#[derive(Debug, Clone, PartialEq)]
pub enum MetadataRecord {
    RegisterBroker(RegisterBrokerRecord),
    UnregisterBroker(UnregisterBrokerRecord),
    Topic(TopicRecord),
    Partition(PartitionRecord),
    Config(ConfigRecord),
    PartitionChange(PartitionChangeRecord),
    RemoveTopic(RemoveTopicRecord),
    FeatureLevel(FeatureLevelRecord),
    ProducerIds(ProducerIdsRecord),
    BrokerRegistrationChange(BrokerRegistrationChangeRecord),
    NoOp(NoOpRecord),
    BeginTransaction(BeginTransactionRecord),
    EndTransaction(EndTransactionRecord),
    AbortTransaction(AbortTransactionRecord),
}

impl MetadataRecord {
    /// Kafka's number of this type of record.
    #[must_use]
    pub fn record_type(&self) -> u32 {
        match self {
            Self::RegisterBroker(_) => 0,
            Self::UnregisterBroker(_) => 1,
            Self::Topic(_) => 2,
            Self::Partition(_) => 3,
            Self::Config(_) => 4,
            Self::PartitionChange(_) => 5,
            Self::RemoveTopic(_) => 9,
            Self::FeatureLevel(_) => 12,
            Self::ProducerIds(_) => 15,
            Self::BrokerRegistrationChange(_) => 17,
            Self::NoOp(_) => 20,
            Self::BeginTransaction(_) => 23,
            Self::EndTransaction(_) => 24,
            Self::AbortTransaction(_) => 25,
        }
    }

    /// The newest version of this type of record.
    #[must_use]
    pub fn version_max(&self) -> i16 {
        match self {
            Self::RegisterBroker(_) => 4,
            Self::UnregisterBroker(_) => 0,
            Self::Topic(_) => 0,
            Self::Partition(_) => 2,
            Self::Config(_) => 0,
            Self::PartitionChange(_) => 2,
            Self::RemoveTopic(_) => 0,
            Self::FeatureLevel(_) => 0,
            Self::ProducerIds(_) => 0,
            Self::BrokerRegistrationChange(_) => 3,
            Self::NoOp(_) => 0,
            Self::BeginTransaction(_) => 0,
            Self::EndTransaction(_) => 0,
            Self::AbortTransaction(_) => 0,
        }
    }

    pub(crate) fn encode_body(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        match self {
            Self::RegisterBroker(it) => it.encode(w, version),
            Self::UnregisterBroker(it) => it.encode(w, version),
            Self::Topic(it) => it.encode(w, version),
            Self::Partition(it) => it.encode(w, version),
            Self::Config(it) => it.encode(w, version),
            Self::PartitionChange(it) => it.encode(w, version),
            Self::RemoveTopic(it) => it.encode(w, version),
            Self::FeatureLevel(it) => it.encode(w, version),
            Self::ProducerIds(it) => it.encode(w, version),
            Self::BrokerRegistrationChange(it) => it.encode(w, version),
            Self::NoOp(it) => it.encode(w, version),
            Self::BeginTransaction(it) => it.encode(w, version),
            Self::EndTransaction(it) => it.encode(w, version),
            Self::AbortTransaction(it) => it.encode(w, version),
        }
    }

    /// `None`: no record has this type.
    pub(crate) fn decode_body(
        record_type: u32,
        r: &mut Reader<'_>,
        version: i16,
    ) -> Result<Option<Self>, DecodeError> {
        Ok(Some(match record_type {
            0 => Self::RegisterBroker(RegisterBrokerRecord::decode(r, version)?),
            1 => Self::UnregisterBroker(UnregisterBrokerRecord::decode(r, version)?),
            2 => Self::Topic(TopicRecord::decode(r, version)?),
            3 => Self::Partition(PartitionRecord::decode(r, version)?),
            4 => Self::Config(ConfigRecord::decode(r, version)?),
            5 => Self::PartitionChange(PartitionChangeRecord::decode(r, version)?),
            9 => Self::RemoveTopic(RemoveTopicRecord::decode(r, version)?),
            12 => Self::FeatureLevel(FeatureLevelRecord::decode(r, version)?),
            15 => Self::ProducerIds(ProducerIdsRecord::decode(r, version)?),
            17 => {
                Self::BrokerRegistrationChange(BrokerRegistrationChangeRecord::decode(r, version)?)
            }
            20 => Self::NoOp(NoOpRecord::decode(r, version)?),
            23 => Self::BeginTransaction(BeginTransactionRecord::decode(r, version)?),
            24 => Self::EndTransaction(EndTransactionRecord::decode(r, version)?),
            25 => Self::AbortTransaction(AbortTransactionRecord::decode(r, version)?),
            _ => return Ok(None),
        }))
    }
}

impl From<RegisterBrokerRecord> for MetadataRecord {
    fn from(it: RegisterBrokerRecord) -> Self {
        Self::RegisterBroker(it)
    }
}

impl From<UnregisterBrokerRecord> for MetadataRecord {
    fn from(it: UnregisterBrokerRecord) -> Self {
        Self::UnregisterBroker(it)
    }
}

impl From<TopicRecord> for MetadataRecord {
    fn from(it: TopicRecord) -> Self {
        Self::Topic(it)
    }
}

impl From<PartitionRecord> for MetadataRecord {
    fn from(it: PartitionRecord) -> Self {
        Self::Partition(it)
    }
}

impl From<ConfigRecord> for MetadataRecord {
    fn from(it: ConfigRecord) -> Self {
        Self::Config(it)
    }
}

impl From<PartitionChangeRecord> for MetadataRecord {
    fn from(it: PartitionChangeRecord) -> Self {
        Self::PartitionChange(it)
    }
}

impl From<RemoveTopicRecord> for MetadataRecord {
    fn from(it: RemoveTopicRecord) -> Self {
        Self::RemoveTopic(it)
    }
}

impl From<FeatureLevelRecord> for MetadataRecord {
    fn from(it: FeatureLevelRecord) -> Self {
        Self::FeatureLevel(it)
    }
}

impl From<ProducerIdsRecord> for MetadataRecord {
    fn from(it: ProducerIdsRecord) -> Self {
        Self::ProducerIds(it)
    }
}

impl From<BrokerRegistrationChangeRecord> for MetadataRecord {
    fn from(it: BrokerRegistrationChangeRecord) -> Self {
        Self::BrokerRegistrationChange(it)
    }
}

impl From<NoOpRecord> for MetadataRecord {
    fn from(it: NoOpRecord) -> Self {
        Self::NoOp(it)
    }
}

impl From<BeginTransactionRecord> for MetadataRecord {
    fn from(it: BeginTransactionRecord) -> Self {
        Self::BeginTransaction(it)
    }
}

impl From<EndTransactionRecord> for MetadataRecord {
    fn from(it: EndTransactionRecord) -> Self {
        Self::EndTransaction(it)
    }
}

impl From<AbortTransactionRecord> for MetadataRecord {
    fn from(it: AbortTransactionRecord) -> Self {
        Self::AbortTransaction(it)
    }
}
