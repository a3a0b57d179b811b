//! A reader that shares its topics with the other members of its group.
//!
//! Promises: partitions are read from their committed offset on; what is committed was processed, as the caller said
//! with [`GroupConsumer::processed`]; on an orderly revocation and on [`GroupConsumer::close`] everything processed is
//! committed before anybody else gets the partition. After a crash records since the last commit come again, and
//! none is passed over.
//! Does not: subscribe by pattern, or assign in any other way than `range`.

use core::time::Duration;
use model::{ErrorCode, Instant, Offset};
use runtime::Runtime;
use runtime::sync::race;
use std::collections::{BTreeMap, BTreeSet};

use super::driver::{Change, Membership};
use super::member::Assignment;
use super::offsets::Committer;
use crate::{
    Arrival, ClientError, FetchLimits, Fetcher, NamedPartition, OffsetSpec, Positions, Router,
};

/// How long one commit is tried; the next one carries the same offsets and more.
const COMMIT_LIMIT: Duration = Duration::from_secs(5);
/// How long the places to begin at are asked for, before it is told and tried anew.
const BEGIN_LIMIT: Duration = Duration::from_secs(10);
/// How long leaving may take; the coordinator also finds out by itself.
const CLOSE_LIMIT: Duration = Duration::from_secs(10);

/// Where to begin in a partition without a committed offset (Kafka's `auto.offset.reset`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoOffset {
    Earliest,
    Latest,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupOptions {
    pub group: String,
    pub topics: BTreeSet<String>,
    /// A static member (KIP-345): it keeps its partitions when it comes back within the session.
    pub instance_id: Option<String>,
    /// The member is given up when the coordinator does not hear of it for so long.
    pub session_timeout: Duration,
    /// The member leaves when the caller does not come back to [`GroupConsumer::next`] for so long.
    pub rebalance_timeout: Duration,
    pub commit_interval: Duration,
    pub no_offset: NoOffset,
    pub fetch: FetchLimits,
}

/// What reading in a group brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupArrival {
    Read(Arrival),
    /// These are ours now, and no others.
    Assigned(BTreeSet<NamedPartition>),
    /// Nothing is ours for the moment. What was processed is committed.
    Revoked,
    /// Nothing is ours for the moment. Others may process again what was not committed.
    Lost,
}

pub struct GroupConsumer<R: Runtime> {
    router: Router<R>,
    options: GroupOptions,
    membership: Membership,
    fetcher: Fetcher<R>,
    /// While partitions are assigned.
    held: Option<Held>,
    commit_at: Instant,
}

/// What this member has, and as whom it commits.
struct Held {
    generation_id: i32,
    member_id: String,
    /// The next record to process in each partition.
    processed: Positions,
    /// A partition that had no committed offset is missing until the first commit: its beginning is committed too, so
    /// that what comes while nobody reads is not passed over.
    committed: Positions,
}

/// Where an assignment begins.
#[derive(Debug, Default)]
struct Beginnings {
    processed: Positions,
    /// Those of them that the group has committed.
    committed: Positions,
}

impl<R: Runtime> GroupConsumer<R> {
    /// Joins the group, beside the caller; the first [`GroupArrival`] tells of success.
    #[must_use]
    pub fn join(router: Router<R>, options: GroupOptions) -> Self {
        let fetcher = Fetcher::new(router.clone(), options.fetch);
        let membership = Membership::begin(router.clone(), options.clone());
        Self { router, options, membership, fetcher, held: None, commit_at: Instant(0) }
    }

    /// What comes next. May be dropped and called again without a loss.
    ///
    /// # Errors
    /// The member cannot stay, for good; the caller should end.
    pub async fn next(&mut self) -> Result<GroupArrival, ClientError> {
        let rt = self.router.runtime().clone();
        loop {
            self.membership.polled();
            if let Some(change) = self.membership.change() {
                return self.heed(change).await;
            }
            let due = self.commit_due();
            if rt.now().mono >= due {
                self.commit_at = rt.now().mono + self.options.commit_interval;
                if let Err(error) = self.commit().await {
                    return Ok(GroupArrival::Read(Arrival::Trouble(error)));
                }
                continue;
            }
            // A member that waits for records is still there: it says so more often than it must.
            let awake = rt.now().mono + self.options.rebalance_timeout / 4;
            let other = race(self.membership.changed(), rt.sleep_until(due.min(awake)));
            if let runtime::sync::First::Left(arrival) = race(self.fetcher.next(), other).await {
                return Ok(GroupArrival::Read(arrival));
            }
        }
    }

    /// Everything before `next` in this partition is processed, and may be committed.
    pub fn processed(&mut self, at: &NamedPartition, next: Offset) {
        if let Some(held) = &mut self.held
            && let Some(known) = held.processed.get_mut(at)
        {
            *known = next;
        }
    }

