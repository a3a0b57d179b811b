//! Kafka protocol: schemas to typed messages, framing, record batch v2, CRC, compression. Bytes in, values out; no I/O.
#![cfg_attr(not(any(test, feature = "fuzz")), deny(clippy::indexing_slicing, clippy::unwrap_used))]

mod api;
pub mod batch;
pub mod compression;
mod error;
mod fetch_response;
pub mod frame;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
#[cfg(test)]
mod golden;
pub mod messages;
pub mod metadata;
#[cfg(test)]
mod oracle;
mod produce_view;
mod reader;
#[cfg(test)]
mod round_trip;
#[cfg(any(test, feature = "fuzz"))]
mod testing;
pub mod varint;
mod writer;

pub use api::{Api, Form, Message, Request, Response, Uuid};
pub use error::{DecodeError, EncodeError};
pub use fetch_response::{FetchResponseEncoder, FetchResponseHead};
pub use messages::{APIS, ApiKey};
pub use produce_view::{ProducePartition, ProduceTopic, ProduceView};
pub use reader::{ELEMENTS_MAX, Reader, STRING_BYTES_MAX};
pub use writer::{Frame, Piece, Writer};
