//! One leader of one run: fetch, hand over, fetch.

use core::time::Duration;
use model::{ErrorCode, NodeId, Offset, PartitionIndex, TopicId};
use runtime::Runtime;
use runtime::sync::{First, race};
use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Shared, Stop};
use crate::{Chunk, ClientError, FetchSession, Fetched, NamedPartition, Reply};

/// A broker that is silent for this much longer than it was asked to wait is given up.
const ANSWER_MARGIN: Duration = Duration::from_secs(30);

/// A partition of the run, and where to begin.
pub(super) struct Assigned {
    pub(super) at: NamedPartition,
    pub(super) topic: TopicId,
    pub(super) from: Offset,
}

/// Reads until the run ends, and ends it when something is wrong.
pub(super) async fn read<R: Runtime>(
    shared: Rc<Shared<R>>,
    run: u64,
    leader: NodeId,
    partitions: Vec<Assigned>,
) {
    if let Err(why) = read_on(&shared, run, leader, partitions).await {
        shared.stop(run, why);
    }
}

async fn read_on<R: Runtime>(
    shared: &Shared<R>,
    run: u64,
    leader: NodeId,
    partitions: Vec<Assigned>,
) -> Result<(), Stop> {
    let connection = shared.router.open(leader, |_| {}).await.map_err(Stop::Trouble)?;
    let mut session = FetchSession::new(shared.limits);
    let mut names = BTreeMap::new();
    for Assigned { at, topic, from } in partitions {
        session.add(topic, &at.topic, at.partition, from);
        names.insert((topic, at.partition), at);
    }
    let mut reply = connection.submit(&session.request()).await.map_err(Stop::Trouble)?;
    while run == shared.run.get() {
        let answer = answered(shared, reply).await.map_err(Stop::Trouble)?;
        let fetched = session.absorb(answer).map_err(Stop::Trouble)?;
        let chunks = take(&mut session, fetched, &names)?;
        shared.progress.set(true);
        // The next request leaves before the records are handed over, so that the broker is never without one.
        reply = connection.submit(&session.request()).await.map_err(Stop::Trouble)?;
        for chunk in chunks {
            if !shared.give(run, chunk).await {
                return Ok(());
            }
        }
    }
    Ok(())
}

async fn answered<R: Runtime, Q: wire::Request>(
    shared: &Shared<R>,
    reply: Reply<R, Q>,
) -> Result<Q::Response, ClientError> {
    let rt = shared.router.runtime();
    let wait = Duration::from_millis(shared.limits.max_wait_ms.unsigned_abs().into());
    let deadline = rt.now().mono + wait + ANSWER_MARGIN;
    match race(reply, rt.sleep_until(deadline)).await {
        First::Left(answer) => answer,
        First::Right(()) => Err(ClientError::TimedOut),
    }
}

/// Moves the session on behind what came.
fn take(
    session: &mut FetchSession,
    fetched: Vec<Fetched>,
    names: &BTreeMap<(TopicId, PartitionIndex), NamedPartition>,
) -> Result<Vec<Chunk>, Stop> {
    let mut chunks = Vec::new();
    for part in fetched {
        let Some(at) = names.get(&(part.topic, part.partition)) else { continue };
        if part.error_code == ErrorCode::OffsetOutOfRange.code() {
            return Err(Stop::OutOfRange(at.clone()));
        }
        ClientError::check(&format!("fetching {at}"), part.error_code, None)
            .map_err(Stop::Trouble)?;
        let from = session.offset(part.topic, part.partition);
        let high_watermark = part.high_watermark;
        let chunk = Chunk { at: at.clone(), from, high_watermark, records: part.records };
        let end = chunk.end();
        if end > from {
            session.advance(part.topic, part.partition, end);
            chunks.push(chunk);
        }
    }
    Ok(chunks)
}
