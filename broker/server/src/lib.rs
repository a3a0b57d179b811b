//! The node as a library, generic over the seam; names no backend.
//!
//! Promises: the same [`run`] on every shard of every backend; no global state, no signal handler, no
//! exit of its own: the seam says when to stop and hears how it ended.
//! Does not: read files or the environment for its configuration ([`Boot`] arrives as a value).
//!
//! Reading order: `configure` and `boot` (what a node is given), `shard` (what a shard owns and how it comes up),
//! `mesh` (how shards talk), `net` (from bytes to requests and back), `handlers` (one file per API), `coordinators`
//! (groups), `tools` (what is done to directories while no broker runs).

pub mod advertised;
mod boot;
mod configure;
mod stats;

mod mesh;
mod net;
mod shard;

mod control;
mod settings;
mod topics;

mod coordinators;

mod fetch;
mod offline;
mod partition;
mod produce;
mod query;
mod wakes;

pub mod tools;

mod handlers;
mod http;
mod metrics;

pub use boot::{Boot, Level, Line, ListenerSpec, LogSink};
pub use configure::{Configured, Surroundings, configure};
pub use controller::config::{PropertiesError, parse_properties};
pub use mesh::Message;
pub use shard::run;
pub use stats::Stats;
