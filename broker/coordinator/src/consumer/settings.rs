//! What an operator can set for KIP-848 groups, and their bounds.

use core::time::Duration;

/// Kafka's `group.consumer.*` properties, and bounds that Kafka does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerSettings {
    /// `group.consumer.session.timeout.ms`: a member that is silent for so long is removed.
    pub session_timeout: Duration,
    /// `group.consumer.heartbeat.interval.ms`, told to the members.
    pub heartbeat_interval: Duration,
    /// `group.consumer.assignment.interval.ms`: shortest time between two target assignments of one
    /// group. The first member of a group never waits for it.
    pub assignment_interval: Duration,
    /// `group.consumer.max.size`: members per group.
    pub group_size_max: usize,
    /// Bytes of ids, topic names and pattern of one member; more is refused with INVALID_REQUEST.
    pub member_bytes_max: usize,
    /// `group.consumer.migration.policy`.
    pub migration: MigrationPolicy,
}

/// Which ways groups of consumers may go while members are in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MigrationPolicy {
    Bidirectional,
    /// From classic to KIP-848.
    Upgrade,
    /// From KIP-848 to classic.
    Downgrade,
    Disabled,
}

impl MigrationPolicy {
    pub(crate) fn upgrades(self) -> bool {
        matches!(self, Self::Bidirectional | Self::Upgrade)
    }

    pub(crate) fn downgrades(self) -> bool {
        matches!(self, Self::Bidirectional | Self::Downgrade)
    }
}

impl ConsumerSettings {
    /// Kafka's defaults.
    pub const PRODUCTION: Self = Self {
        session_timeout: Duration::from_secs(45),
        heartbeat_interval: Duration::from_secs(5),
        assignment_interval: Duration::from_secs(1),
        group_size_max: 10_000,
        member_bytes_max: 1 << 20,
        migration: MigrationPolicy::Bidirectional,
    };
}
