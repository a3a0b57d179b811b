//! What a handler may know about where a request came from.

use std::net::SocketAddr;

/// One request's header and origin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestContext<'f> {
    /// Index into `Boot::listeners`: which addresses this client may be told.
    pub(crate) listener: usize,
    pub(crate) version: i16,
    pub(crate) correlation_id: i32,
    pub(crate) client_id: Option<&'f str>,
    pub(crate) peer: SocketAddr,
}
