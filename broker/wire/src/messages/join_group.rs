//! JoinGroup: a member enters a classic group or starts a rebalance. v4 the member id comes first, v5
//! static members, v8 the reason, v9 the leader may skip assigning. KIP-394, KIP-345, KIP-800, KIP-814.
//!
//! Generated from `schemas/join_group.schema` by `cargo x codegen`.

#![allow(clippy::field_reassign_with_default, reason = "one statement per field")]

use crate::api::{Form, Message, Request, Response};
use crate::error::{DecodeError, EncodeError};
use crate::messages::ApiKey;
use crate::{Reader, Writer};
use model::Buf;

/// Kafka's `JoinGroupRequest`, versions 0 to 9.
#[derive(Debug, Clone, PartialEq)]
pub struct JoinGroupRequest {
    pub group_id: String,
    pub session_timeout_ms: i32,
    /// From version 1, default -1.
    pub rebalance_timeout_ms: i32,
    pub member_id: String,
    /// From version 5, default null.
    pub group_instance_id: Option<String>,
    pub protocol_type: String,
    pub protocols: Vec<JoinGroupRequestProtocol>,
    /// From version 8, default null.
    pub reason: Option<String>,
}

impl Default for JoinGroupRequest {
    fn default() -> Self {
        Self {
            group_id: String::new(),
            session_timeout_ms: 0,
            rebalance_timeout_ms: -1,
            member_id: String::new(),
            group_instance_id: None,
            protocol_type: String::new(),
            protocols: Vec::new(),
            reason: None,
        }
    }
}

impl Message for JoinGroupRequest {
    const NAME: &'static str = "JoinGroupRequest";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 9;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=9).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::JoinGroup as i16,
                version,
            });
        }
        let form = Form::of(version >= 6);
        let mut it = Self::default();
        it.group_id = r.string(form)?;
        it.session_timeout_ms = r.i32()?;
        if version >= 1 {
            it.rebalance_timeout_ms = r.i32()?;
        }
        it.member_id = r.string(form)?;
        if version >= 5 {
            it.group_instance_id = r.nullable_string(form)?;
        }
        it.protocol_type = r.string(form)?;
        it.protocols = r.array(form, 2, |r| JoinGroupRequestProtocol::decode(r, version))?;
        if version >= 8 {
            it.reason = r.nullable_string(form)?;
        }
        if version >= 6 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=9).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 6);
        w.string(&self.group_id, form)?;
        w.i32(self.session_timeout_ms);
        if version >= 1 {
            w.i32(self.rebalance_timeout_ms);
        }
        w.string(&self.member_id, form)?;
        if version >= 5 {
            w.nullable_string(self.group_instance_id.as_deref(), form)?;
        } else if self.group_instance_id.is_some() {
            return Err(EncodeError::NotInVersion {
                field: "JoinGroupRequest.group_instance_id",
                version,
            });
        }
        w.string(&self.protocol_type, form)?;
        w.array(&self.protocols, form, |w, it| it.encode(w, version))?;
        if version >= 8 {
            w.nullable_string(self.reason.as_deref(), form)?;
        }
        if version >= 6 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `JoinGroupRequestProtocol`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct JoinGroupRequestProtocol {
    pub name: String,
    pub metadata: Buf,
}

impl JoinGroupRequestProtocol {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 6);
        let mut it = Self::default();
        it.name = r.string(form)?;
        it.metadata = r.records(form)?.ok_or(r.null())?;
        if version >= 6 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 6);
        w.string(&self.name, form)?;
        w.bytes(Some(&self.metadata), form)?;
        if version >= 6 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Request for JoinGroupRequest {
    const API: ApiKey = ApiKey::JoinGroup;
    type Response = JoinGroupResponse;
}

/// Kafka's `JoinGroupResponse`, versions 0 to 9.
#[derive(Debug, Clone, PartialEq)]
pub struct JoinGroupResponse {
    /// From version 2.
    pub throttle_time_ms: i32,
    pub error_code: i16,
    /// Default -1.
    pub generation_id: i32,
    /// From version 7, default null.
    pub protocol_type: Option<String>,
    /// Null from version 7.
    pub protocol_name: Option<String>,
    pub leader: String,
    /// From version 9.
    pub skip_assignment: bool,
    pub member_id: String,
    pub members: Vec<JoinGroupResponseMember>,
}

impl Default for JoinGroupResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            error_code: 0,
            generation_id: -1,
            protocol_type: None,
            protocol_name: Some(String::new()),
            leader: String::new(),
            skip_assignment: false,
            member_id: String::new(),
            members: Vec::new(),
        }
    }
}

impl Message for JoinGroupResponse {
    const NAME: &'static str = "JoinGroupResponse";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 9;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=9).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::JoinGroup as i16,
                version,
            });
        }
        let form = Form::of(version >= 6);
        let mut it = Self::default();
        if version >= 2 {
            it.throttle_time_ms = r.i32()?;
        }
        it.error_code = r.i16()?;
        it.generation_id = r.i32()?;
        if version >= 7 {
            it.protocol_type = r.nullable_string(form)?;
        }
        it.protocol_name = r.nullable_string(form)?;
        if version < 7 && it.protocol_name.is_none() {
            return Err(r.null());
        }
        it.leader = r.string(form)?;
        if version >= 9 {
            it.skip_assignment = r.bool()?;
        }
        it.member_id = r.string(form)?;
        it.members = r.array(form, 2, |r| JoinGroupResponseMember::decode(r, version))?;
        if version >= 6 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=9).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 6);
        if version >= 2 {
            w.i32(self.throttle_time_ms);
        }
        w.i16(self.error_code);
        w.i32(self.generation_id);
        if version >= 7 {
            w.nullable_string(self.protocol_type.as_deref(), form)?;
        }
        if version < 7 && self.protocol_name.is_none() {
            return Err(EncodeError::Null { field: "JoinGroupResponse.protocol_name", version });
        }
        w.nullable_string(self.protocol_name.as_deref(), form)?;
        w.string(&self.leader, form)?;
        if version >= 9 {
            w.bool(self.skip_assignment);
        } else if self.skip_assignment {
            return Err(EncodeError::NotInVersion {
                field: "JoinGroupResponse.skip_assignment",
                version,
            });
        }
        w.string(&self.member_id, form)?;
        w.array(&self.members, form, |w, it| it.encode(w, version))?;
        if version >= 6 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `JoinGroupResponseMember`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct JoinGroupResponseMember {
    pub member_id: String,
    /// From version 5, default null.
    pub group_instance_id: Option<String>,
    pub metadata: Buf,
}

impl JoinGroupResponseMember {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 6);
        let mut it = Self::default();
        it.member_id = r.string(form)?;
        if version >= 5 {
            it.group_instance_id = r.nullable_string(form)?;
        }
        it.metadata = r.records(form)?.ok_or(r.null())?;
        if version >= 6 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 6);
        w.string(&self.member_id, form)?;
        if version >= 5 {
            w.nullable_string(self.group_instance_id.as_deref(), form)?;
        }
        w.bytes(Some(&self.metadata), form)?;
        if version >= 6 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Response for JoinGroupResponse {
    const API: ApiKey = ApiKey::JoinGroup;
}
