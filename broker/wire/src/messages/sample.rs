//! Arbitrary messages, for tests: every field that a version has gets some value.
//!
//! Generated from `schemas/` by `cargo x codegen`.

#![allow(
    clippy::field_reassign_with_default,
    clippy::cast_possible_truncation,
    reason = "one statement per field; any bits will do"
)]

use crate::messages;
use crate::testing::{Sample, Source, Visit};

impl Sample for messages::alter_configs::AlterConfigsRequest {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.resources = source.list(|source| Sample::sample(source, version));
        it.validate_only = source.bool();
        it
    }
}

impl Sample for messages::alter_configs::AlterConfigsResource {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.resource_type = source.number() as i8;
        it.resource_name = source.string();
        it.configs = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::alter_configs::AlterableConfig {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.name = source.string();
        it.value = source.nullable(true, |source| source.string());
        it
    }
}

impl Sample for messages::alter_configs::AlterConfigsResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.throttle_time_ms = source.number() as i32;
        it.responses = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::alter_configs::AlterConfigsResourceResponse {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.error_code = source.number() as i16;
        it.error_message = source.nullable(true, |source| source.string());
        it.resource_type = source.number() as i8;
        it.resource_name = source.string();
        it
    }
}

impl Sample for messages::api_versions::ApiVersionsRequest {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        if (3..=4).contains(&version) {
            it.client_software_name = source.string();
        }
        if (3..=4).contains(&version) {
            it.client_software_version = source.string();
        }
        it
    }
}

impl Sample for messages::api_versions::ApiVersionsResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.error_code = source.number() as i16;
        it.api_keys = source.list(|source| Sample::sample(source, version));
        if (1..=4).contains(&version) {
            it.throttle_time_ms = source.number() as i32;
        }
        if (3..=4).contains(&version) {
            it.supported_features = source.list(|source| Sample::sample(source, version));
        }
        if (3..=4).contains(&version) {
            it.finalized_features_epoch = source.number();
        }
        if (3..=4).contains(&version) {
            it.finalized_features = source.list(|source| Sample::sample(source, version));
        }
        if (3..=4).contains(&version) {
            it.zk_migration_ready = source.bool();
        }
        it
    }
}

impl Sample for messages::api_versions::ApiVersion {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.api_key = source.number() as i16;
        it.min_version = source.number() as i16;
        it.max_version = source.number() as i16;
        it
    }
}

impl Sample for messages::api_versions::SupportedFeatureKey {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.name = source.string();
        it.min_version = source.number() as i16;
        it.max_version = source.number() as i16;
        it
    }
}

impl Sample for messages::api_versions::FinalizedFeatureKey {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.name = source.string();
        it.max_version_level = source.number() as i16;
        it.min_version_level = source.number() as i16;
        it
    }
}

impl Sample for messages::consumer_group_describe::ConsumerGroupDescribeRequest {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.group_ids = source.list(|source| source.string());
        it.include_authorized_operations = source.bool();
        it
    }
}

impl Sample for messages::consumer_group_describe::ConsumerGroupDescribeResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.throttle_time_ms = source.number() as i32;
        it.groups = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::consumer_group_describe::DescribedGroup {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.error_code = source.number() as i16;
        it.error_message = source.nullable(true, |source| source.string());
        it.group_id = source.string();
        it.group_state = source.string();
        it.group_epoch = source.number() as i32;
        it.assignment_epoch = source.number() as i32;
        it.assignor_name = source.string();
        it.members = source.list(|source| Sample::sample(source, version));
        it.authorized_operations = source.number() as i32;
        it
    }
}

impl Sample for messages::consumer_group_describe::Member {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.member_id = source.string();
        it.instance_id = source.nullable(true, |source| source.string());
        it.rack_id = source.nullable(true, |source| source.string());
        it.member_epoch = source.number() as i32;
        it.client_id = source.string();
        it.client_host = source.string();
        it.subscribed_topic_names = source.list(|source| source.string());
        it.subscribed_topic_regex = source.nullable(true, |source| source.string());
        it.assignment = Sample::sample(source, version);
        it.target_assignment = Sample::sample(source, version);
        if (1..=1).contains(&version) {
            it.member_type = source.number() as i8;
        }
        it
    }
}

impl Sample for messages::consumer_group_describe::Assignment {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.topic_partitions = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::consumer_group_describe::TopicPartitions {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.topic_id = model::TopicId(source.uuid());
        it.topic_name = source.string();
        it.partitions = source.list(|source| source.number() as i32);
        it
    }
}

impl Sample for messages::consumer_group_heartbeat::ConsumerGroupHeartbeatRequest {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.group_id = source.string();
        it.member_id = source.string();
        it.member_epoch = source.number() as i32;
        it.instance_id = source.nullable(true, |source| source.string());
        it.rack_id = source.nullable(true, |source| source.string());
        it.rebalance_timeout_ms = source.number() as i32;
        it.subscribed_topic_names =
            source.nullable(true, |source| source.list(|source| source.string()));
        if (1..=1).contains(&version) {
            it.subscribed_topic_regex = source.nullable(true, |source| source.string());
        }
        it.server_assignor = source.nullable(true, |source| source.string());
        it.topic_partitions =
            source.nullable(true, |source| source.list(|source| Sample::sample(source, version)));
        it
    }
}

impl Sample for messages::consumer_group_heartbeat::TopicPartitions {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.topic_id = model::TopicId(source.uuid());
        it.partitions = source.list(|source| source.number() as i32);
        it
    }
}

impl Sample for messages::consumer_group_heartbeat::ConsumerGroupHeartbeatResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.throttle_time_ms = source.number() as i32;
        it.error_code = source.number() as i16;
        it.error_message = source.nullable(true, |source| source.string());
        it.member_id = source.nullable(true, |source| source.string());
        it.member_epoch = source.number() as i32;
        it.heartbeat_interval_ms = source.number() as i32;
        it.assignment = source.nullable(true, |source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::consumer_group_heartbeat::Assignment {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.topic_partitions = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::consumer_protocol::ConsumerProtocolSubscription {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.topics = source.list(|source| source.string());
        it.user_data = source.nullable(true, |source| source.buf());
        if (1..=3).contains(&version) {
            it.owned_partitions = source.list(|source| Sample::sample(source, version));
        }
        if (2..=3).contains(&version) {
            it.generation_id = source.number() as i32;
        }
        if (3..=3).contains(&version) {
            it.rack_id = source.nullable(true, |source| source.string());
        }
        it
    }
}

impl Sample for messages::consumer_protocol::TopicPartition {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.topic = source.string();
        it.partitions = source.list(|source| source.number() as i32);
        it
    }
}

impl Sample for messages::consumer_protocol::ConsumerProtocolAssignment {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.assigned_partitions = source.list(|source| Sample::sample(source, version));
        it.user_data = source.nullable(true, |source| source.buf());
        it
    }
}

impl Sample for messages::control_records::LeaderChangeMessage {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.version = source.number() as i16;
        it.leader_id = source.number() as i32;
        it.voters = source.list(|source| Sample::sample(source, version));
        it.granting_voters = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::control_records::Voter {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.voter_id = source.number() as i32;
        if (1..=1).contains(&version) {
            it.voter_directory_id = source.uuid();
        }
        it
    }
}

impl Sample for messages::control_records::SnapshotHeaderRecord {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.version = source.number() as i16;
        it.last_contained_log_timestamp = source.number();
        it
    }
}

impl Sample for messages::control_records::SnapshotFooterRecord {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.version = source.number() as i16;
        it
    }
}

impl Sample for messages::control_records::KRaftVersionRecord {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.version = source.number() as i16;
        it.kraft_version = source.number() as i16;
        it
    }
}

impl Sample for messages::control_records::VotersRecord {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.version = source.number() as i16;
        it.voters = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::control_records::QuorumVoter {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.voter_id = source.number() as i32;
        it.voter_directory_id = source.uuid();
        it.endpoints = source.list(|source| Sample::sample(source, version));
        it.kraft_version_feature = Sample::sample(source, version);
        it
    }
}

impl Sample for messages::control_records::VoterEndpoint {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.name = source.string();
        it.host = source.string();
        it.port = source.number() as u16;
        it
    }
}

impl Sample for messages::control_records::KRaftVersionFeature {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.min_supported_version = source.number() as i16;
        it.max_supported_version = source.number() as i16;
        it
    }
}

