//! DeleteGroups: groups without members, with all that they have committed.

use std::rc::Rc;

use coordinator::{Request, Response};
use model::ErrorCode;
use runtime::Runtime;
use wire::messages::delete_groups::{
    DeletableGroupResult, DeleteGroupsRequest, DeleteGroupsResponse,
};

use crate::coordinators::{Ask, Told, ask_all};
use crate::net::{Close, RequestContext};
use crate::shard::Shard;

pub(crate) async fn handle<R: Runtime>(
    shard: &Rc<Shard<R>>,
    _: &RequestContext<'_>,
    request: DeleteGroupsRequest,
) -> Result<DeleteGroupsResponse, Close> {
    let names = request.groups_names;
    let questions = names.iter().map(|name| {
        let delete = Request::DeleteGroup { group: name.as_str().into() };
        (name.clone(), Ask::Change(delete))
    });
    let answers = ask_all(shard, questions.collect()).await;
    let results = names.into_iter().zip(answers).map(|(group_id, answer)| {
        let error = match answer {
            Ok(Told::Changed(Response::DeleteGroup(Ok(())))) => ErrorCode::None,
            Ok(Told::Changed(Response::DeleteGroup(Err(error)))) | Err(error) => error,
            Ok(other) => unreachable!("DeleteGroups was answered with {other:?}"),
        };
        DeletableGroupResult { group_id, error_code: error.code() }
    });
    Ok(DeleteGroupsResponse { throttle_time_ms: 0, results: results.collect() })
}
