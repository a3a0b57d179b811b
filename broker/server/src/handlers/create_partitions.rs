//! CreatePartitions: more partitions for a topic (KIP-195).

use std::rc::Rc;

use controller::{AdminRequest, AdminResponse, Refusal};
use runtime::Runtime;
use wire::messages::create_partitions::{
    CreatePartitionsRequest, CreatePartitionsResponse, CreatePartitionsTopicResult,
};

use crate::control;
use crate::net::{Close, RequestContext};
use crate::shard::Shard;

pub(crate) async fn handle<R: Runtime>(
    shard: &Rc<Shard<R>>,
    _: &RequestContext<'_>,
    request: CreatePartitionsRequest,
) -> Result<CreatePartitionsResponse, Close> {
    let asked = request.topics.iter().map(|topic| topic.name.clone()).collect();
    let admin = AdminRequest::CreatePartitions(request);
    match control::submit(shard, admin).await? {
        AdminResponse::CreatePartitions(response) => Ok(response),
        AdminResponse::Refused(refusal) => Ok(refused(asked, &refusal)),
        other => unreachable!("CreatePartitions was answered with {other:?}"),
    }
}

/// The request as a whole was refused: so is each of its parts.
fn refused(names: Vec<String>, refusal: &Refusal) -> CreatePartitionsResponse {
    let results = names.into_iter().map(|name| CreatePartitionsTopicResult {
        name,
        error_code: refusal.code.code(),
        error_message: Some(refusal.message.clone()),
    });
    CreatePartitionsResponse { results: results.collect(), ..CreatePartitionsResponse::default() }
}
