//! The JSON that other tools may rely on. Fields are added, never renamed or given a new meaning.
//!
//! Durations are whole microseconds (`_us`) or seconds (`_s`), rates are per second, sizes are bytes.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Version of this layout; it grows when a reader of the older one could misunderstand.
pub const SCHEMA: u32 = 1;

/// A percentile that reports carry, with the name of its JSON field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Percentile {
    /// As in `p99=2ms`.
    pub name: &'static str,
    /// As in `p99_us`.
    pub field: &'static str,
    /// Share of the samples at or below it.
    pub quantile: f64,
}

/// Every percentile of [`Latency`], ascending.
pub const PERCENTILES: [Percentile; 5] = [
    Percentile { name: "p50", field: "p50_us", quantile: 0.5 },
    Percentile { name: "p90", field: "p90_us", quantile: 0.9 },
    Percentile { name: "p99", field: "p99_us", quantile: 0.99 },
    Percentile { name: "p999", field: "p999_us", quantile: 0.999 },
    Percentile { name: "p9999", field: "p9999_us", quantile: 0.9999 },
];

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub schema: u32,
    pub name: String,
    /// Start of the run, RFC 3339 in UTC.
    pub started_at: String,
    /// The command line that repeats the run.
    pub command: String,
    pub verdict: Verdict,
    pub valid: bool,
    /// Why no conclusion may be drawn from the run.
    pub invalid_reasons: Vec<String>,
    /// Why the target was missed.
    pub missed_reasons: Vec<String>,
    pub warnings: Vec<String>,
    /// The target was met although the client was limited: the true latency is lower.
    pub upper_bound: bool,
    pub target: Target,
    /// Length of the measured window.
    pub duration_s: f64,
    /// Records due in the window by the schedule.
    pub offered: u64,
    /// Acknowledgements timed in the window, per second (consumed records with acks=0).
    pub achieved_rate: f64,
    pub records: Records,
    /// Due to acknowledged; null with acks=0.
    pub ack: Option<Latency>,
    /// Due to consumed; null without consumers.
    pub e2e: Option<Latency>,
    /// Due to placed in a batch: how late the generator itself was.
    pub lag: Option<Latency>,
    /// Request sent to acknowledged.
    pub service: Option<Latency>,
    /// Request sent to consumed.
    pub deliver: Option<Latency>,
    /// What the harness itself costs: the same load against a broker that does nothing.
    pub floor: Option<Floor>,
    pub throughput: Throughput,
    pub resources: Resources,
    pub labels: Labels,
    /// Null unless the run verified its records.
    pub verify: Option<Verify>,
    /// One per second of the window.
    pub intervals: Vec<Interval>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The target was met.
    Met,
    /// The broker did not reach the target.
    Missed,
    /// Nothing can be concluded.
    Invalid,
    /// Records were lost, duplicated, reordered or corrupted.
    VerifyFailed,
    /// No target was given; the figures stand for themselves.
    Measured,
}

/// Which latency a target or a floor speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    Ack,
    E2e,
}

impl Metric {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ack => "ack",
            Self::E2e => "e2e",
        }
    }
}

/// What was asked for. A percentile that was not asked for is absent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// Records per second.
    pub rate: f64,
    /// The latency that the percentiles limit.
    pub metric: Metric,
    #[serde(flatten)]
    pub limits: BTreeMap<String, u64>,
}

impl Target {
    /// The limit on one percentile in microseconds.
    #[must_use]
    pub fn limit_us(&self, percentile: Percentile) -> Option<u64> {
        self.limits.get(percentile.field).copied()
    }
}

/// What became of the records due in the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Records {
    pub sent: u64,
    pub acked: u64,
    pub consumed: u64,
    /// Refused by the broker, or their connection broke.
    pub errors: u64,
    /// Not acknowledged until the drain ended.
    pub timeouts: u64,
    /// The client's backlog was full when they were due.
    pub not_sent: u64,
}

/// One histogram. A percentile is null when fewer than 10 samples lie beyond it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Latency {
    pub count: u64,
    pub p50_us: Option<u64>,
    pub p90_us: Option<u64>,
    pub p99_us: Option<u64>,
    pub p999_us: Option<u64>,
    pub p9999_us: Option<u64>,
    pub max_us: u64,
    /// Per percentile field: 100 ms blocks that hold a sample beyond it. Empty when not tracked.
    pub episodes: BTreeMap<String, u64>,
    /// Per percentile field: 95 % interval within this run only.
    pub ci: BTreeMap<String, [u64; 2]>,
    /// `HdrHistogram` V2, base64; microseconds.
    pub hdr: String,
}

impl Latency {
    #[must_use]
    pub fn at(&self, percentile: Percentile) -> Option<u64> {
        match percentile.name {
            "p50" => self.p50_us,
            "p90" => self.p90_us,
            "p99" => self.p99_us,
            "p999" => self.p999_us,
            "p9999" => self.p9999_us,
            other => unreachable!("{other} is not one of the reported percentiles"),
        }
    }
}

