//! The planted bugs: who must notice each, and which real bug it is like.
//!
//! A mutant counts as caught only if one of the checkers named here fires; another one that fires
//! proves something else.

use model::Bug;

use crate::crash_points::{self, Feature};

/// A planted bug and its expectations.
#[derive(Debug, Clone, Copy)]
pub struct Mutant {
    pub bug: Bug,
    /// What happened elsewhere, by its public name, or why it could happen here.
    pub relative: &'static str,
    /// Any of these checkers; none for a placebo.
    pub expected: &'static [&'static str],
    /// Workloads of the storage in which a crash shows it.
    pub crashed: &'static [Feature],
}

const C1: &str = "c1-acked-stays";
const C3: &str = "c3-producer-order";
const C4: &str = "c4-offsets-increase";
const C5: &str = "c5-watermarks";
/// One owner per partition and generation, no commit of an old one, no committed offset goes back.
const C9: &str = "c9-groups";
/// Groups read and commit everything again after the last fault.
const C11: &str = "c11-groups-settle";
/// What recovery makes of a crash: at every crash point of the workloads, and in a run.
const C14: &str = crash_points::NAME;
const C14_RUN: &str = "c14-recovery-keeps-synced";
const POLLS: &str = "polls-follow";
const READ: &str = "values-are-read";
const TELL: &str = "sessions-tell";
const ONCE: &str = "values-once";

