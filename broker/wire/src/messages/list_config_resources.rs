//! ListConfigResources: names of resources that have configuration. KIP-714, KIP-1142.
//!
//! Generated from `schemas/list_config_resources.schema` by `cargo x codegen`.

#![allow(clippy::field_reassign_with_default, reason = "one statement per field")]

use crate::api::{Form, Message, Request, Response};
use crate::error::{DecodeError, EncodeError};
use crate::messages::ApiKey;
use crate::{Reader, Writer};

/// Kafka's `ListConfigResourcesRequest`, versions 0 to 1.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListConfigResourcesRequest {
    /// From version 1.
    pub resource_types: Vec<i8>,
}

impl Message for ListConfigResourcesRequest {
    const NAME: &'static str = "ListConfigResourcesRequest";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 1;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=1).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::ListConfigResources as i16,
                version,
            });
        }
        let form = Form::Flexible;
        let mut it = Self::default();
        if version >= 1 {
            it.resource_types = r.array(form, 1, |r| r.i8())?;
        }
        r.skip_tagged_fields()?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=1).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::Flexible;
        if version >= 1 {
            w.array(&self.resource_types, form, |w, it| {
                w.i8(*it);
                Ok(())
            })?;
        } else if !self.resource_types.is_empty() {
            return Err(EncodeError::NotInVersion {
                field: "ListConfigResourcesRequest.resource_types",
                version,
            });
        }
        w.unsigned_varint(0);
        Ok(())
    }
}

impl Request for ListConfigResourcesRequest {
    const API: ApiKey = ApiKey::ListConfigResources;
    type Response = ListConfigResourcesResponse;
}

/// Kafka's `ListConfigResourcesResponse`, versions 0 to 1.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListConfigResourcesResponse {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub config_resources: Vec<ConfigResource>,
}

impl Message for ListConfigResourcesResponse {
    const NAME: &'static str = "ListConfigResourcesResponse";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 1;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=1).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::ListConfigResources as i16,
                version,
            });
        }
        let form = Form::Flexible;
        let mut it = Self::default();
        it.throttle_time_ms = r.i32()?;
        it.error_code = r.i16()?;
        it.config_resources = r.array(form, 1, |r| ConfigResource::decode(r, version))?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=1).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::Flexible;
        w.i32(self.throttle_time_ms);
        w.i16(self.error_code);
        w.array(&self.config_resources, form, |w, it| it.encode(w, version))?;
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `ConfigResource`.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfigResource {
    pub resource_name: String,
    /// From version 1, default 16.
    pub resource_type: i8,
}

impl Default for ConfigResource {
    fn default() -> Self {
        Self { resource_name: String::new(), resource_type: 16 }
    }
}

impl ConfigResource {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::Flexible;
        let mut it = Self::default();
        it.resource_name = r.string(form)?;
        if version >= 1 {
            it.resource_type = r.i8()?;
        }
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::Flexible;
        w.string(&self.resource_name, form)?;
        if version >= 1 {
            w.i8(self.resource_type);
        }
        w.unsigned_varint(0);
        Ok(())
    }
}

impl Response for ListConfigResourcesResponse {
    const API: ApiKey = ApiKey::ListConfigResources;
}