impl Sample for messages::create_partitions::CreatePartitionsRequest {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.topics = source.list(|source| Sample::sample(source, version));
        it.timeout_ms = source.number() as i32;
        it.validate_only = source.bool();
        it
    }
}

impl Sample for messages::create_partitions::CreatePartitionsTopic {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.name = source.string();
        it.count = source.number() as i32;
        it.assignments =
            source.nullable(true, |source| source.list(|source| Sample::sample(source, version)));
        it
    }
}

impl Sample for messages::create_partitions::CreatePartitionsAssignment {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.broker_ids = source.list(|source| source.number() as i32);
        it
    }
}

impl Sample for messages::create_partitions::CreatePartitionsResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.throttle_time_ms = source.number() as i32;
        it.results = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::create_partitions::CreatePartitionsTopicResult {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.name = source.string();
        it.error_code = source.number() as i16;
        it.error_message = source.nullable(true, |source| source.string());
        it
    }
}

impl Sample for messages::create_topics::CreateTopicsRequest {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.topics = source.list(|source| Sample::sample(source, version));
        it.timeout_ms = source.number() as i32;
        it.validate_only = source.bool();
        it
    }
}

impl Sample for messages::create_topics::CreatableTopic {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.name = source.string();
        it.num_partitions = source.number() as i32;
        it.replication_factor = source.number() as i16;
        it.assignments = source.list(|source| Sample::sample(source, version));
        it.configs = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::create_topics::CreatableReplicaAssignment {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.partition_index = source.number() as i32;
        it.broker_ids = source.list(|source| source.number() as i32);
        it
    }
}

impl Sample for messages::create_topics::CreatableTopicConfig {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.name = source.string();
        it.value = source.nullable(true, |source| source.string());
        it
    }
}

impl Sample for messages::create_topics::CreateTopicsResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.throttle_time_ms = source.number() as i32;
        it.topics = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::create_topics::CreatableTopicResult {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.name = source.string();
        if (7..=7).contains(&version) {
            it.topic_id = model::TopicId(source.uuid());
        }
        it.error_code = source.number() as i16;
        it.error_message = source.nullable(true, |source| source.string());
        if (5..=7).contains(&version) {
            it.topic_config_error_code = source.number() as i16;
        }
        if (5..=7).contains(&version) {
            it.num_partitions = source.number() as i32;
        }
        if (5..=7).contains(&version) {
            it.replication_factor = source.number() as i16;
        }
        if (5..=7).contains(&version) {
            it.configs = source
                .nullable(true, |source| source.list(|source| Sample::sample(source, version)));
        }
        it
    }
}

impl Sample for messages::create_topics::CreatableTopicConfigs {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.name = source.string();
        it.value = source.nullable(true, |source| source.string());
        it.read_only = source.bool();
        it.config_source = source.number() as i8;
        it.is_sensitive = source.bool();
        it
    }
}

impl Sample for messages::delete_groups::DeleteGroupsRequest {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.groups_names = source.list(|source| source.string());
        it
    }
}

impl Sample for messages::delete_groups::DeleteGroupsResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.throttle_time_ms = source.number() as i32;
        it.results = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::delete_groups::DeletableGroupResult {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.group_id = source.string();
        it.error_code = source.number() as i16;
        it
    }
}

impl Sample for messages::delete_records::DeleteRecordsRequest {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.topics = source.list(|source| Sample::sample(source, version));
        it.timeout_ms = source.number() as i32;
        it
    }
}

impl Sample for messages::delete_records::DeleteRecordsTopic {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.name = source.string();
        it.partitions = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::delete_records::DeleteRecordsPartition {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.partition_index = source.number() as i32;
        it.offset = source.number();
        it
    }
}

impl Sample for messages::delete_records::DeleteRecordsResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.throttle_time_ms = source.number() as i32;
        it.topics = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::delete_records::DeleteRecordsTopicResult {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.name = source.string();
        it.partitions = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::delete_records::DeleteRecordsPartitionResult {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.partition_index = source.number() as i32;
        it.low_watermark = source.number();
        it.error_code = source.number() as i16;
        it
    }
}

impl Sample for messages::delete_topics::DeleteTopicsRequest {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        if (6..=6).contains(&version) {
            it.topics = source.list(|source| Sample::sample(source, version));
        }
        if (1..=5).contains(&version) {
            it.topic_names = source.list(|source| source.string());
        }
        it.timeout_ms = source.number() as i32;
        it
    }
}

impl Sample for messages::delete_topics::DeleteTopicState {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.name = source.nullable(true, |source| source.string());
        it.topic_id = model::TopicId(source.uuid());
        it
    }
}

impl Sample for messages::delete_topics::DeleteTopicsResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.throttle_time_ms = source.number() as i32;
        it.responses = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::delete_topics::DeletableTopicResult {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.name = source.nullable(version >= 6, |source| source.string());
        if (6..=6).contains(&version) {
            it.topic_id = model::TopicId(source.uuid());
        }
        it.error_code = source.number() as i16;
        if (5..=6).contains(&version) {
            it.error_message = source.nullable(true, |source| source.string());
        }
        it
    }
}

impl Sample for messages::describe_cluster::DescribeClusterRequest {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.include_cluster_authorized_operations = source.bool();
        if (1..=2).contains(&version) {
            it.endpoint_type = source.number() as i8;
        }
        if (2..=2).contains(&version) {
            it.include_fenced_brokers = source.bool();
        }
        it
    }
}

impl Sample for messages::describe_cluster::DescribeClusterResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.throttle_time_ms = source.number() as i32;
        it.error_code = source.number() as i16;
        it.error_message = source.nullable(true, |source| source.string());
        if (1..=2).contains(&version) {
            it.endpoint_type = source.number() as i8;
        }
        it.cluster_id = source.string();
        it.controller_id = source.number() as i32;
        it.brokers = source.list(|source| Sample::sample(source, version));
        it.cluster_authorized_operations = source.number() as i32;
        it
    }
}

impl Sample for messages::describe_cluster::DescribeClusterBroker {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.broker_id = source.number() as i32;
        it.host = source.string();
        it.port = source.number() as i32;
        it.rack = source.nullable(true, |source| source.string());
        if (2..=2).contains(&version) {
            it.is_fenced = source.bool();
        }
        it
    }
}

impl Sample for messages::describe_configs::DescribeConfigsRequest {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.resources = source.list(|source| Sample::sample(source, version));
        it.include_synonyms = source.bool();
        if (3..=4).contains(&version) {
            it.include_documentation = source.bool();
        }
        it
    }
}

impl Sample for messages::describe_configs::DescribeConfigsResource {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.resource_type = source.number() as i8;
        it.resource_name = source.string();
        it.configuration_keys =
            source.nullable(true, |source| source.list(|source| source.string()));
        it
    }
}

impl Sample for messages::describe_configs::DescribeConfigsResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.throttle_time_ms = source.number() as i32;
        it.results = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::describe_configs::DescribeConfigsResult {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.error_code = source.number() as i16;
        it.error_message = source.nullable(true, |source| source.string());
        it.resource_type = source.number() as i8;
        it.resource_name = source.string();
        it.configs = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::describe_configs::DescribeConfigsResourceResult {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.name = source.string();
        it.value = source.nullable(true, |source| source.string());
        it.read_only = source.bool();
        it.config_source = source.number() as i8;
        it.is_sensitive = source.bool();
        it.synonyms = source.list(|source| Sample::sample(source, version));
        if (3..=4).contains(&version) {
            it.config_type = source.number() as i8;
        }
        if (3..=4).contains(&version) {
            it.documentation = source.nullable(true, |source| source.string());
        }
        it
    }
}

impl Sample for messages::describe_configs::DescribeConfigsSynonym {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.name = source.string();
        it.value = source.nullable(true, |source| source.string());
        it.source = source.number() as i8;
        it
    }
}

impl Sample for messages::describe_groups::DescribeGroupsRequest {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.groups = source.list(|source| source.string());
        if (3..=6).contains(&version) {
            it.include_authorized_operations = source.bool();
        }
        it
    }
}

