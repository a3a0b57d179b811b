//! DescribeLogDirs: log directories, their space and partitions. KIP-113, KIP-827.
//!
//! Generated from `schemas/describe_log_dirs.schema` by `cargo x codegen`.

#![allow(clippy::field_reassign_with_default, reason = "one statement per field")]

use crate::api::{Form, Message, Request, Response};
use crate::error::{DecodeError, EncodeError};
use crate::messages::ApiKey;
use crate::{Reader, Writer};

/// Kafka's `DescribeLogDirsRequest`, versions 1 to 5.
#[derive(Debug, Clone, PartialEq)]
pub struct DescribeLogDirsRequest {
    pub topics: Option<Vec<DescribableLogDirTopic>>,
}

impl Default for DescribeLogDirsRequest {
    fn default() -> Self {
        Self { topics: Some(Vec::new()) }
    }
}

impl Message for DescribeLogDirsRequest {
    const NAME: &'static str = "DescribeLogDirsRequest";
    const VERSION_MIN: i16 = 1;
    const VERSION_MAX: i16 = 5;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(1..=5).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::DescribeLogDirs as i16,
                version,
            });
        }
        let form = Form::of(version >= 2);
        let mut it = Self::default();
        it.topics = r.nullable_array(form, 2, |r| DescribableLogDirTopic::decode(r, version))?;
        if version >= 2 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(1..=5).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 2);
        w.nullable_array(self.topics.as_deref(), form, |w, it| it.encode(w, version))?;
        if version >= 2 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `DescribableLogDirTopic`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribableLogDirTopic {
    pub topic: String,
    pub partitions: Vec<i32>,
}

impl DescribableLogDirTopic {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 2);
        let mut it = Self::default();
        it.topic = r.string(form)?;
        it.partitions = r.array(form, 4, |r| r.i32())?;
        if version >= 2 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 2);
        w.string(&self.topic, form)?;
        w.array(&self.partitions, form, |w, it| {
            w.i32(*it);
            Ok(())
        })?;
        if version >= 2 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Request for DescribeLogDirsRequest {
    const API: ApiKey = ApiKey::DescribeLogDirs;
    type Response = DescribeLogDirsResponse;
}

/// Kafka's `DescribeLogDirsResponse`, versions 1 to 5.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeLogDirsResponse {
    pub throttle_time_ms: i32,
    /// From version 3.
    pub error_code: i16,
    pub results: Vec<DescribeLogDirsResult>,
}

impl Message for DescribeLogDirsResponse {
    const NAME: &'static str = "DescribeLogDirsResponse";
    const VERSION_MIN: i16 = 1;
    const VERSION_MAX: i16 = 5;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(1..=5).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::DescribeLogDirs as i16,
                version,
            });
        }
        let form = Form::of(version >= 2);
        let mut it = Self::default();
        it.throttle_time_ms = r.i32()?;
        if version >= 3 {
            it.error_code = r.i16()?;
        }
        it.results = r.array(form, 4, |r| DescribeLogDirsResult::decode(r, version))?;
        if version >= 2 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(1..=5).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 2);
        w.i32(self.throttle_time_ms);
        if version >= 3 {
            w.i16(self.error_code);
        }
        w.array(&self.results, form, |w, it| it.encode(w, version))?;
        if version >= 2 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `DescribeLogDirsResult`.
#[derive(Debug, Clone, PartialEq)]
pub struct DescribeLogDirsResult {
    pub error_code: i16,
    pub log_dir: String,
    pub topics: Vec<DescribeLogDirsTopic>,
    /// From version 4, default -1.
    pub total_bytes: i64,
    /// From version 4, default -1.
    pub usable_bytes: i64,
    /// From version 5.
    pub is_cordoned: bool,
}

impl Default for DescribeLogDirsResult {
    fn default() -> Self {
        Self {
            error_code: 0,
            log_dir: String::new(),
            topics: Vec::new(),
            total_bytes: -1,
            usable_bytes: -1,
            is_cordoned: false,
        }
    }
}

impl DescribeLogDirsResult {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 2);
        let mut it = Self::default();
        it.error_code = r.i16()?;
        it.log_dir = r.string(form)?;
        it.topics = r.array(form, 2, |r| DescribeLogDirsTopic::decode(r, version))?;
        if version >= 4 {
            it.total_bytes = r.i64()?;
        }
        if version >= 4 {
            it.usable_bytes = r.i64()?;
        }
        if version >= 5 {
            it.is_cordoned = r.bool()?;
        }
        if version >= 2 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 2);
        w.i16(self.error_code);
        w.string(&self.log_dir, form)?;
        w.array(&self.topics, form, |w, it| it.encode(w, version))?;
        if version >= 4 {
            w.i64(self.total_bytes);
        }
        if version >= 4 {
            w.i64(self.usable_bytes);
        }
        if version >= 5 {
            w.bool(self.is_cordoned);
        }
        if version >= 2 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `DescribeLogDirsTopic`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeLogDirsTopic {
    pub name: String,
    pub partitions: Vec<DescribeLogDirsPartition>,
}

impl DescribeLogDirsTopic {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 2);
        let mut it = Self::default();
        it.name = r.string(form)?;
        it.partitions = r.array(form, 21, |r| DescribeLogDirsPartition::decode(r, version))?;
        if version >= 2 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 2);
        w.string(&self.name, form)?;
        w.array(&self.partitions, form, |w, it| it.encode(w, version))?;
        if version >= 2 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `DescribeLogDirsPartition`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeLogDirsPartition {
    pub partition_index: i32,
    pub partition_size: i64,
    pub offset_lag: i64,
    pub is_future_key: bool,
}

impl DescribeLogDirsPartition {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let mut it = Self::default();
        it.partition_index = r.i32()?;
        it.partition_size = r.i64()?;
        it.offset_lag = r.i64()?;
        it.is_future_key = r.bool()?;
        if version >= 2 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.i32(self.partition_index);
        w.i64(self.partition_size);
        w.i64(self.offset_lag);
        w.bool(self.is_future_key);
        if version >= 2 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Response for DescribeLogDirsResponse {
    const API: ApiKey = ApiKey::DescribeLogDirs;
}
