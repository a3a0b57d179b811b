//! What consumers tell each other through JoinGroup and SyncGroup, in bytes that a coordinator passes
//! on. Each value stands behind its version; a newer one only adds fields at the end, so that an older
//! reader can stop early. KIP-429, KIP-792, KIP-881.
//!
//! Generated from `schemas/consumer_protocol.schema` by `cargo x codegen`.

#![allow(clippy::field_reassign_with_default, reason = "one statement per field")]

use crate::api::{Form, Message};
use crate::error::{DecodeError, EncodeError};
use crate::{Reader, Writer};
use model::Buf;

/// Kafka's `ConsumerProtocolSubscription`, versions 0 to 3.
#[derive(Debug, Clone, PartialEq)]
pub struct ConsumerProtocolSubscription {
    pub topics: Vec<String>,
    /// Default null.
    pub user_data: Option<Buf>,
    /// From version 1.
    pub owned_partitions: Vec<TopicPartition>,
    /// From version 2, default -1.
    pub generation_id: i32,
    /// From version 3, default null.
    pub rack_id: Option<String>,
}

impl Default for ConsumerProtocolSubscription {
    fn default() -> Self {
        Self {
            topics: Vec::new(),
            user_data: None,
            owned_partitions: Vec::new(),
            generation_id: -1,
            rack_id: None,
        }
    }
}

impl Message for ConsumerProtocolSubscription {
    const NAME: &'static str = "ConsumerProtocolSubscription";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 3;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=3).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: -1, version });
        }
        let form = Form::Classic;
        let mut it = Self::default();
        it.topics = r.array(form, 1, |r| r.string(form))?;
        it.user_data = r.records(form)?;
        if version >= 1 {
            it.owned_partitions = r.array(form, 2, |r| TopicPartition::decode(r, version))?;
        }
        if version >= 2 {
            it.generation_id = r.i32()?;
        }
        if version >= 3 {
            it.rack_id = r.nullable_string(form)?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=3).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::Classic;
        w.array(&self.topics, form, |w, it| w.string(it, form))?;
        w.bytes(self.user_data.as_deref(), form)?;
        if version >= 1 {
            w.array(&self.owned_partitions, form, |w, it| it.encode(w, version))?;
        }
        if version >= 2 {
            w.i32(self.generation_id);
        }
        if version >= 3 {
            w.nullable_string(self.rack_id.as_deref(), form)?;
        }
        Ok(())
    }
}

/// Kafka's `TopicPartition`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TopicPartition {
    pub topic: String,
    pub partitions: Vec<i32>,
}

impl TopicPartition {
    pub(crate) fn decode(r: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let form = Form::Classic;
        let mut it = Self::default();
        it.topic = r.string(form)?;
        it.partitions = r.array(form, 4, |r| r.i32())?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        let form = Form::Classic;
        w.string(&self.topic, form)?;
        w.array(&self.partitions, form, |w, it| {
            w.i32(*it);
            Ok(())
        })?;
        Ok(())
    }
}

/// Kafka's `ConsumerProtocolAssignment`, versions 0 to 3.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConsumerProtocolAssignment {
    pub assigned_partitions: Vec<TopicPartition>,
    /// Default null.
    pub user_data: Option<Buf>,
}

impl Message for ConsumerProtocolAssignment {
    const NAME: &'static str = "ConsumerProtocolAssignment";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 3;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=3).contains(&version) {
            return Err(DecodeError::UnsupportedVersion { api_key: -1, version });
        }
        let form = Form::Classic;
        let mut it = Self::default();
        it.assigned_partitions = r.array(form, 2, |r| TopicPartition::decode(r, version))?;
        it.user_data = r.records(form)?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=3).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::Classic;
        w.array(&self.assigned_partitions, form, |w, it| it.encode(w, version))?;
        w.bytes(self.user_data.as_deref(), form)?;
        Ok(())
    }
}
