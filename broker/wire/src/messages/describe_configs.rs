//! DescribeConfigs: configuration with source, synonyms, and since v3 type and text. KIP-133,
//! KIP-226, KIP-569.
//!
//! Generated from `schemas/describe_configs.schema` by `cargo x codegen`.

#![allow(clippy::field_reassign_with_default, reason = "one statement per field")]

use crate::api::{Form, Message, Request, Response};
use crate::error::{DecodeError, EncodeError};
use crate::messages::ApiKey;
use crate::{Reader, Writer};

/// Kafka's `DescribeConfigsRequest`, versions 1 to 4.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeConfigsRequest {
    pub resources: Vec<DescribeConfigsResource>,
    pub include_synonyms: bool,
    /// From version 3.
    pub include_documentation: bool,
}

impl Message for DescribeConfigsRequest {
    const NAME: &'static str = "DescribeConfigsRequest";
    const VERSION_MIN: i16 = 1;
    const VERSION_MAX: i16 = 4;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(1..=4).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::DescribeConfigs as i16,
                version,
            });
        }
        let form = Form::of(version >= 4);
        let mut it = Self::default();
        it.resources = r.array(form, 3, |r| DescribeConfigsResource::decode(r, version))?;
        it.include_synonyms = r.bool()?;
        if version >= 3 {
            it.include_documentation = r.bool()?;
        }
        if version >= 4 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(1..=4).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 4);
        w.array(&self.resources, form, |w, it| it.encode(w, version))?;
        w.bool(self.include_synonyms);
        if version >= 3 {
            w.bool(self.include_documentation);
        } else if self.include_documentation {
            return Err(EncodeError::NotInVersion {
                field: "DescribeConfigsRequest.include_documentation",
                version,
            });
        }
        if version >= 4 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `DescribeConfigsResource`.
#[derive(Debug, Clone, PartialEq)]
pub struct DescribeConfigsResource {
    pub resource_type: i8,
    pub resource_name: String,
    pub configuration_keys: Option<Vec<String>>,
}

impl Default for DescribeConfigsResource {
    fn default() -> Self {
        Self {
            resource_type: 0,
            resource_name: String::new(),
            configuration_keys: Some(Vec::new()),
        }
    }
}

impl DescribeConfigsResource {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 4);
        let mut it = Self::default();
        it.resource_type = r.i8()?;
        it.resource_name = r.string(form)?;
        it.configuration_keys = r.nullable_array(form, 1, |r| r.string(form))?;
        if version >= 4 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 4);
        w.i8(self.resource_type);
        w.string(&self.resource_name, form)?;
        w.nullable_array(self.configuration_keys.as_deref(), form, |w, it| w.string(it, form))?;
        if version >= 4 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Request for DescribeConfigsRequest {
    const API: ApiKey = ApiKey::DescribeConfigs;
    type Response = DescribeConfigsResponse;
}

/// Kafka's `DescribeConfigsResponse`, versions 1 to 4.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeConfigsResponse {
    pub throttle_time_ms: i32,
    pub results: Vec<DescribeConfigsResult>,
}

impl Message for DescribeConfigsResponse {
    const NAME: &'static str = "DescribeConfigsResponse";
    const VERSION_MIN: i16 = 1;
    const VERSION_MAX: i16 = 4;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(1..=4).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::DescribeConfigs as i16,
                version,
            });
        }
        let form = Form::of(version >= 4);
        let mut it = Self::default();
        it.throttle_time_ms = r.i32()?;
        it.results = r.array(form, 6, |r| DescribeConfigsResult::decode(r, version))?;
        if version >= 4 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(1..=4).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 4);
        w.i32(self.throttle_time_ms);
        w.array(&self.results, form, |w, it| it.encode(w, version))?;
        if version >= 4 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `DescribeConfigsResult`.
