//! SyncGroup: the leader hands in the assignment, everyone gets their part of it.
//!
//! Source: KIP-559 (protocol type and name); Kafka `KafkaApis.handleSyncGroupRequest`.

use std::rc::Rc;

use coordinator::{Bytes, Request, Response, SyncRequest, Text};
use model::{Buf, ErrorCode};
use runtime::Runtime;
use wire::messages::sync_group::{SyncGroupRequest, SyncGroupResponse};

use crate::coordinators::{Ask, Told, ask_while_open, sentinels};
use crate::net::{Close, RequestContext};
use crate::shard::Shard;

/// Protocol type and name are mandatory from here on.
const PROTOCOL_SINCE: i16 = 5;

pub(crate) async fn handle<R: Runtime>(
    shard: &Rc<Shard<R>>,
    conn: &R::Conn,
    context: &RequestContext<'_>,
    request: SyncGroupRequest,
) -> Result<SyncGroupResponse, Close> {
    let refused = |error: ErrorCode| SyncGroupResponse {
        error_code: error.code(),
        ..SyncGroupResponse::default()
    };
    let names_protocol = request.protocol_type.is_some() && request.protocol_name.is_some();
    if context.version >= PROTOCOL_SINCE && !names_protocol {
        return Ok(refused(ErrorCode::InconsistentGroupProtocol));
    }
    if let Err(error) = sentinels::check_group_id(&request.group_id) {
        return Ok(refused(error));
    }
    let assignments = request.assignments.iter();
    let sync = SyncRequest {
        from: sentinels::identity(
            &request.group_id,
            request.generation_id,
            &request.member_id,
            request.group_instance_id.as_deref(),
        ),
        protocol_type: request.protocol_type.as_deref().map(Text::from),
        protocol: request.protocol_name.as_deref().map(Text::from),
        assignments: assignments
            .map(|it| (it.member_id.as_str().into(), Bytes::from(&*it.assignment)))
            .collect(),
    };
    let asked = Ask::Change(Request::Sync(sync));
    Ok(match ask_while_open(shard, conn, &request.group_id, asked).await? {
        Ok(Told::Changed(Response::Sync(Ok(synced)))) => SyncGroupResponse {
            throttle_time_ms: 0,
            error_code: 0,
            protocol_type: Some(String::from(&*synced.protocol_type)),
            protocol_name: Some(String::from(&*synced.protocol)),
            assignment: Buf::from_owner(synced.assignment),
        },
        Ok(Told::Changed(Response::Sync(Err(error)))) | Err(error) => refused(error),
        Ok(other) => unreachable!("SyncGroup was answered with {other:?}"),
    })
}
