//! ListGroups: every group of this broker.
//!
//! Source: KIP-518 (states), KIP-848 (types); Kafka `GroupCoordinatorService.listGroups`.

use std::rc::Rc;

use runtime::Runtime;
use wire::messages::list_groups::{ListGroupsRequest, ListGroupsResponse, ListedGroup};

use crate::coordinators::list_everywhere;
use crate::net::{Close, RequestContext};
use crate::shard::Shard;

pub(crate) async fn handle<R: Runtime>(
    shard: &Rc<Shard<R>>,
    _: &RequestContext<'_>,
    request: ListGroupsRequest,
) -> Result<ListGroupsResponse, Close> {
    let mut response = ListGroupsResponse::default();
    let groups = match list_everywhere(shard).await {
        Ok(groups) => groups,
        Err(error) => {
            response.error_code = error.code();
            return Ok(response);
        }
    };
    let listed = groups.into_iter().map(|group| ListedGroup {
        group_id: group.group.as_str().to_owned(),
        protocol_type: String::from(&*group.protocol_type),
        group_state: group.status.to_string(),
        group_type: group.status.group_type().to_owned(),
    });
    response.groups = listed
        .filter(|group| matches(&request.states_filter, &group.group_state))
        .filter(|group| matches(&request.types_filter, &group.group_type))
        .collect();
    Ok(response)
}

/// No filter lets everything through; case does not matter, as in Kafka.
fn matches(filter: &[String], word: &str) -> bool {
    filter.is_empty() || filter.iter().any(|wanted| wanted.eq_ignore_ascii_case(word))
}
