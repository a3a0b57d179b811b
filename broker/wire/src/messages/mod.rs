//! One module per API, and the table of all of them.
//!
//! Generated from `schemas/` by `cargo x codegen`.

pub mod alter_configs;
pub mod api_versions;
pub mod consumer_group_describe;
pub mod consumer_group_heartbeat;
pub mod consumer_protocol;
pub mod control_records;
pub mod create_partitions;
pub mod create_topics;
pub mod delete_groups;
pub mod delete_records;
pub mod delete_topics;
pub mod describe_cluster;
pub mod describe_configs;
pub mod describe_groups;
pub mod describe_log_dirs;
pub mod describe_producers;
pub mod describe_topic_partitions;
pub mod fetch;
pub mod find_coordinator;
pub mod group_records;
pub mod heartbeat;
pub mod incremental_alter_configs;
pub mod init_producer_id;
pub mod join_group;
pub mod leave_group;
pub mod list_config_resources;
pub mod list_groups;
pub mod list_offsets;
pub mod metadata;
pub mod metadata_records;
pub mod offset_commit;
pub mod offset_delete;
pub mod offset_fetch;
pub mod offset_for_leader_epoch;
pub mod produce;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod sample;
pub mod sync_group;

use crate::api::Api;

/// The number of an API on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i16)]
pub enum ApiKey {
    Produce = 0,
    Fetch = 1,
    ListOffsets = 2,
    Metadata = 3,
    OffsetCommit = 8,
    OffsetFetch = 9,
    FindCoordinator = 10,
    JoinGroup = 11,
    Heartbeat = 12,
    LeaveGroup = 13,
    SyncGroup = 14,
    DescribeGroups = 15,
    ListGroups = 16,
    ApiVersions = 18,
    CreateTopics = 19,
    DeleteTopics = 20,
    DeleteRecords = 21,
    InitProducerId = 22,
    OffsetForLeaderEpoch = 23,
    DescribeConfigs = 32,
    AlterConfigs = 33,
    DescribeLogDirs = 35,
    CreatePartitions = 37,
    DeleteGroups = 42,
    IncrementalAlterConfigs = 44,
    OffsetDelete = 47,
    DescribeCluster = 60,
    DescribeProducers = 61,
    ConsumerGroupHeartbeat = 68,
    ConsumerGroupDescribe = 69,
    ListConfigResources = 74,
    DescribeTopicPartitions = 75,
}

