//! From a frame to the handler of its API.

use std::rc::Rc;

use model::Buf;
use runtime::{Conn, Runtime};
use wire::frame::{decode_request_header, encode_response};
use wire::{ApiKey, DecodeError, Message, Reader, Request};

use super::owed::Outgoing;
use super::{Close, RequestContext};
use crate::advertised;
use crate::handlers::api_versions;
use crate::shard::Shard;

/// Runs a request to its reply.
pub(super) async fn respond<R: Runtime>(
    shard: &Rc<Shard<R>>,
    conn: &R::Conn,
    listener: usize,
    frame: &Buf,
) -> Result<Outgoing<R>, Close> {
    let (header, reader) = match decode_request_header(frame) {
        Ok(decoded) => decoded,
        Err(DecodeError::ApiVersionsTooNew { correlation_id, .. }) => {
            let response = api_versions::respond_too_new();
            let frame = encode_response(&response, 0, correlation_id, shard.limits.response_bytes)
                .map_err(
                    super::owed::unencodable::<wire::messages::api_versions::ApiVersionsResponse>,
                )?;
            return Ok(Outgoing::with_records(frame, Vec::new()));
        }
        Err(error) => return Err(error.into()),
    };
    if !advertised::serves(header.api, header.version) {
        return Err(Close::UnsupportedVersion { api: header.api.name, version: header.version });
    }
    let context = RequestContext {
        peer: conn.peer_addr(),
        listener,
        version: header.version,
        correlation_id: header.correlation_id,
        client_id: header.client_id,
    };
    let (shard, context) = (shard.as_ref(), &context);
    // Boxed: a connection's own future stays small, and none of these is on the hot path.
    match header.api.key {
        ApiKey::ApiVersions => {
            let handler = async |_: &Shard<R>, context: &RequestContext<'_>, request| {
                Ok(api_versions::respond(&request, context.version, 0))
            };
            answer(shard, context, reader, handler).await
        }
        key => {
            let api_key = key as i16;
            Err(DecodeError::UnknownApi { api_key }.into())
        }
    }
}

/// Decodes the body, runs the handler, encodes its response.
async fn answer<'a, R: Runtime, Q: Request>(
    shard: &'a Shard<R>,
    context: &'a RequestContext<'a>,
    mut reader: Reader<'_>,
    handler: impl AsyncFnOnce(&'a Shard<R>, &'a RequestContext<'a>, Q) -> Result<Q::Response, Close>,
) -> Result<Outgoing<R>, Close> {
    let request = <Q as Message>::decode(&mut reader, context.version)?;
    let response = Box::pin(handler(shard, context, request)).await?;
    Outgoing::encode(&response, context, shard.limits.response_bytes)
}