    /// Commits and leaves the group, so that others go on at once.
    ///
    /// # Errors
    /// Why the last commit did not succeed: records since the one before come again.
    pub async fn close(mut self) -> Result<(), ClientError> {
        let committed = self.commit().await;
        let rt = self.router.runtime().clone();
        let deadline = rt.now().mono + CLOSE_LIMIT;
        race(self.membership.close(), rt.sleep_until(deadline)).await;
        committed
    }

    /// Does what a change asks for; it stays the oldest one until that is done.
    async fn heed(&mut self, change: Change) -> Result<GroupArrival, ClientError> {
        match change {
            Change::Assigned(assignment) => {
                let beginnings = match self.beginnings(&assignment.partitions).await {
                    Ok(beginnings) => beginnings,
                    Err(error) if error.is_retriable() => {
                        return Ok(GroupArrival::Read(Arrival::Trouble(error)));
                    }
                    Err(error) => return Err(error),
                };
                self.membership.done();
                Ok(self.begin(assignment, beginnings))
            }
            Change::Revoked => {
                self.fetcher.assign(Positions::new());
                // Whether it succeeds or not: keeping the others waiting does not make it better.
                let committed = self.commit().await;
                self.held = None;
                self.membership.done();
                self.membership.released();
                Ok(if committed.is_ok() { GroupArrival::Revoked } else { GroupArrival::Lost })
            }
            Change::Lost => {
                self.fetcher.assign(Positions::new());
                self.held = None;
                self.membership.done();
                Ok(GroupArrival::Lost)
            }
            Change::Failed(error) => Err(error),
        }
    }

    fn begin(&mut self, assignment: Assignment, beginnings: Beginnings) -> GroupArrival {
        let Assignment { generation_id, member_id, partitions } = assignment;
        let Beginnings { processed, committed } = beginnings;
        self.fetcher.assign(processed.clone());
        self.held = Some(Held { generation_id, member_id, processed, committed });
        self.commit_at = self.router.runtime().now().mono + self.options.commit_interval;
        GroupArrival::Assigned(partitions)
    }

    /// The committed offset of each partition; where there is none, its start or end.
    async fn beginnings(
        &self,
        partitions: &BTreeSet<NamedPartition>,
    ) -> Result<Beginnings, ClientError> {
        if partitions.is_empty() {
            return Ok(Beginnings::default());
        }
        let (router, group) = (&self.router, &self.options.group);
        let committed = router.committed_offsets(group, Some(partitions), BEGIN_LIMIT).await?;
        let spec = match self.options.no_offset {
            NoOffset::Earliest => OffsetSpec::Earliest,
            NoOffset::Latest => OffsetSpec::Latest,
        };
        let new = partitions.iter().filter(|at| !committed.contains_key(at));
        let new: BTreeMap<_, _> = new.map(|at| (at.clone(), spec)).collect();
        let committed: Positions =
            committed.into_iter().map(|(at, committed)| (at, committed.offset)).collect();
        let mut processed = committed.clone();
        if !new.is_empty() {
            for (at, offset) in router.list_offsets(&new, BEGIN_LIMIT).await {
                processed.insert(at, offset?.unwrap_or(Offset::ZERO));
            }
        }
        Ok(Beginnings { processed, committed })
    }

    fn commit_due(&self) -> Instant {
        match &self.held {
            Some(held) if held.processed != held.committed => self.commit_at,
            _ => Instant::FAR,
        }
    }

    /// Commits what was processed since the last time.
    async fn commit(&mut self) -> Result<(), ClientError> {
        let Some(held) = &mut self.held else { return Ok(()) };
        let news: Positions = held
            .processed
            .iter()
            .filter(|(at, offset)| held.committed.get(at) != Some(offset))
            .map(|(at, offset)| (at.clone(), *offset))
            .collect();
        let committer = Committer::Member {
            generation_id: held.generation_id,
            member_id: held.member_id.clone(),
            instance_id: self.options.instance_id.clone(),
        };
        let group = &self.options.group;
        match self.router.commit_offsets(group, &committer, &news, COMMIT_LIMIT).await {
            Ok(()) => {
                held.committed.extend(news);
                Ok(())
            }
            Err(error) => {
                if let Some(code) = error.code().filter(|code| FENCED.contains(code)) {
                    self.membership.commit_refused(held.generation_id, code);
                }
                Err(error)
            }
        }
    }
}

/// Refusals of a commit that say something of the member.
const FENCED: &[ErrorCode] = &[
    ErrorCode::UnknownMemberId,
    ErrorCode::IllegalGeneration,
    ErrorCode::RebalanceInProgress,
    ErrorCode::FencedInstanceId,
];
