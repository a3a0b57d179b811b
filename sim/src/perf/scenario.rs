//! The fixed workloads.

use wire::compression::Codec;

use crate::plan::{Plan, Setup, Span, TopicPlan};

/// A workload without faults and without chance: clients act at fixed times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) shards: u16,
    pub(super) partitions: u16,
    pub(super) producers: u16,
    /// Each producer sends a batch at this interval, answered or not.
    pub(super) interval_us: u64,
    /// Of each batch.
    pub(super) records: usize,
    pub(super) value_bytes: usize,
    pub(super) codec: Codec,
    pub(super) idempotent: bool,
    pub(super) consumers: u16,
    pub(super) sessions: bool,
    /// Consumers begin when producers have ended, so that no fetch waits for records.
    pub(super) catches_up: bool,
}

const BASE: Scenario = Scenario {
    name: "steady",
    shards: 1,
    partitions: 1,
    producers: 2,
    interval_us: 5_000,
    records: 10,
    value_bytes: 100,
    codec: Codec::None,
    idempotent: false,
    consumers: 1,
    sessions: false,
    catches_up: false,
};

pub(super) const SCENARIOS: &[Scenario] = &[
    BASE,
    // Many small batches at the same time: do they share a sync?
    Scenario { name: "group-commit", producers: 16, interval_us: 2_000, records: 1, ..BASE },
    // Requests and records cross from shard to shard.
    Scenario {
        name: "two-shards",
        shards: 2,
        partitions: 4,
        producers: 4,
        consumers: 2,
        idempotent: true,
        ..BASE
    },
    // Most partitions have nothing new: what does a fetch cost?
    Scenario { name: "sessions", partitions: 16, interval_us: 20_000, sessions: true, ..BASE },
    Scenario { name: "compressed", codec: Codec::Lz4, records: 50, idempotent: true, ..BASE },
    Scenario { name: "catch-up", records: 50, catches_up: true, ..BASE },
];

impl Scenario {
    pub(super) fn topic(&self) -> TopicPlan {
        TopicPlan {
            name: "perf".to_owned(),
            partitions: self.partitions,
            configs: std::collections::BTreeMap::new(),
        }
    }

    /// The node; clients and faults of a plan have no part in it.
    pub(super) fn plan(&self, seed: u64) -> Plan {
        let setup = Setup {
            shards: self.shards,
            directories: 1,
            wall_offset_ms: 0,
            rare_choices: false,
            side_pool_len: None,
            limits: std::collections::BTreeMap::new(),
            properties: std::collections::BTreeMap::new(),
            topics: Vec::new(),
        };
        Plan {
            seed,
            scheduler_seed: None,
            span: Span::MINUTE,
            setup,
            clients: Vec::new(),
            schedule: Vec::new(),
        }
    }
}
