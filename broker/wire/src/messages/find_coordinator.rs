//! FindCoordinator: the broker that coordinates a group, transactional id or share partition. v4
//! several keys. KIP-699, KIP-932.
//!
//! Generated from `schemas/find_coordinator.schema` by `cargo x codegen`.

#![allow(clippy::field_reassign_with_default, reason = "one statement per field")]

use crate::api::{Form, Message, Request, Response};
use crate::error::{DecodeError, EncodeError};
use crate::messages::ApiKey;
use crate::{Reader, Writer};

/// Kafka's `FindCoordinatorRequest`, versions 0 to 6.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FindCoordinatorRequest {
    /// Versions 0 to 3.
    pub key: String,
    /// From version 1.
    pub key_type: i8,
    /// From version 4.
    pub coordinator_keys: Vec<String>,
}

impl Message for FindCoordinatorRequest {
    const NAME: &'static str = "FindCoordinatorRequest";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 6;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=6).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::FindCoordinator as i16,
                version,
            });
        }
        let form = Form::of(version >= 3);
        let mut it = Self::default();
        if version <= 3 {
            it.key = r.string(form)?;
        }
        if version >= 1 {
            it.key_type = r.i8()?;
        }
        if version >= 4 {
            it.coordinator_keys = r.array(form, 1, |r| r.string(form))?;
        }
        if version >= 3 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=6).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 3);
        if version <= 3 {
            w.string(&self.key, form)?;
        } else if !self.key.is_empty() {
            return Err(EncodeError::NotInVersion { field: "FindCoordinatorRequest.key", version });
        }
        if version >= 1 {
            w.i8(self.key_type);
        } else if self.key_type != 0 {
            return Err(EncodeError::NotInVersion {
                field: "FindCoordinatorRequest.key_type",
                version,
            });
        }
        if version >= 4 {
            w.array(&self.coordinator_keys, form, |w, it| w.string(it, form))?;
        } else if !self.coordinator_keys.is_empty() {
            return Err(EncodeError::NotInVersion {
                field: "FindCoordinatorRequest.coordinator_keys",
                version,
            });
        }
        if version >= 3 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Request for FindCoordinatorRequest {
    const API: ApiKey = ApiKey::FindCoordinator;
    type Response = FindCoordinatorResponse;
}

/// Kafka's `FindCoordinatorResponse`, versions 0 to 6.
#[derive(Debug, Clone, PartialEq)]
pub struct FindCoordinatorResponse {
    /// From version 1.
    pub throttle_time_ms: i32,
    /// Versions 0 to 3.
    pub error_code: i16,
    /// Versions 1 to 3.
    pub error_message: Option<String>,
    /// Versions 0 to 3.
    pub node_id: i32,
    /// Versions 0 to 3.
    pub host: String,
    /// Versions 0 to 3.
    pub port: i32,
    /// From version 4.
    pub coordinators: Vec<Coordinator>,
}

impl Default for FindCoordinatorResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            error_code: 0,
            error_message: Some(String::new()),
            node_id: 0,
            host: String::new(),
            port: 0,
            coordinators: Vec::new(),
        }
    }
}

impl Message for FindCoordinatorResponse {
    const NAME: &'static str = "FindCoordinatorResponse";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 6;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=6).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::FindCoordinator as i16,
                version,
            });
        }
        let form = Form::of(version >= 3);
        let mut it = Self::default();
        if version >= 1 {
            it.throttle_time_ms = r.i32()?;
        }
        if version <= 3 {
            it.error_code = r.i16()?;
        }
        if (1..=3).contains(&version) {
            it.error_message = r.nullable_string(form)?;
        }
        if version <= 3 {
            it.node_id = r.i32()?;
        }
        if version <= 3 {
            it.host = r.string(form)?;
        }
        if version <= 3 {
            it.port = r.i32()?;
        }
        if version >= 4 {
            it.coordinators = r.array(form, 13, |r| Coordinator::decode(r, version))?;
        }
        if version >= 3 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=6).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 3);
        if version >= 1 {
            w.i32(self.throttle_time_ms);
        }
        if version <= 3 {
            w.i16(self.error_code);
        } else if self.error_code != 0 {
            return Err(EncodeError::NotInVersion {
                field: "FindCoordinatorResponse.error_code",
                version,
            });
        }
        if (1..=3).contains(&version) {
            w.nullable_string(self.error_message.as_deref(), form)?;
        }
        if version <= 3 {
            w.i32(self.node_id);
        } else if self.node_id != 0 {
            return Err(EncodeError::NotInVersion {
                field: "FindCoordinatorResponse.node_id",
                version,
            });
        }
        if version <= 3 {
            w.string(&self.host, form)?;
        } else if !self.host.is_empty() {
            return Err(EncodeError::NotInVersion {
                field: "FindCoordinatorResponse.host",
                version,
            });
        }
        if version <= 3 {
            w.i32(self.port);
        } else if self.port != 0 {
            return Err(EncodeError::NotInVersion {
                field: "FindCoordinatorResponse.port",
                version,
            });
        }
        if version >= 4 {
            w.array(&self.coordinators, form, |w, it| it.encode(w, version))?;
        } else if !self.coordinators.is_empty() {
            return Err(EncodeError::NotInVersion {
                field: "FindCoordinatorResponse.coordinators",
                version,
            });
        }
        if version >= 3 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

/// Kafka's `Coordinator`.
#[derive(Debug, Clone, PartialEq)]
pub struct Coordinator {
    pub key: String,
    pub node_id: i32,
    pub host: String,
    pub port: i32,
    pub error_code: i16,
    pub error_message: Option<String>,
}

impl Default for Coordinator {
    fn default() -> Self {
        Self {
            key: String::new(),
            node_id: 0,
            host: String::new(),
            port: 0,
            error_code: 0,
            error_message: Some(String::new()),
        }
    }
}

impl Coordinator {
    pub(crate) fn decode(r: &mut Reader<'_>, _version: i16) -> Result<Self, DecodeError> {
        let form = Form::Flexible;
        let mut it = Self::default();
        it.key = r.string(form)?;
        it.node_id = r.i32()?;
        it.host = r.string(form)?;
        it.port = r.i32()?;
        it.error_code = r.i16()?;
        it.error_message = r.nullable_string(form)?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, _version: i16) -> Result<(), EncodeError> {
        let form = Form::Flexible;
        w.string(&self.key, form)?;
        w.i32(self.node_id);
        w.string(&self.host, form)?;
        w.i32(self.port);
        w.i16(self.error_code);
        w.nullable_string(self.error_message.as_deref(), form)?;
        w.unsigned_varint(0);
        Ok(())
    }
}

impl Response for FindCoordinatorResponse {
    const API: ApiKey = ApiKey::FindCoordinator;
}
