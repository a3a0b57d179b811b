//! DescribeCluster: who is in the cluster (KIP-700, KIP-919, KIP-1073).

use std::rc::Rc;

use model::ErrorCode;
use runtime::Runtime;
use wire::messages::describe_cluster::{
    DescribeClusterBroker, DescribeClusterRequest, DescribeClusterResponse,
};

use crate::control::view;
use crate::net::{Close, RequestContext};
use crate::shard::Shard;

const ENDPOINTS_OF_BROKERS: i8 = 1;
const ENDPOINTS_OF_CONTROLLERS: i8 = 2;

pub(crate) async fn handle<R: Runtime>(
    shard: &Rc<Shard<R>>,
    context: &RequestContext<'_>,
    request: DescribeClusterRequest,
) -> Result<DescribeClusterResponse, Close> {
    let refusal = match request.endpoint_type {
        ENDPOINTS_OF_BROKERS => None,
        ENDPOINTS_OF_CONTROLLERS => Some((
            ErrorCode::MismatchedEndpointType,
            "this listener serves brokers, not controllers",
        )),
        _ => Some((ErrorCode::UnsupportedEndpointType, "endpoint types are 1 and 2")),
    };
    if let Some((error, message)) = refusal {
        return Ok(DescribeClusterResponse {
            error_code: error.code(),
            error_message: Some(message.to_owned()),
            ..DescribeClusterResponse::default()
        });
    }
    let cluster = shard.cluster();
    let image = shard.image.borrow();
    let brokers = view::endpoints(&image, shard.listener_name(context.listener))
        .filter(|broker| !broker.fenced || request.include_fenced_brokers)
        .map(|broker| DescribeClusterBroker {
            broker_id: broker.id,
            host: broker.host,
            port: broker.port,
            rack: broker.rack,
            is_fenced: broker.fenced,
        });
    Ok(DescribeClusterResponse {
        endpoint_type: ENDPOINTS_OF_BROKERS,
        cluster_id: cluster.id,
        controller_id: cluster.controller.0,
        brokers: brokers.collect(),
        cluster_authorized_operations: view::operations(
            request.include_cluster_authorized_operations,
            view::CLUSTER_OPERATIONS,
        ),
        ..DescribeClusterResponse::default()
    })
}
