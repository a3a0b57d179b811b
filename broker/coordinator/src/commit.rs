//! Committing and deleting offsets, once the group has agreed.
//!
//! Promises: an offset is acknowledged when its record is durable; each partition has its own answer.
//! Does not: ask the group (its protocol knows who may commit), or check that topics exist.
//! Source: Kafka `OffsetMetadataManager.commitOffset`, `deleteOffsets`.

use model::{ErrorCode, Probe};

use crate::context::Context;
use crate::writes::Then;
use crate::{
    CommittedOffset, GroupId, NamedPartition, OffsetCommitRequest, OffsetToCommit, PartitionError,
    Record, Response, Token, TopicName,
};

/// Writes the offsets that can be kept and answers when they are durable.
pub(crate) fn commit<P: Probe>(
    cx: &mut Context<'_, P>,
    token: Token,
    request: OffsetCommitRequest,
) {
    let now_ms = cx.now.wall_ms;
    let expire_timestamp_ms = request.retention.map(|kept| after_ms(now_ms, kept));
    let (mut records, mut answers) = (Vec::new(), Vec::new());
    for offset in request.offsets {
        let error = refusal(cx, &request.group, &offset, records.len());
        answers.push(PartitionError { at: offset.at.clone(), error });
        if error != ErrorCode::None {
            continue;
        }
        let value = CommittedOffset {
            offset: offset.offset,
            leader_epoch: offset.leader_epoch,
            metadata: offset.metadata,
            commit_timestamp_ms: now_ms,
            expire_timestamp_ms,
            topic_id: offset.topic_id,
        };
        let (group, value) = (request.group.clone(), Some(value));
        records.push(Record::OffsetCommit { group, at: offset.at, value });
    }
    let response = Response::OffsetCommit(answers);
    if records.is_empty() {
        cx.reply(token, response);
    } else {
        cx.write(records, Then::Reply { token, response });
    }
}

/// Writes tombstones for the offsets that exist and answers when they are durable. One that is gone
/// once an earlier write is durable has to wait for that write: it may still be read.
pub(crate) fn delete<P: Probe>(
    cx: &mut Context<'_, P>,
    token: Token,
    group: &GroupId,
    answers: Vec<PartitionError>,
) {
    let granted = answers.iter().filter(|answer| answer.error == ErrorCode::None);
    let under_way = granted.clone().filter_map(|answer| cx.offsets.under_way(group, &answer.at));
    let last_write = under_way.max().unwrap_or_default();
    let existing = granted.filter(|answer| cx.offsets.latest(group, &answer.at).is_some());
    let records: Vec<Record> = existing
        .map(|answer| Record::OffsetCommit {
            group: group.clone(),
            at: answer.at.clone(),
            value: None,
        })
        .collect();
    let response = Response::OffsetDelete(Ok(answers));
    if records.is_empty() {
        cx.reply_after(last_write, token, response);
    } else {
        cx.write(records, Then::Reply { token, response });
    }
}

/// Writes tombstones for a group's offsets of topics that do not exist any more.
pub(crate) fn forget_topics<P: Probe>(
    cx: &mut Context<'_, P>,
    group: &GroupId,
    topics: &[TopicName],
) {
    let mut keys = cx.offsets.latest_keys(group);
    keys.retain(|at| topics.contains(&at.topic));
    forget(cx, group, keys);
}

/// Writes tombstones for these offsets; nobody waits for them.
pub(crate) fn forget<P: Probe>(
    cx: &mut Context<'_, P>,
    group: &GroupId,
    offsets: Vec<NamedPartition>,
) {
    let tombstone = |at| Record::OffsetCommit { group: group.clone(), at, value: None };
    let records: Vec<Record> = offsets.into_iter().map(tombstone).collect();
    if !records.is_empty() {
        cx.write_in_pieces(records, Then::Nothing);
    }
}

fn refusal<P: Probe>(
    cx: &Context<'_, P>,
    group: &GroupId,
    offset: &OffsetToCommit,
    added: usize,
) -> ErrorCode {
    if offset.metadata.len() > cx.settings.offset_metadata_bytes_max {
        return ErrorCode::OffsetMetadataTooLarge;
    }
    let is_new = cx.offsets.latest(group, &offset.at).is_none();
    if is_new && cx.offsets.len() + added >= cx.settings.offsets_max {
        return ErrorCode::InvalidCommitOffsetSize;
    }
    ErrorCode::None
}

fn after_ms(now_ms: i64, by: core::time::Duration) -> i64 {
    now_ms.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX))
}
