//! CreateTopics: the controller decides, every shard knows the topic before the answer leaves.

use std::rc::Rc;

use controller::{AdminRequest, AdminResponse, Refusal};
use runtime::Runtime;
use wire::messages::create_topics::{
    CreatableTopicResult, CreateTopicsRequest, CreateTopicsResponse,
};

use crate::control;
use crate::net::{Close, RequestContext};
use crate::shard::Shard;

pub(crate) async fn handle<R: Runtime>(
    shard: &Rc<Shard<R>>,
    _: &RequestContext<'_>,
    request: CreateTopicsRequest,
) -> Result<CreateTopicsResponse, Close> {
    let asked = request.topics.iter().map(|topic| topic.name.clone()).collect();
    let topic_ids = control::random_topic_ids(&shard.rt, request.topics.len());
    let admin = AdminRequest::CreateTopics { request, topic_ids };
    match control::submit(shard, admin).await? {
        AdminResponse::CreateTopics(response) => Ok(response),
        AdminResponse::Refused(refusal) => Ok(refused(asked, &refusal)),
        other => unreachable!("CreateTopics was answered with {other:?}"),
    }
}

/// The request as a whole was refused: so is each of its parts.
fn refused(names: Vec<String>, refusal: &Refusal) -> CreateTopicsResponse {
    let topics = names.into_iter().map(|name| CreatableTopicResult {
        name,
        error_code: refusal.code.code(),
        error_message: Some(refusal.message.clone()),
        ..CreatableTopicResult::default()
    });
    CreateTopicsResponse { topics: topics.collect(), ..CreateTopicsResponse::default() }
}
