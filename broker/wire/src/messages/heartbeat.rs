//! Heartbeat: a member of a classic group is alive, and hears of a rebalance. v3 static members.
//! KIP-345.
//!
//! Generated from `schemas/heartbeat.schema` by `cargo x codegen`.

#![allow(clippy::field_reassign_with_default, reason = "one statement per field")]

use crate::api::{Form, Message, Request, Response};
use crate::error::{DecodeError, EncodeError};
use crate::messages::ApiKey;
use crate::{Reader, Writer};

/// Kafka's `HeartbeatRequest`, versions 0 to 4.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HeartbeatRequest {
    pub group_id: String,
    pub generation_id: i32,
    pub member_id: String,
    /// From version 3, default null.
    pub group_instance_id: Option<String>,
}

impl Message for HeartbeatRequest {
    const NAME: &'static str = "HeartbeatRequest";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 4;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=4).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::Heartbeat as i16,
                version,
            });
        }
        let form = Form::of(version >= 4);
        let mut it = Self::default();
        it.group_id = r.string(form)?;
        it.generation_id = r.i32()?;
        it.member_id = r.string(form)?;
        if version >= 3 {
            it.group_instance_id = r.nullable_string(form)?;
        }
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
        w.string(&self.group_id, form)?;
        w.i32(self.generation_id);
        w.string(&self.member_id, form)?;
        if version >= 3 {
            w.nullable_string(self.group_instance_id.as_deref(), form)?;
        } else if self.group_instance_id.is_some() {
            return Err(EncodeError::NotInVersion {
                field: "HeartbeatRequest.group_instance_id",
                version,
            });
        }
        if version >= 4 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Request for HeartbeatRequest {
    const API: ApiKey = ApiKey::Heartbeat;
    type Response = HeartbeatResponse;
}

/// Kafka's `HeartbeatResponse`, versions 0 to 4.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HeartbeatResponse {
    /// From version 1.
    pub throttle_time_ms: i32,
    pub error_code: i16,
}

impl Message for HeartbeatResponse {
    const NAME: &'static str = "HeartbeatResponse";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 4;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=4).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::Heartbeat as i16,
                version,
            });
        }
        let mut it = Self::default();
        if version >= 1 {
            it.throttle_time_ms = r.i32()?;
        }
        it.error_code = r.i16()?;
        if version >= 4 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=4).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        if version >= 1 {
            w.i32(self.throttle_time_ms);
        }
        w.i16(self.error_code);
        if version >= 4 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Response for HeartbeatResponse {
    const API: ApiKey = ApiKey::Heartbeat;
}
