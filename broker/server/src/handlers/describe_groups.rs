//! DescribeGroups: members and assignments of classic groups.
//!
//! Source: KIP-1043 (a group that is not there); Kafka `GroupMetadataManager.describeGroups`.

use std::rc::Rc;

use coordinator::{Bytes, GroupDescription, MemberDescription};
use model::{Buf, ErrorCode};
use runtime::Runtime;
use wire::messages::describe_groups::{
    DescribeGroupsRequest, DescribeGroupsResponse, DescribedGroup, DescribedGroupMember,
};

use crate::control::view;
use crate::coordinators::{Ask, Told, ask_all};
use crate::net::{Close, RequestContext};
use crate::shard::Shard;

/// Older versions call a group that is not there dead, which is no error.
const GROUP_ID_NOT_FOUND_SINCE: i16 = 6;
const DEAD: &str = "Dead";

pub(crate) async fn handle<R: Runtime>(
    shard: &Rc<Shard<R>>,
    context: &RequestContext<'_>,
    request: DescribeGroupsRequest,
) -> Result<DescribeGroupsResponse, Close> {
    let operations =
        view::operations(request.include_authorized_operations, view::GROUP_OPERATIONS);
    let names = request.groups;
    let questions = names.iter().map(|name| {
        let group = name.as_str().into();
        (name.clone(), Ask::Describe { group })
    });
    let answers = ask_all(shard, questions.collect()).await;
    let groups = names.into_iter().zip(answers).map(|(name, answer)| DescribedGroup {
        authorized_operations: operations,
        ..match answer {
            Ok(Told::Description(description)) => described(name, &description),
            Ok(other) => unreachable!("DescribeGroups was answered with {other:?}"),
            Err(ErrorCode::GroupIdNotFound) => missing(name, context.version),
            Err(error) => refused(name, error),
        }
    });
    Ok(DescribeGroupsResponse { throttle_time_ms: 0, groups: groups.collect() })
}

fn described(group_id: String, description: &GroupDescription) -> DescribedGroup {
    let member = |member: &MemberDescription| DescribedGroupMember {
        member_id: member.member_id.as_str().to_owned(),
        group_instance_id: member.instance_id.as_ref().map(|id| id.as_str().to_owned()),
        client_id: String::from(&*member.client.id),
        client_host: String::from(&*member.client.host),
        member_metadata: Buf::from_owner(Bytes::clone(&member.metadata)),
        member_assignment: Buf::from_owner(Bytes::clone(&member.assignment)),
    };
    DescribedGroup {
        group_id,
        group_state: description.state.to_string(),
        protocol_type: String::from(&*description.protocol_type),
        protocol_data: String::from(&*description.protocol),
        members: description.members.iter().map(member).collect(),
        ..DescribedGroup::default()
    }
}

fn missing(group_id: String, version: i16) -> DescribedGroup {
    if version < GROUP_ID_NOT_FOUND_SINCE {
        return DescribedGroup {
            group_id,
            group_state: DEAD.to_owned(),
            ..DescribedGroup::default()
        };
    }
    DescribedGroup {
        error_message: Some(format!("Group {group_id} not found.")),
        group_state: DEAD.to_owned(),
        ..refused(group_id, ErrorCode::GroupIdNotFound)
    }
}

fn refused(group_id: String, error: ErrorCode) -> DescribedGroup {
    DescribedGroup { error_code: error.code(), group_id, ..DescribedGroup::default() }
}
