//! DeleteTopics, by name or by id (KIP-516).

use std::rc::Rc;

use controller::{AdminRequest, AdminResponse, Refusal};
use runtime::Runtime;
use wire::messages::delete_topics::{
    DeletableTopicResult, DeleteTopicState, DeleteTopicsRequest, DeleteTopicsResponse,
};

use crate::control;
use crate::net::{Close, RequestContext};
use crate::shard::Shard;

pub(crate) async fn handle<R: Runtime>(
    shard: &Rc<Shard<R>>,
    context: &RequestContext<'_>,
    request: DeleteTopicsRequest,
) -> Result<DeleteTopicsResponse, Close> {
    let named = request
        .topic_names
        .iter()
        .map(|name| DeleteTopicState { name: Some(name.clone()), ..DeleteTopicState::default() });
    let asked = request.topics.iter().cloned().chain(named).collect();
    let admin = AdminRequest::DeleteTopics { request, api_version: context.version };
    match control::submit(shard, admin).await? {
        AdminResponse::DeleteTopics(response) => Ok(response),
        AdminResponse::Refused(refusal) => Ok(refused(asked, &refusal)),
        other => unreachable!("DeleteTopics was answered with {other:?}"),
    }
}

/// The request as a whole was refused: so is each of its parts.
fn refused(topics: Vec<DeleteTopicState>, refusal: &Refusal) -> DeleteTopicsResponse {
    let responses = topics.into_iter().map(|topic| DeletableTopicResult {
        name: topic.name,
        topic_id: topic.topic_id,
        error_code: refusal.code.code(),
        error_message: Some(refusal.message.clone()),
    });
    DeleteTopicsResponse { responses: responses.collect(), ..DeleteTopicsResponse::default() }
}
