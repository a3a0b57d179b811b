//! SyncGroup: the leader of a classic group brings the assignment, every member fetches its part. v5
//! checks the protocol. KIP-345, KIP-559.
//!
//! Generated from `schemas/sync_group.schema` by `cargo x codegen`.

#![allow(clippy::field_reassign_with_default, reason = "one statement per field")]

use crate::api::{Form, Message, Request, Response};
use crate::error::{DecodeError, EncodeError};
use crate::messages::ApiKey;
use crate::{Reader, Writer};
use model::Buf;

/// Kafka's `SyncGroupRequest`, versions 0 to 5.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SyncGroupRequest {
    pub group_id: String,
    pub generation_id: i32,
    pub member_id: String,
    /// From version 3, default null.
    pub group_instance_id: Option<String>,
    /// From version 5, default null.
    pub protocol_type: Option<String>,
    /// From version 5, default null.
    pub protocol_name: Option<String>,
    pub assignments: Vec<SyncGroupRequestAssignment>,
}

impl Message for SyncGroupRequest {
    const NAME: &'static str = "SyncGroupRequest";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 5;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=5).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::SyncGroup as i16,
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
        if version >= 5 {
            it.protocol_type = r.nullable_string(form)?;
        }
        if version >= 5 {
            it.protocol_name = r.nullable_string(form)?;
        }
        it.assignments = r.array(form, 2, |r| SyncGroupRequestAssignment::decode(r, version))?;
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
        w.i32(self.generation_id);
        w.string(&self.member_id, form)?;
        if version >= 3 {
            w.nullable_string(self.group_instance_id.as_deref(), form)?;
        } else if self.group_instance_id.is_some() {
            return Err(EncodeError::NotInVersion {
                field: "SyncGroupRequest.group_instance_id",
                version,
            });
        }
        if version >= 5 {
            w.nullable_string(self.protocol_type.as_deref(), form)?;
        }
        if version >= 5 {
            w.nullable_string(self.protocol_name.as_deref(), form)?;
        }
        w.array(&self.assignments, form, |w, it| it.encode(w, version))?;
        if version >= 4 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `SyncGroupRequestAssignment`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SyncGroupRequestAssignment {
    pub member_id: String,
    pub assignment: Buf,
}

impl SyncGroupRequestAssignment {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 4);
        let mut it = Self::default();
        it.member_id = r.string(form)?;
        it.assignment = r.records(form)?.ok_or(r.null())?;
        if version >= 4 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 4);
        w.string(&self.member_id, form)?;
        w.bytes(Some(&self.assignment), form)?;
        if version >= 4 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Request for SyncGroupRequest {
    const API: ApiKey = ApiKey::SyncGroup;
    type Response = SyncGroupResponse;
}

/// Kafka's `SyncGroupResponse`, versions 0 to 5.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SyncGroupResponse {
    /// From version 1.
    pub throttle_time_ms: i32,
    pub error_code: i16,
    /// From version 5, default null.
    pub protocol_type: Option<String>,
    /// From version 5, default null.
    pub protocol_name: Option<String>,
    pub assignment: Buf,
}

impl Message for SyncGroupResponse {
    const NAME: &'static str = "SyncGroupResponse";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 5;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=5).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::SyncGroup as i16,
                version,
            });
        }
        let form = Form::of(version >= 4);
        let mut it = Self::default();
        if version >= 1 {
            it.throttle_time_ms = r.i32()?;
        }
        it.error_code = r.i16()?;
        if version >= 5 {
            it.protocol_type = r.nullable_string(form)?;
        }
        if version >= 5 {
            it.protocol_name = r.nullable_string(form)?;
        }
        it.assignment = r.records(form)?.ok_or(r.null())?;
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
        if version >= 5 {
            w.nullable_string(self.protocol_type.as_deref(), form)?;
        }
        if version >= 5 {
            w.nullable_string(self.protocol_name.as_deref(), form)?;
        }
        w.bytes(Some(&self.assignment), form)?;
        if version >= 4 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Response for SyncGroupResponse {
    const API: ApiKey = ApiKey::SyncGroup;
}
