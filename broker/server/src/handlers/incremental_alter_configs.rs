//! IncrementalAlterConfigs: sets, deletes, appends to and subtracts from single keys (KIP-339).

use std::rc::Rc;

use controller::{AdminRequest, AdminResponse, Refusal};
use runtime::Runtime;
use wire::messages::incremental_alter_configs::{
    AlterConfigsResourceResponse, IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse,
};

use crate::control;
use crate::net::{Close, RequestContext};
use crate::shard::Shard;

pub(crate) async fn handle<R: Runtime>(
    shard: &Rc<Shard<R>>,
    _: &RequestContext<'_>,
    request: IncrementalAlterConfigsRequest,
) -> Result<IncrementalAlterConfigsResponse, Close> {
    let resources = request.resources.iter();
    let asked = resources.map(|it| (it.resource_type, it.resource_name.clone())).collect();
    let admin = AdminRequest::IncrementalAlterConfigs(request);
    match control::submit(shard, admin).await? {
        AdminResponse::IncrementalAlterConfigs(response) => Ok(response),
        AdminResponse::Refused(refusal) => Ok(refused(asked, &refusal)),
        other => unreachable!("IncrementalAlterConfigs was answered with {other:?}"),
    }
}

/// The request as a whole was refused: so is each of its parts.
fn refused(resources: Vec<(i8, String)>, refusal: &Refusal) -> IncrementalAlterConfigsResponse {
    let responses =
        resources.into_iter().map(|(resource_type, resource_name)| AlterConfigsResourceResponse {
            error_code: refusal.code.code(),
            error_message: Some(refusal.message.clone()),
            resource_type,
            resource_name,
        });
    IncrementalAlterConfigsResponse {
        responses: responses.collect(),
        ..IncrementalAlterConfigsResponse::default()
    }
}
