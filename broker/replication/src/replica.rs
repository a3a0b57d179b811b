//! The replica: its role, its ends, and the one door.
//!
//! Promises: `log_start <= high_watermark <= log_end`, `durable_end <= log_end`; the watermark is the
//! smallest durable end of the in-sync replicas, this one included, and waits while fewer of them
//! are in sync than the topic asks for.
//! Does not: order or keep waiters; the driver keeps them by end offset and completes them when an
//! [`Effect::Acknowledge`] for their acks reaches that end.
//! Source: KIP-101 (epochs), KIP-966 (the watermark below min ISR).

use model::{Bug, LeaderEpoch, NodeId, Now, Observation, Offset, Probe, Site, TopicPartition};

use crate::leader::Leader;
use crate::{Acks, AppendError, Batch, Effect, Event, Producers};

/// One replica of one partition.
#[derive(Debug, Clone)]
pub struct Replica {
    at: TopicPartition,
    node: NodeId,
    role: Role,
    ends: LogEnds,
    /// Newest leader epoch heard of; `None` before the first role.
    leader_epoch: Option<LeaderEpoch>,
    min_isr: u32,
    producers: Producers,
    stats: Stats,
}

#[derive(Debug, Clone)]
enum Role {
    Leader(Leader),
    Follower {
        leader: Option<NodeId>,
    },
    /// A write or sync failed.
    Offline,
}

/// The offsets that bound a replica's log; all but the first exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogEnds {
    pub log_start_offset: Offset,
    pub high_watermark: Offset,
    /// Below it everything survives a power loss.
    pub durable_end: Offset,
    pub log_end_offset: Offset,
}

/// Counts since the replica was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    pub appended_batches: u64,
    pub appended_records: u64,
    pub duplicate_batches: u64,
    pub refused_batches: u64,
}

impl Replica {
    /// A replica whose log was recovered. It refuses appends until it hears its role.
    ///
    /// A log that was just opened holds only what is durable, so `durable_end` is its
    /// `log_end_offset`. `high_watermark` is what was checkpointed: it may be older than the log's
    /// start or newer than a tail that was lost, and is taken only as far as the log goes.
    ///
    /// # Panics
    /// When the log's own ends are not in order: storage promises that they are.
    #[must_use]
    pub fn new(
        at: TopicPartition,
        node: NodeId,
        min_isr: u32,
        ends: LogEnds,
        producers: Producers,
    ) -> Self {
        let (start, end) = (ends.log_start_offset, ends.log_end_offset);
        assert!(start <= end, "the log starts at {start} and ends at {end}");
        let ends = LogEnds { high_watermark: ends.high_watermark.clamp(start, end), ..ends };
        let role = Role::Follower { leader: None };
        let stats = Stats::default();
        let replica = Self { at, node, role, ends, leader_epoch: None, min_isr, producers, stats };
        replica.assert_invariants();
        replica
    }

    /// Takes one event and appends what must be done, in order, to `effects`.
    ///
    /// Cost: constant per batch, logarithmic in the number of remembered producers; no allocation
    /// once `effects` has room.
    pub fn step<P: Probe>(
        &mut self,
        now: Now,
        event: Event,
        effects: &mut Vec<Effect>,
        probe: &mut P,
    ) {
        match event {
            Event::BecomeLeader { leader_epoch, isr, replicas } => {
                self.become_leader(leader_epoch, &isr, &replicas, effects, probe);
            }
            Event::BecomeFollower { leader, leader_epoch } => {
                self.become_follower(leader, leader_epoch, effects);
            }
            Event::Append { batch, acks, request_leader_epoch } => {
                match self.admit(&batch, acks, request_leader_epoch) {
                    Ok(leader_epoch) => {
                        self.append(now, &batch, acks, leader_epoch, effects, probe);
                    }
                    Err(error) => {
                        self.stats.refused_batches += 1;
                        effects.push(Effect::Refuse(error));
                    }
                }
            }
            Event::Persisted { end } => self.persisted(end, effects, probe),
            Event::LogFailed => self.log_failed(effects),
            Event::LogStartMoved { log_start_offset } => {
                self.log_start_moved(log_start_offset, effects, probe);
            }
            Event::IsrChanged { leader_epoch, isr } => {
                self.isr_changed(leader_epoch, &isr, effects, probe);
            }
            Event::FollowerAt { follower, leader_epoch, end } => {
                self.follower_at(follower, leader_epoch, end, effects, probe);
            }
            Event::MinIsrChanged { min_isr } => {
                assert!(min_isr >= 1, "min.insync.replicas is at least 1");
                self.min_isr = min_isr;
                self.advance_high_watermark(effects, probe);
            }
            Event::Tick => self.producers.expire(now.wall_ms),
        }
        self.assert_invariants();
    }

