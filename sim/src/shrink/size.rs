//! How large a failure is, in what a reader has to understand.

use core::fmt;
use std::collections::BTreeMap;

use serde::Serialize;

use crate::plan::{ClientPlan, Plan};

/// Of a plan and of the run that failed with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Size {
    pub faults: usize,
    /// Requests that the plan's clients made until the failure.
    pub operations: u64,
    /// Clients that do anything.
    pub clients: usize,
    pub partitions: u64,
    pub shards: u16,
    /// How long faults and clients go on.
    pub faults_ms: u64,
}

impl Size {
    #[must_use]
    pub fn of(plan: &Plan, operations: &BTreeMap<u32, u64>) -> Self {
        Self {
            faults: plan.schedule.len(),
            operations: operations.values().sum(),
            clients: plan.clients.iter().filter(|client| is_active(client)).count(),
            partitions: plan.setup.topics.iter().map(|it| u64::from(it.partitions)).sum(),
            shards: plan.setup.shards,
            faults_ms: plan.span.faults_us / 1_000,
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} faults, {} operations of {} clients, {} partitions, {} shards, {} ms",
            self.faults,
            self.operations,
            self.clients,
            self.partitions,
            self.shards,
            self.faults_ms
        )
    }
}

/// Whether the client has anything to do.
#[must_use]
pub fn is_active(client: &ClientPlan) -> bool {
    match client {
        ClientPlan::Producer(plan) => plan.rounds_max != Some(0),
        ClientPlan::Consumer(plan) => plan.rounds_max != Some(0),
        ClientPlan::Admin(plan) => !plan.operations.is_empty(),
        ClientPlan::Member(plan) => plan.rounds_max != Some(0),
        ClientPlan::Crowd(plan) => plan.connections != 0,
    }
}

/// Takes its work away. Its machine and its number stay, so that nothing else is drawn anew.
pub(super) fn silence(client: &mut ClientPlan) {
    match client {
        ClientPlan::Producer(plan) => plan.rounds_max = Some(0),
        ClientPlan::Consumer(plan) => plan.rounds_max = Some(0),
        ClientPlan::Admin(plan) => plan.operations.clear(),
        ClientPlan::Member(plan) => plan.rounds_max = Some(0),
        ClientPlan::Crowd(plan) => plan.connections = 0,
    }
}
