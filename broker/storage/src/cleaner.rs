//! Compaction: of every key the newest record stays (`cleanup.policy=compact`).
//!
//! Promises: offsets never change; the newest record of each key, a tombstone for at least
//! `delete.retention.ms` after the cleaning that first saw it, and each live producer's last batch header stay;
//! nothing past the stable end or in the active segment is touched.
//! Does not: run by itself, or know who leads.
//!
//! Three readings of a log: `survey` looks at every header, `offset_map` collects the keys of the dirty
//! part, `filter` decides batch by batch what the new segments hold. `choice` says which log, and how far; `run`
//! drives all of it; `swap` puts a new segment in the place of old ones.

mod choice;
mod filter;
mod offset_map;
mod read;
mod run;
mod survey;
mod swap;

#[cfg(test)]
mod tests;

use model::Offset;

pub(crate) use run::clean_if_due;
pub(crate) use swap::{recover, void_journal_frames, was_interrupted};

/// What a log remembers of its cleanings.
#[derive(Debug, Default)]
pub(crate) struct CleaningState {
    /// Everything below was cleaned (`cleaner-offset-checkpoint`).
    pub(crate) first_dirty: Option<Offset>,
    /// Cleaning stays below, when somebody says so.
    pub(crate) stable_end: Option<Offset>,
    /// Why the log is left alone until the next start.
    pub(crate) uncleanable: Option<String>,
    /// Files are being renamed: nobody else touches sealed segments.
    pub(crate) is_swapping: bool,
    /// Moves when a segment takes the place of others.
    pub(crate) replacement_count: u64,
}

/// Topic settings of compaction, with Kafka's names and `topic` scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compaction {
    /// `min.cleanable.dirty.ratio` in parts per million, 0 to 1,000,000.
    pub min_cleanable_dirty_ppm: u32,
    /// `delete.retention.ms`.
    pub delete_retention_ms: i64,
    /// `min.compaction.lag.ms`.
    pub min_compaction_lag_ms: i64,
    /// `max.compaction.lag.ms`; `i64::MAX` is no limit.
    pub max_compaction_lag_ms: i64,
    /// `producer.id.expiration.ms` of the broker: a producer that was silent for longer keeps no batch.
    pub producer_expiration_ms: i64,
}

impl Compaction {
    /// Kafka's defaults.
    pub const DEFAULT: Self = Self {
        min_cleanable_dirty_ppm: 500_000,
        delete_retention_ms: 24 * 3_600_000,
        min_compaction_lag_ms: 0,
        max_compaction_lag_ms: i64::MAX,
        producer_expiration_ms: 24 * 3_600_000,
    };
}
