//! AlterConfigs: replaces all of a resource's own values (KIP-133).

use std::rc::Rc;

use controller::{AdminRequest, AdminResponse, Refusal};
use runtime::Runtime;
use wire::messages::alter_configs::{
    AlterConfigsRequest, AlterConfigsResourceResponse, AlterConfigsResponse,
};

use crate::control;
use crate::net::{Close, RequestContext};
use crate::shard::Shard;

pub(crate) async fn handle<R: Runtime>(
    shard: &Rc<Shard<R>>,
    _: &RequestContext<'_>,
    request: AlterConfigsRequest,
) -> Result<AlterConfigsResponse, Close> {
    let resources = request.resources.iter();
    let asked = resources.map(|it| (it.resource_type, it.resource_name.clone())).collect();
    let admin = AdminRequest::AlterConfigs(request);
    match control::submit(shard, admin).await? {
        AdminResponse::AlterConfigs(response) => Ok(response),
        AdminResponse::Refused(refusal) => Ok(refused(asked, &refusal)),
        other => unreachable!("AlterConfigs was answered with {other:?}"),
    }
}

/// The request as a whole was refused: so is each of its parts.
fn refused(resources: Vec<(i8, String)>, refusal: &Refusal) -> AlterConfigsResponse {
    let responses =
        resources.into_iter().map(|(resource_type, resource_name)| AlterConfigsResourceResponse {
            error_code: refusal.code.code(),
            error_message: Some(refusal.message.clone()),
            resource_type,
            resource_name,
        });
    AlterConfigsResponse { responses: responses.collect(), ..AlterConfigsResponse::default() }
}