impl Sample for messages::describe_groups::DescribeGroupsResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        if (1..=6).contains(&version) {
            it.throttle_time_ms = source.number() as i32;
        }
        it.groups = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::describe_groups::DescribedGroup {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.error_code = source.number() as i16;
        if (6..=6).contains(&version) {
            it.error_message = source.nullable(true, |source| source.string());
        }
        it.group_id = source.string();
        it.group_state = source.string();
        it.protocol_type = source.string();
        it.protocol_data = source.string();
        it.members = source.list(|source| Sample::sample(source, version));
        if (3..=6).contains(&version) {
            it.authorized_operations = source.number() as i32;
        }
        it
    }
}

impl Sample for messages::describe_groups::DescribedGroupMember {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.member_id = source.string();
        if (4..=6).contains(&version) {
            it.group_instance_id = source.nullable(true, |source| source.string());
        }
        it.client_id = source.string();
        it.client_host = source.string();
        it.member_metadata = source.buf();
        it.member_assignment = source.buf();
        it
    }
}

impl Sample for messages::describe_log_dirs::DescribeLogDirsRequest {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.topics =
            source.nullable(true, |source| source.list(|source| Sample::sample(source, version)));
        it
    }
}

impl Sample for messages::describe_log_dirs::DescribableLogDirTopic {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.topic = source.string();
        it.partitions = source.list(|source| source.number() as i32);
        it
    }
}

impl Sample for messages::describe_log_dirs::DescribeLogDirsResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.throttle_time_ms = source.number() as i32;
        if (3..=5).contains(&version) {
            it.error_code = source.number() as i16;
        }
        it.results = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::describe_log_dirs::DescribeLogDirsResult {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.error_code = source.number() as i16;
        it.log_dir = source.string();
        it.topics = source.list(|source| Sample::sample(source, version));
        if (4..=5).contains(&version) {
            it.total_bytes = source.number();
        }
        if (4..=5).contains(&version) {
            it.usable_bytes = source.number();
        }
        if (5..=5).contains(&version) {
            it.is_cordoned = source.bool();
        }
        it
    }
}

impl Sample for messages::describe_log_dirs::DescribeLogDirsTopic {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.name = source.string();
        it.partitions = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::describe_log_dirs::DescribeLogDirsPartition {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.partition_index = source.number() as i32;
        it.partition_size = source.number();
        it.offset_lag = source.number();
        it.is_future_key = source.bool();
        it
    }
}

impl Sample for messages::describe_producers::DescribeProducersRequest {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.topics = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::describe_producers::TopicRequest {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.name = source.string();
        it.partition_indexes = source.list(|source| source.number() as i32);
        it
    }
}

impl Sample for messages::describe_producers::DescribeProducersResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.throttle_time_ms = source.number() as i32;
        it.topics = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::describe_producers::TopicResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.name = source.string();
        it.partitions = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::describe_producers::PartitionResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.partition_index = source.number() as i32;
        it.error_code = source.number() as i16;
        it.error_message = source.nullable(true, |source| source.string());
        it.active_producers = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::describe_producers::ProducerState {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.producer_id = source.number();
        it.producer_epoch = source.number() as i32;
        it.last_sequence = source.number() as i32;
        it.last_timestamp = source.number();
        it.coordinator_epoch = source.number() as i32;
        it.current_txn_start_offset = source.number();
        it
    }
}

impl Sample for messages::describe_topic_partitions::DescribeTopicPartitionsRequest {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.topics = source.list(|source| Sample::sample(source, version));
        it.response_partition_limit = source.number() as i32;
        it.cursor = source.nullable(true, |source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::describe_topic_partitions::TopicRequest {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.name = source.string();
        it
    }
}

impl Sample for messages::describe_topic_partitions::Cursor {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.topic_name = source.string();
        it.partition_index = source.number() as i32;
        it
    }
}

impl Sample for messages::describe_topic_partitions::DescribeTopicPartitionsResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.throttle_time_ms = source.number() as i32;
        it.topics = source.list(|source| Sample::sample(source, version));
        it.next_cursor = source.nullable(true, |source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::describe_topic_partitions::DescribeTopicPartitionsResponseTopic {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.error_code = source.number() as i16;
        it.name = source.nullable(true, |source| source.string());
        it.topic_id = model::TopicId(source.uuid());
        it.is_internal = source.bool();
        it.partitions = source.list(|source| Sample::sample(source, version));
        it.topic_authorized_operations = source.number() as i32;
        it
    }
}

impl Sample for messages::describe_topic_partitions::DescribeTopicPartitionsResponsePartition {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.error_code = source.number() as i16;
        it.partition_index = source.number() as i32;
        it.leader_id = source.number() as i32;
        it.leader_epoch = source.number() as i32;
        it.replica_nodes = source.list(|source| source.number() as i32);
        it.isr_nodes = source.list(|source| source.number() as i32);
        it.eligible_leader_replicas =
            source.nullable(true, |source| source.list(|source| source.number() as i32));
        it.last_known_elr =
            source.nullable(true, |source| source.list(|source| source.number() as i32));
        it.offline_replicas = source.list(|source| source.number() as i32);
        it
    }
}

impl Sample for messages::fetch::FetchRequest {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        if (12..=18).contains(&version) {
            it.cluster_id = source.nullable(true, |source| source.string());
        }
        if (4..=14).contains(&version) {
            it.replica_id = source.number() as i32;
        }
        if (15..=18).contains(&version) {
            it.replica_state = Sample::sample(source, version);
        }
        it.max_wait_ms = source.number() as i32;
        it.min_bytes = source.number() as i32;
        it.max_bytes = source.number() as i32;
        it.isolation_level = source.number() as i8;
        if (7..=18).contains(&version) {
            it.session_id = source.number() as i32;
        }
        if (7..=18).contains(&version) {
            it.session_epoch = source.number() as i32;
        }
        it.topics = source.list(|source| Sample::sample(source, version));
        if (7..=18).contains(&version) {
            it.forgotten_topics_data = source.list(|source| Sample::sample(source, version));
        }
        if (11..=18).contains(&version) {
            it.rack_id = source.string();
        }
        it
    }
}

impl Sample for messages::fetch::ReplicaState {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.replica_id = source.number() as i32;
        it.replica_epoch = source.number();
        it
    }
}

impl Sample for messages::fetch::FetchTopic {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        if (4..=12).contains(&version) {
            it.topic = source.string();
        }
        if (13..=18).contains(&version) {
            it.topic_id = model::TopicId(source.uuid());
        }
        it.partitions = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::fetch::FetchPartition {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.partition = source.number() as i32;
        if (9..=18).contains(&version) {
            it.current_leader_epoch = source.number() as i32;
        }
        it.fetch_offset = source.number();
        if (12..=18).contains(&version) {
            it.last_fetched_epoch = source.number() as i32;
        }
        if (5..=18).contains(&version) {
            it.log_start_offset = source.number();
        }
        it.partition_max_bytes = source.number() as i32;
        if (17..=18).contains(&version) {
            it.replica_directory_id = source.uuid();
        }
        if (18..=18).contains(&version) {
            it.high_watermark = source.number();
        }
        it
    }
}

impl Sample for messages::fetch::ForgottenTopic {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        if (7..=12).contains(&version) {
            it.topic = source.string();
        }
        if (13..=18).contains(&version) {
            it.topic_id = model::TopicId(source.uuid());
        }
        it.partitions = source.list(|source| source.number() as i32);
        it
    }
}

impl Sample for messages::fetch::FetchResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.throttle_time_ms = source.number() as i32;
        if (7..=18).contains(&version) {
            it.error_code = source.number() as i16;
        }
        if (7..=18).contains(&version) {
            it.session_id = source.number() as i32;
        }
        it.responses = source.list(|source| Sample::sample(source, version));
        if (16..=18).contains(&version) {
            it.node_endpoints = source.list(|source| Sample::sample(source, version));
        }
        it
    }
}

impl Sample for messages::fetch::FetchableTopicResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        if (4..=12).contains(&version) {
            it.topic = source.string();
        }
        if (13..=18).contains(&version) {
            it.topic_id = model::TopicId(source.uuid());
        }
        it.partitions = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::fetch::PartitionData {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.partition_index = source.number() as i32;
        it.error_code = source.number() as i16;
        it.high_watermark = source.number();
        it.last_stable_offset = source.number();
        if (5..=18).contains(&version) {
            it.log_start_offset = source.number();
        }
        if (12..=18).contains(&version) {
            it.diverging_epoch = Sample::sample(source, version);
        }
        if (12..=18).contains(&version) {
            it.current_leader = Sample::sample(source, version);
        }
        if (12..=18).contains(&version) {
            it.snapshot_id = Sample::sample(source, version);
        }
        it.aborted_transactions =
            source.nullable(true, |source| source.list(|source| Sample::sample(source, version)));
        if (11..=18).contains(&version) {
            it.preferred_read_replica = source.number() as i32;
        }
        it.records = source.nullable(true, |source| source.buf());
        it
    }
}

