//! ApiVersions: which versions a broker speaks. v3 adds the client's name, v4 keeps features
//! whose minimum is 0. KIP-35, KIP-511, KIP-584.
//!
//! Generated from `schemas/api_versions.schema` by `cargo x codegen`.

#![allow(clippy::field_reassign_with_default, reason = "one statement per field")]

use crate::api::{Form, Message, Request, Response};
use crate::error::{DecodeError, EncodeError};
use crate::messages::ApiKey;
use crate::{Reader, Writer};

/// Kafka's `ApiVersionsRequest`, versions 0 to 4.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ApiVersionsRequest {
    /// From version 3.
    pub client_software_name: String,
    /// From version 3.
    pub client_software_version: String,
}

impl Message for ApiVersionsRequest {
    const NAME: &'static str = "ApiVersionsRequest";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 4;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=4).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::ApiVersions as i16,
                version,
            });
        }
        let form = Form::of(version >= 3);
        let mut it = Self::default();
        if version >= 3 {
            it.client_software_name = r.string(form)?;
        }
        if version >= 3 {
            it.client_software_version = r.string(form)?;
        }
        if version >= 3 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=4).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 3);
        if version >= 3 {
            w.string(&self.client_software_name, form)?;
        }
        if version >= 3 {
            w.string(&self.client_software_version, form)?;
        }
        if version >= 3 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Request for ApiVersionsRequest {
    const API: ApiKey = ApiKey::ApiVersions;
    type Response = ApiVersionsResponse;
}

/// Kafka's `ApiVersionsResponse`, versions 0 to 4.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiVersionsResponse {
    pub error_code: i16,
    pub api_keys: Vec<ApiVersion>,
    /// From version 1.
    pub throttle_time_ms: i32,
    /// From version 3, tag 0.
    pub supported_features: Vec<SupportedFeatureKey>,
    /// From version 3, tag 1, default -1.
    pub finalized_features_epoch: i64,
    /// From version 3, tag 2.
    pub finalized_features: Vec<FinalizedFeatureKey>,
    /// From version 3, tag 3.
    pub zk_migration_ready: bool,
}

impl Default for ApiVersionsResponse {
    fn default() -> Self {
        Self {
            error_code: 0,
            api_keys: Vec::new(),
            throttle_time_ms: 0,
            supported_features: Vec::new(),
            finalized_features_epoch: -1,
            finalized_features: Vec::new(),
            zk_migration_ready: false,
        }
    }
}

impl Message for ApiVersionsResponse {
    const NAME: &'static str = "ApiVersionsResponse";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 4;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=4).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::ApiVersions as i16,
                version,
            });
        }
        let form = Form::of(version >= 3);
        let mut it = Self::default();
        it.error_code = r.i16()?;
        it.api_keys = r.array(form, 6, |r| ApiVersion::decode(r, version))?;
        if version >= 1 {
            it.throttle_time_ms = r.i32()?;
        }
        if version >= 3 {
            r.tagged_fields(|tag, r| {
                match tag {
                    0 if version >= 3 => {
                        it.supported_features =
                            r.array(form, 5, |r| SupportedFeatureKey::decode(r, version))?;
                    }
                    1 if version >= 3 => {
                        it.finalized_features_epoch = r.i64()?;
                    }
                    2 if version >= 3 => {
                        it.finalized_features =
                            r.array(form, 5, |r| FinalizedFeatureKey::decode(r, version))?;
                    }
                    3 if version >= 3 => {
                        it.zk_migration_ready = r.bool()?;
                    }
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=4).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 3);
        w.i16(self.error_code);
        w.array(&self.api_keys, form, |w, it| it.encode(w, version))?;
        if version >= 1 {
            w.i32(self.throttle_time_ms);
        }
        let has_supported_features = version >= 3 && !self.supported_features.is_empty();
        let has_finalized_features_epoch = version >= 3 && self.finalized_features_epoch != -1;
        let has_finalized_features = version >= 3 && !self.finalized_features.is_empty();
        let has_zk_migration_ready = version >= 3 && self.zk_migration_ready;
        if version >= 3 {
            w.unsigned_varint(
                u32::from(has_supported_features)
                    + u32::from(has_finalized_features_epoch)
                    + u32::from(has_finalized_features)
                    + u32::from(has_zk_migration_ready),
            );
            if has_supported_features {
                w.tagged(0, |w| {
                    w.array(&self.supported_features, form, |w, it| it.encode(w, version))?;
                    Ok(())
                })?;
            }
            if has_finalized_features_epoch {
                w.tagged(1, |w| {
                    w.i64(self.finalized_features_epoch);
                    Ok(())
                })?;
            }
            if has_finalized_features {
                w.tagged(2, |w| {
                    w.array(&self.finalized_features, form, |w, it| it.encode(w, version))?;
                    Ok(())
                })?;
            }
            if has_zk_migration_ready {
                w.tagged(3, |w| {
                    w.bool(self.zk_migration_ready);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }
}

/// Kafka's `ApiVersion`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ApiVersion {
    pub api_key: i16,
    pub min_version: i16,
    pub max_version: i16,
}

impl ApiVersion {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let mut it = Self::default();
        it.api_key = r.i16()?;
        it.min_version = r.i16()?;
        it.max_version = r.i16()?;
        if version >= 3 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        w.i16(self.api_key);
        w.i16(self.min_version);
        w.i16(self.max_version);
        if version >= 3 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `SupportedFeatureKey`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SupportedFeatureKey {
    pub name: String,
    pub min_version: i16,
    pub max_version: i16,
}

impl SupportedFeatureKey {
    pub(crate) fn decode(r: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let form = Form::Flexible;
        let mut it = Self::default();
        it.name = r.string(form)?;
        it.min_version = r.i16()?;
        it.max_version = r.i16()?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        let form = Form::Flexible;
        w.string(&self.name, form)?;
        w.i16(self.min_version);
        w.i16(self.max_version);
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `FinalizedFeatureKey`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FinalizedFeatureKey {
    pub name: String,
    pub max_version_level: i16,
    pub min_version_level: i16,
}

impl FinalizedFeatureKey {
    pub(crate) fn decode(r: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let form = Form::Flexible;
        let mut it = Self::default();
        it.name = r.string(form)?;
        it.max_version_level = r.i16()?;
        it.min_version_level = r.i16()?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        let form = Form::Flexible;
        w.string(&self.name, form)?;
        w.i16(self.max_version_level);
        w.i16(self.min_version_level);
        w.unsigned_varint(0);
        Ok(())
    }
}

impl Response for ApiVersionsResponse {
    const API: ApiKey = ApiKey::ApiVersions;
}
