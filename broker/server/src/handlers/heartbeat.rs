//! Heartbeat: a member of a classic group is alive.

use std::rc::Rc;

use coordinator::{Request, Response};
use runtime::Runtime;
use wire::messages::heartbeat::{HeartbeatRequest, HeartbeatResponse};

use crate::coordinators::{Ask, Told, ask, sentinels};
use crate::net::{Close, RequestContext};
use crate::shard::Shard;

pub(crate) async fn handle<R: Runtime>(
    shard: &Rc<Shard<R>>,
    _: &RequestContext<'_>,
    request: HeartbeatRequest,
) -> Result<HeartbeatResponse, Close> {
    let mut response = HeartbeatResponse::default();
    if let Err(error) = sentinels::check_group_id(&request.group_id) {
        response.error_code = error.code();
        return Ok(response);
    }
    let from = sentinels::identity(
        &request.group_id,
        request.generation_id,
        &request.member_id,
        request.group_instance_id.as_deref(),
    );
    match ask(shard, &request.group_id, Ask::Change(Request::Heartbeat(from))).await {
        Ok(Told::Changed(Response::Heartbeat(Ok(())))) => {}
        Ok(Told::Changed(Response::Heartbeat(Err(error)))) | Err(error) => {
            response.error_code = error.code();
        }
        Ok(other) => unreachable!("Heartbeat was answered with {other:?}"),
    }
    Ok(response)
}