#[derive(Debug, Clone, PartialEq)]
pub struct DescribeConfigsResult {
    pub error_code: i16,
    pub error_message: Option<String>,
    pub resource_type: i8,
    pub resource_name: String,
    pub configs: Vec<DescribeConfigsResourceResult>,
}

impl Default for DescribeConfigsResult {
    fn default() -> Self {
        Self {
            error_code: 0,
            error_message: Some(String::new()),
            resource_type: 0,
            resource_name: String::new(),
            configs: Vec::new(),
        }
    }
}

impl DescribeConfigsResult {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 4);
        let mut it = Self::default();
        it.error_code = r.i16()?;
        it.error_message = r.nullable_string(form)?;
        it.resource_type = r.i8()?;
        it.resource_name = r.string(form)?;
        it.configs = r.array(form, 6, |r| DescribeConfigsResourceResult::decode(r, version))?;
        if version >= 4 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 4);
        w.i16(self.error_code);
        w.nullable_string(self.error_message.as_deref(), form)?;
        w.i8(self.resource_type);
        w.string(&self.resource_name, form)?;
        w.array(&self.configs, form, |w, it| it.encode(w, version))?;
        if version >= 4 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `DescribeConfigsResourceResult`.
#[derive(Debug, Clone, PartialEq)]
pub struct DescribeConfigsResourceResult {
    pub name: String,
    pub value: Option<String>,
    pub read_only: bool,
    /// Default -1.
    pub config_source: i8,
    pub is_sensitive: bool,
    pub synonyms: Vec<DescribeConfigsSynonym>,
    /// From version 3.
    pub config_type: i8,
    /// From version 3.
    pub documentation: Option<String>,
}

impl Default for DescribeConfigsResourceResult {
    fn default() -> Self {
        Self {
            name: String::new(),
            value: Some(String::new()),
            read_only: false,
            config_source: -1,
            is_sensitive: false,
            synonyms: Vec::new(),
            config_type: 0,
            documentation: Some(String::new()),
        }
    }
}

impl DescribeConfigsResourceResult {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 4);
        let mut it = Self::default();
        it.name = r.string(form)?;
        it.value = r.nullable_string(form)?;
        it.read_only = r.bool()?;
        it.config_source = r.i8()?;
        it.is_sensitive = r.bool()?;
        it.synonyms = r.array(form, 3, |r| DescribeConfigsSynonym::decode(r, version))?;
        if version >= 3 {
            it.config_type = r.i8()?;
        }
        if version >= 3 {
            it.documentation = r.nullable_string(form)?;
        }
        if version >= 4 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 4);
        w.string(&self.name, form)?;
        w.nullable_string(self.value.as_deref(), form)?;
        w.bool(self.read_only);
        w.i8(self.config_source);
        w.bool(self.is_sensitive);
        w.array(&self.synonyms, form, |w, it| it.encode(w, version))?;
        if version >= 3 {
            w.i8(self.config_type);
        }
        if version >= 3 {
            w.nullable_string(self.documentation.as_deref(), form)?;
        }
        if version >= 4 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `DescribeConfigsSynonym`.
#[derive(Debug, Clone, PartialEq)]
pub struct DescribeConfigsSynonym {
    pub name: String,
    pub value: Option<String>,
    pub source: i8,
}

impl Default for DescribeConfigsSynonym {
    fn default() -> Self {
        Self { name: String::new(), value: Some(String::new()), source: 0 }
    }
}

impl DescribeConfigsSynonym {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::of(version >= 4);
        let mut it = Self::default();
        it.name = r.string(form)?;
        it.value = r.nullable_string(form)?;
        it.source = r.i8()?;
        if version >= 4 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::of(version >= 4);
        w.string(&self.name, form)?;
        w.nullable_string(self.value.as_deref(), form)?;
        w.i8(self.source);
        if version >= 4 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Response for DescribeConfigsResponse {
    const API: ApiKey = ApiKey::DescribeConfigs;
}
