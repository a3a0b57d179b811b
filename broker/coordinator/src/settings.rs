//! What an operator can set, and the bounds of one coordinator.

use core::time::Duration;

use crate::consumer::ConsumerSettings;

/// Kafka's group properties, and bounds that Kafka does not have. Bounds are per
/// `__consumer_offsets` partition unless they say "per group".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `group.initial.rebalance.delay.ms`: how long the first join of an empty group waits for more.
    pub initial_rebalance_delay: Duration,
    /// `group.min.session.timeout.ms`.
    pub session_timeout_min: Duration,
    /// `group.max.session.timeout.ms`.
    pub session_timeout_max: Duration,
    /// `group.max.size`: members per group; also the member ids handed out and not used yet.
    pub group_size_max: usize,
    /// A member's first JoinGroup may be parked this long; then the member is forgotten (Kafka
    /// `NEW_MEMBER_JOIN_TIMEOUT_MS`).
    pub new_member_join_timeout: Duration,
    /// A member id that was handed out (KIP-394) is kept at most this long, and never longer than
    /// the session timeout that was asked for. Kafka keeps it for the session timeout, and a client
    /// that never comes back holds up the rebalance meanwhile.
    pub pending_member_timeout: Duration,
    /// `offset.metadata.max.bytes`, per offset.
    pub offset_metadata_bytes_max: usize,
    /// `offsets.retention.minutes`.
    pub offsets_retention: Duration,
    /// `offsets.retention.check.interval.ms`.
    pub offsets_retention_check_interval: Duration,
    /// Groups; one more is refused with COORDINATOR_NOT_AVAILABLE.
    pub groups_max: usize,
    /// Bytes that clients chose (protocols, assignments, ids), per group. A join beyond it is refused
    /// with GROUP_MAX_SIZE_REACHED, an assignment with UNKNOWN_SERVER_ERROR, as by Kafka when the
    /// group's record exceeds the largest batch.
    pub group_bytes_max: usize,
    /// Committed offsets; one more is refused with INVALID_COMMIT_OFFSET_SIZE.
    pub offsets_max: usize,
    /// Writes that are not durable yet; requests beyond it are refused with COORDINATOR_NOT_AVAILABLE.
    pub writes_max: usize,
    /// Answers that wait for writes; requests beyond it are refused with COORDINATOR_NOT_AVAILABLE.
    pub waiters_max: usize,
    /// Records of one write that nobody waits for, so that expiry and deletion come in pieces.
    pub write_records_max: usize,
    pub consumer: ConsumerSettings,
}

impl Settings {
    /// Kafka's defaults.
    pub const PRODUCTION: Self = Self {
        initial_rebalance_delay: Duration::from_secs(3),
        session_timeout_min: Duration::from_secs(6),
        session_timeout_max: Duration::from_secs(1_800),
        group_size_max: 10_000,
        new_member_join_timeout: Duration::from_secs(300),
        pending_member_timeout: Duration::from_secs(10),
        offset_metadata_bytes_max: 4_096,
        offsets_retention: Duration::from_secs(7 * 24 * 3_600),
        offsets_retention_check_interval: Duration::from_secs(600),
        groups_max: 100_000,
        group_bytes_max: 1_000_000,
        offsets_max: 4_000_000,
        writes_max: 10_000,
        waiters_max: 100_000,
        write_records_max: 1_000,
        consumer: ConsumerSettings::PRODUCTION,
    };
}
