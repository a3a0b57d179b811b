//! From a frame to the handler of its API.

use std::rc::Rc;

use model::Buf;
use runtime::{Conn, Runtime};
use wire::frame::{decode_request_header, encode_response};
use wire::{ApiKey, DecodeError, Message, Reader, Request};

use super::owed::Outgoing;
use super::{Close, RequestContext};
use crate::advertised;
use crate::handlers::{
    alter_configs, api_versions, consumer_group_describe, consumer_group_heartbeat,
    create_partitions, create_topics, delete_groups, delete_records, delete_topics,
    describe_cluster, describe_configs, describe_groups, describe_log_dirs, describe_producers,
    describe_topic_partitions, fetch, find_coordinator, heartbeat, incremental_alter_configs,
    init_producer_id, join_group, leave_group, list_config_resources, list_groups, list_offsets,
    metadata, offset_commit, offset_delete, offset_fetch, offset_for_leader_epoch, produce,
    sync_group,
};
use crate::shard::Shard;

/// What became of a request.
pub(super) enum Started<R: Runtime> {
    Answered(Outgoing<R>),
    /// On its way to the disk; more requests may start.
    Produce(produce::Pending<R>),
}

/// Starts a request. Everything but Produce waits for `earlier_known` first and comes back answered.
pub(super) async fn start<R: Runtime>(
    shard: &Rc<Shard<R>>,
    conn: &R::Conn,
    listener: usize,
    frame: &Buf,
    earlier_known: impl AsyncFnOnce(),
) -> Result<Started<R>, Close> {
    let (header, reader) = match decode_request_header(frame) {
        Ok(decoded) => decoded,
        Err(DecodeError::ApiVersionsTooNew { correlation_id, .. }) => {
            earlier_known().await;
            let response = api_versions::respond_too_new();
            let frame = encode_response(&response, 0, correlation_id, shard.limits.response_bytes)
                .map_err(
                    super::owed::unencodable::<wire::messages::api_versions::ApiVersionsResponse>,
                )?;
            return Ok(Started::Answered(Outgoing::with_records(frame, Vec::new())));
        }
        Err(error) => return Err(error.into()),
    };
    if !advertised::serves(header.api, header.version) {
        return Err(Close::UnsupportedVersion { api: header.api.name, version: header.version });
    }
    let context = RequestContext {
        listener,
        version: header.version,
        correlation_id: header.correlation_id,
        client_id: header.client_id,
        peer: conn.peer_addr(),
    };
    if header.api.key == ApiKey::Produce {
        return produce::start(shard, &context, reader).await.map(Started::Produce);
    }
    earlier_known().await;
    let context = &context;
    // Boxed: a connection's own future stays small, and none of these is on the hot path.
    let outgoing = match header.api.key {
        ApiKey::Fetch => fetch::handle(shard, conn, context, reader).await,
        ApiKey::ApiVersions => answer(shard, context, reader, api_versions::handle).await,
        ApiKey::ListOffsets => answer(shard, context, reader, list_offsets::handle).await,
        ApiKey::OffsetForLeaderEpoch => {
            answer(shard, context, reader, offset_for_leader_epoch::handle).await
        }
        ApiKey::FindCoordinator => answer(shard, context, reader, find_coordinator::handle).await,
        ApiKey::JoinGroup => {
            answer(shard, context, reader, async |shard, context, request| {
                join_group::handle(shard, conn, context, request).await
            })
            .await
        }
        ApiKey::SyncGroup => {
            answer(shard, context, reader, async |shard, context, request| {
                sync_group::handle(shard, conn, context, request).await
            })
            .await
        }
        ApiKey::Heartbeat => answer(shard, context, reader, heartbeat::handle).await,
        ApiKey::LeaveGroup => answer(shard, context, reader, leave_group::handle).await,
        ApiKey::DescribeGroups => answer(shard, context, reader, describe_groups::handle).await,
        ApiKey::ListGroups => answer(shard, context, reader, list_groups::handle).await,
        ApiKey::DeleteGroups => answer(shard, context, reader, delete_groups::handle).await,
        ApiKey::OffsetDelete => answer(shard, context, reader, offset_delete::handle).await,
        ApiKey::ConsumerGroupHeartbeat => {
            answer(shard, context, reader, consumer_group_heartbeat::handle).await
        }
        ApiKey::ConsumerGroupDescribe => {
            answer(shard, context, reader, consumer_group_describe::handle).await
        }
        ApiKey::OffsetCommit => answer(shard, context, reader, offset_commit::handle).await,
        ApiKey::OffsetFetch => answer(shard, context, reader, offset_fetch::handle).await,
        ApiKey::DeleteRecords => answer(shard, context, reader, delete_records::handle).await,
        ApiKey::DescribeProducers => {
            answer(shard, context, reader, describe_producers::handle).await
        }
        ApiKey::DescribeLogDirs => answer(shard, context, reader, describe_log_dirs::handle).await,
        ApiKey::InitProducerId => answer(shard, context, reader, init_producer_id::handle).await,
        ApiKey::Metadata => answer(shard, context, reader, metadata::handle).await,
        ApiKey::CreateTopics => answer(shard, context, reader, create_topics::handle).await,
        ApiKey::DeleteTopics => answer(shard, context, reader, delete_topics::handle).await,
        ApiKey::CreatePartitions => answer(shard, context, reader, create_partitions::handle).await,
        ApiKey::DescribeConfigs => answer(shard, context, reader, describe_configs::handle).await,
        ApiKey::AlterConfigs => answer(shard, context, reader, alter_configs::handle).await,
        ApiKey::IncrementalAlterConfigs => {
            answer(shard, context, reader, incremental_alter_configs::handle).await
        }
        ApiKey::DescribeCluster => answer(shard, context, reader, describe_cluster::handle).await,
        ApiKey::ListConfigResources => {
            answer(shard, context, reader, list_config_resources::handle).await
        }
        ApiKey::DescribeTopicPartitions => {
            answer(shard, context, reader, describe_topic_partitions::handle).await
        }
        key => {
            let api_key = key as i16;
            Err(DecodeError::UnknownApi { api_key }.into())
        }
    };
    outgoing.map(Started::Answered)
}

/// Decodes the body, runs the handler, encodes its response.
async fn answer<'a, R: Runtime, Q: Request>(
    shard: &'a Rc<Shard<R>>,
    context: &'a RequestContext<'a>,
    mut reader: Reader<'_>,
    handler: impl AsyncFnOnce(&'a Rc<Shard<R>>, &'a RequestContext<'a>, Q) -> Result<Q::Response, Close>,
) -> Result<Outgoing<R>, Close> {
    let request = <Q as Message>::decode(&mut reader, context.version)?;
    let response = Box::pin(handler(shard, context, request)).await?;
    Outgoing::encode(&response, context.version, context.correlation_id, shard)
}