impl Sample for messages::fetch::EpochEndOffset {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.epoch = source.number() as i32;
        it.end_offset = source.number();
        it
    }
}

impl Sample for messages::fetch::LeaderIdAndEpoch {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.leader_id = source.number() as i32;
        it.leader_epoch = source.number() as i32;
        it
    }
}

impl Sample for messages::fetch::SnapshotId {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.end_offset = source.number();
        it.epoch = source.number() as i32;
        it
    }
}

impl Sample for messages::fetch::AbortedTransaction {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.producer_id = source.number();
        it.first_offset = source.number();
        it
    }
}

impl Sample for messages::fetch::NodeEndpoint {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.node_id = source.number() as i32;
        it.host = source.string();
        it.port = source.number() as i32;
        it.rack = source.nullable(true, |source| source.string());
        it
    }
}

impl Sample for messages::find_coordinator::FindCoordinatorRequest {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        if (0..=3).contains(&version) {
            it.key = source.string();
        }
        if (1..=6).contains(&version) {
            it.key_type = source.number() as i8;
        }
        if (4..=6).contains(&version) {
            it.coordinator_keys = source.list(|source| source.string());
        }
        it
    }
}

impl Sample for messages::find_coordinator::FindCoordinatorResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        if (1..=6).contains(&version) {
            it.throttle_time_ms = source.number() as i32;
        }
        if (0..=3).contains(&version) {
            it.error_code = source.number() as i16;
        }
        if (1..=3).contains(&version) {
            it.error_message = source.nullable(true, |source| source.string());
        }
        if (0..=3).contains(&version) {
            it.node_id = source.number() as i32;
        }
        if (0..=3).contains(&version) {
            it.host = source.string();
        }
        if (0..=3).contains(&version) {
            it.port = source.number() as i32;
        }
        if (4..=6).contains(&version) {
            it.coordinators = source.list(|source| Sample::sample(source, version));
        }
        it
    }
}

impl Sample for messages::find_coordinator::Coordinator {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.key = source.string();
        it.node_id = source.number() as i32;
        it.host = source.string();
        it.port = source.number() as i32;
        it.error_code = source.number() as i16;
        it.error_message = source.nullable(true, |source| source.string());
        it
    }
}

impl Sample for messages::group_records::OffsetCommitKey {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.group = source.string();
        it.topic = source.string();
        it.partition = source.number() as i32;
        it
    }
}

impl Sample for messages::group_records::OffsetCommitValue {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.offset = source.number();
        if (3..=4).contains(&version) {
            it.leader_epoch = source.number() as i32;
        }
        it.metadata = source.string();
        it.commit_timestamp = source.number();
        if (1..=1).contains(&version) {
            it.expire_timestamp = source.number();
        }
        if (4..=4).contains(&version) {
            it.topic_id = model::TopicId(source.uuid());
        }
        it
    }
}

impl Sample for messages::group_records::GroupMetadataKey {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.group = source.string();
        it
    }
}

impl Sample for messages::group_records::GroupMetadataValue {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.protocol_type = source.string();
        it.generation = source.number() as i32;
        it.protocol = source.nullable(true, |source| source.string());
        it.leader = source.nullable(true, |source| source.string());
        if (2..=4).contains(&version) {
            it.current_state_timestamp = source.number();
        }
        it.members = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::group_records::MemberMetadata {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.member_id = source.string();
        if (3..=4).contains(&version) {
            it.group_instance_id = source.nullable(true, |source| source.string());
        }
        it.client_id = source.string();
        it.client_host = source.string();
        if (1..=4).contains(&version) {
            it.rebalance_timeout = source.number() as i32;
        }
        it.session_timeout = source.number() as i32;
        it.subscription = source.buf();
        it.assignment = source.buf();
        it
    }
}

impl Sample for messages::group_records::ConsumerGroupMetadataKey {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.group_id = source.string();
        it
    }
}

impl Sample for messages::group_records::ConsumerGroupMetadataValue {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.epoch = source.number() as i32;
        it.metadata_hash = source.number();
        it
    }
}

impl Sample for messages::group_records::ConsumerGroupPartitionMetadataKey {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.group_id = source.string();
        it
    }
}

impl Sample for messages::group_records::ConsumerGroupPartitionMetadataValue {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.topics = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::group_records::TopicMetadata {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.topic_id = model::TopicId(source.uuid());
        it.topic_name = source.string();
        it.num_partitions = source.number() as i32;
        it.partition_metadata = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::group_records::PartitionMetadata {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.partition = source.number() as i32;
        it.racks = source.list(|source| source.string());
        it
    }
}

impl Sample for messages::group_records::ConsumerGroupMemberMetadataKey {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.group_id = source.string();
        it.member_id = source.string();
        it
    }
}

impl Sample for messages::group_records::ConsumerGroupMemberMetadataValue {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.instance_id = source.nullable(true, |source| source.string());
        it.rack_id = source.nullable(true, |source| source.string());
        it.client_id = source.string();
        it.client_host = source.string();
        it.subscribed_topic_names = source.list(|source| source.string());
        it.subscribed_topic_regex = source.nullable(true, |source| source.string());
        it.rebalance_timeout_ms = source.number() as i32;
        it.server_assignor = source.nullable(true, |source| source.string());
        it.classic_member_metadata =
            source.nullable(true, |source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::group_records::ClassicMemberMetadata {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.session_timeout_ms = source.number() as i32;
        it.supported_protocols = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::group_records::ClassicProtocol {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.name = source.string();
        it.metadata = source.buf();
        it
    }
}

impl Sample for messages::group_records::ConsumerGroupTargetAssignmentMetadataKey {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.group_id = source.string();
        it
    }
}

impl Sample for messages::group_records::ConsumerGroupTargetAssignmentMetadataValue {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.assignment_epoch = source.number() as i32;
        it.assignment_timestamp = source.number();
        it
    }
}

impl Sample for messages::group_records::ConsumerGroupTargetAssignmentMemberKey {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.group_id = source.string();
        it.member_id = source.string();
        it
    }
}

impl Sample for messages::group_records::ConsumerGroupTargetAssignmentMemberValue {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.topic_partitions = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::group_records::TopicPartition {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.topic_id = model::TopicId(source.uuid());
        it.partitions = source.list(|source| source.number() as i32);
        it
    }
}

impl Sample for messages::group_records::ConsumerGroupCurrentMemberAssignmentKey {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.group_id = source.string();
        it.member_id = source.string();
        it
    }
}

impl Sample for messages::group_records::ConsumerGroupCurrentMemberAssignmentValue {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.member_epoch = source.number() as i32;
        it.previous_member_epoch = source.number() as i32;
        it.state = source.number() as i8;
        it.assigned_partitions = source.list(|source| Sample::sample(source, version));
        it.partitions_pending_revocation = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::group_records::TopicPartitions {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.topic_id = model::TopicId(source.uuid());
        it.partitions = source.list(|source| source.number() as i32);
        it.assignment_epochs =
            source.nullable(true, |source| source.list(|source| source.number() as i32));
        it
    }
}

impl Sample for messages::group_records::ConsumerGroupRegularExpressionKey {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.group_id = source.string();
        it.regular_expression = source.string();
        it
    }
}

impl Sample for messages::group_records::ConsumerGroupRegularExpressionValue {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.topics = source.list(|source| source.string());
        it.version = source.number();
        it.timestamp = source.number();
        it
    }
}

impl Sample for messages::heartbeat::HeartbeatRequest {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.group_id = source.string();
        it.generation_id = source.number() as i32;
        it.member_id = source.string();
        if (3..=4).contains(&version) {
            it.group_instance_id = source.nullable(true, |source| source.string());
        }
        it
    }
}

impl Sample for messages::heartbeat::HeartbeatResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        if (1..=4).contains(&version) {
            it.throttle_time_ms = source.number() as i32;
        }
        it.error_code = source.number() as i16;
        it
    }
}

