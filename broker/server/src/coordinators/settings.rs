//! The settings of a coordinator, from Kafka's keys and this broker's bounds.

use core::time::Duration;

use coordinator::Settings;
use coordinator::consumer::{ConsumerSettings, MigrationPolicy};
use runtime::Runtime;

use crate::shard::Shard;

pub(super) fn settings<R: Runtime>(shard: &Shard<R>) -> Settings {
    let number = |key| u64::try_from(shard.broker_number(key)).unwrap_or(0);
    let count = |key| usize::try_from(number(key)).unwrap_or(usize::MAX);
    let millis = |key| Duration::from_millis(number(key));
    let limits = &shard.limits;
    Settings {
        initial_rebalance_delay: millis("group.initial.rebalance.delay.ms"),
        session_timeout_min: millis("group.min.session.timeout.ms"),
        session_timeout_max: millis("group.max.session.timeout.ms"),
        group_size_max: count("group.max.size").min(limits.group_members),
        offset_metadata_bytes_max: count("offset.metadata.max.bytes"),
        offsets_retention: Duration::from_secs(number("offsets.retention.minutes") * 60),
        offsets_retention_check_interval: millis("offsets.retention.check.interval.ms"),
        groups_max: limits.groups,
        group_bytes_max: limits.group_bytes,
        offsets_max: limits.committed_offsets,
        writes_max: limits.coordinator_writes,
        waiters_max: limits.waiters,
        consumer: ConsumerSettings {
            session_timeout: millis("group.consumer.session.timeout.ms"),
            heartbeat_interval: millis("group.consumer.heartbeat.interval.ms"),
            assignment_interval: millis("group.consumer.assignment.interval.ms"),
            group_size_max: count("group.consumer.max.size").min(limits.group_members),
            member_bytes_max: limits.group_bytes,
            migration: migration(shard),
        },
        ..Settings::PRODUCTION
    }
}

fn migration<R: Runtime>(shard: &Shard<R>) -> MigrationPolicy {
    match shard.broker_word("group.consumer.migration.policy").as_str() {
        "upgrade" => MigrationPolicy::Upgrade,
        "downgrade" => MigrationPolicy::Downgrade,
        "disabled" => MigrationPolicy::Disabled,
        _ => MigrationPolicy::Bidirectional,
    }
}
