//! LeaveGroup: members leave a classic group, or are removed from it.
//!
//! Source: KIP-345 (many members); Kafka `GroupCoordinatorService.leaveGroup`, `LeaveGroupResponse`.

use std::rc::Rc;

use coordinator::{LeaveRequest, LeavingMember, Request, Response};
use model::ErrorCode;
use runtime::Runtime;
use wire::messages::leave_group::{
    LeaveGroupRequest, LeaveGroupResponse, MemberIdentity, MemberResponse,
};

use crate::coordinators::{Ask, Told, ask, sentinels};
use crate::net::{Close, RequestContext};
use crate::shard::Shard;

const MANY_MEMBERS_SINCE: i16 = 3;

pub(crate) async fn handle<R: Runtime>(
    shard: &Rc<Shard<R>>,
    context: &RequestContext<'_>,
    request: LeaveGroupRequest,
) -> Result<LeaveGroupResponse, Close> {
    let refused = |error: ErrorCode| LeaveGroupResponse {
        error_code: error.code(),
        ..LeaveGroupResponse::default()
    };
    if let Err(error) = sentinels::check_group_id(&request.group_id) {
        return Ok(refused(error));
    }
    let is_old = context.version < MANY_MEMBERS_SINCE;
    let members = if is_old {
        vec![MemberIdentity { member_id: request.member_id, ..MemberIdentity::default() }]
    } else {
        request.members
    };
    let leaving = members.iter().map(|member| LeavingMember {
        member_id: sentinels::member_id(&member.member_id),
        instance_id: sentinels::instance_id(member.group_instance_id.as_deref()),
    });
    let leave =
        LeaveRequest { group: request.group_id.as_str().into(), members: leaving.collect() };
    let answer = ask(shard, &request.group_id, Ask::Change(Request::Leave(leave))).await;
    let codes: Vec<ErrorCode> = match answer {
        Ok(Told::Changed(Response::Leave(Ok(left)))) => {
            left.members.into_iter().map(|(_, code)| code).collect()
        }
        // A group that is not there has none of them.
        Ok(Told::Changed(Response::Leave(Err(ErrorCode::UnknownMemberId)))) => {
            vec![ErrorCode::UnknownMemberId; members.len()]
        }
        Ok(Told::Changed(Response::Leave(Err(error)))) | Err(error) => return Ok(refused(error)),
        Ok(other) => unreachable!("LeaveGroup was answered with {other:?}"),
    };
    if is_old {
        return Ok(refused(codes.first().copied().unwrap_or(ErrorCode::None)));
    }
    let members = members.into_iter().zip(codes).map(|(member, code)| MemberResponse {
        member_id: member.member_id,
        group_instance_id: member.group_instance_id,
        error_code: code.code(),
    });
    Ok(LeaveGroupResponse { members: members.collect(), ..LeaveGroupResponse::default() })
}
