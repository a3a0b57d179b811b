//! Replicas of this node whose log failed, as every shard knows them.
//!
//! Promises: from the failure on, every shard's descriptions of the cluster say so; requests get
//! KAFKA_STORAGE_ERROR from the home shard.
//! Does not: open a failed log again. That takes a restart, as in Kafka, unless the disk was full
//! (`topics::come_back`).

use core::cell::RefCell;
use std::collections::BTreeMap;

use model::{ErrorCode, TopicId, TopicPartition};
use runtime::Runtime;

use crate::mesh::Notice;
use crate::shard::Shard;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The log could not be opened: nothing can be read, and the partition has no leader.
    Open,
    /// A write failed: what was there can be read, so the leader stays known.
    Write,
}

/// At most one for each replica of this node.
#[derive(Default)]
pub(crate) struct OfflineLogs(RefCell<BTreeMap<TopicPartition, Failure>>);

impl OfflineLogs {
    pub(crate) fn failure(&self, at: TopicPartition) -> Option<Failure> {
        self.0.borrow().get(&at).copied()
    }

    /// A log of any shard that is as the last owner left it.
    pub(crate) fn unopened(&self) -> Option<TopicPartition> {
        let failed = self.0.borrow();
        failed.iter().find(|(_, failure)| **failure == Failure::Open).map(|(at, _)| *at)
    }

    /// Tells every shard, this one included.
    pub(crate) fn report<R: Runtime>(shard: &Shard<R>, at: TopicPartition, failure: Failure) {
        shard.offline.add(at, failure);
        for to in shard.shards().filter(|to| *to != shard.id) {
            shard.mesh.post_notice(to, Notice::LogOffline { at, failure });
        }
    }

    /// Tells every shard, this one included, that a log takes appends again.
    pub(crate) fn report_return<R: Runtime>(shard: &Shard<R>, at: TopicPartition) {
        shard.offline.remove(at);
        for to in shard.shards().filter(|to| *to != shard.id) {
            shard.mesh.post_notice(to, Notice::LogOnline { at });
        }
    }

    pub(crate) fn remove(&self, at: TopicPartition) {
        self.0.borrow_mut().remove(&at);
    }

    pub(crate) fn add(&self, at: TopicPartition, failure: Failure) {
        self.0.borrow_mut().insert(at, failure);
    }

    /// The topic is deleted.
    pub(crate) fn forget(&self, topic: TopicId) {
        self.0.borrow_mut().retain(|at, _| at.topic != topic);
    }

    /// Why a home shard has no replica of a partition that a request names.
    pub(crate) fn why_missing(&self, at: TopicPartition) -> ErrorCode {
        match self.failure(at) {
            Some(_) => ErrorCode::KafkaStorageError,
            None => ErrorCode::NotLeaderOrFollower,
        }
    }

    /// Failed logs whose home is this shard.
    pub(crate) fn count_here<R: Runtime>(shard: &Shard<R>) -> usize {
        let failed = shard.offline.0.borrow();
        failed.keys().filter(|at| at.home(shard.shard_count) == shard.id).count()
    }
}
