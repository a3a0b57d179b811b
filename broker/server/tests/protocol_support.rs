//! `broker/docs/protocol-support.md` is what the code does: written from the tables, compared here.
//!
//! `UPDATE_EXPECT=1 cargo test -p server --test protocol_support` writes the page again.

use expect_test::expect_file;
use server::advertised::ADVERTISED;
use wire::messages::APIS;
use wire::{Api, ApiKey};

#[test]
fn the_page_about_the_protocol_says_what_the_tables_say() {
    expect_file!["../../docs/protocol-support.md"].assert_eq(&page());
}

fn page() -> String {
    let mut page = String::from(HEAD);
    for api in APIS {
        let Api { key, name, version_min, version_max, .. } = api;
        let listed = ADVERTISED.iter().find(|row| row.key == *key);
        let served = listed.map_or("none".to_owned(), |row| {
            // The lowest versions of a listed range may be refused: clients look for them all the same.
            versions(row.version_min.max(*version_min), row.version_max)
        });
        let kafka = versions(*version_min, *version_max);
        let number = *key as i16;
        page.push_str(&format!("| {number} | {name} | {served} | {kafka} | {} |\n", note(*key)));
    }
    page.push_str(TAIL);
    page
}

fn versions(min: i16, max: i16) -> String {
    if min == max { min.to_string() } else { format!("{min}–{max}") }
}

/// What a range does not say.
fn note(key: ApiKey) -> &'static str {
    match key {
        ApiKey::Produce => {
            "Listed from 0, as Kafka does: librdkafka up to 2.10 looks for version 2 before it compresses \
             (KAFKA-18659). 0–2 close the connection. 12 would announce transactions v2 (KIP-890), 13 topic ids"
        }
        ApiKey::Fetch => {
            "Sessions (KIP-227), topic ids (KIP-516). Read committed equals read uncommitted: no transactions"
        }
        ApiKey::ListOffsets => {
            "-1 to -6 are answered from the local log: there is no tiered storage (KIP-405)"
        }
        ApiKey::FindCoordinator => {
            "Groups; no transactions and no share groups yet. Creates `__consumer_offsets` where it is missing"
        }
        ApiKey::OffsetFetch => "`RequireStable` changes nothing: no transactions",
        ApiKey::OffsetDelete => "Never flexible",
        ApiKey::ApiVersions => {
            "A newer version gets a version 0 answer with UNSUPPORTED_VERSION, never a closed connection (KIP-511)"
        }
        ApiKey::InitProducerId => {
            "Idempotent producers only. 6 is two-phase commit (KIP-939), unstable in Kafka 4.3 and not listed there either"
        }
        ApiKey::AlterConfigs => "Replaces all of a resource's settings; kept for older clients",
        ApiKey::DescribeProducers
        | ApiKey::Metadata
        | ApiKey::CreateTopics
        | ApiKey::DeleteTopics
        | ApiKey::DeleteRecords
        | ApiKey::OffsetForLeaderEpoch
        | ApiKey::DescribeConfigs
        | ApiKey::DescribeLogDirs
        | ApiKey::CreatePartitions
        | ApiKey::IncrementalAlterConfigs
        | ApiKey::DescribeCluster
        | ApiKey::ListConfigResources
        | ApiKey::DescribeTopicPartitions
        | ApiKey::OffsetCommit
        | ApiKey::JoinGroup
        | ApiKey::Heartbeat
        | ApiKey::LeaveGroup
        | ApiKey::SyncGroup
        | ApiKey::DescribeGroups
        | ApiKey::ListGroups
        | ApiKey::DeleteGroups
        | ApiKey::ConsumerGroupHeartbeat
        | ApiKey::ConsumerGroupDescribe => "",
    }
}

const HEAD: &str = "\
# Protocol support

Generated from `server::advertised::ADVERTISED` and `wire::messages::APIS`; `broker/server/tests/protocol_support.rs` \
compares it with them. Write it again with `UPDATE_EXPECT=1 cargo test -p server --test protocol_support`.

A range ends where the feature behind the next version is missing, because clients switch features on by ranges. \
Both ends are inclusive.

| key | API | served | Kafka 4.3 | note |
|---|---|---|---|---|
";

const TAIL: &str = "
A request of another key or version closes the connection without an answer, as in Kafka; ApiVersions is the exception.
";
