//! InitProducerId: a producer id and epoch. v3 continues an epoch, v6 two-phase commit
//! (unstable). KIP-98, KIP-360, KIP-939.
//!
//! Generated from `schemas/init_producer_id.schema` by `cargo x codegen`.

#![allow(clippy::field_reassign_with_default, reason = "one statement per field")]

use crate::api::{Form, Message, Request, Response};
use crate::error::{DecodeError, EncodeError};
use crate::messages::ApiKey;
use crate::{Reader, Writer};

/// Kafka's `InitProducerIdRequest`, versions 0 to 6.
#[derive(Debug, Clone, PartialEq)]
pub struct InitProducerIdRequest {
    pub transactional_id: Option<String>,
    pub transaction_timeout_ms: i32,
    /// From version 3, default -1.
    pub producer_id: i64,
    /// From version 3, default -1.
    pub producer_epoch: i16,
    /// From version 6.
    pub enable2_pc: bool,
    /// From version 6.
    pub keep_prepared_txn: bool,
}

impl Default for InitProducerIdRequest {
    fn default() -> Self {
        Self {
            transactional_id: Some(String::new()),
            transaction_timeout_ms: 0,
            producer_id: -1,
            producer_epoch: -1,
            enable2_pc: false,
            keep_prepared_txn: false,
        }
    }
}

impl Message for InitProducerIdRequest {
    const NAME: &'static str = "InitProducerIdRequest";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 6;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=6).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::InitProducerId as i16,
                version,
            });
        }
        let form = Form::of(version >= 2);
        let mut it = Self::default();
        it.transactional_id = r.nullable_string(form)?;
        it.transaction_timeout_ms = r.i32()?;
        if version >= 3 {
            it.producer_id = r.i64()?;
        }
        if version >= 3 {
            it.producer_epoch = r.i16()?;
        }
        if version >= 6 {
            it.enable2_pc = r.bool()?;
        }
        if version >= 6 {
            it.keep_prepared_txn = r.bool()?;
        }
        if version >= 2 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=6).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        let form = Form::of(version >= 2);
        w.nullable_string(self.transactional_id.as_deref(), form)?;
        w.i32(self.transaction_timeout_ms);
        if version >= 3 {
            w.i64(self.producer_id);
        } else if self.producer_id != -1 {
            return Err(EncodeError::NotInVersion {
                field: "InitProducerIdRequest.producer_id",
                version,
            });
        }
        if version >= 3 {
            w.i16(self.producer_epoch);
        } else if self.producer_epoch != -1 {
            return Err(EncodeError::NotInVersion {
                field: "InitProducerIdRequest.producer_epoch",
                version,
            });
        }
        if version >= 6 {
            w.bool(self.enable2_pc);
        } else if self.enable2_pc {
            return Err(EncodeError::NotInVersion {
                field: "InitProducerIdRequest.enable2_pc",
                version,
            });
        }
        if version >= 6 {
            w.bool(self.keep_prepared_txn);
        } else if self.keep_prepared_txn {
            return Err(EncodeError::NotInVersion {
                field: "InitProducerIdRequest.keep_prepared_txn",
                version,
            });
        }
        if version >= 2 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Request for InitProducerIdRequest {
    const API: ApiKey = ApiKey::InitProducerId;
    type Response = InitProducerIdResponse;
}

/// Kafka's `InitProducerIdResponse`, versions 0 to 6.
#[derive(Debug, Clone, PartialEq)]
pub struct InitProducerIdResponse {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    /// Default -1.
    pub producer_id: i64,
    pub producer_epoch: i16,
    /// From version 6, default -1.
    pub ongoing_txn_producer_id: i64,
    /// From version 6, default -1.
    pub ongoing_txn_producer_epoch: i16,
}

impl Default for InitProducerIdResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            error_code: 0,
            producer_id: -1,
            producer_epoch: 0,
            ongoing_txn_producer_id: -1,
            ongoing_txn_producer_epoch: -1,
        }
    }
}

impl Message for InitProducerIdResponse {
    const NAME: &'static str = "InitProducerIdResponse";
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 6;

    fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        if !(0..=6).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                api_key: ApiKey::InitProducerId as i16,
                version,
            });
        }
        let mut it = Self::default();
        it.throttle_time_ms = r.i32()?;
        it.error_code = r.i16()?;
        it.producer_id = r.i64()?;
        it.producer_epoch = r.i16()?;
        if version >= 6 {
            it.ongoing_txn_producer_id = r.i64()?;
        }
        if version >= 6 {
            it.ongoing_txn_producer_epoch = r.i16()?;
        }
        if version >= 2 {
            r.skip_tagged_fields()?;
        }
        Ok(it)
    }

    fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> {
        if !(0..=6).contains(&version) {
            return Err(EncodeError::Version { message: Self::NAME, version });
        }
        w.i32(self.throttle_time_ms);
        w.i16(self.error_code);
        w.i64(self.producer_id);
        w.i16(self.producer_epoch);
        if version >= 6 {
            w.i64(self.ongoing_txn_producer_id);
        } else if self.ongoing_txn_producer_id != -1 {
            return Err(EncodeError::NotInVersion {
                field: "InitProducerIdResponse.ongoing_txn_producer_id",
                version,
            });
        }
        if version >= 6 {
            w.i16(self.ongoing_txn_producer_epoch);
        } else if self.ongoing_txn_producer_epoch != -1 {
            return Err(EncodeError::NotInVersion {
                field: "InitProducerIdResponse.ongoing_txn_producer_epoch",
                version,
            });
        }
        if version >= 2 {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}

impl Response for InitProducerIdResponse {
    const API: ApiKey = ApiKey::InitProducerId;
}