    #[must_use]
    pub fn at(&self) -> TopicPartition {
        self.at
    }

    #[must_use]
    pub fn ends(&self) -> LogEnds {
        self.ends
    }

    /// First offset that consumers may not read yet.
    #[must_use]
    pub fn high_watermark(&self) -> Offset {
        self.ends.high_watermark
    }

    #[must_use]
    pub fn log_end_offset(&self) -> Offset {
        self.ends.log_end_offset
    }

    /// First offset that `read_committed` consumers may not read yet (exclusive, despite its name).
    #[must_use]
    pub fn last_stable_offset(&self) -> Offset {
        let open = self.producers.first_open_transaction();
        open.map_or(self.ends.high_watermark, |first| first.min(self.ends.high_watermark))
    }

    #[must_use]
    pub fn leader_epoch(&self) -> Option<LeaderEpoch> {
        self.leader_epoch
    }

    #[must_use]
    pub fn is_leader(&self) -> bool {
        matches!(self.role, Role::Leader(_))
    }

    #[must_use]
    pub fn producers(&self) -> &Producers {
        &self.producers
    }

    #[must_use]
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// Checks a request's leader epoch, as Fetch and ListOffsets carry it (KIP-320).
    ///
    /// # Errors
    /// The replica does not lead, or leads in another epoch.
    pub fn check_leader(
        &self,
        request_leader_epoch: Option<LeaderEpoch>,
    ) -> Result<LeaderEpoch, AppendError> {
        let current = match &self.role {
            Role::Leader(leader) => leader.leader_epoch,
            Role::Follower { leader } => return Err(AppendError::NotLeader { leader: *leader }),
            Role::Offline => return Err(AppendError::Offline),
        };
        match request_leader_epoch {
            Some(got) if got < current => Err(AppendError::FencedLeaderEpoch { current, got }),
            Some(got) if got > current => Err(AppendError::UnknownLeaderEpoch { current, got }),
            _ => Ok(current),
        }
    }

    fn become_leader<P: Probe>(
        &mut self,
        leader_epoch: LeaderEpoch,
        isr: &[NodeId],
        replicas: &[NodeId],
        effects: &mut Vec<Effect>,
        probe: &mut P,
    ) {
        if self.is_late(leader_epoch) {
            return;
        }
        self.leader_epoch = Some(leader_epoch);
        self.role = Role::Leader(Leader::new(leader_epoch, self.node, isr, replicas));
        let start = self.ends.log_end_offset;
        effects.push(Effect::StartLeaderEpoch { leader_epoch, start });
        probe.observe(Observation::EpochStarted {
            at: self.at,
            leader: self.node,
            leader_epoch,
            start,
        });
        self.advance_high_watermark(effects, probe);
    }

    fn become_follower(
        &mut self,
        leader: Option<NodeId>,
        leader_epoch: LeaderEpoch,
        effects: &mut Vec<Effect>,
    ) {
        if self.is_late(leader_epoch) {
            return;
        }
        self.leader_epoch = Some(leader_epoch);
        self.role = Role::Follower { leader };
        effects.push(Effect::FailWaiters(AppendError::NotLeader { leader }));
    }

    /// Whether a role belongs to an epoch that this replica has already entered, or comes to a
    /// replica that no longer has a log it could trust.
    fn is_late(&self, leader_epoch: LeaderEpoch) -> bool {
        let known = self.leader_epoch.is_some_and(|current| leader_epoch <= current);
        known || matches!(self.role, Role::Offline)
    }

