//! The words that every crate shares.
//!
//! Promises: no I/O, no clock, no randomness; every type here is plain data.
//! Does not: know the wire encoding (`wire`), the seam (`runtime`) or any decision.

mod buf;
mod error_code;
mod ids;
mod limits;
mod probe;
mod slots;
pub mod splitmix;
mod time;

pub use buf::{Buf, Bufs, copy};
pub use error_code::ErrorCode;
pub use ids::{
    BrokerEpoch, LeaderEpoch, NodeId, Offset, PartitionIndex, ProducerEpoch, ProducerId, ShardId,
    TopicId, TopicPartition,
};
pub use limits::Limits;
pub use probe::{Bug, Buggify, Live, Observation, Probe, Site};
pub use slots::{Slot, Slots};
pub use time::{Instant, Now};
