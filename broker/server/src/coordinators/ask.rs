//! The way of a question from a handler to the coordinator of a group, and of the answer back.
//!
//! Promises: questions that were asked together are all on their way before the first answer is awaited. An
//! asker whose client has gone lets go; its place is free again when the answer comes, which the
//! group's own deadlines bound.
//! Does not: retry. A client that hears NOT_COORDINATOR looks for the coordinator again.

use coordinator::{
    CommittedOffset, GroupDescription, GroupId, GroupListing, MemberId, NamedPartition, Request,
    Response,
};
use model::{ErrorCode, ShardId, Slot, TopicPartition};
use runtime::sync::{First, Promise, oneshot, race};
use runtime::{Conn, Disk, Runtime};

use super::{OFFSETS_TOPIC, partition_of};
use crate::mesh::{self, Reply};
use crate::net::Close;
use crate::shard::Shard;

/// What is asked about one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Something that may change the group, or waits for it.
    Change(Request),
    /// Committed offsets.
    Offsets(OffsetsOf),
    Describe {
        group: GroupId,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OffsetsOf {
    pub(crate) group: GroupId,
    /// `None`: all that it has committed.
    pub(crate) partitions: Option<Vec<NamedPartition>>,
    /// Who asks; a member of KIP-848 says so.
    pub(crate) member_id: Option<MemberId>,
    pub(crate) member_epoch: Option<i32>,
}

/// What a coordinator says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told {
    Changed(Response),
    /// In the order of the question; by topic and partition when all were asked for.
    Offsets(Vec<(NamedPartition, Option<CommittedOffset>)>),
    Description(GroupDescription),
}

/// The error is of the group as a whole: there is no coordinator here, or it cannot take the question.
pub(crate) type Answer = Result<Told, ErrorCode>;

/// Who wants an answer.
pub(crate) enum Asker {
    Here(Promise<Answer>),
    /// A handler on another shard.
    Mesh {
        shard: ShardId,
        token: Slot,
    },
}

impl Asker {
    pub(super) fn tell<R: Runtime>(self, shard: &Shard<R>, answer: Answer) {
        match self {
            Self::Here(promise) => promise.fulfil(answer),
            Self::Mesh { shard: to, token } => {
                shard.mesh.reply(to, token, Reply::Group(Box::new(answer)));
            }
        }
    }
}

/// A question on its way.
enum Asked<R: Runtime> {
    Here(runtime::sync::Reply<Answer>),
    There(runtime::sync::Reply<Reply<<R as Disk>::File>>),
    Refused(ErrorCode),
}

impl<R: Runtime> Asked<R> {
    async fn answer(self) -> Answer {
        match self {
            // Without an answer the node stops.
            Self::Here(answer) => answer.await.unwrap_or(Err(ErrorCode::NotCoordinator)),
            Self::There(reply) => match reply.await {
                Some(Reply::Group(answer)) => *answer,
                _ => Err(ErrorCode::NotCoordinator),
            },
            Self::Refused(error) => Err(error),
        }
    }
}

/// Asks the coordinator of a group.
pub(crate) async fn ask<R: Runtime>(shard: &Shard<R>, group: &str, ask: Ask) -> Answer {
    begin(shard, group, ask).await.answer().await
}

/// [`ask`] for a question whose answer may take minutes: ends with the connection.
///
/// # Errors
/// [`Close::Gone`] when the client has left.
pub(crate) async fn ask_while_open<R: Runtime>(
    shard: &Shard<R>,
    conn: &R::Conn,
    group: &str,
    ask: Ask,
) -> Result<Answer, Close> {
    let asked = begin(shard, group, ask).await;
    match race(asked.answer(), conn.wait_closed()).await {
        First::Left(answer) => Ok(answer),
        First::Right(()) => Err(Close::Gone),
    }
}

/// Asks about several groups at once. Answers come in the order of the questions.
pub(crate) async fn ask_all<R: Runtime>(
    shard: &Shard<R>,
    questions: Vec<(String, Ask)>,
) -> Vec<Answer> {
    let mut asked = Vec::with_capacity(questions.len());
    for (group, ask) in questions {
        asked.push(begin(shard, &group, ask).await);
    }
    let mut answers = Vec::with_capacity(asked.len());
    for asked in asked {
        answers.push(asked.answer().await);
    }
    answers
}

async fn begin<R: Runtime>(shard: &Shard<R>, group: &str, ask: Ask) -> Asked<R> {
    let (at, home) = match coordinator_of(shard, group) {
        Ok(found) => found,
        Err(error) => return Asked::Refused(error),
    };
    if home == shard.id {
        let (promise, answer) = oneshot();
        shard.coordinators.serve(shard, at, ask, Asker::Here(promise));
        return Asked::Here(answer);
    }
    match shard.mesh.submit(home, mesh::Request::Group { at, ask: Box::new(ask) }).await {
        Some(reply) => Asked::There(reply),
        // Too many questions wait already.
        None => Asked::Refused(ErrorCode::CoordinatorNotAvailable),
    }
}

/// Without the topic there is no coordinator; to look for one creates it.
fn coordinator_of<R: Runtime>(
    shard: &Shard<R>,
    group: &str,
) -> Result<(TopicPartition, ShardId), ErrorCode> {
    let topics = shard.topics.borrow();
    let topic = topics.by_name(OFFSETS_TOPIC).ok_or(ErrorCode::NotCoordinator)?;
    topic.partition(partition_of(group, topic.partition_count), shard.shard_count)
}

/// The groups of every coordinator of this node, shard by shard.
///
/// # Errors
/// COORDINATOR_LOAD_IN_PROGRESS while one of them loads.
pub(crate) async fn list_everywhere<R: Runtime>(
    shard: &Shard<R>,
) -> Result<Vec<GroupListing>, ErrorCode> {
    let mut asked = Vec::new();
    for of in shard.shards().filter(|of| *of != shard.id) {
        asked.push(shard.mesh.submit(of, mesh::Request::ListGroups).await);
    }
    let mut groups = shard.coordinators.list()?;
    for reply in asked {
        let reply = match reply {
            Some(reply) => reply.await,
            None => None,
        };
        match reply {
            Some(Reply::Groups(more)) => groups.extend(more?),
            _ => return Err(ErrorCode::CoordinatorNotAvailable),
        }
    }
    Ok(groups)
}
