//! The window through which the simulator looks into the cores and plants bugs.
//!
//! Promises: in a release broker the probe is [`Live`], every call is empty and no bug or site name
//! is in the binary.
//! Does not: decide anything; a core behaves the same whoever watches.

mod bug;
mod buggify;
mod listed;
mod site;

pub use bug::Bug;
pub use buggify::Buggify;
pub use site::Site;

use crate::{LeaderEpoch, NodeId, Offset, TopicPartition};

/// What a core tells about itself and asks of the simulator. One type parameter, no trait objects.
pub trait Probe: Clone + 'static {
    /// False in a release build: guards work that only feeds the probe.
    const ON: bool;

    /// Whether this deliberate mistake is switched on.
    fn planted(&self, bug: Bug) -> bool;

    /// A fact that checkers read instead of guessing.
    fn observe(&mut self, observation: Observation);

    /// Marks a rare state as reached.
    fn sometimes(&mut self, site: Site);

    /// Record bytes were copied.
    fn copied(&mut self, bytes: usize);

    /// Whether to make the rare choice at this place, this time. Never, unless a simulation says so.
    #[inline(always)]
    fn buggify(&self, _: Buggify) -> bool {
        false
    }
}

/// The probe of a real broker: nobody looks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Live;

impl Probe for Live {
    const ON: bool = false;

    #[inline(always)]
    fn planted(&self, _: Bug) -> bool {
        false
    }

    #[inline(always)]
    fn observe(&mut self, _: Observation) {}

    #[inline(always)]
    fn sometimes(&mut self, _: Site) {}

    #[inline(always)]
    fn copied(&mut self, _: usize) {}
}

/// What the cores report. Closed: a checker that reads it sees everything there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observation {
    /// Records `base_offset..end` were given their place; not durable yet.
    Appended {
        at: TopicPartition,
        leader_epoch: LeaderEpoch,
        base_offset: Offset,
        end: Offset,
    },
    /// Everything below `end` survives a power loss.
    Persisted {
        at: TopicPartition,
        end: Offset,
    },
    HighWatermarkMoved {
        at: TopicPartition,
        leader_epoch: LeaderEpoch,
        high_watermark: Offset,
    },
    /// Everything below `keep_from` may go from now on: a crash finds it or does not.
    DeletionBegun {
        at: TopicPartition,
        keep_from: Offset,
    },
    LogStartMoved {
        at: TopicPartition,
        log_start_offset: Offset,
    },
    IsrChanged {
        at: TopicPartition,
        leader_epoch: LeaderEpoch,
        in_sync_count: u32,
    },
    Truncated {
        at: TopicPartition,
        end: Offset,
    },
    EpochStarted {
        at: TopicPartition,
        leader: NodeId,
        leader_epoch: LeaderEpoch,
        start: Offset,
    },
    /// A producer was told that its records below `end` are safe.
    Acknowledged {
        at: TopicPartition,
        end: Offset,
    },
    /// Recovery dropped a torn tail of this many bytes.
    RecoveryCut {
        at: TopicPartition,
        end: Offset,
        bytes: u64,
    },
}
