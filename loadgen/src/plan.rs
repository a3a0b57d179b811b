//! What to measure: the run as values, checked before anything starts.

use core::time::Duration;
use reports::Metric;
use std::collections::BTreeMap;
use std::path::PathBuf;
use wire::compression::Compression;

use crate::payload::HEAD_BYTES;
use crate::schedule::Shape;

/// What an acknowledgement means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acks {
    /// No answer at all.
    None,
    Leader,
    All,
}

impl Acks {
    #[must_use]
    pub fn wire(self) -> i16 {
        match self {
            Self::None => 0,
            Self::Leader => 1,
            Self::All => -1,
        }
    }

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "0",
            Self::Leader => "1",
            Self::All => "all",
        }
    }
}

/// How the pacer waits for the next record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Never sleeps: timers were 0.7 ms late at p99 on an unused core.
    Spin,
    /// Sleeps: for tests in virtual time.
    Sleep,
}

/// One run.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub rate_per_s: f64,
    pub shape: Shape,
    /// Size of each record's value.
    pub record_bytes: usize,
    pub topics: u32,
    pub partitions: u32,
    /// An existing topic to use instead of new ones.
    pub topic: Option<String>,
    pub replication_factor: Option<i16>,
    pub topic_configs: BTreeMap<String, String>,
    pub acks: Acks,
    pub idempotent: bool,
    pub linger: Duration,
    pub batch_bytes: usize,
    pub compression: Compression,
    pub in_flight: usize,
    pub producers: u32,
    pub consumers: u32,
    pub fetch_max_wait_ms: i32,
    pub fetch_min_bytes: i32,
    pub warmup: Duration,
    pub duration: Duration,
    /// How long to wait for what is still on its way when the window has ended.
    pub drain: Duration,
    /// Limits per percentile field, microseconds.
    pub limits: BTreeMap<String, u64>,
    pub verify: bool,
    /// Where to write what every batch came to.
    pub history: Option<PathBuf>,
    pub pace: Pace,
}

/// A backlog beyond this is `not_sent`.
const BACKLOG_BYTES_MAX: usize = 512 << 20;
const BACKLOG_S: f64 = 2.0;

impl Plan {
    /// # Errors
    /// A sentence that says what to change.
    pub fn check(&self) -> Result<(), String> {
        let rules = [
            (
                self.record_bytes >= HEAD_BYTES,
                format!("--size must be at least {HEAD_BYTES}B: each record carries its due time"),
            ),
            (
                self.record_bytes + 100 <= self.batch_bytes,
                "--batch must hold at least one record: raise it or lower --size".to_owned(),
            ),
            (self.partitions > 0 && self.topics > 0, "--partitions and --topics start at 1".into()),
            (self.producers > 0, "--producers starts at 1".to_owned()),
            (
                self.lane_count() <= 10_000,
                "topics × partitions is limited to 10000 in one run".to_owned(),
            ),
            (self.in_flight > 0, "--in-flight starts at 1".to_owned()),
            (
                !self.idempotent || (self.acks == Acks::All && self.in_flight <= 5),
                "--idempotent needs --acks all and at most 5 requests in flight".to_owned(),
            ),
            (
                !self.verify || self.consumers > 0,
                "--verify needs consumers: what is not read cannot be verified".to_owned(),
            ),
            (
                self.history.is_none() || self.verify,
                "--history needs --verify: it tells what came back by its bytes".to_owned(),
            ),
            (
                self.consumers > 0 || self.acks != Acks::None,
                "--acks 0 without consumers measures nothing".to_owned(),
            ),
            (
                self.duration >= Duration::from_millis(100),
                "--duration must be 100ms or more".into(),
            ),
            (
                self.topic.is_none() || self.topics == 1,
                "--topic names one existing topic: leave out --topics".to_owned(),
            ),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, rule)| Err(rule))
    }

    /// Streams of records: one per partition, or one per producer where those are more.
    #[must_use]
    pub fn lane_count(&self) -> u32 {
        (self.topics * self.partitions).max(self.producers)
    }

    /// Records that one lane may have waiting.
    #[must_use]
    pub fn backlog_records(&self) -> u64 {
        let by_bytes = BACKLOG_BYTES_MAX / self.record_bytes;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "two seconds of at most 10^9 per second"
        )]
        let by_time = (self.rate_per_s * BACKLOG_S) as usize;
        (by_bytes.min(by_time) as u64 / u64::from(self.lane_count())).max(2)
    }

    /// The latency that the target limits.
    #[must_use]
    pub fn metric(&self) -> Metric {
        if self.consumers > 0 { Metric::E2e } else { Metric::Ack }
    }

    /// The same load for a short time, to see what the harness itself costs.
    #[must_use]
    pub fn floor(&self) -> Self {
        Self {
            warmup: Duration::from_millis(500),
            duration: Duration::from_secs(3),
            topic: None,
            replication_factor: None,
            topic_configs: BTreeMap::new(),
            history: None,
            ..self.clone()
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn plan() -> Plan {
        Plan {
            rate_per_s: 10_000.0,
            shape: Shape::Constant,
            record_bytes: 100,
            topics: 1,
            partitions: 2,
            topic: None,
            replication_factor: None,
            topic_configs: BTreeMap::new(),
            acks: Acks::All,
            idempotent: false,
            linger: Duration::from_micros(500),
            batch_bytes: 65_536,
            compression: Compression::default(),
            in_flight: 5,
            producers: 2,
            consumers: 2,
            fetch_max_wait_ms: 500,
            fetch_min_bytes: 1,
            warmup: Duration::from_millis(100),
            duration: Duration::from_secs(1),
            drain: Duration::from_secs(2),
            limits: BTreeMap::from([("p99_us".to_owned(), 2_000)]),
            verify: true,
            history: None,
            pace: Pace::Sleep,
        }
    }

    #[test]
    fn a_plan_that_cannot_work_is_refused_with_advice() {
        assert_eq!(plan().check(), Ok(()));
        let refused = |change: fn(&mut Plan)| {
            let mut plan = plan();
            change(&mut plan);
            plan.check().unwrap_err()
        };
        assert!(refused(|plan| plan.record_bytes = 8).contains("at least 16B"));
        assert!(refused(|plan| plan.batch_bytes = 100).contains("--batch"));
        assert!(refused(|plan| plan.consumers = 0).contains("--verify needs consumers"));
        assert!(
            refused(|plan| {
                plan.idempotent = true;
                plan.acks = Acks::Leader;
            })
            .contains("--acks all")
        );
    }

    #[test]
    fn the_backlog_is_bounded_by_time_and_by_memory() {
        let slow = plan();
        assert_eq!(slow.backlog_records() * u64::from(slow.lane_count()), 20_000);
        let large = Plan { rate_per_s: 1e6, record_bytes: 1 << 20, ..plan() };
        assert_eq!(large.backlog_records() * u64::from(large.lane_count()), 512);
    }
}
