//! The control plane of a node: requests that change metadata, and metadata that changes the node.
//!
//! Promises: a change is durable in `__cluster_metadata` and applied on every shard before its
//! answer leaves; all shards apply the same records in the same order.
//! Does not: decide what is allowed (`controller`), or open logs (`topics`).
//!
//! Reading order: `driver` (shard 0: from request to committed records), `replay` (the same at start),
//! `apply` (every shard: from records to topics and partitions), `view` (the image as clients see it).

mod apply;
mod driver;
mod replay;
pub(crate) mod view;

use std::sync::Arc;

use controller::{AdminRequest, AdminResponse};
use model::{NodeId, Offset, TopicId};
use runtime::{Purpose, Runtime};
use wire::metadata::MetadataRecord;

use crate::mesh::{Reply, Request};
use crate::net::Close;
use crate::shard::{FIRST, Shard};

pub(crate) use apply::apply;
pub(crate) use driver::{Driver, METADATA, start, stop_node};

/// Committed records on their way to a shard; shared, because every shard gets the same.
#[derive(Debug)]
pub(crate) struct Delta {
    pub(crate) records: Vec<MetadataRecord>,
    /// Metadata offset after the last of them.
    pub(crate) end: Offset,
}

pub(crate) type SharedDelta = Arc<Delta>;

/// What the node is part of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cluster {
    pub(crate) id: String,
    /// The active controller; this node, as long as it is alone.
    pub(crate) controller: NodeId,
}

/// Hands a request to the controller and waits for its answer.
///
/// # Errors
/// [`Close::Stopping`] when the node ends first.
pub(crate) async fn submit<R: Runtime>(
    shard: &Shard<R>,
    request: AdminRequest,
) -> Result<AdminResponse, Close> {
    if shard.id == FIRST {
        let driver = shard.driver().ok_or(Close::Stopping)?;
        return driver.submit(request).await.ok_or(Close::Stopping);
    }
    match shard.mesh.call(FIRST, Request::Admin(request)).await {
        Some(Reply::Admin(response)) => Ok(*response),
        _ => Err(Close::Stopping),
    }
}

/// Ids for new topics: the controller has no randomness of its own.
pub(crate) fn random_topic_ids<R: Runtime>(rt: &R, count: usize) -> Vec<TopicId> {
    let draw = || rt.random(Purpose::TopicId);
    (0..count).map(|_| TopicId::from_random(draw(), draw())).collect()
}

/// `auto.create.topics.enable`.
pub(crate) fn creates_topics<R: Runtime>(shard: &Shard<R>) -> bool {
    shard.broker_flag("auto.create.topics.enable")
}
