//! DeleteTopics, by name or by id.
//!
//! Source: Kafka `ControllerApis.deleteTopics`, KIP-516.

use model::{ErrorCode, TopicId};
use wire::messages::delete_topics::{
    DeletableTopicResult, DeleteTopicState, DeleteTopicsRequest, DeleteTopicsResponse,
};
use wire::metadata::RemoveTopicRecord;

use super::{Decision, View, repeated};
use crate::image::TopicImage;
use crate::{AdminResponse, Refusal};

/// First version that names topics by id and has a place for the code 73.
const BY_ID_FROM: i16 = 6;
const DELETION_DISABLED_FROM: i16 = 3;

pub(super) fn delete(view: View<'_>, request: &DeleteTopicsRequest, api_version: i16) -> Decision {
    let by_name = request
        .topic_names
        .iter()
        .map(|name| DeleteTopicState { name: Some(name.clone()), topic_id: TopicId::ZERO });
    let states: Vec<DeleteTopicState> =
        if api_version < BY_ID_FROM { by_name.collect() } else { request.topics.clone() };
    let mut records = Vec::new();
    let mut responses = Vec::new();
    let found: Vec<_> = states.iter().map(|state| find(view, state)).collect();
    // A topic named by name and by id counts as named twice.
    let repeated = repeated(found.iter().flatten().map(|topic| topic.id));
    for (state, topic) in states.iter().zip(&found) {
        let result = match topic {
            _ if !view.config(None).broker_flag("delete.topic.enable") => {
                Err(disabled(api_version))
            }
            Ok(topic) if repeated.contains(&topic.id) => {
                let why = "the request names this topic more than once";
                Err(Refusal::new(ErrorCode::InvalidRequest, why))
            }
            Ok(topic) => Ok(*topic),
            Err(refusal) => Err(refusal.clone()),
        };
        responses.push(match result {
            Ok(topic) => {
                records.push(RemoveTopicRecord { topic_id: topic.id }.into());
                DeletableTopicResult {
                    name: Some(topic.name.clone()),
                    topic_id: topic.id,
                    ..Default::default()
                }
            }
            Err(refusal) => DeletableTopicResult {
                name: state.name.clone(),
                topic_id: state.topic_id,
                error_code: refusal.code.code(),
                error_message: Some(refusal.message),
            },
        });
    }
    let response = DeleteTopicsResponse { responses, ..Default::default() };
    Decision { records, response: AdminResponse::DeleteTopics(response) }
}

fn find<'a>(view: View<'a>, state: &DeleteTopicState) -> Result<&'a TopicImage, Refusal> {
    let refuse = |code, why: String| Err(Refusal::new(code, why));
    match (&state.name, state.topic_id) {
        (Some(_), id) if id != TopicId::ZERO => {
            refuse(ErrorCode::InvalidRequest, "name a topic by name or by id, not both".to_owned())
        }
        (Some(name), _) => match view.image.topic_by_name(name) {
            Some(topic) => Ok(topic),
            None => {
                refuse(ErrorCode::UnknownTopicOrPartition, format!("topic {name} does not exist"))
            }
        },
        (None, TopicId::ZERO) => {
            refuse(ErrorCode::InvalidRequest, "name a topic by name or by id".to_owned())
        }
        (None, id) => match view.image.topic(id) {
            Some(topic) => Ok(topic),
            None => refuse(ErrorCode::UnknownTopicId, format!("no topic has the id {id}")),
        },
    }
}

fn disabled(api_version: i16) -> Refusal {
    let code = if api_version < DELETION_DISABLED_FROM {
        ErrorCode::InvalidRequest
    } else {
        ErrorCode::TopicDeletionDisabled
    };
    Refusal::new(code, "delete.topic.enable is false")
}
