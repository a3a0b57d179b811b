//! How the shards of one node talk: requests with replies, and one-way notices.
//!
//! Promises: a request is queued in the order of the calls; a full queue holds up only the task that
//! calls. Inbound messages are always taken, whatever outbound waits for. A request carries the end of
//! the metadata it was routed by, and is not worked on by a shard that knows less.
//! Does not: copy record bytes; buffers and files travel as counted handles.

mod client;
mod message;

pub(crate) use client::{Asked, Inbound, MeshClient};
pub use message::Message;
pub(crate) use message::{Notice, Reply, Request};