/// The floor's percentiles of the metric it was measured with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Floor {
    pub metric: Metric,
    pub p50_us: Option<u64>,
    pub p99_us: Option<u64>,
    pub p999_us: Option<u64>,
    pub hdr: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Throughput {
    pub records_per_s: f64,
    /// Payload, 10⁶ bytes.
    pub mb_per_s: f64,
}

/// Figures over the window. Null where the machine does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Resources {
    /// Busy time of the whole machine minus the client's: kernel threads work for the broker too.
    pub machine_cpu_s: Option<f64>,
    /// The broker's process, its kernel workers included.
    pub broker_cpu_s: Option<f64>,
    pub broker_rss_bytes: Option<u64>,
    pub client_cpu_s: Option<f64>,
    /// `machine_cpu_s` per million acknowledged records.
    pub cpu_s_per_million: Option<f64>,
    /// The kernel's `write_bytes` of the broker's process per payload byte. Counted by folio when a
    /// page is made dirty, so that it overstates what reaches the device, sixfold with small appends.
    pub bytes_written_per_byte: Option<f64>,
    /// Bytes written to the device that holds the broker's data, per payload byte; the whole device,
    /// so that other writers of the machine are in it.
    pub device_bytes_written_per_byte: Option<f64>,
    /// Share of the time the client's loop had work; the rest it span.
    pub client_busy_ratio: f64,
    /// Share of stolen CPU time over the window.
    pub steal_ratio: Option<f64>,
    /// Dirty and writeback bytes of the machine at the start and the end of the window.
    pub writeback_in_window: Option<[u64; 2]>,
}

/// The circumstances, without which a number means nothing.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Labels {
    /// `embedded`, or the bootstrap address.
    pub broker: String,
    pub record_bytes: u64,
    pub batch_bytes: u64,
    pub linger_us: u64,
    pub acks: String,
    pub idempotent: bool,
    pub compression: String,
    pub schedule: String,
    pub topics: u32,
    pub partitions: u32,
    pub producers: u32,
    pub consumers: u32,
    pub in_flight: u32,
    pub replication_factor: Option<u32>,
    pub min_insync_replicas: Option<String>,
    /// `flush.messages` as the broker reports it for the topics; `mixed` when they differ.
    pub flush_messages: Option<String>,
    pub fetch_max_wait_ms: u32,
    pub fetch_min_bytes: u32,
    pub tls: bool,
    pub placement: String,
    pub client_cpus: String,
    pub broker_cpus: Option<String>,
    /// I/O backend of the generator.
    pub client_io: String,
    /// I/O backend of an embedded broker.
    pub broker_io: Option<String>,
    pub kernel: String,
    pub cpu_model: String,
    pub disk: Option<String>,
    pub commit: Option<String>,
    pub warmup_s: f64,
}

impl Labels {
    /// Whether an acknowledgement waits for the disk, in words.
    #[must_use]
    pub fn durability(&self) -> String {
        match self.flush_messages.as_deref() {
            Some("1") => "every ack waits for the sync (flush.messages=1)".to_owned(),
            Some("9223372036854775807") => "acks never wait for the disk (no sync)".to_owned(),
            Some(other) => format!("flush.messages={other}"),
            None => "unknown (the broker did not say)".to_owned(),
        }
    }
}

/// Counts over the whole run, warm-up included.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Verify {
    /// Acknowledged and never consumed.
    pub lost: u64,
    pub duplicated: u64,
    pub reordered: u64,
    pub corrupted: u64,
    /// The first few, with their places.
    pub examples: Vec<VerifyExample>,
}

impl Verify {
    #[must_use]
    pub fn failed(&self) -> bool {
        self.lost + self.duplicated + self.reordered + self.corrupted > 0
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyExample {
    /// `lost`, `duplicated`, `reordered` or `corrupted`.
    pub kind: String,
    pub topic: String,
    pub partition: i32,
    /// Null when the record was never seen.
    pub offset: Option<i64>,
    pub detail: String,
}

/// One second of the window. Latencies count from the second in which records were due.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Interval {
    /// Start, seconds since the start of the window.
    pub at_s: u32,
    /// Records due in this second.
    pub offered: u64,
    /// Acknowledgements that arrived in this second.
    pub acked: u64,
    pub consumed: u64,
    pub errors: u64,
    pub ack_p50_us: Option<u64>,
    pub ack_p99_us: Option<u64>,
    pub ack_max_us: Option<u64>,
    pub e2e_p50_us: Option<u64>,
    pub e2e_p99_us: Option<u64>,
    pub e2e_max_us: Option<u64>,
    /// Cores in use, by the machine without the client.
    pub machine_cores: Option<f64>,
    pub broker_cores: Option<f64>,
    pub client_busy_ratio: f64,
    pub steal_ratio: Option<f64>,
    /// Share of the second in which some task waited for a CPU (PSI, `cpu some`).
    pub cpu_pressure_ratio: Option<f64>,
    /// Share of the second in which some task waited for I/O (PSI, `io some`).
    pub io_pressure_ratio: Option<f64>,
    /// Share of the second in which the client was ready to run and did not.
    pub client_run_delay_ratio: Option<f64>,
}
