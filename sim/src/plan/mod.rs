//! A run as data: made from a seed, written to and read from TOML.
//!
//! Promises: [`Plan::from_seed`] is a pure function; a run reads nothing but its plan, so a plan that
//! was edited or shrunk is as good as one that was drawn. Does not: run anything.

mod client;
mod clocks;
mod crowd;
pub(crate) mod dice;
mod fault;
mod group;
mod limits;
mod setup;

use serde::{Deserialize, Serialize};

pub use client::{AdminOperation, AdminPlan, ClientPlan, ConsumerPlan, ProducerPlan, Through};
pub use clocks::Clocks;
pub use crowd::CrowdPlan;
use dice::Dice;
pub use fault::{Fault, FaultKind, Keeps, LinkTrouble, Machine, Target, Trigger, Verb};
pub use group::{MemberPlan, Mischief, Protocol};
pub use setup::{Setup, TopicPlan};

use crate::faults;

/// Seeds are written to TOML, whose integers have a sign.
pub const SEED_MAX: u64 = i64::MAX as u64;

/// Everything that decides a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What clients write and when, and of the world unless it has a seed of its own. At most
    /// [`SEED_MAX`].
    pub seed: u64,
    /// Of the world: scheduling, latencies, what a crash keeps. The same plan under another one is
    /// the same work and the same faults in another interleaving.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduler_seed: Option<u64>,
    pub span: Span,
    pub setup: Setup,
    #[serde(default)]
    pub clients: Vec<ClientPlan>,
    /// In order of time.
    #[serde(default)]
    pub schedule: Vec<Fault>,
}

/// How long the phases of a run last, in virtual microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    pub faults_us: u64,
    /// After the faults: every partition must serve within this time.
    pub liveness_us: u64,
    /// A client's shortest mean pause.
    pub pause_us: u64,
}

const SECOND_US: u64 = 1_000_000;
const DAY_US: u64 = 86_400 * SECOND_US;

impl Span {
    pub const MINUTE: Self =
        Self { faults_us: 30 * SECOND_US, liveness_us: 26 * SECOND_US, pause_us: 100_000 };
    pub const TEN_MINUTES: Self =
        Self { faults_us: 300 * SECOND_US, liveness_us: 290 * SECOND_US, pause_us: SECOND_US };
    pub const TEN_DAYS: Self =
        Self { faults_us: 9 * DAY_US, liveness_us: DAY_US, pause_us: 600 * SECOND_US };

    /// Of a hundred runs 90 last a minute, 9 ten minutes, 1 ten days.
    fn draw(dice: &mut Dice) -> Self {
        match dice.within(1..=100) {
            1 => Self::TEN_DAYS,
            2..=10 => Self::TEN_MINUTES,
            _ => Self::MINUTE,
        }
    }

    /// The most by which an interval of the broker is shortened.
    pub(crate) fn shrink_max(self) -> u64 {
        match self.faults_us / SECOND_US {
            0..=60 => 1_000,
            61..=3_600 => 100,
            _ => 1,
        }
    }
}

impl Plan {
    /// The plan of a seed.
    ///
    /// # Panics
    /// Above [`SEED_MAX`].
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        assert!(seed <= SEED_MAX, "a seed is at most {SEED_MAX}");
        let dice = |purpose| Dice::new(seed, purpose);
        let span = Span::draw(&mut dice("span"));
        let mut setup = Setup::draw(&mut dice("setup"), span);
        setup.side_pool_len = dice("side pool").one_in(4).then_some(1);
        let mut clients = client::draw(&mut dice("clients"), span, &setup.topics);
        let Setup { topics, properties, .. } = &mut setup;
        clients.extend(group::draw(&mut dice("groups"), span, topics, properties));
        let mut schedule = faults::draw(&mut dice("faults"), span, &setup, clients.len());
        schedule.extend(faults::chain::draw(&mut dice("chain"), span, &setup, &clients));
        schedule.sort_by_key(|fault| fault.at_us);
        // Behind the faults, which strike the links of those above.
        clients.extend(group::topics_to_come(&mut dice("topics to come"), span, &clients));
        clients.extend(crowd::draw(&mut dice("crowd"), span));
        Self { seed, scheduler_seed: None, span, setup, clients, schedule }
    }

    /// The plan of a seed, with further faults until there are at least so many: a hard case for
    /// whoever has to make a failure small.
    ///
    /// # Panics
    /// Above [`SEED_MAX`].
    #[must_use]
    pub fn crowded(seed: u64, fault_count_min: usize) -> Self {
        let mut plan = Self::from_seed(seed);
        let mut dice = Dice::new(seed, "more faults");
        while plan.schedule.len() < fault_count_min {
            let more = faults::draw(&mut dice, plan.span, &plan.setup, plan.clients.len());
            plan.schedule.extend(more);
        }
        plan.schedule.sort_by_key(|fault| fault.at_us);
        plan
    }

    /// What the world of this run is made from.
    #[must_use]
    pub fn world_seed(&self) -> u64 {
        self.scheduler_seed.unwrap_or(self.seed)
    }

    /// # Panics
    /// Never: every plan has a TOML form.
    #[must_use]
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("every plan has a TOML form")
    }

    /// Reads what [`Plan::to_toml`] wrote.
    ///
    /// # Errors
    /// Not TOML, or not a plan; the text says where.
    pub fn from_toml(text: &str) -> Result<Self, String> {
        let plan: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        plan.setup.limits()?;
        if plan.setup.shards == 0 || plan.setup.directories == 0 {
            return Err("a node has at least one shard and one directory".to_owned());
        }
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_survives_its_toml_form() {
        for seed in 0..200 {
            let plan = Plan::from_seed(seed);
            let text = plan.to_toml();
            assert_eq!(Plan::from_toml(&text).as_ref(), Ok(&plan), "{text}");
        }
    }

    #[test]
    fn a_seed_always_gives_the_same_plan() {
        assert_eq!(Plan::from_seed(7), Plan::from_seed(7));
        assert_ne!(Plan::from_seed(7).setup, Plan::from_seed(8).setup);
    }

    #[test]
    fn schedules_are_in_order_of_time() {
        for seed in 0..200 {
            assert!(Plan::from_seed(seed).schedule.is_sorted_by_key(|fault| fault.at_us));
        }
    }
}
