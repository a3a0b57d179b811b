//! ListGroups: the groups of one coordinator. v4 states, v5 types. KIP-518, KIP-848.
//!
//! Generated from `schemas/list_groups.schema` by `cargo x codegen`.

#![allow(clippy::field_reassign_with_default, reason = "one statement per field")]

use crate::api::{Form, Message, Request, Response};
use crate::error::{DecodeError, EncodeError};
use crate::messages::ApiKey;
use crate::{Reader, Writer};

/// Kafka's `ListGroupsRequest`, versions 0 to 5.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListGroupsRequest {
    /// From version 4.
    pub states_filter: Vec<String>,
    /// From version 5.
    pub types_filter: Vec<String>,
}

impl Message for ListGroupsRequest {
    const NAME: &'static str = "ListGroupsRequest";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 5;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=5).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::ListGroups as i16,
                version,
            });
        }
        let form = Form::of(version >= 3);
        let mut it = Self::default();
        if version >= 4 {
            it.states_filter = r.array(form, 1, |r| r.string(form))?;
        }
        if version >= 5 {
            it.types_filter = r.array(form, 1, |r| r.string(form))?;
        }
        if version >= 3 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=5).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 3);
        if version >= 4 {
            w.array(&self.states_filter, form, |w, it| w.string(it, form))?;
        } else if !self.states_filter.is_empty() {
            return Err(EncodeError::NotInVersion {
                field: "ListGroupsRequest.states_filter",
                version,
            });
        }
        if version >= 5 {
            w.array(&self.types_filter, form, |w, it| w.string(it, form))?;
        } else if !self.types_filter.is_empty() {
            return Err(EncodeError::NotInVersion {
                field: "ListGroupsRequest.types_filter",
                version,
            });
        }
        if version >= 3 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Request for ListGroupsRequest {
    const API: ApiKey = ApiKey::ListGroups;
    type Response = ListGroupsResponse;
}

/// Kafka's `ListGroupsResponse`, versions 0 to 5.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListGroupsResponse {
    /// From version 1.
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub groups: Vec<ListedGroup>,
}

impl Message for ListGroupsResponse {
    const NAME: &'static str = "ListGroupsResponse";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 5;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=5).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::ListGroups as i16,
                version,
            });
        }
        let form = Form::of(version >= 3);
        let mut it = Self::default();
        if version >= 1 {
            it.throttle_time_ms = r.i32()?;
        }
        it.error_code = r.i16()?;
        it.groups = r.array(form, 2, |r| ListedGroup::decode(r, version))?;
        if version >= 3 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=5).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 3);
        if version >= 1 {
            w.i32(self.throttle_time_ms);
        }
        w.i16(self.error_code);
        w.array(&self.groups, form, |w, it| it.encode(w, version))?;
        if version >= 3 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `ListedGroup`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListedGroup {
    pub group_id: String,
    pub protocol_type: String,
    /// From version 4.
    pub group_state: String,
    /// From version 5.
    pub group_type: String,
}

impl ListedGroup {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 3);
        let mut it = Self::default();
        it.group_id = r.string(form)?;
        it.protocol_type = r.string(form)?;
        if version >= 4 {
            it.group_state = r.string(form)?;
        }
        if version >= 5 {
            it.group_type = r.string(form)?;
        }
        if version >= 3 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 3);
        w.string(&self.group_id, form)?;
        w.string(&self.protocol_type, form)?;
        if version >= 4 {
            w.string(&self.group_state, form)?;
        }
        if version >= 5 {
            w.string(&self.group_type, form)?;
        }
        if version >= 3 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Response for ListGroupsResponse {
    const API: ApiKey = ApiKey::ListGroups;
}
