//! Kafka's protocol and record format: bytes in, values out.
//!
//! - [`frame`]: length prefix, headers; whole requests and responses.
//! - [`messages`]: one module per API, generated from `schemas/`; [`APIS`] lists versions and headers.
//!   A row says what can be encoded, not what a broker serves.
//! - [`ProduceView`], [`FetchResponseEncoder`]: the two hot messages without allocation per partition.
//! - [`batch`]: record batches in place, the produce checks, the builder; [`compression`].
//! - [`metadata`]: values of the metadata log; [`group_records`]: records of `__consumer_offsets`.
//! - [`consumer_protocol`]: what consumers put into JoinGroup and SyncGroup.
//!
//! Promises: record bytes are sliced and never copied between a frame and a batch; decoders return
//! typed errors, never panic, and reserve nothing on a peer's word; what an older version cannot
//! carry is refused, not dropped.
//! Does not: any I/O, choose versions, keep unknown tagged fields.
#![cfg_attr(not(any(test, feature = "fuzz")), deny(clippy::indexing_slicing, clippy::unwrap_used))]

mod api;
mod error;
mod reader;
mod writer;

pub mod consumer_protocol;
pub mod frame;
pub mod group_records;
pub mod messages;
pub mod metadata;

mod fetch_response;
mod produce_view;

pub mod batch;
pub mod compression;
pub mod varint;

#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
#[cfg(any(test, feature = "fuzz"))]
mod testing;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod round_trip;

pub use api::{Api, Form, Message, Request, Response, Uuid};
pub use error::{DecodeError, EncodeError};
pub use fetch_response::{FetchResponseEncoder, FetchResponseHead};
pub use messages::{APIS, ApiKey};
pub use produce_view::{ProducePartition, ProduceTopic, ProduceView};
pub use reader::{ELEMENTS_MAX, Reader, STRING_BYTES_MAX};
pub use writer::{Frame, Piece, Writer};