/// Every API of this crate with the versions of Kafka 4.3, by key.
pub const APIS: &[Api] = &[
    Api {
        key: ApiKey::Produce,
        name: "Produce",
        version_min: 3,
        version_max: 13,
        flexible_from: 9,
    },
    Api { key: ApiKey::Fetch, name: "Fetch", version_min: 4, version_max: 18, flexible_from: 12 },
    Api {
        key: ApiKey::ListOffsets,
        name: "ListOffsets",
        version_min: 1,
        version_max: 11,
        flexible_from: 6,
    },
    Api {
        key: ApiKey::Metadata,
        name: "Metadata",
        version_min: 0,
        version_max: 13,
        flexible_from: 9,
    },
    Api {
        key: ApiKey::OffsetCommit,
        name: "OffsetCommit",
        version_min: 2,
        version_max: 10,
        flexible_from: 8,
    },
    Api {
        key: ApiKey::OffsetFetch,
        name: "OffsetFetch",
        version_min: 1,
        version_max: 10,
        flexible_from: 6,
    },
    Api {
        key: ApiKey::FindCoordinator,
        name: "FindCoordinator",
        version_min: 0,
        version_max: 6,
        flexible_from: 3,
    },
    Api {
        key: ApiKey::JoinGroup,
        name: "JoinGroup",
        version_min: 0,
        version_max: 9,
        flexible_from: 6,
    },
    Api {
        key: ApiKey::Heartbeat,
        name: "Heartbeat",
        version_min: 0,
        version_max: 4,
        flexible_from: 4,
    },
    Api {
        key: ApiKey::LeaveGroup,
        name: "LeaveGroup",
        version_min: 0,
        version_max: 5,
        flexible_from: 4,
    },
    Api {
        key: ApiKey::SyncGroup,
        name: "SyncGroup",
        version_min: 0,
        version_max: 5,
        flexible_from: 4,
    },
    Api {
        key: ApiKey::DescribeGroups,
        name: "DescribeGroups",
        version_min: 0,
        version_max: 6,
        flexible_from: 5,
    },
    Api {
        key: ApiKey::ListGroups,
        name: "ListGroups",
        version_min: 0,
        version_max: 5,
        flexible_from: 3,
    },
    Api {
        key: ApiKey::ApiVersions,
        name: "ApiVersions",
        version_min: 0,
        version_max: 4,
        flexible_from: 3,
    },
    Api {
        key: ApiKey::CreateTopics,
        name: "CreateTopics",
        version_min: 2,
        version_max: 7,
        flexible_from: 5,
    },
    Api {
        key: ApiKey::DeleteTopics,
        name: "DeleteTopics",
        version_min: 1,
        version_max: 6,
        flexible_from: 4,
    },
    Api {
        key: ApiKey::DeleteRecords,
        name: "DeleteRecords",
        version_min: 0,
        version_max: 2,
        flexible_from: 2,
    },
    Api {
        key: ApiKey::InitProducerId,
        name: "InitProducerId",
        version_min: 0,
        version_max: 6,
        flexible_from: 2,
    },
    Api {
        key: ApiKey::OffsetForLeaderEpoch,
        name: "OffsetForLeaderEpoch",
        version_min: 2,
        version_max: 4,
        flexible_from: 4,
    },
    Api {
        key: ApiKey::DescribeConfigs,
        name: "DescribeConfigs",
        version_min: 1,
        version_max: 4,
        flexible_from: 4,
    },
    Api {
        key: ApiKey::AlterConfigs,
        name: "AlterConfigs",
        version_min: 0,
        version_max: 2,
        flexible_from: 2,
    },
    Api {
        key: ApiKey::DescribeLogDirs,
        name: "DescribeLogDirs",
        version_min: 1,
        version_max: 5,
        flexible_from: 2,
    },
    Api {
        key: ApiKey::CreatePartitions,
        name: "CreatePartitions",
        version_min: 0,
        version_max: 3,
        flexible_from: 2,
    },
    Api {
        key: ApiKey::DeleteGroups,
        name: "DeleteGroups",
        version_min: 0,
        version_max: 2,
        flexible_from: 2,
    },
    Api {
        key: ApiKey::IncrementalAlterConfigs,
        name: "IncrementalAlterConfigs",
        version_min: 0,
        version_max: 1,
        flexible_from: 1,
    },
    Api {
        key: ApiKey::OffsetDelete,
        name: "OffsetDelete",
        version_min: 0,
        version_max: 0,
        flexible_from: i16::MAX,
    },
    Api {
        key: ApiKey::DescribeCluster,
        name: "DescribeCluster",
        version_min: 0,
        version_max: 2,
        flexible_from: 0,
    },
    Api {
        key: ApiKey::DescribeProducers,
        name: "DescribeProducers",
        version_min: 0,
        version_max: 0,
        flexible_from: 0,
    },
    Api {
        key: ApiKey::ConsumerGroupHeartbeat,
        name: "ConsumerGroupHeartbeat",
        version_min: 0,
        version_max: 1,
        flexible_from: 0,
    },
    Api {
        key: ApiKey::ConsumerGroupDescribe,
        name: "ConsumerGroupDescribe",
        version_min: 0,
        version_max: 1,
        flexible_from: 0,
    },
    Api {
        key: ApiKey::ListConfigResources,
        name: "ListConfigResources",
        version_min: 0,
        version_max: 1,
        flexible_from: 0,
    },
    Api {
        key: ApiKey::DescribeTopicPartitions,
        name: "DescribeTopicPartitions",
        version_min: 0,
        version_max: 0,
        flexible_from: 0,
    },
];
