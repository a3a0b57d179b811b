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

/// Most array elements of one request, all its arrays together. A decoded element takes up to some
/// hundred bytes, so that a frame of a few MiB cannot grow into gigabytes.
pub const REQUEST_ELEMENTS_MAX: u32 = 1 << 20;

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
/// ```
/// let received = model::Buf::from(vec![0, 0, 0, 2, b'h', b'i', 0, 0]);
/// let (frame, rest) = wire::frame::split_frame(&received, 100).unwrap().unwrap();
/// assert_eq!((&frame[..], rest.len()), (&b"hi"[..], 2));
/// ```
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
    let mut reader = Reader::with_elements_max(frame, REQUEST_ELEMENTS_MAX);
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
/// ```
/// use wire::{Message, frame, messages::metadata::MetadataRequest};
/// let request = MetadataRequest { topics: None, ..MetadataRequest::default() };
/// let frame = frame::encode_request(&request, 12, 1, Some("me"), 1024).unwrap();
/// let received = model::Buf::from(frame.into_vec()).slice(frame::LENGTH_BYTES..);
/// let (header, mut body) = frame::decode_request_header(&received).unwrap();
/// assert_eq!(MetadataRequest::decode(&mut body, header.version), Ok(request));
/// ```
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::api_versions::ApiVersionsRequest;
    use crate::messages::metadata::{MetadataRequest, MetadataResponse};

    const LIMIT: usize = 1 << 20;

    fn body_of(frame: Frame) -> Buf {
        Buf::from(frame.into_vec()).slice(LENGTH_BYTES..)
    }

    #[test]
    fn a_flexible_request_keeps_the_classic_client_id() {
        let request = ApiVersionsRequest {
            client_software_name: "x".to_owned(),
            client_software_version: "1".to_owned(),
        };
        let frame = encode_request(&request, 3, 7, Some("ab"), LIMIT).unwrap();
        #[rustfmt::skip]
        let expected = [
            0, 0, 0, 18,                // length
            0, 18, 0, 3,                // key, version
            0, 0, 0, 7,                 // correlation id
            0, 2, b'a', b'b',           // client id
            0,                          // header tags
            2, b'x', 2, b'1', 0,        // body
        ];
        assert_eq!(frame.size_bytes, expected.len());
        assert_eq!(frame.clone().into_vec(), expected);
        let body = body_of(frame);
        let (header, mut reader) = decode_request_header(&body).unwrap();
        assert_eq!((header.version, header.correlation_id, header.client_id), (3, 7, Some("ab")));
        assert_eq!(ApiVersionsRequest::decode(&mut reader, 3), Ok(request));
    }

    #[test]
    fn only_api_versions_responses_keep_the_plain_header() {
        for api in APIS {
            let plain = api.response_header_version(api.version_max) == 0;
            // OffsetDelete has no flexible version at all.
            let never_flexible = api.flexible_from > api.version_max;
            assert_eq!(plain, never_flexible || api.key == ApiKey::ApiVersions, "{}", api.name);
        }
        let response = MetadataResponse::default();
        for version in 0..=MetadataResponse::VERSION_MAX {
            let body = body_of(encode_response(&response, version, -5, LIMIT).unwrap());
            let (correlation_id, again) = decode_response(&body, version).unwrap();
            assert_eq!((correlation_id, again), (-5, response.clone()), "v{version}");
        }
    }

    #[test]
    fn only_a_too_new_api_versions_request_asks_for_an_answer() {
        let header = |api_key: i16, version: i16| {
            let bytes =
                [api_key.to_be_bytes(), version.to_be_bytes(), [0, 0], [0, 9], [0xff, 0xff]];
            decode_request_header(&Buf::from(bytes.concat())).map(|_| ())
        };
        let too_new = DecodeError::ApiVersionsTooNew { correlation_id: 9, version: 5 };
        assert_eq!(header(18, 5), Err(too_new));
        assert_eq!(header(0, 2), Err(DecodeError::UnsupportedVersion { api_key: 0, version: 2 }));
        assert_eq!(header(999, 0), Err(DecodeError::UnknownApi { api_key: 999 }));
        assert_eq!(header(3, 0), Ok(()));
    }

    #[test]
    fn frames_are_split_at_their_length() {
        let received = Buf::from(vec![0, 0, 0, 2, 1, 2, 0, 0]);
        let (frame, rest) = split_frame(&received, 10).unwrap().unwrap();
        assert_eq!((&frame[..], &rest[..]), (&[1, 2][..], &[0, 0][..]));
        assert_eq!(split_frame(&rest, 10), Ok(None));
        assert_eq!(split_frame(&received.slice(..5), 10), Ok(None));
        let error = DecodeError::FrameLength { length: 2, limit_bytes: 1 };
        assert_eq!(split_frame(&received, 1), Err(error));
        let negative = Buf::from(vec![0xff; 4]);
        let error = DecodeError::FrameLength { length: -1, limit_bytes: 10 };
        assert_eq!(split_frame(&negative, 10), Err(error));
    }

    #[test]
    fn a_count_that_the_frame_cannot_hold_is_refused_before_anything_is_reserved() {
        let count = Buf::from(vec![0x7f, 0xff, 0xff, 0xff, 0, 0]);
        let decoded = MetadataRequest::decode(&mut Reader::new(&count), 1);
        assert_eq!(decoded, Err(DecodeError::Length { at: 0, length: i64::from(i32::MAX) }));
    }

    #[test]
    fn the_arrays_of_one_message_are_bounded_together() {
        let body = Buf::from([&[0, 0, 0, 4][..], &[0; 8]].concat());
        let decode = |elements_max| {
            let mut reader = Reader::with_elements_max(&body, elements_max);
            MetadataRequest::decode(&mut reader, 1).map(|it| it.topics.map_or(0, |it| it.len()))
        };
        assert_eq!(decode(4), Ok(4));
        assert_eq!(decode(3), Err(DecodeError::Elements { at: 0 }));
    }

    #[test]
    fn a_message_beyond_the_limit_is_not_sent() {
        let request = MetadataRequest::default();
        let encoded = encode_request(&request, 1, 1, Some("a client"), 16);
        assert_eq!(encoded, Err(EncodeError::TooLarge { limit_bytes: 16 }));
    }

    #[test]
    fn repeated_or_unsorted_tags_are_refused_and_unknown_ones_skipped() {
        let decode = |tags: &[u8]| {
            let body = Buf::from([&[1, 1][..], tags].concat());
            ApiVersionsRequest::decode(&mut Reader::new(&body), 3).map(|_| ())
        };
        assert_eq!(decode(&[2, 5, 1, 0, 9, 0]), Ok(()));
        assert_eq!(decode(&[2, 5, 1, 0, 5, 0]), Err(DecodeError::TagOrder { at: 6, tag: 5 }));
        assert_eq!(decode(&[2, 5, 0, 4, 0]), Err(DecodeError::TagOrder { at: 5, tag: 4 }));
        assert_eq!(decode(&[1, 5, 9, 0]), Err(DecodeError::Truncated { at: 3 }));
    }
}
