//! Committed offsets of a consumer group: who may write and read them, and which have expired.
//!
//! Promises: a member commits only in the epoch it is in, or what it has owned since the epoch it
//! names; offsets of a topic that somebody reads are kept.
//! Source: Kafka `ConsumerGroup.validateOffsetCommit`, `validateOffsetFetch`,
//! `OffsetMetadataManager.cleanupExpiredOffsets`.

use model::{Bug, ErrorCode, Probe, TopicPartition};

use super::Topics;
use super::group::ConsumerGroup;
use crate::commit;
use crate::context::Context;
use crate::expiry;
use crate::{MemberId, NamedPartition, OffsetCommitRequest, TopicName};

impl ConsumerGroup {
    /// # Errors
    /// UNKNOWN_MEMBER_ID; STALE_MEMBER_EPOCH, or ILLEGAL_GENERATION for a classic member.
    pub(crate) fn check_commit<P: Probe>(
        &self,
        cx: &Context<'_, P>,
        request: &OffsetCommitRequest,
    ) -> Result<(), ErrorCode> {
        let member_epoch = request.generation_id.map(|it| it.0);
        if member_epoch.is_none() && self.is_empty() {
            return Ok(());
        }
        let checked = self.check_member_epoch(request.member_id.as_ref(), member_epoch);
        let is_old = [Err(ErrorCode::StaleMemberEpoch), Err(ErrorCode::IllegalGeneration)];
        if !is_old.contains(&checked) {
            return checked;
        }
        let planted = cx.probe.planted(Bug::OldGenerationCommitAccepted);
        if planted || self.has_owned_since(cx.topics, request) { Ok(()) } else { checked }
    }

    /// Whether the member owns all that it commits, and got it in the epoch that it names or before:
    /// nobody else can have worked on that since (KIP-1251).
    fn has_owned_since(&self, topics: &Topics, request: &OffsetCommitRequest) -> bool {
        let Some((member_id, epoch)) = request.member_id.as_ref().zip(request.generation_id) else {
            return false;
        };
        let current = self.state.current(member_id);
        let is_owned_since = |at: &NamedPartition| {
            let topic = topics.by_name(&at.topic)?;
            let at = TopicPartition { topic: topic.id, partition: at.partition };
            Some(current.assignment_epoch(&at)? <= epoch.0)
        };
        epoch.0 < current.member_epoch
            && request.offsets.iter().all(|it| is_owned_since(&it.at) == Some(true))
    }

    /// Anybody may read who does not claim to be a member.
    ///
    /// # Errors
    /// As for a commit.
    pub(crate) fn check_offset_fetch(
        &self,
        member_id: Option<&MemberId>,
        member_epoch: Option<i32>,
    ) -> Result<(), ErrorCode> {
        if member_id.is_none() && member_epoch.is_none() {
            return Ok(());
        }
        self.check_member_epoch(member_id, member_epoch)
    }

    fn check_member_epoch(
        &self,
        member_id: Option<&MemberId>,
        member_epoch: Option<i32>,
    ) -> Result<(), ErrorCode> {
        let member_id = member_id.ok_or(ErrorCode::UnknownMemberId)?;
        let member = self.state.members.get(member_id).ok_or(ErrorCode::UnknownMemberId)?;
        let current = self.state.current(member_id).member_epoch;
        match member_epoch {
            Some(epoch) if epoch == current => Ok(()),
            _ if member.classic.is_some() => Err(ErrorCode::IllegalGeneration),
            _ => Err(ErrorCode::StaleMemberEpoch),
        }
    }

    pub(crate) fn is_subscribed(&self, topic: &TopicName) -> bool {
        self.state.all_subscribed().contains(topic)
    }

    /// Expires what may go; returns how many offsets it looked at. A group without members ends with
    /// its last offset.
    pub(crate) fn expire_offsets<P: Probe>(&mut self, cx: &mut Context<'_, P>) -> usize {
        let subscribed = self.state.all_subscribed();
        let since_ms = |at: &crate::NamedPartition, offset: &crate::CommittedOffset| {
            (!subscribed.contains(&at.topic)).then_some(offset.commit_timestamp_ms)
        };
        let (looked_at, expired) = expiry::expired(cx, &self.id, since_ms);
        let last = cx.offsets.latest_keys(&self.id).len() == expired.len();
        if last && self.is_empty() {
            self.delete(cx);
        } else {
            commit::forget(cx, &self.id, expired);
        }
        looked_at
    }

    /// Forgets a group without members, and its offsets.
    pub(crate) fn delete<P: Probe>(&mut self, cx: &mut Context<'_, P>) {
        assert!(self.is_empty(), "group {} has members", self.id);
        let offsets = cx.offsets.latest_keys(&self.id);
        commit::forget(cx, &self.id, offsets);
        for record in self.state.tombstones() {
            self.write(record);
        }
    }
}
