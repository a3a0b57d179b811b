//! JoinGroup: a member enters a classic group, or starts its next generation.
//!
//! The answer comes when everyone has joined, so this request alone may hold its connection for minutes.
//! Source: KIP-345 (static members), KIP-394 (member ids), KIP-814; Kafka
//! `KafkaApis.handleJoinGroupRequest`.

use std::rc::Rc;

use coordinator::{
    Bytes, Client, JoinRefusal, JoinRequest, JoinResponse, MemberIdRequired, Protocol, Request,
    Response, SkipAssignment, Text,
};
use model::{Buf, ErrorCode};
use runtime::{Purpose, Runtime};
use wire::messages::join_group::{JoinGroupRequest, JoinGroupResponse, JoinGroupResponseMember};

use crate::coordinators::{Ask, Told, ask_while_open, sentinels};
use crate::net::{Close, RequestContext};
use crate::shard::Shard;

const REBALANCE_TIMEOUT_SINCE: i16 = 1;
const MEMBER_ID_REQUIRED_SINCE: i16 = 4;
/// The protocol may be null from here on, and its type is told.
const PROTOCOL_TYPE_SINCE: i16 = 7;
const SKIP_ASSIGNMENT_SINCE: i16 = 9;

pub(crate) async fn handle<R: Runtime>(
    shard: &Rc<Shard<R>>,
    conn: &R::Conn,
    context: &RequestContext<'_>,
    request: JoinGroupRequest,
) -> Result<JoinGroupResponse, Close> {
    let member_id = request.member_id.clone();
    let refused = |error, member_id| refused(error, member_id, context.version);
    if let Err(error) = sentinels::check_group_id(&request.group_id) {
        return Ok(refused(error, member_id));
    }
    let group = request.group_id.clone();
    let asked = Ask::Change(Request::Join(join(shard, context, request)));
    Ok(match ask_while_open(shard, conn, &group, asked).await? {
        Ok(Told::Changed(Response::Join(Ok(joined)))) => granted(&joined),
        Ok(Told::Changed(Response::Join(Err(JoinRefusal { error, member_id: told })))) => {
            refused(error, told.map_or(member_id, |id| id.as_str().to_owned()))
        }
        Ok(other) => unreachable!("JoinGroup was answered with {other:?}"),
        Err(error) => refused(error, member_id),
    })
}

fn join<R: Runtime>(
    shard: &Shard<R>,
    context: &RequestContext<'_>,
    request: JoinGroupRequest,
) -> JoinRequest {
    let version = context.version;
    let draw = || u128::from(shard.rt.random(Purpose::MemberId));
    let session_timeout = sentinels::millis(request.session_timeout_ms);
    let protocols = request.protocols.iter().map(|protocol| Protocol {
        name: Text::from(&*protocol.name),
        metadata: Bytes::from(&*protocol.metadata),
    });
    JoinRequest {
        group: request.group_id.as_str().into(),
        member_id: sentinels::member_id(&request.member_id),
        instance_id: sentinels::instance_id(request.group_instance_id.as_deref()),
        client: Client {
            id: Text::from(context.client_id.unwrap_or_default()),
            host: sentinels::client_host(context.peer),
        },
        session_timeout,
        rebalance_timeout: match version {
            REBALANCE_TIMEOUT_SINCE.. => sentinels::millis(request.rebalance_timeout_ms),
            _ => session_timeout,
        },
        protocol_type: Text::from(request.protocol_type),
        protocols: protocols.collect(),
        random: draw() << 64 | draw(),
        member_id_required: match version {
            MEMBER_ID_REQUIRED_SINCE.. => MemberIdRequired::Yes,
            _ => MemberIdRequired::No,
        },
        skip_assignment: match version {
            SKIP_ASSIGNMENT_SINCE.. => SkipAssignment::Supported,
            _ => SkipAssignment::Unsupported,
        },
    }
}

fn granted(joined: &JoinResponse) -> JoinGroupResponse {
    let members = joined.members.iter().map(|member| JoinGroupResponseMember {
        member_id: member.member_id.as_str().to_owned(),
        group_instance_id: member.instance_id.as_ref().map(|id| id.as_str().to_owned()),
        metadata: Buf::from_owner(Bytes::clone(&member.metadata)),
    });
    JoinGroupResponse {
        throttle_time_ms: 0,
        error_code: 0,
        generation_id: joined.generation_id.0,
        protocol_type: Some(String::from(&*joined.protocol_type)),
        protocol_name: Some(String::from(&*joined.protocol)),
        leader: joined.leader.as_str().to_owned(),
        skip_assignment: joined.skip_assignment,
        member_id: joined.member_id.as_str().to_owned(),
        members: members.collect(),
    }
}

fn refused(error: ErrorCode, member_id: String, version: i16) -> JoinGroupResponse {
    JoinGroupResponse {
        error_code: error.code(),
        generation_id: -1,
        protocol_name: (version < PROTOCOL_TYPE_SINCE).then(String::new),
        member_id,
        ..JoinGroupResponse::default()
    }
}