impl Sample for messages::incremental_alter_configs::IncrementalAlterConfigsRequest {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.resources = source.list(|source| Sample::sample(source, version));
        it.validate_only = source.bool();
        it
    }
}

impl Sample for messages::incremental_alter_configs::AlterConfigsResource {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.resource_type = source.number() as i8;
        it.resource_name = source.string();
        it.configs = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::incremental_alter_configs::AlterableConfig {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.name = source.string();
        it.config_operation = source.number() as i8;
        it.value = source.nullable(true, |source| source.string());
        it
    }
}

impl Sample for messages::incremental_alter_configs::IncrementalAlterConfigsResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.throttle_time_ms = source.number() as i32;
        it.responses = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::incremental_alter_configs::AlterConfigsResourceResponse {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.error_code = source.number() as i16;
        it.error_message = source.nullable(true, |source| source.string());
        it.resource_type = source.number() as i8;
        it.resource_name = source.string();
        it
    }
}

impl Sample for messages::init_producer_id::InitProducerIdRequest {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.transactional_id = source.nullable(true, |source| source.string());
        it.transaction_timeout_ms = source.number() as i32;
        if (3..=6).contains(&version) {
            it.producer_id = source.number();
        }
        if (3..=6).contains(&version) {
            it.producer_epoch = source.number() as i16;
        }
        if (6..=6).contains(&version) {
            it.enable2_pc = source.bool();
        }
        if (6..=6).contains(&version) {
            it.keep_prepared_txn = source.bool();
        }
        it
    }
}

impl Sample for messages::init_producer_id::InitProducerIdResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.throttle_time_ms = source.number() as i32;
        it.error_code = source.number() as i16;
        it.producer_id = source.number();
        it.producer_epoch = source.number() as i16;
        if (6..=6).contains(&version) {
            it.ongoing_txn_producer_id = source.number();
        }
        if (6..=6).contains(&version) {
            it.ongoing_txn_producer_epoch = source.number() as i16;
        }
        it
    }
}

impl Sample for messages::join_group::JoinGroupRequest {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.group_id = source.string();
        it.session_timeout_ms = source.number() as i32;
        if (1..=9).contains(&version) {
            it.rebalance_timeout_ms = source.number() as i32;
        }
        it.member_id = source.string();
        if (5..=9).contains(&version) {
            it.group_instance_id = source.nullable(true, |source| source.string());
        }
        it.protocol_type = source.string();
        it.protocols = source.list(|source| Sample::sample(source, version));
        if (8..=9).contains(&version) {
            it.reason = source.nullable(true, |source| source.string());
        }
        it
    }
}

impl Sample for messages::join_group::JoinGroupRequestProtocol {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.name = source.string();
        it.metadata = source.buf();
        it
    }
}

impl Sample for messages::join_group::JoinGroupResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        if (2..=9).contains(&version) {
            it.throttle_time_ms = source.number() as i32;
        }
        it.error_code = source.number() as i16;
        it.generation_id = source.number() as i32;
        if (7..=9).contains(&version) {
            it.protocol_type = source.nullable(true, |source| source.string());
        }
        it.protocol_name = source.nullable(version >= 7, |source| source.string());
        it.leader = source.string();
        if (9..=9).contains(&version) {
            it.skip_assignment = source.bool();
        }
        it.member_id = source.string();
        it.members = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::join_group::JoinGroupResponseMember {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.member_id = source.string();
        if (5..=9).contains(&version) {
            it.group_instance_id = source.nullable(true, |source| source.string());
        }
        it.metadata = source.buf();
        it
    }
}

impl Sample for messages::leave_group::LeaveGroupRequest {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.group_id = source.string();
        if (0..=2).contains(&version) {
            it.member_id = source.string();
        }
        if (3..=5).contains(&version) {
            it.members = source.list(|source| Sample::sample(source, version));
        }
        it
    }
}

impl Sample for messages::leave_group::MemberIdentity {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.member_id = source.string();
        it.group_instance_id = source.nullable(true, |source| source.string());
        if (5..=5).contains(&version) {
            it.reason = source.nullable(true, |source| source.string());
        }
        it
    }
}

impl Sample for messages::leave_group::LeaveGroupResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        if (1..=5).contains(&version) {
            it.throttle_time_ms = source.number() as i32;
        }
        it.error_code = source.number() as i16;
        if (3..=5).contains(&version) {
            it.members = source.list(|source| Sample::sample(source, version));
        }
        it
    }
}

impl Sample for messages::leave_group::MemberResponse {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.member_id = source.string();
        it.group_instance_id = source.nullable(true, |source| source.string());
        it.error_code = source.number() as i16;
        it
    }
}

impl Sample for messages::list_config_resources::ListConfigResourcesRequest {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        if (1..=1).contains(&version) {
            it.resource_types = source.list(|source| source.number() as i8);
        }
        it
    }
}

impl Sample for messages::list_config_resources::ListConfigResourcesResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.throttle_time_ms = source.number() as i32;
        it.error_code = source.number() as i16;
        it.config_resources = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::list_config_resources::ConfigResource {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.resource_name = source.string();
        if (1..=1).contains(&version) {
            it.resource_type = source.number() as i8;
        }
        it
    }
}

impl Sample for messages::list_groups::ListGroupsRequest {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        if (4..=5).contains(&version) {
            it.states_filter = source.list(|source| source.string());
        }
        if (5..=5).contains(&version) {
            it.types_filter = source.list(|source| source.string());
        }
        it
    }
}

impl Sample for messages::list_groups::ListGroupsResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        if (1..=5).contains(&version) {
            it.throttle_time_ms = source.number() as i32;
        }
        it.error_code = source.number() as i16;
        it.groups = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::list_groups::ListedGroup {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.group_id = source.string();
        it.protocol_type = source.string();
        if (4..=5).contains(&version) {
            it.group_state = source.string();
        }
        if (5..=5).contains(&version) {
            it.group_type = source.string();
        }
        it
    }
}

impl Sample for messages::list_offsets::ListOffsetsRequest {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.replica_id = source.number() as i32;
        if (2..=11).contains(&version) {
            it.isolation_level = source.number() as i8;
        }
        it.topics = source.list(|source| Sample::sample(source, version));
        if (10..=11).contains(&version) {
            it.timeout_ms = source.number() as i32;
        }
        it
    }
}

impl Sample for messages::list_offsets::ListOffsetsTopic {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.name = source.string();
        it.partitions = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::list_offsets::ListOffsetsPartition {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.partition_index = source.number() as i32;
        if (4..=11).contains(&version) {
            it.current_leader_epoch = source.number() as i32;
        }
        it.timestamp = source.number();
        it
    }
}

impl Sample for messages::list_offsets::ListOffsetsResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        if (2..=11).contains(&version) {
            it.throttle_time_ms = source.number() as i32;
        }
        it.topics = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::list_offsets::ListOffsetsTopicResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.name = source.string();
        it.partitions = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::list_offsets::ListOffsetsPartitionResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.partition_index = source.number() as i32;
        it.error_code = source.number() as i16;
        it.timestamp = source.number();
        it.offset = source.number();
        if (4..=11).contains(&version) {
            it.leader_epoch = source.number() as i32;
        }
        it
    }
}

impl Sample for messages::metadata::MetadataRequest {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.topics = source
            .nullable(version >= 1, |source| source.list(|source| Sample::sample(source, version)));
        if (4..=13).contains(&version) {
            it.allow_auto_topic_creation = source.bool();
        }
        if (8..=10).contains(&version) {
            it.include_cluster_authorized_operations = source.bool();
        }
        if (8..=13).contains(&version) {
            it.include_topic_authorized_operations = source.bool();
        }
        it
    }
}

impl Sample for messages::metadata::MetadataRequestTopic {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        if (10..=13).contains(&version) {
            it.topic_id = model::TopicId(source.uuid());
        }
        it.name = source.nullable(version >= 10, |source| source.string());
        it
    }
}

impl Sample for messages::metadata::MetadataResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        if (3..=13).contains(&version) {
            it.throttle_time_ms = source.number() as i32;
        }
        it.brokers = source.list(|source| Sample::sample(source, version));
        if (2..=13).contains(&version) {
            it.cluster_id = source.nullable(true, |source| source.string());
        }
        if (1..=13).contains(&version) {
            it.controller_id = source.number() as i32;
        }
        it.topics = source.list(|source| Sample::sample(source, version));
        if (8..=10).contains(&version) {
            it.cluster_authorized_operations = source.number() as i32;
        }
        if (13..=13).contains(&version) {
            it.error_code = source.number() as i16;
        }
        it
    }
}