/// Every value of [`Bug`], in its order.
pub const MUTANTS: &[Mutant] = &[
    Mutant {
        bug: Bug::AckBeforeSync,
        relative: "Kafka acknowledges from the page cache, its default",
        expected: &[C1, C14],
        crashed: &[Feature::JournalWrap, Feature::Roll],
    },
    Mutant {
        bug: Bug::DirectoryNotSynced,
        relative: "own risk: files that exist and whose names a power loss takes",
        expected: &[C1, C14, C14_RUN],
        crashed: &[Feature::Direct, Feature::PageCache, Feature::Checkpoint],
    },
    Mutant {
        bug: Bug::JournalReusedEarly,
        relative: "own risk of a journal that is shared by logs and used again",
        expected: &[C1, C14, C14_RUN],
        crashed: &[Feature::Checkpoint, Feature::Retention, Feature::JournalWrap],
    },
    Mutant {
        bug: Bug::RecoverySkipsCrc,
        relative: "found in an early version of this broker",
        expected: &[C1, C4, C14, C14_RUN],
        crashed: &[Feature::PageCache, Feature::JournalWrap, Feature::Direct],
    },
    Mutant {
        bug: Bug::RecoveryTrustsPageCache,
        relative: "found in an early version of this broker, without planting it",
        expected: &[C1, C14, C14_RUN],
        crashed: &[Feature::PageCache, Feature::FailedJournalSync],
    },
    Mutant {
        bug: Bug::SyncErrorIgnored,
        relative: "KAFKA-10778, KAFKA-7866",
        expected: &[C1, C14, C14_RUN],
        crashed: &[Feature::FailedJournalSync, Feature::FailedSegmentSync],
    },
    Mutant {
        bug: Bug::DuplicateAnsweredEarly,
        relative: "own risk of acknowledging after the sync: a retry overtakes its original",
        expected: &[C1],
        crashed: &[],
    },
    Mutant {
        bug: Bug::DedupWindowOfOne,
        relative: "Redpanda #3039, #3038, KAFKA-14920",
        expected: &[C3, ONCE],
        crashed: &[],
    },
    Mutant {
        bug: Bug::HighWatermarkCountsUnsynced,
        relative: "own risk of a leader that counts itself before its disk does",
        expected: &[C1, C5],
        crashed: &[],
    },
    Mutant {
        bug: Bug::CompactionForgetsProducers,
        relative: "KAFKA-12520",
        expected: &[C3, ONCE, C14],
        crashed: &[Feature::Compaction],
    },
    Mutant {
        bug: Bug::TombstoneDroppedEarly,
        relative: "KIP-534; KAFKA-8522",
        expected: &["compaction-keeps-latest", C14],
        crashed: &[Feature::Compaction],
    },
    Mutant {
        bug: Bug::AppendInPlaceAfterTruncate,
        relative: "own risk of sending from the page cache what a truncation replaces",
        expected: &[C14],
        crashed: &[Feature::Truncate],
    },
    Mutant {
        bug: Bug::ProducerSnapshotDropped,
        relative: "KAFKA-12520, KAFKA-12153",
        expected: &[C3, ONCE, C14],
        crashed: &[Feature::Checkpoint, Feature::CleanStop],
    },
    Mutant {
        bug: Bug::WrongBaseOffsetTold,
        relative: "Redpanda #3003",
        expected: &[C1],
        crashed: &[],
    },
    Mutant {
        bug: Bug::TornRead,
        relative: "KAFKA-9835",
        expected: &[C4, C5, C14],
        crashed: &[Feature::Roll],
    },
    Mutant {
        bug: Bug::TimeIndexOffByOne,
        relative: "KAFKA-9807 is of the same kind: a search that stops one short",
        expected: &["time-lookup", C14],
        crashed: &[Feature::Roll],
    },
    Mutant {
        bug: Bug::FetchSkipsHoldingBatch,
        relative: "Jepsen's \"poll skip\"",
        expected: &[POLLS, C4, READ, C14],
        crashed: &[Feature::Roll],
    },
    Mutant {
        bug: Bug::FetchSessionLosesPartition,
        relative: "KAFKA-8052, KAFKA-9137 are of the same kind",
        expected: &[TELL],
        crashed: &[],
    },
    Mutant {
        bug: Bug::DeletionNotJournaled,
        relative: "own risk of a log start that only memory knows",
        expected: &[C5, C14, C14_RUN],
        crashed: &[Feature::Retention, Feature::DeleteRecords],
    },
    Mutant {
        bug: Bug::PlaceboSyncTwice,
        relative: "changes nothing",
        expected: &[],
        crashed: &[Feature::Checkpoint],
    },
    Mutant {
        bug: Bug::PlaceboPlanTwice,
        relative: "changes nothing",
        expected: &[],
        crashed: &[Feature::Roll],
    },
    Mutant {
        bug: Bug::PlaceboPersistedTwice,
        relative: "changes nothing",
        expected: &[],
        crashed: &[Feature::JournalWrap],
    },
    Mutant {
        bug: Bug::OldGenerationCommitAccepted,
        relative: "a member that was away commits over its successor; KIP-848's epochs fence it",
        expected: &[C9],
        crashed: &[],
    },
    Mutant {
        bug: Bug::PartitionGivenBeforeRelease,
        relative: "robot-head/crabka#521",
        expected: &[C9],
        crashed: &[],
    },
    Mutant {
        bug: Bug::PartitionLostInRebalance,
        relative: "KAFKA-16198",
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

impl Mutant {
    /// What the command line calls it.
    #[must_use]
    pub fn name(&self) -> String {
        crate::names::name_of(self.bug)
    }

    /// Whether it must never be caught.
    #[must_use]
    pub fn is_placebo(&self) -> bool {
        self.expected.is_empty()
    }

    /// Whether a violation of this class, such as `c1-acked-stays/lost`, counts: its checker decides.
    #[must_use]
    pub fn expects(&self, class: &str) -> bool {
        class.split('/').next().is_some_and(|checker| self.expected.contains(&checker))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkers;

    #[test]
    fn every_bug_has_a_row() {
        let rows: Vec<Bug> = MUTANTS.iter().map(|mutant| mutant.bug).collect();
        assert_eq!(rows, Bug::ALL);
    }

    #[test]
    fn every_expected_checker_exists() {
        let known: Vec<&str> = checkers::all().iter().map(|it| it.name()).collect();
        for mutant in MUTANTS {
            for name in mutant.expected {
                assert!(*name == C14 || known.contains(name), "{}: {name}", mutant.name());
            }
        }
    }

    #[test]
    fn there_are_three_placebos() {
        assert_eq!(MUTANTS.iter().filter(|mutant| mutant.is_placebo()).count(), 3);
    }
}
