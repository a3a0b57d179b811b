//! DeleteGroups: removes empty groups with their offsets. KIP-229.
//!
//! Generated from `schemas/delete_groups.schema` by `cargo x codegen`.

#![allow(clippy::field_reassign_with_default, reason = "one statement per field")]

use crate::api::{Form, Message, Request, Response};
use crate::error::{DecodeError, EncodeError};
use crate::messages::ApiKey;
use crate::{Reader, Writer};

/// Kafka's `DeleteGroupsRequest`, versions 0 to 2.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeleteGroupsRequest {
    pub groups_names: Vec<String>,
}

impl Message for DeleteGroupsRequest {
    const NAME: &'static str = "DeleteGroupsRequest";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 2;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=2).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::DeleteGroups as i16,
                version,
            });
        }
        let form = Form::of(version >= 2);
        let mut it = Self::default();
        it.groups_names = r.array(form, 1, |r| r.string(form))?;
        if version >= 2 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=2).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 2);
        w.array(&self.groups_names, form, |w, it| w.string(it, form))?;
        if version >= 2 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Request for DeleteGroupsRequest {
    const API: ApiKey = ApiKey::DeleteGroups;
    type Response = DeleteGroupsResponse;
}

/// Kafka's `DeleteGroupsResponse`, versions 0 to 2.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeleteGroupsResponse {
    pub throttle_time_ms: i32,
    pub results: Vec<DeletableGroupResult>,
}

impl Message for DeleteGroupsResponse {
    const NAME: &'static str = "DeleteGroupsResponse";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 2;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=2).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::DeleteGroups as i16,
                version,
            });
        }
        let form = Form::of(version >= 2);
        let mut it = Self::default();
        it.throttle_time_ms = r.i32()?;
        it.results = r.array(form, 3, |r| DeletableGroupResult::decode(r, version))?;
        if version >= 2 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=2).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 2);
        w.i32(self.throttle_time_ms);
        w.array(&self.results, form, |w, it| it.encode(w, version))?;
        if version >= 2 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `DeletableGroupResult`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeletableGroupResult {
    pub group_id: String,
    pub error_code: i16,
}

impl DeletableGroupResult {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 2);
        let mut it = Self::default();
        it.group_id = r.string(form)?;
        it.error_code = r.i16()?;
        if version >= 2 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 2);
        w.string(&self.group_id, form)?;
        w.i16(self.error_code);
        if version >= 2 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Response for DeleteGroupsResponse {
    const API: ApiKey = ApiKey::DeleteGroups;
}
