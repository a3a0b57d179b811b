//! The APIs and versions that this broker lists in ApiVersions.
//!
//! Promises: only what is whole. A range ends where the feature behind the next version is missing,
//! because clients switch features on by ranges (KIP-896 floors, KIP-890 for Produce 12 and up).
//! Does not: say what `wire` can decode; that may be more.

use wire::{Api, ApiKey};

/// One row of the ApiVersions response; both ends are inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advertised {
    pub key: ApiKey,
    pub version_min: i16,
    pub version_max: i16,
}

const fn row(key: ApiKey, version_min: i16, version_max: i16) -> Advertised {
    Advertised { key, version_min, version_max }
}

/// By key. `broker/docs/protocol-support.md` is generated from this table.
pub const ADVERTISED: &[Advertised] = &[
    // librdkafka up to 2.10 looks for Produce 2, which is refused when it comes (KAFKA-18659).
    // Up to 11: 12 announces transactions v2, 13 topic ids.
    row(ApiKey::Produce, 0, 11),
    row(ApiKey::Fetch, 4, 18),
    row(ApiKey::ListOffsets, 1, 11),
    row(ApiKey::Metadata, 0, 13),
    row(ApiKey::OffsetCommit, 2, 10),
    row(ApiKey::OffsetFetch, 1, 10),
    // 6 is share groups (KIP-932), whose keys are refused like those of a broker without them.
    row(ApiKey::FindCoordinator, 0, 6),
    row(ApiKey::JoinGroup, 0, 9),
    row(ApiKey::Heartbeat, 0, 4),
    row(ApiKey::LeaveGroup, 0, 5),
    row(ApiKey::SyncGroup, 0, 5),
    row(ApiKey::DescribeGroups, 0, 6),
    row(ApiKey::ListGroups, 0, 5),
    row(ApiKey::ApiVersions, 0, 4),
    row(ApiKey::CreateTopics, 2, 7),
    row(ApiKey::DeleteTopics, 1, 6),
    row(ApiKey::DeleteRecords, 0, 2),
    // 6 is two-phase commit (KIP-939), unstable in Kafka 4.3.
    row(ApiKey::InitProducerId, 0, 5),
    row(ApiKey::OffsetForLeaderEpoch, 2, 4),
    row(ApiKey::DescribeConfigs, 1, 4),
    row(ApiKey::AlterConfigs, 0, 2),
    row(ApiKey::DescribeLogDirs, 1, 5),
    row(ApiKey::CreatePartitions, 0, 3),
    row(ApiKey::DeleteGroups, 0, 2),
    row(ApiKey::IncrementalAlterConfigs, 0, 1),
    row(ApiKey::OffsetDelete, 0, 0),
    row(ApiKey::DescribeCluster, 0, 2),
    row(ApiKey::DescribeProducers, 0, 0),
    row(ApiKey::ConsumerGroupHeartbeat, 0, 1),
    row(ApiKey::ConsumerGroupDescribe, 0, 1),
    row(ApiKey::ListConfigResources, 0, 1),
    row(ApiKey::DescribeTopicPartitions, 0, 0),
];

/// Whether a request of this version is answered: listed, and decodable.
#[must_use]
pub fn serves(api: &Api, version: i16) -> bool {
    api.supports(version)
        && ADVERTISED
            .iter()
            .any(|row| row.key == api.key && (row.version_min..=row.version_max).contains(&version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn the_advertised_table_is_this() {
        let table: String = ADVERTISED
            .iter()
            .map(|a| format!("{} {:?} {}-{}\n", a.key as i16, a.key, a.version_min, a.version_max))
            .collect();
        expect![[r#"
            0 Produce 0-11
            1 Fetch 4-18
            2 ListOffsets 1-11
            3 Metadata 0-13
            8 OffsetCommit 2-10
            9 OffsetFetch 1-10
            10 FindCoordinator 0-6
            11 JoinGroup 0-9
            12 Heartbeat 0-4
            13 LeaveGroup 0-5
            14 SyncGroup 0-5
            15 DescribeGroups 0-6
            16 ListGroups 0-5
            18 ApiVersions 0-4
            19 CreateTopics 2-7
            20 DeleteTopics 1-6
            21 DeleteRecords 0-2
            22 InitProducerId 0-5
            23 OffsetForLeaderEpoch 2-4
            32 DescribeConfigs 1-4
            33 AlterConfigs 0-2
            35 DescribeLogDirs 1-5
            37 CreatePartitions 0-3
            42 DeleteGroups 0-2
            44 IncrementalAlterConfigs 0-1
            47 OffsetDelete 0-0
            60 DescribeCluster 0-2
            61 DescribeProducers 0-0
            68 ConsumerGroupHeartbeat 0-1
            69 ConsumerGroupDescribe 0-1
            74 ListConfigResources 0-1
            75 DescribeTopicPartitions 0-0
        "#]]
        .assert_eq(&table);
    }

    #[test]
    fn what_is_listed_can_be_decoded_except_the_three_produce_versions_kept_for_old_clients() {
        for row in ADVERTISED {
            for version in row.version_min..=row.version_max {
                let refused = row.key == ApiKey::Produce && version < 3;
                assert_eq!(serves(row.key.api(), version), !refused, "{:?} v{version}", row.key);
            }
        }
    }
}
