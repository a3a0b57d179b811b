//! Planted bugs of group coordination, which no run reaches yet: the broker does not serve groups.
//!
//! Promises: each has a row with the checkers that must notice it, and a test beside the core that
//! shows it (`broker/coordinator/src/tests/planted.rs`). A row moves to `table` together with the plan
//! in `sim/teeth/` that leads to it.

use model::Bug;

use super::Mutant;

/// One owner per partition and generation, no commit of an old one, no committed offset goes back.
const C9: &str = "c9-groups";
/// Groups become stable after the last fault, with an owner for every partition.
const C11: &str = "c11-service-returns";

/// The values of [`Bug`] behind those of [`super::MUTANTS`], in their order.
pub const GROUP_MUTANTS: &[Mutant] = &[
    Mutant { bug: Bug::OldGenerationCommitAccepted, relative: "25", expected: &[C9], crashed: &[] },
    Mutant {
        bug: Bug::PartitionGivenBeforeRelease,
        relative: "robot-head/crabka#521",
        expected: &[C9],
        crashed: &[],
    },
    Mutant {
        bug: Bug::PartitionLostInRebalance,
        relative: "25; KAFKA-16198",
        expected: &[C9, C11],
        crashed: &[],
    },
    Mutant {
        bug: Bug::OlderCommitLoaded,
        relative: "apache/kafka#2436",
        expected: &[C9],
        crashed: &[],
    },
    Mutant {
        bug: Bug::TombstoneLoadsAsLive,
        relative: "KAFKA-17306, the other way round",
        expected: &[C9],
        crashed: &[],
    },
    Mutant {
        bug: Bug::StaticMemberNotFenced,
        relative: "KAFKA-8225",
        expected: &[C9],
        crashed: &[],
    },
    Mutant {
        bug: Bug::SessionNeverExpires,
        relative: "redpanda#3300",
        expected: &[C11],
        crashed: &[],
    },
    Mutant {
        bug: Bug::RegexNeverRefreshed,
        relative: "KAFKA-18961",
        expected: &[C11],
        crashed: &[],
    },
];
