//! IncrementalAlterConfigs: set, delete, append to or subtract from single keys. KIP-339.
//!
//! Generated from `schemas/incremental_alter_configs.schema` by `cargo x codegen`.

#![allow(clippy::field_reassign_with_default, reason = "one statement per field")]

use crate::api::{Form, Message, Request, Response};
use crate::error::{DecodeError, EncodeError};
use crate::messages::ApiKey;
use crate::{Reader, Writer};

/// Kafka's `IncrementalAlterConfigsRequest`, versions 0 to 1.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct IncrementalAlterConfigsRequest {
    pub resources: Vec<AlterConfigsResource>,
    pub validate_only: bool,
}

impl Message for IncrementalAlterConfigsRequest {
    const NAME: &'static str = "IncrementalAlterConfigsRequest";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 1;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=1).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::IncrementalAlterConfigs as i16,
                version,
            });
        }
        let form = Form::of(version >= 1);
        let mut it = Self::default();
        it.resources = r.array(form, 3, |r| AlterConfigsResource::decode(r, version))?;
        it.validate_only = r.bool()?;
        if version >= 1 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=1).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 1);
        w.array(&self.resources, form, |w, it| it.encode(w, version))?;
        w.bool(self.validate_only);
        if version >= 1 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `AlterConfigsResource`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AlterConfigsResource {
    pub resource_type: i8,
    pub resource_name: String,
    pub configs: Vec<AlterableConfig>,
}

impl AlterConfigsResource {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 1);
        let mut it = Self::default();
        it.resource_type = r.i8()?;
        it.resource_name = r.string(form)?;
        it.configs = r.array(form, 3, |r| AlterableConfig::decode(r, version))?;
        if version >= 1 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 1);
        w.i8(self.resource_type);
        w.string(&self.resource_name, form)?;
        w.array(&self.configs, form, |w, it| it.encode(w, version))?;
        if version >= 1 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `AlterableConfig`.
#[derive(Debug, Clone, PartialEq)]
pub struct AlterableConfig {
    pub name: String,
    pub config_operation: i8,
    pub value: Option<String>,
}

impl Default for AlterableConfig {
    fn default() -> Self {
        Self { name: String::new(), config_operation: 0, value: Some(String::new()) }
    }
}

impl AlterableConfig {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 1);
        let mut it = Self::default();
        it.name = r.string(form)?;
        it.config_operation = r.i8()?;
        it.value = r.nullable_string(form)?;
        if version >= 1 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 1);
        w.string(&self.name, form)?;
        w.i8(self.config_operation);
        w.nullable_string(self.value.as_deref(), form)?;
        if version >= 1 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Request for IncrementalAlterConfigsRequest {
    const API: ApiKey = ApiKey::IncrementalAlterConfigs;
    type Response = IncrementalAlterConfigsResponse;
}

/// Kafka's `IncrementalAlterConfigsResponse`, versions 0 to 1.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct IncrementalAlterConfigsResponse {
    pub throttle_time_ms: i32,
    pub responses: Vec<AlterConfigsResourceResponse>,
}

impl Message for IncrementalAlterConfigsResponse {
    const NAME: &'static str = "IncrementalAlterConfigsResponse";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 1;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=1).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::IncrementalAlterConfigs as i16,
                version,
            });
        }
        let form = Form::of(version >= 1);
        let mut it = Self::default();
        it.throttle_time_ms = r.i32()?;
        it.responses = r.array(form, 5, |r| AlterConfigsResourceResponse::decode(r, version))?;
        if version >= 1 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=1).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 1);
        w.i32(self.throttle_time_ms);
        w.array(&self.responses, form, |w, it| it.encode(w, version))?;
        if version >= 1 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `AlterConfigsResourceResponse`.
#[derive(Debug, Clone, PartialEq)]
pub struct AlterConfigsResourceResponse {
    pub error_code: i16,
    pub error_message: Option<String>,
    pub resource_type: i8,
    pub resource_name: String,
}

impl Default for AlterConfigsResourceResponse {
    fn default() -> Self {
        Self {
            error_code: 0,
            error_message: Some(String::new()),
            resource_type: 0,
            resource_name: String::new(),
        }
    }
}

impl AlterConfigsResourceResponse {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 1);
        let mut it = Self::default();
        it.error_code = r.i16()?;
        it.error_message = r.nullable_string(form)?;
        it.resource_type = r.i8()?;
        it.resource_name = r.string(form)?;
        if version >= 1 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 1);
        w.i16(self.error_code);
        w.nullable_string(self.error_message.as_deref(), form)?;
        w.i8(self.resource_type);
        w.string(&self.resource_name, form)?;
        if version >= 1 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Response for IncrementalAlterConfigsResponse {
    const API: ApiKey = ApiKey::IncrementalAlterConfigs;
}