impl Sample for messages::metadata::MetadataResponseBroker {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.node_id = source.number() as i32;
        it.host = source.string();
        it.port = source.number() as i32;
        if (1..=13).contains(&version) {
            it.rack = source.nullable(true, |source| source.string());
        }
        it
    }
}

impl Sample for messages::metadata::MetadataResponseTopic {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.error_code = source.number() as i16;
        it.name = source.nullable(version >= 12, |source| source.string());
        if (10..=13).contains(&version) {
            it.topic_id = model::TopicId(source.uuid());
        }
        if (1..=13).contains(&version) {
            it.is_internal = source.bool();
        }
        it.partitions = source.list(|source| Sample::sample(source, version));
        if (8..=13).contains(&version) {
            it.topic_authorized_operations = source.number() as i32;
        }
        it
    }
}

impl Sample for messages::metadata::MetadataResponsePartition {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.error_code = source.number() as i16;
        it.partition_index = source.number() as i32;
        it.leader_id = source.number() as i32;
        if (7..=13).contains(&version) {
            it.leader_epoch = source.number() as i32;
        }
        it.replica_nodes = source.list(|source| source.number() as i32);
        it.isr_nodes = source.list(|source| source.number() as i32);
        if (5..=13).contains(&version) {
            it.offline_replicas = source.list(|source| source.number() as i32);
        }
        it
    }
}

impl Sample for messages::metadata_records::RegisterBrokerRecord {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.broker_id = source.number() as i32;
        if (2..=4).contains(&version) {
            it.is_migrating_zk_broker = source.bool();
        }
        it.incarnation_id = source.uuid();
        it.broker_epoch = source.number();
        it.end_points = source.list(|source| Sample::sample(source, version));
        it.features = source.list(|source| Sample::sample(source, version));
        it.rack = source.nullable(true, |source| source.string());
        it.fenced = source.bool();
        if (1..=4).contains(&version) {
            it.in_controlled_shutdown = source.bool();
        }
        if (3..=4).contains(&version) {
            it.log_dirs = source.list(|source| source.uuid());
        }
        if (4..=4).contains(&version) {
            it.cordoned_log_dirs =
                source.nullable(true, |source| source.list(|source| source.uuid()));
        }
        it
    }
}

impl Sample for messages::metadata_records::BrokerEndpoint {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.name = source.string();
        it.host = source.string();
        it.port = source.number() as u16;
        it.security_protocol = source.number() as i16;
        it
    }
}

impl Sample for messages::metadata_records::BrokerFeature {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.name = source.string();
        it.min_supported_version = source.number() as i16;
        it.max_supported_version = source.number() as i16;
        it
    }
}

impl Sample for messages::metadata_records::UnregisterBrokerRecord {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.broker_id = source.number() as i32;
        it.broker_epoch = source.number();
        it
    }
}

impl Sample for messages::metadata_records::TopicRecord {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.name = source.string();
        it.topic_id = model::TopicId(source.uuid());
        it
    }
}

impl Sample for messages::metadata_records::PartitionRecord {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.partition_id = source.number() as i32;
        it.topic_id = model::TopicId(source.uuid());
        it.replicas = source.list(|source| source.number() as i32);
        it.isr = source.list(|source| source.number() as i32);
        it.removing_replicas = source.list(|source| source.number() as i32);
        it.adding_replicas = source.list(|source| source.number() as i32);
        it.leader = source.number() as i32;
        it.leader_recovery_state = source.number() as i8;
        it.leader_epoch = source.number() as i32;
        it.partition_epoch = source.number() as i32;
        if (1..=2).contains(&version) {
            it.directories = source.list(|source| source.uuid());
        }
        if (2..=2).contains(&version) {
            it.eligible_leader_replicas =
                source.nullable(true, |source| source.list(|source| source.number() as i32));
        }
        if (2..=2).contains(&version) {
            it.last_known_elr =
                source.nullable(true, |source| source.list(|source| source.number() as i32));
        }
        it
    }
}

impl Sample for messages::metadata_records::ConfigRecord {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.resource_type = source.number() as i8;
        it.resource_name = source.string();
        it.name = source.string();
        it.value = source.nullable(true, |source| source.string());
        it
    }
}

impl Sample for messages::metadata_records::PartitionChangeRecord {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.partition_id = source.number() as i32;
        it.topic_id = model::TopicId(source.uuid());
        it.isr = source.nullable(true, |source| source.list(|source| source.number() as i32));
        it.leader = source.number() as i32;
        it.replicas = source.nullable(true, |source| source.list(|source| source.number() as i32));
        it.removing_replicas =
            source.nullable(true, |source| source.list(|source| source.number() as i32));
        it.adding_replicas =
            source.nullable(true, |source| source.list(|source| source.number() as i32));
        it.leader_recovery_state = source.number() as i8;
        if (1..=2).contains(&version) {
            it.directories = source.nullable(true, |source| source.list(|source| source.uuid()));
        }
        if (2..=2).contains(&version) {
            it.eligible_leader_replicas =
                source.nullable(true, |source| source.list(|source| source.number() as i32));
        }
        if (2..=2).contains(&version) {
            it.last_known_elr =
                source.nullable(true, |source| source.list(|source| source.number() as i32));
        }
        it
    }
}

impl Sample for messages::metadata_records::RemoveTopicRecord {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.topic_id = model::TopicId(source.uuid());
        it
    }
}

impl Sample for messages::metadata_records::FeatureLevelRecord {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.name = source.string();
        it.feature_level = source.number() as i16;
        it
    }
}

impl Sample for messages::metadata_records::ProducerIdsRecord {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.broker_id = source.number() as i32;
        it.broker_epoch = source.number();
        it.next_producer_id = source.number();
        it
    }
}

impl Sample for messages::metadata_records::BrokerRegistrationChangeRecord {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.broker_id = source.number() as i32;
        it.broker_epoch = source.number();
        it.fenced = source.number() as i8;
        if (1..=3).contains(&version) {
            it.in_controlled_shutdown = source.number() as i8;
        }
        if (2..=3).contains(&version) {
            it.log_dirs = source.list(|source| source.uuid());
        }
        if (3..=3).contains(&version) {
            it.cordoned_log_dirs =
                source.nullable(true, |source| source.list(|source| source.uuid()));
        }
        it
    }
}

impl Sample for messages::metadata_records::NoOpRecord {
    fn sample(_source: &mut Source, _version: i16) -> Self {
        Self::default()
    }
}

impl Sample for messages::metadata_records::BeginTransactionRecord {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.name = source.nullable(true, |source| source.string());
        it
    }
}

impl Sample for messages::metadata_records::EndTransactionRecord {
    fn sample(_source: &mut Source, _version: i16) -> Self {
        Self::default()
    }
}

impl Sample for messages::metadata_records::AbortTransactionRecord {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.reason = source.nullable(true, |source| source.string());
        it
    }
}