    /// Role, epoch and min ISR, before anything is said about the batch itself.
    fn admit(
        &self,
        batch: &Batch,
        acks: Acks,
        request_leader_epoch: Option<LeaderEpoch>,
    ) -> Result<LeaderEpoch, AppendError> {
        assert!(batch.record_count > 0, "an empty batch is refused before it comes here");
        let leader_epoch = self.check_leader(request_leader_epoch)?;
        if let (Role::Leader(leader), Acks::All) = (&self.role, acks) {
            let (in_sync, needed) = (leader.in_sync_count(), leader.needed(self.min_isr));
            if in_sync < needed {
                return Err(AppendError::NotEnoughReplicas { in_sync, needed });
            }
        }
        Ok(leader_epoch)
    }

    fn append<P: Probe>(
        &mut self,
        now: Now,
        batch: &Batch,
        acks: Acks,
        leader_epoch: LeaderEpoch,
        effects: &mut Vec<Effect>,
        probe: &mut P,
    ) {
        if let Some(original) = self.producers.find_duplicate(batch, probe) {
            self.stats.duplicate_batches += 1;
            let end = original.end();
            let complete =
                self.is_acknowledged(acks, end) || probe.planted(Bug::DuplicateAnsweredEarly);
            if complete {
                probe.sometimes(Site::DuplicateAnswered);
                probe.observe(Observation::Acknowledged { at: self.at, end });
            } else {
                probe.sometimes(Site::DuplicateJoinedWaiters);
            }
            return effects.push(Effect::Duplicate {
                base_offset: original.base_offset,
                end,
                max_timestamp_ms: original.max_timestamp_ms,
                complete,
            });
        }
        if let Err(error) = self.producers.check(batch)
            && !(is_old(&error) && probe.planted(Bug::DedupWindowOfOne))
        {
            probe.sometimes(Site::SequenceRefused);
            self.stats.refused_batches += 1;
            return effects.push(Effect::Refuse(error));
        }
        let base_offset = self.ends.log_end_offset;
        let end = base_offset.after(batch.record_count);
        self.ends.log_end_offset = end;
        let evicted_count = self.producers.evicted_count();
        self.producers.wrote(batch, base_offset, now.wall_ms);
        if self.producers.evicted_count() > evicted_count {
            probe.sometimes(Site::ProducerEvicted);
        }
        self.stats.appended_batches += 1;
        self.stats.appended_records += u64::from(batch.record_count);
        effects.push(Effect::Persist { base_offset, end, leader_epoch });
        probe.observe(Observation::Appended { at: self.at, leader_epoch, base_offset, end });
        if probe.planted(Bug::AckBeforeSync) {
            self.acknowledge(Acks::Leader, end, effects, probe);
            self.acknowledge(Acks::All, end, effects, probe);
        }
        if probe.planted(Bug::HighWatermarkCountsUnsynced) {
            self.advance_high_watermark(effects, probe);
        }
    }

    fn persisted<P: Probe>(&mut self, end: Offset, effects: &mut Vec<Effect>, probe: &mut P) {
        let log_end = self.ends.log_end_offset;
        assert!(end <= log_end, "storage persisted {end}, the log ends at {log_end}");
        // Completions of different files may arrive out of order; the end only grows.
        if end <= self.ends.durable_end {
            return;
        }
        self.ends.durable_end = end;
        probe.observe(Observation::Persisted { at: self.at, end });
        if self.is_leader() {
            self.acknowledge(Acks::Leader, end, effects, probe);
            self.advance_high_watermark(effects, probe);
        }
    }

    fn log_failed(&mut self, effects: &mut Vec<Effect>) {
        self.role = Role::Offline;
        effects.push(Effect::FailWaiters(AppendError::Offline));
    }

