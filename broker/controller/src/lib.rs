//! Cluster metadata as a pure core: records, image and deltas, decisions.
//!
//! Promises: the image is exactly what its records say, on every shard and after every restart; an
//! answer leaves only after the records behind it are committed; validation and error codes are
//! Kafka's.
//! Does not: write or replicate the metadata log (`storage`, later `raft`), draw random ids (they
//! come with the request), or act on the metadata (the shards do).

pub mod config;
mod controller;
mod event;
mod image;
mod metadata_log;

pub use controller::{Controller, Settings, is_topic_name};
pub use event::{AdminRequest, AdminResponse, Effect, Event, Refusal, Registration, Ticket, Token};
pub use image::{
    ApplyError, BrokerImage, CONFIG_BROKER, CONFIG_TOPIC, ConfigResource, Image, Listener,
    PartitionImage, TopicImage,
};
pub use metadata_log::{BATCH_RECORDS_MAX, MetadataLogError, decode_batch, encode_batches};