impl Sample for messages::offset_commit::OffsetCommitRequest {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.group_id = source.string();
        it.generation_id_or_member_epoch = source.number() as i32;
        it.member_id = source.string();
        if (7..=10).contains(&version) {
            it.group_instance_id = source.nullable(true, |source| source.string());
        }
        if (2..=4).contains(&version) {
            it.retention_time_ms = source.number();
        }
        it.topics = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::offset_commit::OffsetCommitRequestTopic {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        if (2..=9).contains(&version) {
            it.name = source.string();
        }
        if (10..=10).contains(&version) {
            it.topic_id = model::TopicId(source.uuid());
        }
        it.partitions = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::offset_commit::OffsetCommitRequestPartition {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.partition_index = source.number() as i32;
        it.committed_offset = source.number();
        if (6..=10).contains(&version) {
            it.committed_leader_epoch = source.number() as i32;
        }
        it.committed_metadata = source.nullable(true, |source| source.string());
        it
    }
}

impl Sample for messages::offset_commit::OffsetCommitResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        if (3..=10).contains(&version) {
            it.throttle_time_ms = source.number() as i32;
        }
        it.topics = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::offset_commit::OffsetCommitResponseTopic {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        if (2..=9).contains(&version) {
            it.name = source.string();
        }
        if (10..=10).contains(&version) {
            it.topic_id = model::TopicId(source.uuid());
        }
        it.partitions = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::offset_commit::OffsetCommitResponsePartition {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.partition_index = source.number() as i32;
        it.error_code = source.number() as i16;
        it
    }
}

impl Sample for messages::offset_delete::OffsetDeleteRequest {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.group_id = source.string();
        it.topics = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::offset_delete::OffsetDeleteRequestTopic {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.name = source.string();
        it.partitions = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::offset_delete::OffsetDeleteRequestPartition {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.partition_index = source.number() as i32;
        it
    }
}

impl Sample for messages::offset_delete::OffsetDeleteResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.error_code = source.number() as i16;
        it.throttle_time_ms = source.number() as i32;
        it.topics = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::offset_delete::OffsetDeleteResponseTopic {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.name = source.string();
        it.partitions = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::offset_delete::OffsetDeleteResponsePartition {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.partition_index = source.number() as i32;
        it.error_code = source.number() as i16;
        it
    }
}

impl Sample for messages::offset_fetch::OffsetFetchRequest {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        if (1..=7).contains(&version) {
            it.group_id = source.string();
        }
        if (1..=7).contains(&version) {
            it.topics = source.nullable(version >= 2, |source| {
                source.list(|source| Sample::sample(source, version))
            });
        }
        if (8..=10).contains(&version) {
            it.groups = source.list(|source| Sample::sample(source, version));
        }
        if (7..=10).contains(&version) {
            it.require_stable = source.bool();
        }
        it
    }
}

impl Sample for messages::offset_fetch::OffsetFetchRequestTopic {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.name = source.string();
        it.partition_indexes = source.list(|source| source.number() as i32);
        it
    }
}

impl Sample for messages::offset_fetch::OffsetFetchRequestGroup {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.group_id = source.string();
        if (9..=10).contains(&version) {
            it.member_id = source.nullable(true, |source| source.string());
        }
        if (9..=10).contains(&version) {
            it.member_epoch = source.number() as i32;
        }
        it.topics =
            source.nullable(true, |source| source.list(|source| Sample::sample(source, version)));
        it
    }
}

impl Sample for messages::offset_fetch::OffsetFetchRequestTopics {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        if (8..=9).contains(&version) {
            it.name = source.string();
        }
        if (10..=10).contains(&version) {
            it.topic_id = model::TopicId(source.uuid());
        }
        it.partition_indexes = source.list(|source| source.number() as i32);
        it
    }
}

impl Sample for messages::offset_fetch::OffsetFetchResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        if (3..=10).contains(&version) {
            it.throttle_time_ms = source.number() as i32;
        }
        if (1..=7).contains(&version) {
            it.topics = source.list(|source| Sample::sample(source, version));
        }
        if (2..=7).contains(&version) {
            it.error_code = source.number() as i16;
        }
        if (8..=10).contains(&version) {
            it.groups = source.list(|source| Sample::sample(source, version));
        }
        it
    }
}

impl Sample for messages::offset_fetch::OffsetFetchResponseTopic {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.name = source.string();
        it.partitions = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::offset_fetch::OffsetFetchResponsePartition {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.partition_index = source.number() as i32;
        it.committed_offset = source.number();
        if (5..=7).contains(&version) {
            it.committed_leader_epoch = source.number() as i32;
        }
        it.metadata = source.nullable(true, |source| source.string());
        it.error_code = source.number() as i16;
        it
    }
}

impl Sample for messages::offset_fetch::OffsetFetchResponseGroup {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.group_id = source.string();
        it.topics = source.list(|source| Sample::sample(source, version));
        it.error_code = source.number() as i16;
        it
    }
}

impl Sample for messages::offset_fetch::OffsetFetchResponseTopics {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        if (8..=9).contains(&version) {
            it.name = source.string();
        }
        if (10..=10).contains(&version) {
            it.topic_id = model::TopicId(source.uuid());
        }
        it.partitions = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::offset_fetch::OffsetFetchResponsePartitions {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.partition_index = source.number() as i32;
        it.committed_offset = source.number();
        it.committed_leader_epoch = source.number() as i32;
        it.metadata = source.nullable(true, |source| source.string());
        it.error_code = source.number() as i16;
        it
    }
}

impl Sample for messages::offset_for_leader_epoch::OffsetForLeaderEpochRequest {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        if (3..=4).contains(&version) {
            it.replica_id = source.number() as i32;
        }
        it.topics = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::offset_for_leader_epoch::OffsetForLeaderTopic {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.topic = source.string();
        it.partitions = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::offset_for_leader_epoch::OffsetForLeaderPartition {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.partition = source.number() as i32;
        it.current_leader_epoch = source.number() as i32;
        it.leader_epoch = source.number() as i32;
        it
    }
}

impl Sample for messages::offset_for_leader_epoch::OffsetForLeaderEpochResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.throttle_time_ms = source.number() as i32;
        it.topics = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::offset_for_leader_epoch::OffsetForLeaderTopicResult {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.topic = source.string();
        it.partitions = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::offset_for_leader_epoch::EpochEndOffset {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.error_code = source.number() as i16;
        it.partition = source.number() as i32;
        it.leader_epoch = source.number() as i32;
        it.end_offset = source.number();
        it
    }
}

impl Sample for messages::produce::ProduceRequest {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.transactional_id = source.nullable(true, |source| source.string());
        it.acks = source.number() as i16;
        it.timeout_ms = source.number() as i32;
        it.topic_data = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::produce::TopicProduceData {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        if (3..=12).contains(&version) {
            it.name = source.string();
        }
        if (13..=13).contains(&version) {
            it.topic_id = model::TopicId(source.uuid());
        }
        it.partition_data = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::produce::PartitionProduceData {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.index = source.number() as i32;
        it.records = source.nullable(true, |source| source.buf());
        it
    }
}

impl Sample for messages::produce::ProduceResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.responses = source.list(|source| Sample::sample(source, version));
        it.throttle_time_ms = source.number() as i32;
        if (10..=13).contains(&version) {
            it.node_endpoints = source.list(|source| Sample::sample(source, version));
        }
        it
    }
}

impl Sample for messages::produce::TopicProduceResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        if (3..=12).contains(&version) {
            it.name = source.string();
        }
        if (13..=13).contains(&version) {
            it.topic_id = model::TopicId(source.uuid());
        }
        it.partition_responses = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::produce::PartitionProduceResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.index = source.number() as i32;
        it.error_code = source.number() as i16;
        it.base_offset = source.number();
        it.log_append_time_ms = source.number();
        if (5..=13).contains(&version) {
            it.log_start_offset = source.number();
        }
        if (8..=13).contains(&version) {
            it.record_errors = source.list(|source| Sample::sample(source, version));
        }
        if (8..=13).contains(&version) {
            it.error_message = source.nullable(true, |source| source.string());
        }
        if (10..=13).contains(&version) {
            it.current_leader = Sample::sample(source, version);
        }
        it
    }
}

impl Sample for messages::produce::BatchIndexAndErrorMessage {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.batch_index = source.number() as i32;
        it.batch_index_error_message = source.nullable(true, |source| source.string());
        it
    }
}

impl Sample for messages::produce::LeaderIdAndEpoch {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.leader_id = source.number() as i32;
        it.leader_epoch = source.number() as i32;
        it
    }
}

impl Sample for messages::produce::NodeEndpoint {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.node_id = source.number() as i32;
        it.host = source.string();
        it.port = source.number() as i32;
        it.rack = source.nullable(true, |source| source.string());
        it
    }
}

impl Sample for messages::sync_group::SyncGroupRequest {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        it.group_id = source.string();
        it.generation_id = source.number() as i32;
        it.member_id = source.string();
        if (3..=5).contains(&version) {
            it.group_instance_id = source.nullable(true, |source| source.string());
        }
        if (5..=5).contains(&version) {
            it.protocol_type = source.nullable(true, |source| source.string());
        }
        if (5..=5).contains(&version) {
            it.protocol_name = source.nullable(true, |source| source.string());
        }
        it.assignments = source.list(|source| Sample::sample(source, version));
        it
    }
}

impl Sample for messages::sync_group::SyncGroupRequestAssignment {
    fn sample(source: &mut Source, _version: i16) -> Self {
        let mut it = Self::default();
        it.member_id = source.string();
        it.assignment = source.buf();
        it
    }
}

