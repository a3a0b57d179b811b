//! Frames and headers: a 4-byte length, a header, a body.
//!
//! Promises: the header of every version as Kafka lays it out, the odd cases included (ApiVersions
//! responses, the client id's classic length). Does not: read from a socket, choose versions.

use model::Buf;

use crate::api::{Api, Form, Message, Request, Response};
use crate::error::{DecodeError, EncodeError};
use crate::messages::{APIS, ApiKey};
use crate::{Frame, Reader, Writer};

/// Size of the length prefix.
pub const LENGTH_BYTES: usize = 4;

/// Largest frame of a client that is logged in, Kafka's `socket.request.max.bytes` default.
pub const REQUEST_BYTES_MAX: usize = 104_857_600;
/// Largest frame before and during login, Kafka's `sasl.server.max.receive.size` default.
pub const REQUEST_BYTES_BEFORE_LOGIN_MAX: usize = 524_288;

/// The size of the frame behind a length prefix, without the prefix.
///
/// # Errors
/// [`DecodeError::FrameLength`] when it is negative or above `limit_bytes`: close the connection.
pub fn frame_size(prefix: [u8; LENGTH_BYTES], limit_bytes: usize) -> Result<usize, DecodeError> {
    let length = i32::from_be_bytes(prefix);
    match usize::try_from(length) {
        Ok(size_bytes) if size_bytes <= limit_bytes => Ok(size_bytes),
        _ => Err(DecodeError::FrameLength { length, limit_bytes }),
    }
}

/// The first whole frame in `received`, without its prefix, and what comes after it.
/// `None` when more bytes must arrive.
///
/// # Errors
/// As [`frame_size`].
pub fn split_frame(received: &Buf, limit_bytes: usize) -> Result<Option<(Buf, Buf)>, DecodeError> {
    let Some(prefix) = received.first_chunk::<LENGTH_BYTES>() else { return Ok(None) };
    let end = LENGTH_BYTES + frame_size(*prefix, limit_bytes)?;
    Ok(received.get(LENGTH_BYTES..end).zip(received.get(end..)))
}

/// What every request starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestHeader<'f> {
    pub api: &'static Api,
    pub version: i16,
    pub correlation_id: i32,
    pub client_id: Option<&'f str>,
}

/// Reads the header of a request frame (without its length prefix); the reader stands at the body.
///
/// The version is inside the API's range. Produce 0 to 2 are refused here although ApiVersions
/// lists them.
///
/// # Errors
/// [`DecodeError::ApiVersionsTooNew`] wants a reply; all others close the connection.
pub fn decode_request_header(frame: &Buf) -> Result<(RequestHeader<'_>, Reader<'_>), DecodeError> {
    let mut reader = Reader::new(frame);
    let api_key = reader.i16()?;
    let version = reader.i16()?;
    let correlation_id = reader.i32()?;
    let api = Api::of(api_key).ok_or(DecodeError::UnknownApi { api_key })?;
    if !api.supports(version) {
        return Err(if api.key == ApiKey::ApiVersions && version > api.version_max {
            DecodeError::ApiVersionsTooNew { correlation_id, version }
        } else {
            DecodeError::UnsupportedVersion { api_key, version }
        });
    }
    let client_id = reader.nullable_str(Form::Classic)?;
    if api.request_header_version(version) >= 2 {
        reader.skip_tagged_fields()?;
    }
    Ok((RequestHeader { api, version, correlation_id, client_id }, reader))
}

impl Api {
    /// The row of an API key, `None` when this crate does not know it.
    #[must_use]
    pub fn of(api_key: i16) -> Option<&'static Self> {
        APIS.iter().find(|api| api.key as i16 == api_key)
    }
}

impl ApiKey {
    /// This API's row.
    ///
    /// # Panics
    /// Never: every key has a row.
    #[must_use]
    pub fn api(self) -> &'static Api {
        match Api::of(self as i16) {
            Some(api) => api,
            None => unreachable!("{self:?} has no row in the API table"),
        }
    }
}

/// A request as the client sends it, records as pieces of their own.
///
/// # Errors
/// As [`Message::encode`], or the frame exceeds `limit_bytes`.
pub fn encode_request<R: Request>(
    request: &R,
    version: i16,
    correlation_id: i32,
    client_id: Option<&str>,
    limit_bytes: usize,
) -> Result<Frame, EncodeError> {
    let mut writer = Writer::new(limit_bytes);
    writer.reserve_i32();
    writer.i16(R::API as i16);
    writer.i16(version);
    writer.i32(correlation_id);
    writer.nullable_string(client_id, Form::Classic)?;
    if R::API.api().request_header_version(version) >= 2 {
        writer.unsigned_varint(0);
    }
    request.encode(&mut writer, version)?;
    writer.finish()
}

/// Starts a response frame: length prefix and header. The body follows, then [`Writer::finish`].
pub fn begin_response(writer: &mut Writer, api: ApiKey, version: i16, correlation_id: i32) {
    writer.reserve_i32();
    writer.i32(correlation_id);
    if api.api().response_header_version(version) >= 1 {
        writer.unsigned_varint(0);
    }
}

/// A response as the broker sends it.
///
/// # Errors
/// As [`Message::encode`], or the frame exceeds `limit_bytes`.
pub fn encode_response<R: Response>(
    response: &R,
    version: i16,
    correlation_id: i32,
    limit_bytes: usize,
) -> Result<Frame, EncodeError> {
    let mut writer = Writer::new(limit_bytes);
    begin_response(&mut writer, R::API, version, correlation_id);
    response.encode(&mut writer, version)?;
    writer.finish()
}

/// The correlation id of a response frame (without its length prefix).
///
/// # Errors
/// [`DecodeError::Truncated`].
pub fn decode_correlation_id(frame: &Buf) -> Result<i32, DecodeError> {
    Reader::new(frame).i32()
}

/// The correlation id and body of a response frame (without its length prefix) to a request of
/// `version`.
///
/// # Errors
/// The bytes are not that response.
pub fn decode_response<R: Response>(frame: &Buf, version: i16) -> Result<(i32, R), DecodeError> {
    let mut reader = Reader::new(frame);
    let correlation_id = reader.i32()?;
    if R::API.api().response_header_version(version) >= 1 {
        reader.skip_tagged_fields()?;
    }
    Ok((correlation_id, <R as Message>::decode(&mut reader, version)?))
}