    fn log_start_moved<P: Probe>(
        &mut self,
        log_start_offset: Offset,
        effects: &mut Vec<Effect>,
        probe: &mut P,
    ) {
        // Retention takes only what is durable, and may be heard of before the sync itself.
        self.persisted(log_start_offset, effects, probe);
        let (start, watermark) = (self.ends.log_start_offset, self.ends.high_watermark);
        assert!(log_start_offset >= start, "the log start went from {start} to {log_start_offset}");
        assert!(
            log_start_offset <= watermark,
            "the log start {log_start_offset} passed the high watermark {watermark}"
        );
        self.ends.log_start_offset = log_start_offset;
        probe.observe(Observation::LogStartMoved { at: self.at, log_start_offset });
    }

    fn isr_changed<P: Probe>(
        &mut self,
        leader_epoch: LeaderEpoch,
        isr: &[NodeId],
        effects: &mut Vec<Effect>,
        probe: &mut P,
    ) {
        let node = self.node;
        let Some(leader) = self.leader_of(leader_epoch) else { return };
        leader.set_isr(node, isr);
        let in_sync_count = leader.in_sync_count();
        probe.observe(Observation::IsrChanged { at: self.at, leader_epoch, in_sync_count });
        self.advance_high_watermark(effects, probe);
    }

    fn follower_at<P: Probe>(
        &mut self,
        follower: NodeId,
        leader_epoch: LeaderEpoch,
        end: Offset,
        effects: &mut Vec<Effect>,
        probe: &mut P,
    ) {
        // A fetch of an earlier epoch describes a log that may have been truncated since.
        let Some(leader) = self.leader_of(leader_epoch) else { return };
        if leader.follower_at(follower, end) {
            self.advance_high_watermark(effects, probe);
        }
    }

    fn leader_of(&mut self, leader_epoch: LeaderEpoch) -> Option<&mut Leader> {
        match &mut self.role {
            Role::Leader(leader) if leader.leader_epoch == leader_epoch => Some(leader),
            _ => None,
        }
    }

    fn advance_high_watermark<P: Probe>(&mut self, effects: &mut Vec<Effect>, probe: &mut P) {
        let Role::Leader(leader) = &self.role else { return };
        if leader.in_sync_count() < leader.needed(self.min_isr) {
            return;
        }
        let counts_unsynced = probe.planted(Bug::HighWatermarkCountsUnsynced);
        let own = if counts_unsynced { self.ends.log_end_offset } else { self.ends.durable_end };
        let Some(end) = leader.in_sync_end(own) else { return };
        // A follower may come back with a shorter log; what was promised stays promised.
        if end <= self.ends.high_watermark {
            return;
        }
        let leader_epoch = leader.leader_epoch;
        self.ends.high_watermark = end;
        probe.observe(Observation::HighWatermarkMoved {
            at: self.at,
            leader_epoch,
            high_watermark: end,
        });
        self.acknowledge(Acks::All, end, effects, probe);
        let last_stable_offset = self.last_stable_offset();
        effects.push(Effect::WakeReaders { high_watermark: end, last_stable_offset });
    }

    fn acknowledge<P: Probe>(
        &self,
        acks: Acks,
        end: Offset,
        effects: &mut Vec<Effect>,
        probe: &mut P,
    ) {
        effects.push(Effect::Acknowledge { acks, end });
        probe.observe(Observation::Acknowledged { at: self.at, end });
    }

    /// Whether an append that ends at `end` has had its [`Effect::Acknowledge`].
    fn is_acknowledged(&self, acks: Acks, end: Offset) -> bool {
        match acks {
            Acks::None => true,
            Acks::Leader => end <= self.ends.durable_end,
            Acks::All => end <= self.ends.high_watermark,
        }
    }

    fn assert_invariants(&self) {
        let LogEnds { log_start_offset, high_watermark, durable_end, log_end_offset } = self.ends;
        assert!(self.min_isr >= 1, "min.insync.replicas is at least 1");
        assert!(log_start_offset <= high_watermark, "{:?}", self.ends);
        assert!(durable_end <= log_end_offset, "{:?}", self.ends);
        assert!(high_watermark <= log_end_offset, "{:?}", self.ends);
        self.producers.assert_invariants();
    }
}

/// Whether the batch carries a sequence that its producer has already used.
fn is_old(error: &AppendError) -> bool {
    matches!(error, AppendError::OutOfOrderSequence { expected, got, .. } if got < expected)
}

#[cfg(test)]
mod tests;