impl Sample for messages::sync_group::SyncGroupResponse {
    fn sample(source: &mut Source, version: i16) -> Self {
        let mut it = Self::default();
        if (1..=5).contains(&version) {
            it.throttle_time_ms = source.number() as i32;
        }
        it.error_code = source.number() as i16;
        if (5..=5).contains(&version) {
            it.protocol_type = source.nullable(true, |source| source.string());
        }
        if (5..=5).contains(&version) {
            it.protocol_name = source.nullable(true, |source| source.string());
        }
        it.assignment = source.buf();
        it
    }
}

pub(crate) fn visit_all(visit: &mut impl Visit) {
    visit.request::<messages::alter_configs::AlterConfigsRequest>();
    visit.response::<messages::alter_configs::AlterConfigsResponse>();
    visit.request::<messages::api_versions::ApiVersionsRequest>();
    visit.response::<messages::api_versions::ApiVersionsResponse>();
    visit.request::<messages::consumer_group_describe::ConsumerGroupDescribeRequest>();
    visit.response::<messages::consumer_group_describe::ConsumerGroupDescribeResponse>();
    visit.request::<messages::consumer_group_heartbeat::ConsumerGroupHeartbeatRequest>();
    visit.response::<messages::consumer_group_heartbeat::ConsumerGroupHeartbeatResponse>();
    visit.message::<messages::consumer_protocol::ConsumerProtocolSubscription>();
    visit.message::<messages::consumer_protocol::ConsumerProtocolAssignment>();
    visit.message::<messages::control_records::LeaderChangeMessage>();
    visit.message::<messages::control_records::SnapshotHeaderRecord>();
    visit.message::<messages::control_records::SnapshotFooterRecord>();
    visit.message::<messages::control_records::KRaftVersionRecord>();
    visit.message::<messages::control_records::VotersRecord>();
    visit.request::<messages::create_partitions::CreatePartitionsRequest>();
    visit.response::<messages::create_partitions::CreatePartitionsResponse>();
    visit.request::<messages::create_topics::CreateTopicsRequest>();
    visit.response::<messages::create_topics::CreateTopicsResponse>();
    visit.request::<messages::delete_groups::DeleteGroupsRequest>();
    visit.response::<messages::delete_groups::DeleteGroupsResponse>();
    visit.request::<messages::delete_records::DeleteRecordsRequest>();
    visit.response::<messages::delete_records::DeleteRecordsResponse>();
    visit.request::<messages::delete_topics::DeleteTopicsRequest>();
    visit.response::<messages::delete_topics::DeleteTopicsResponse>();
    visit.request::<messages::describe_cluster::DescribeClusterRequest>();
    visit.response::<messages::describe_cluster::DescribeClusterResponse>();
    visit.request::<messages::describe_configs::DescribeConfigsRequest>();
    visit.response::<messages::describe_configs::DescribeConfigsResponse>();
    visit.request::<messages::describe_groups::DescribeGroupsRequest>();
    visit.response::<messages::describe_groups::DescribeGroupsResponse>();
    visit.request::<messages::describe_log_dirs::DescribeLogDirsRequest>();
    visit.response::<messages::describe_log_dirs::DescribeLogDirsResponse>();
    visit.request::<messages::describe_producers::DescribeProducersRequest>();
    visit.response::<messages::describe_producers::DescribeProducersResponse>();
    visit.request::<messages::describe_topic_partitions::DescribeTopicPartitionsRequest>();
    visit.response::<messages::describe_topic_partitions::DescribeTopicPartitionsResponse>();
    visit.request::<messages::fetch::FetchRequest>();
    visit.response::<messages::fetch::FetchResponse>();
    visit.request::<messages::find_coordinator::FindCoordinatorRequest>();
    visit.response::<messages::find_coordinator::FindCoordinatorResponse>();
    visit.message::<messages::group_records::OffsetCommitKey>();
    visit.message::<messages::group_records::OffsetCommitValue>();
    visit.message::<messages::group_records::GroupMetadataKey>();
    visit.message::<messages::group_records::GroupMetadataValue>();
    visit.message::<messages::group_records::ConsumerGroupMetadataKey>();
    visit.message::<messages::group_records::ConsumerGroupMetadataValue>();
    visit.message::<messages::group_records::ConsumerGroupPartitionMetadataKey>();
    visit.message::<messages::group_records::ConsumerGroupPartitionMetadataValue>();
    visit.message::<messages::group_records::ConsumerGroupMemberMetadataKey>();
    visit.message::<messages::group_records::ConsumerGroupMemberMetadataValue>();
    visit.message::<messages::group_records::ConsumerGroupTargetAssignmentMetadataKey>();
    visit.message::<messages::group_records::ConsumerGroupTargetAssignmentMetadataValue>();
    visit.message::<messages::group_records::ConsumerGroupTargetAssignmentMemberKey>();
    visit.message::<messages::group_records::ConsumerGroupTargetAssignmentMemberValue>();
    visit.message::<messages::group_records::ConsumerGroupCurrentMemberAssignmentKey>();
    visit.message::<messages::group_records::ConsumerGroupCurrentMemberAssignmentValue>();
    visit.message::<messages::group_records::ConsumerGroupRegularExpressionKey>();
    visit.message::<messages::group_records::ConsumerGroupRegularExpressionValue>();
    visit.request::<messages::heartbeat::HeartbeatRequest>();
    visit.response::<messages::heartbeat::HeartbeatResponse>();
    visit.request::<messages::incremental_alter_configs::IncrementalAlterConfigsRequest>();
    visit.response::<messages::incremental_alter_configs::IncrementalAlterConfigsResponse>();
    visit.request::<messages::init_producer_id::InitProducerIdRequest>();
    visit.response::<messages::init_producer_id::InitProducerIdResponse>();
    visit.request::<messages::join_group::JoinGroupRequest>();
    visit.response::<messages::join_group::JoinGroupResponse>();
    visit.request::<messages::leave_group::LeaveGroupRequest>();
    visit.response::<messages::leave_group::LeaveGroupResponse>();
    visit.request::<messages::list_config_resources::ListConfigResourcesRequest>();
    visit.response::<messages::list_config_resources::ListConfigResourcesResponse>();
    visit.request::<messages::list_groups::ListGroupsRequest>();
    visit.response::<messages::list_groups::ListGroupsResponse>();
    visit.request::<messages::list_offsets::ListOffsetsRequest>();
    visit.response::<messages::list_offsets::ListOffsetsResponse>();
    visit.request::<messages::metadata::MetadataRequest>();
    visit.response::<messages::metadata::MetadataResponse>();
    visit.message::<messages::metadata_records::RegisterBrokerRecord>();
    visit.message::<messages::metadata_records::UnregisterBrokerRecord>();
    visit.message::<messages::metadata_records::TopicRecord>();
    visit.message::<messages::metadata_records::PartitionRecord>();
    visit.message::<messages::metadata_records::ConfigRecord>();
    visit.message::<messages::metadata_records::PartitionChangeRecord>();
    visit.message::<messages::metadata_records::RemoveTopicRecord>();
    visit.message::<messages::metadata_records::FeatureLevelRecord>();
    visit.message::<messages::metadata_records::ProducerIdsRecord>();
    visit.message::<messages::metadata_records::BrokerRegistrationChangeRecord>();
    visit.message::<messages::metadata_records::NoOpRecord>();
    visit.message::<messages::metadata_records::BeginTransactionRecord>();
    visit.message::<messages::metadata_records::EndTransactionRecord>();
    visit.message::<messages::metadata_records::AbortTransactionRecord>();
    visit.request::<messages::offset_commit::OffsetCommitRequest>();
    visit.response::<messages::offset_commit::OffsetCommitResponse>();
    visit.request::<messages::offset_delete::OffsetDeleteRequest>();
    visit.response::<messages::offset_delete::OffsetDeleteResponse>();
    visit.request::<messages::offset_fetch::OffsetFetchRequest>();
    visit.response::<messages::offset_fetch::OffsetFetchResponse>();
    visit.request::<messages::offset_for_leader_epoch::OffsetForLeaderEpochRequest>();
    visit.response::<messages::offset_for_leader_epoch::OffsetForLeaderEpochResponse>();
    visit.request::<messages::produce::ProduceRequest>();
    visit.response::<messages::produce::ProduceResponse>();
    visit.request::<messages::sync_group::SyncGroupRequest>();
    visit.response::<messages::sync_group::SyncGroupResponse>();
}
