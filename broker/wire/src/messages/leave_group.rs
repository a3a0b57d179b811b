//! LeaveGroup: members leave a classic group. v3 several at once, v5 the reason. KIP-345, KIP-800.
//!
//! Generated from `schemas/leave_group.schema` by `cargo x codegen`.

#![allow(clippy::field_reassign_with_default, reason = "one statement per field")]

use crate::api::{Form, Message, Request, Response};
use crate::error::{DecodeError, EncodeError};
use crate::messages::ApiKey;
use crate::{Reader, Writer};

/// Kafka's `LeaveGroupRequest`, versions 0 to 5.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LeaveGroupRequest {
    pub group_id: String,
    /// Versions 0 to 2.
    pub member_id: String,
    /// From version 3.
    pub members: Vec<MemberIdentity>,
}

impl Message for LeaveGroupRequest {
    const NAME: &'static str = "LeaveGroupRequest";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 5;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=5).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::LeaveGroup as i16,
                version,
            });
        }
        let form = Form::of(version >= 4);
        let mut it = Self::default();
        it.group_id = r.string(form)?;
        if version <= 2 {
            it.member_id = r.string(form)?;
        }
        if version >= 3 {
            it.members = r.array(form, 2, |r| MemberIdentity::decode(r, version))?;
        }
        if version >= 4 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=5).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 4);
        w.string(&self.group_id, form)?;
        if version <= 2 {
            w.string(&self.member_id, form)?;
        } else if !self.member_id.is_empty() {
            return Err(EncodeError::NotInVersion {
                field: "LeaveGroupRequest.member_id",
                version,
            });
        }
        if version >= 3 {
            w.array(&self.members, form, |w, it| it.encode(w, version))?;
        } else if !self.members.is_empty() {
            return Err(EncodeError::NotInVersion { field: "LeaveGroupRequest.members", version });
        }
        if version >= 4 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `MemberIdentity`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MemberIdentity {
    pub member_id: String,
    /// Default null.
    pub group_instance_id: Option<String>,
    /// From version 5, default null.
    pub reason: Option<String>,
}

impl MemberIdentity {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 4);
        let mut it = Self::default();
        it.member_id = r.string(form)?;
        it.group_instance_id = r.nullable_string(form)?;
        if version >= 5 {
            it.reason = r.nullable_string(form)?;
        }
        if version >= 4 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 4);
        w.string(&self.member_id, form)?;
        w.nullable_string(self.group_instance_id.as_deref(), form)?;
        if version >= 5 {
            w.nullable_string(self.reason.as_deref(), form)?;
        }
        if version >= 4 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Request for LeaveGroupRequest {
    const API: ApiKey = ApiKey::LeaveGroup;
    type Response = LeaveGroupResponse;
}

/// Kafka's `LeaveGroupResponse`, versions 0 to 5.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LeaveGroupResponse {
    /// From version 1.
    pub throttle_time_ms: i32,
    pub error_code: i16,
    /// From version 3.
    pub members: Vec<MemberResponse>,
}

impl Message for LeaveGroupResponse {
    const NAME: &'static str = "LeaveGroupResponse";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 5;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=5).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::LeaveGroup as i16,
                version,
            });
        }
        let form = Form::of(version >= 4);
        let mut it = Self::default();
        if version >= 1 {
            it.throttle_time_ms = r.i32()?;
        }
        it.error_code = r.i16()?;
        if version >= 3 {
            it.members = r.array(form, 4, |r| MemberResponse::decode(r, version))?;
        }
        if version >= 4 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=5).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 4);
        if version >= 1 {
            w.i32(self.throttle_time_ms);
        }
        w.i16(self.error_code);
        if version >= 3 {
            w.array(&self.members, form, |w, it| it.encode(w, version))?;
        } else if !self.members.is_empty() {
            return Err(EncodeError::NotInVersion { field: "LeaveGroupResponse.members", version });
        }
        if version >= 4 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `MemberResponse`.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberResponse {
    pub member_id: String,
    pub group_instance_id: Option<String>,
    pub error_code: i16,
}

impl Default for MemberResponse {
    fn default() -> Self {
        Self { member_id: String::new(), group_instance_id: Some(String::new()), error_code: 0 }
    }
}

impl MemberResponse {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 4);
        let mut it = Self::default();
        it.member_id = r.string(form)?;
        it.group_instance_id = r.nullable_string(form)?;
        it.error_code = r.i16()?;
        if version >= 4 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 4);
        w.string(&self.member_id, form)?;
        w.nullable_string(self.group_instance_id.as_deref(), form)?;
        w.i16(self.error_code);
        if version >= 4 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Response for LeaveGroupResponse {
    const API: ApiKey = ApiKey::LeaveGroup;
}
