//! The workloads: about two hundred operations for each feature of the storage.
//!
//! Promises: a feature's steps are the same in every run. Does not: run them (`play`).

use runtime::memory::{DiskFault, DiskVerb};
use storage::{Cleanup, Compaction, Lane, LogConfig};

/// Logs of every workload.
pub(super) const LOGS: usize = 2;

/// What a workload is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    /// Appends until the journal has begun again at its front.
    JournalWrap,
    /// Small segments.
    Roll,
    /// Acknowledged from the page cache, as Kafka does it.
    PageCache,
    /// Without the journal, as the metadata log.
    Direct,
    /// Old segments are deleted.
    Retention,
    /// DeleteRecords, and the deletion of the segments below.
    DeleteRecords,
    /// A log is cut back while readers hold its tail.
    Truncate,
    /// Keys, tombstones and producers under compaction.
    Compaction,
    /// One of the logs is deleted.
    TopicDelete,
    /// Checkpoint files are written all the time.
    Checkpoint,
    /// An orderly stop.
    CleanStop,
    /// A sync of a segment fails.
    FailedSegmentSync,
    /// A sync of the journal fails.
    FailedJournalSync,
}

/// One operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Append {
        log: usize,
        records: u32,
        value_bytes: usize,
    },
    Pause {
        us: u64,
    },
    /// Waits until the log is synced.
    Flush {
        log: usize,
    },
    /// Background syncs of all logs.
    Sync,
    /// Retention.
    Maintain,
    Clean,
    DeleteBefore {
        log: usize,
        back: i64,
    },
    Truncate {
        log: usize,
        back: i64,
    },
    Delete {
        log: usize,
    },
    Checkpoint,
    Stop,
    /// Reads the log from every offset.
    Read {
        log: usize,
    },
    /// Searches it by every time.
    Search {
        log: usize,
    },
}

impl Feature {
    pub const ALL: &[Self] = &[
        Self::JournalWrap,
        Self::Roll,
        Self::PageCache,
        Self::Direct,
        Self::Retention,
        Self::DeleteRecords,
        Self::Truncate,
        Self::Compaction,
        Self::TopicDelete,
        Self::Checkpoint,
        Self::CleanStop,
        Self::FailedSegmentSync,
        Self::FailedJournalSync,
    ];

    #[must_use]
    pub fn name(self) -> String {
        crate::names::name_of(self)
    }

    pub(super) fn config(self) -> LogConfig {
        let small = LogConfig {
            segment_bytes: 6_000,
            index_interval_bytes: 256,
            retention_ms: None,
            file_delete_delay_ms: 20,
            ..LogConfig::DEFAULT
        };
        match self {
            Self::JournalWrap | Self::FailedJournalSync | Self::FailedSegmentSync => {
                LogConfig { segment_bytes: 64 << 10, ..small }
            }
            Self::Roll | Self::TopicDelete | Self::Checkpoint | Self::CleanStop => small,
            Self::PageCache => LogConfig { flush_messages: 12, ..small },
            Self::Direct => LogConfig { lane: Lane::Direct, ..small },
            Self::Retention => LogConfig { retention_bytes: Some(1_000), ..small },
            Self::DeleteRecords | Self::Truncate => small,
            Self::Compaction => LogConfig {
                cleanup: Cleanup::Compact,
                compaction: Compaction { min_cleanable_dirty_ppm: 0, ..Compaction::DEFAULT },
                ..small
            },
        }
    }

    /// Faults of the disk, planted before the first operation.
    pub(super) fn faults(self) -> Vec<DiskFault> {
        let failing = |path_part, skip_count| {
            vec![DiskFault { skip_count, ..DiskFault::next(DiskVerb::SyncData, path_part) }]
        };
        match self {
            Self::FailedSegmentSync => failing("orders-0/", 3),
            Self::FailedJournalSync => failing("journal", 40),
            _ => Vec::new(),
        }
    }

    pub(super) fn steps(self) -> Vec<Step> {
        let mut steps = Vec::new();
        for round in 0..100_usize {
            let log = round % LOGS;
            let value_bytes = match self {
                Self::JournalWrap => 400 + round * 97 % 4_000,
                _ => 30 + round * 53 % 700,
            };
            let records = 1 + u32::try_from(round % 3).expect("below 3");
            steps.push(Step::Append { log, records, value_bytes });
            // Bursts, so that commits hold several entries, and pauses, so that some hold one.
            if round % 4 != 1 {
                steps.push(Step::Pause { us: [90, 700, 0, 1_900][round % 4] });
            }
            self.add_specials(round, &mut steps);
        }
        steps.extend((0..LOGS).flat_map(|log| [Step::Read { log }, Step::Search { log }]));
        if self == Self::CleanStop {
            steps.push(Step::Stop);
        }
        steps
    }

    fn add_specials(self, round: usize, steps: &mut Vec<Step>) {
        let log = round / 10 % LOGS;
        let every = |count: usize| round % count == count - 1;
        match self {
            Self::JournalWrap if every(30) => steps.push(Step::Sync),
            Self::PageCache if every(20) => steps.push(Step::Flush { log }),
            Self::Retention if every(8) => {
                steps.extend([Step::Maintain, Step::Pause { us: 30_000 }, Step::Maintain]);
            }
            Self::DeleteRecords if every(15) => {
                steps.extend([Step::DeleteBefore { log, back: 9 }, Step::Maintain]);
                steps.push(if round.is_multiple_of(2) {
                    Step::Checkpoint
                } else {
                    Step::Read { log }
                });
            }
            Self::Truncate if every(9) => steps.push(Step::Truncate { log, back: 5 }),
            Self::Compaction if every(20) => {
                steps.extend([Step::Clean, Step::Pause { us: 30_000 }, Step::Maintain]);
            }
            Self::TopicDelete if round == 60 => steps.push(Step::Delete { log: 1 }),
            Self::TopicDelete if every(20) => {
                steps.extend([Step::Pause { us: 30_000 }, Step::Maintain]);
            }
            Self::Checkpoint if every(6) => steps.extend([Step::Checkpoint, Step::Sync]),
            Self::Roll | Self::Checkpoint if every(10) => steps.push(Step::Read { log }),
            Self::FailedSegmentSync if every(12) => steps.push(Step::Sync),
            _ => {}
        }
    }
}
