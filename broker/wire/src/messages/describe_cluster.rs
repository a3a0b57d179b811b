//! DescribeCluster: cluster id, controller and brokers. v1 endpoint type, v2 fenced brokers.
//! KIP-700, KIP-919, KIP-1073.
//!
//! Generated from `schemas/describe_cluster.schema` by `cargo x codegen`.

#![allow(clippy::field_reassign_with_default, reason = "one statement per field")]

use crate::api::{Form, Message, Request, Response};
use crate::error::{DecodeError, EncodeError};
use crate::messages::ApiKey;
use crate::{Reader, Writer};

/// Kafka's `DescribeClusterRequest`, versions 0 to 2.
#[derive(Debug, Clone, PartialEq)]
pub struct DescribeClusterRequest {
    pub include_cluster_authorized_operations: bool,
    /// From version 1, default 1.
    pub endpoint_type: i8,
    /// From version 2.
    pub include_fenced_brokers: bool,
}

impl Default for DescribeClusterRequest {
    fn default() -> Self {
        Self {
            include_cluster_authorized_operations: false,
            endpoint_type: 1,
            include_fenced_brokers: false,
        }
    }
}

impl Message for DescribeClusterRequest {
    const NAME: &'static str = "DescribeClusterRequest";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 2;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=2).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::DescribeCluster as i16,
                version,
            });
        }
        let mut it = Self::default();
        it.include_cluster_authorized_operations = r.bool()?;
        if version >= 1 {
            it.endpoint_type = r.i8()?;
        }
        if version >= 2 {
            it.include_fenced_brokers = r.bool()?;
        }
        r.skip_tagged_fields()?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=2).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        w.bool(self.include_cluster_authorized_operations);
        if version >= 1 {
            w.i8(self.endpoint_type);
        } else if self.endpoint_type != 1 {
            return Err(EncodeError::NotInVersion {
                field: "DescribeClusterRequest.endpoint_type",
                version,
            });
        }
        if version >= 2 {
            w.bool(self.include_fenced_brokers);
        } else if self.include_fenced_brokers {
            return Err(EncodeError::NotInVersion {
                field: "DescribeClusterRequest.include_fenced_brokers",
                version,
            });
        }
        w.unsigned_varint(0);
        Ok(())
    }
}

impl Request for DescribeClusterRequest {
    const API: ApiKey = ApiKey::DescribeCluster;
    type Response = DescribeClusterResponse;
}

/// Kafka's `DescribeClusterResponse`, versions 0 to 2.
#[derive(Debug, Clone, PartialEq)]
pub struct DescribeClusterResponse {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    /// Default null.
    pub error_message: Option<String>,
    /// From version 1, default 1.
    pub endpoint_type: i8,
    pub cluster_id: String,
    /// Default -1.
    pub controller_id: i32,
    pub brokers: Vec<DescribeClusterBroker>,
    /// Default -2147483648.
    pub cluster_authorized_operations: i32,
}

impl Default for DescribeClusterResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            error_code: 0,
            error_message: None,
            endpoint_type: 1,
            cluster_id: String::new(),
            controller_id: -1,
            brokers: Vec::new(),
            cluster_authorized_operations: -2147483648,
        }
    }
}

impl Message for DescribeClusterResponse {
    const NAME: &'static str = "DescribeClusterResponse";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 2;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=2).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::DescribeCluster as i16,
                version,
            });
        }
        let form = Form::Flexible;
        let mut it = Self::default();
        it.throttle_time_ms = r.i32()?;
        it.error_code = r.i16()?;
        it.error_message = r.nullable_string(form)?;
        if version >= 1 {
            it.endpoint_type = r.i8()?;
        }
        it.cluster_id = r.string(form)?;
        it.controller_id = r.i32()?;
        it.brokers = r.array(form, 10, |r| DescribeClusterBroker::decode(r, version))?;
        it.cluster_authorized_operations = r.i32()?;
        r.skip_tagged_fields()?;
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=2).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::Flexible;
        w.i32(self.throttle_time_ms);
        w.i16(self.error_code);
        w.nullable_string(self.error_message.as_deref(), form)?;
        if version >= 1 {
            w.i8(self.endpoint_type);
        } else if self.endpoint_type != 1 {
            return Err(EncodeError::NotInVersion {
                field: "DescribeClusterResponse.endpoint_type",
                version,
            });
        }
        w.string(&self.cluster_id, form)?;
        w.i32(self.controller_id);
        w.array(&self.brokers, form, |w, it| it.encode(w, version))?;
        w.i32(self.cluster_authorized_operations);
        w.unsigned_varint(0);
        Ok(())
    }
}

/// Kafka's `DescribeClusterBroker`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DescribeClusterBroker {
    pub broker_id: i32,
    pub host: String,
    pub port: i32,
    /// Default null.
    pub rack: Option<String>,
    /// From version 2.
    pub is_fenced: bool,
}

impl DescribeClusterBroker {
    pub(crate) fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let form = Form::Flexible;
        let mut it = Self::default();
        it.broker_id = r.i32()?;
        it.host = r.string(form)?;
        it.port = r.i32()?;
        it.rack = r.nullable_string(form)?;
        if version >= 2 {
            it.is_fenced = r.bool()?;
        }
        r.skip_tagged_fields()?;
        Ok(it)
    }

    pub(crate) fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        let form = Form::Flexible;
        w.i32(self.broker_id);
        w.string(&self.host, form)?;
        w.i32(self.port);
        w.nullable_string(self.rack.as_deref(), form)?;
        if version >= 2 {
            w.bool(self.is_fenced);
        } else if self.is_fenced {
            return Err(EncodeError::NotInVersion {
                field: "DescribeClusterBroker.is_fenced",
                version,
            });
        }
        w.unsigned_varint(0);
        Ok(())
    }
}

impl Response for DescribeClusterResponse {
    const API: ApiKey = ApiKey::DescribeCluster;
}
