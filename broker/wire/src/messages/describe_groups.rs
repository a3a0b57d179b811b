//! DescribeGroups: classic groups with their members. v3 authorized operations, v4 static members, v6
//! a message beside the error. KIP-430, KIP-345, KIP-1043.
//!
//! Generated from `schemas/describe_groups.schema` by `cargo x codegen`.

#![allow(clippy::field_reassign_with_default, reason = "one statement per field")]

use crate::api::{Form, Message, Request, Response};
use crate::error::{DecodeError, EncodeError};
use crate::messages::ApiKey;
use crate::{Reader, Writer};
use model::Buf;

/// Kafka's `DescribeGroupsRequest`, versions 0 to 6.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeGroupsRequest {
    pub groups: Vec<String>,
    /// From version 3.
    pub include_authorized_operations: bool,
}

impl Message for DescribeGroupsRequest {
    const NAME: &'static str = "DescribeGroupsRequest";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 6;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=6).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::DescribeGroups as i16,
                version,
            });
        }
        let form = Form::of(version >= 5);
        let mut it = Self::default();
        it.groups = r.array(form, 1, |r| r.string(form))?;
        if version >= 3 {
            it.include_authorized_operations = r.bool()?;
        }
        if version >= 5 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=6).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 5);
        w.array(&self.groups, form, |w, it| w.string(it, form))?;
        if version >= 3 {
            w.bool(self.include_authorized_operations);
        } else if self.include_authorized_operations {
            return Err(EncodeError::NotInVersion {
                field: "DescribeGroupsRequest.include_authorized_operations",
                version,
            });
        }
        if version >= 5 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Request for DescribeGroupsRequest {
    const API: ApiKey = ApiKey::DescribeGroups;
    type Response = DescribeGroupsResponse;
}

/// Kafka's `DescribeGroupsResponse`, versions 0 to 6.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeGroupsResponse {
    /// From version 1.
    pub throttle_time_ms: i32,
    pub groups: Vec<DescribedGroup>,
}

impl Message for DescribeGroupsResponse {
    const NAME: &'static str = "DescribeGroupsResponse";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 6;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=6).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::DescribeGroups as i16,
                version,
            });
        }
        let form = Form::of(version >= 5);
        let mut it = Self::default();
        if version >= 1 {
            it.throttle_time_ms = r.i32()?;
        }
        it.groups = r.array(form, 7, |r| DescribedGroup::decode(r, version))?;
        if version >= 5 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=6).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 5);
        if version >= 1 {
            w.i32(self.throttle_time_ms);
        }
        w.array(&self.groups, form, |w, it| it.encode(w, version))?;
        if version >= 5 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `DescribedGroup`.
#[derive(Debug, Clone, PartialEq)]
pub struct DescribedGroup {
    pub error_code: i16,
    /// From version 6, default null.
    pub error_message: Option<String>,
    pub group_id: String,
    pub group_state: String,
    pub protocol_type: String,
    pub protocol_data: String,
    pub members: Vec<DescribedGroupMember>,
    /// From version 3, default -2147483648.
    pub authorized_operations: i32,
}

impl Default for DescribedGroup {
    fn default() -> Self {
        Self {
            error_code: 0,
            error_message: None,
            group_id: String::new(),
            group_state: String::new(),
            protocol_type: String::new(),
            protocol_data: String::new(),
            members: Vec::new(),
            authorized_operations: -2147483648,
        }
    }
}

impl DescribedGroup {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 5);
        let mut it = Self::default();
        it.error_code = r.i16()?;
        if version >= 6 {
            it.error_message = r.nullable_string(form)?;
        }
        it.group_id = r.string(form)?;
        it.group_state = r.string(form)?;
        it.protocol_type = r.string(form)?;
        it.protocol_data = r.string(form)?;
        it.members = r.array(form, 5, |r| DescribedGroupMember::decode(r, version))?;
        if version >= 3 {
            it.authorized_operations = r.i32()?;
        }
        if version >= 5 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 5);
        w.i16(self.error_code);
        if version >= 6 {
            w.nullable_string(self.error_message.as_deref(), form)?;
        } else if self.error_message.is_some() {
            return Err(EncodeError::NotInVersion {
                field: "DescribedGroup.error_message",
                version,
            });
        }
        w.string(&self.group_id, form)?;
        w.string(&self.group_state, form)?;
        w.string(&self.protocol_type, form)?;
        w.string(&self.protocol_data, form)?;
        w.array(&self.members, form, |w, it| it.encode(w, version))?;
        if version >= 3 {
            w.i32(self.authorized_operations);
        } else if self.authorized_operations != -2147483648 {
            return Err(EncodeError::NotInVersion {
                field: "DescribedGroup.authorized_operations",
                version,
            });
        }
        if version >= 5 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `DescribedGroupMember`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribedGroupMember {
    pub member_id: String,
    /// From version 4, default null.
    pub group_instance_id: Option<String>,
    pub client_id: String,
    pub client_host: String,
    pub member_metadata: Buf,
    pub member_assignment: Buf,
}

impl DescribedGroupMember {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 5);
        let mut it = Self::default();
        it.member_id = r.string(form)?;
        if version >= 4 {
            it.group_instance_id = r.nullable_string(form)?;
        }
        it.client_id = r.string(form)?;
        it.client_host = r.string(form)?;
        it.member_metadata = r.records(form)?.ok_or(r.null())?;
        it.member_assignment = r.records(form)?.ok_or(r.null())?;
        if version >= 5 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 5);
        w.string(&self.member_id, form)?;
        if version >= 4 {
            w.nullable_string(self.group_instance_id.as_deref(), form)?;
        }
        w.string(&self.client_id, form)?;
        w.string(&self.client_host, form)?;
        w.bytes(Some(&self.member_metadata), form)?;
        w.bytes(Some(&self.member_assignment), form)?;
        if version >= 5 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Response for DescribeGroupsResponse {
    const API: ApiKey = ApiKey::DescribeGroups;
}
